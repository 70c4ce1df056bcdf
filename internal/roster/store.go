package roster

import (
	"cmp"
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/sqldb"
)

// Recognise returns the person whom unit, number and name describe, or ErrMismatch. It
// takes as long for whoever is not on the roster.
func (r *Rosters) Recognise(ctx context.Context, c *campaign.Campaign, unit, number, name string) (Person, error) {
	number, numberOK := CleanNumber(number)
	name, nameOK := cleanName(name)
	key := r.keys.key(c.ID, unit, number)
	want := r.keys.name(key, name)
	var stored []byte
	var grp, door string
	err := r.db.QueryRowContext(ctx, "SELECT name, grp, door FROM roster WHERE campaign = $1 AND unit = $2 AND key = $3", c.ID, unit, key).
		Scan(&stored, &grp, &door)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Person{}, fmt.Errorf("look up a person of unit %s in %s: %w", unit, c.ID, err)
	}
	if subtle.ConstantTimeCompare(stored, want) != 1 || !numberOK || !nameOK {
		return Person{}, ErrMismatch
	}
	return Person{Unit: unit, Number: number, Name: name, Group: grp, Door: cmp.Or(door, unit)}, nil
}

// Line tells by which unit's roster whoever stands under a number of a unit signs in;
// found is false where nobody does. Their name is not read.
func (r *Rosters) Line(ctx context.Context, campaignID, unit, number string) (p Person, found bool, err error) {
	number, ok := CleanNumber(number)
	if !ok {
		return Person{}, false, nil
	}
	var door string
	err = r.db.QueryRowContext(ctx, "SELECT door FROM roster WHERE campaign = $1 AND unit = $2 AND key = $3", campaignID, unit, r.keys.key(campaignID, unit, number)).
		Scan(&door)
	if errors.Is(err, sql.ErrNoRows) {
		return Person{}, false, nil
	}
	if err != nil {
		return Person{}, false, fmt.Errorf("look up a line of unit %s in %s: %w", unit, campaignID, err)
	}
	return Person{Unit: unit, Number: number, Door: cmp.Or(door, unit)}, true, nil
}

// Sizes returns how many persons each unit of a campaign has; units without a roster
// are missing.
func (r *Rosters) Sizes(ctx context.Context, campaignID string) (map[string]int64, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT unit, count(*) FROM roster WHERE campaign = $1 GROUP BY unit", campaignID)
	out := map[string]int64{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var unit string
		var n int64
		err := r.Scan(&unit, &n)
		out[unit] = n
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the rosters of %s: %w", campaignID, err)
	}
	return out, nil
}

// page is how many persons are read at a time.
const page = 500

// People yields the persons of a unit in an order that says nothing about them. No
// transaction stays open. The first error ends it.
func (r *Rosters) People(ctx context.Context, campaignID, unit string) iter.Seq2[Person, error] {
	return func(yield func(Person, error) bool) {
		last := []byte{}
		for {
			lines, err := r.lines(ctx, r.db, campaignID, unit, last)
			if err != nil {
				yield(Person{}, fmt.Errorf("read the roster of unit %s in %s: %w", unit, campaignID, err))
				return
			}
			for i := range lines {
				if !yield(lines[i].Person, nil) {
					return
				}
			}
			if len(lines) < page {
				return
			}
			last = lines[len(lines)-1].key
		}
	}
}

// line is a person as they stand on a roster.
type line struct {
	Person

	key, name []byte
}

// lines reads the next page of a unit's roster.
func (r *Rosters) lines(ctx context.Context, q sqldb.Reader, campaignID, unit string, after []byte) ([]line, error) {
	rows, err := q.QueryContext(ctx, `SELECT key, name, grp, sealed, added, door FROM roster
		WHERE campaign = $1 AND unit = $2 AND key > $3 ORDER BY key LIMIT $4`, campaignID, unit, after, page)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (line, error) {
		l := line{Person: Person{Unit: unit}}
		var sealed []byte
		var added int64
		if err := rows.Scan(&l.key, &l.name, &l.Group, &sealed, &added, &l.Door); err != nil {
			return l, err
		}
		l.Added, l.Door = time.UnixMilli(added), cmp.Or(l.Door, unit)
		return l, r.keys.open(campaignID, l.key, sealed, &l.Person)
	})
}

// entry is what stands on a roster under a person's key.
type entry struct {
	name  [hashSize]byte
	group string
}

func (r *Rosters) entry(key []byte, p *Person) entry {
	return entry{[hashSize]byte(r.keys.name(key, p.Name)), p.Group}
}

// bytes is what the database calls them: one takes the values of a list for text unless
// it is told, the other has another word.
func (r *Rosters) bytes() string {
	if r.db.Dialect == sqldb.PostgreSQL {
		return "BYTEA"
	}
	return "BLOB"
}

// there returns what stands on the rosters under the keys of at most upsert persons.
func (r *Rosters) there(ctx context.Context, db sqldb.Reader, campaignID string, people []Person) (map[[hashSize]byte]entry, error) {
	var b strings.Builder
	b.WriteString("SELECT key, name, grp FROM roster WHERE campaign = $1 AND (unit, key) IN (VALUES ")
	args := []any{campaignID}
	for i := range people {
		p := &people[i]
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "($%d, CAST($%d AS %s))", len(args)+1, len(args)+2, r.bytes())
		args = append(args, p.Unit, r.keys.key(campaignID, p.Unit, p.Number))
	}
	b.WriteString(")")
	rows, err := db.QueryContext(ctx, b.String(), args...)
	out := make(map[[hashSize]byte]entry, len(people))
	return out, sqldb.Each(rows, err, func(r *sql.Rows) error {
		var key, name []byte
		var e entry
		if err := r.Scan(&key, &name, &e.group); err != nil {
			return err
		}
		e.name = [hashSize]byte(name)
		out[[hashSize]byte(key)] = e
		return nil
	})
}

// upsert is how many persons one statement writes. SQLite looks a placeholder up among
// all of its statement's, so more would take longer and not less.
const upsert = 50

// columns of a person.
const columns = 7

// put writes persons over whoever stands under the same number. Who is there as they
// come is not touched.
func (r *Rosters) put(ctx context.Context, tx *sql.Tx, campaignID string, people []Person) error {
	full, err := tx.PrepareContext(ctx, putting(upsert))
	if err != nil {
		return err
	}
	defer func() { _ = full.Close() }()
	for some := range slices.Chunk(people, upsert) {
		args, err := r.values(campaignID, some)
		if err != nil {
			return err
		}
		if len(some) == upsert {
			_, err = full.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, putting(len(some)), args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putting is the statement that writes so many persons.
func putting(people int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO roster (campaign, unit, key, name, grp, sealed, added) VALUES ")
	for i := range people {
		if i > 0 {
			b.WriteString(", ")
		}
		n := columns * i
		fmt.Fprintf(&b, "($%d, $%d, $%d, $%d, $%d, $%d, $%d)", n+1, n+2, n+3, n+4, n+5, n+6, n+7)
	}
	b.WriteString(` ON CONFLICT (campaign, unit, key) DO UPDATE
		SET name = excluded.name, grp = excluded.grp, sealed = excluded.sealed
		WHERE roster.name <> excluded.name OR roster.grp <> excluded.grp`)
	return b.String()
}

// values are what the statement writes of the persons.
func (r *Rosters) values(campaignID string, people []Person) ([]any, error) {
	args := make([]any, 0, columns*len(people))
	now := r.now().UnixMilli()
	for i := range people {
		p := &people[i]
		key := r.keys.key(campaignID, p.Unit, p.Number)
		sealed, err := r.keys.seal(campaignID, key, p)
		if err != nil {
			return nil, err
		}
		args = append(args, campaignID, p.Unit, key, r.keys.name(key, p.Name), p.Group, sealed, now)
	}
	return args, nil
}

// Remove takes persons off a unit's roster, by number, and returns how many there were.
func (r *Rosters) Remove(ctx context.Context, tx *sql.Tx, campaignID, unit string, numbers ...string) (int64, error) {
	var n int64
	for _, number := range numbers {
		number, _ := CleanNumber(number)
		done, err := tx.ExecContext(ctx, "DELETE FROM roster WHERE campaign = $1 AND unit = $2 AND key = $3",
			campaignID, unit, r.keys.key(campaignID, unit, number))
		if err != nil {
			return n, fmt.Errorf("take a person off the roster of unit %s in %s: %w", unit, campaignID, err)
		}
		gone, err := done.RowsAffected()
		if err != nil {
			return n, fmt.Errorf("take a person off the roster of unit %s in %s: %w", unit, campaignID, err)
		}
		n += gone
	}
	return n, nil
}
