package roster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
)

// maxErrors is how many refused rows are told one by one.
const maxErrors = 1000

// batch is how many persons one transaction writes. Others write between two.
const batch = 1000

// importing is one import on its way.
type importing struct {
	*Rosters
	Outcome

	c    *campaign.Campaign
	mode Mode
	may  func(unit string) bool
	tell Progress
	done Done
	keep func(ctx context.Context, tx *sql.Tx, d Done) error
	// seen says in which row each person came first, by key, so that 300,000 of them
	// take some 12 MB.
	seen  map[[hashSize]byte]int32
	units map[string]bool
	head  head
	// merged are the units that were merged into one, as far as that was asked.
	merged map[string][]string
}

// keptBack tells whether nothing shall be written.
func (in *importing) keptBack() bool {
	return in.mode.DryRun || in.mode.All && in.Refused > 0
}

// head says in which column something stands; -1 for nowhere.
type head struct{ unit, number, name, group int }

//nolint:gochecknoglobals // A constant in everything but the language.
var titles = map[string][]string{
	"unit":   {"单位编号", "单位代码", "单位", "unit"},
	"number": {"编号", "工号", "学号", "人员编号", "员工编号", "number"},
	"name":   {"姓名", "名字", "name"},
	"group":  {"人群", "类别", "人员类别", "group"},
}

func readHead(cells []string) (head, bool) {
	at := func(what string) int {
		return slices.IndexFunc(cells, func(c string) bool {
			return slices.Contains(titles[what], strings.ToLower(strings.TrimRight(c, "*＊")))
		})
	}
	h := head{at("unit"), at("number"), at("name"), at("group")}
	return h, h.unit >= 0 && h.number >= 0 && h.name >= 0
}

// rows hands on every row below the head that has anything in it.
func (in *importing) rows(raw []byte, take func(row int, p Person) error) error {
	table, err := sheet.Open(raw, sheet.Limits{})
	if err != nil {
		return err
	}
	defer table.Close()
	found := false
	for {
		line, err := table.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch {
		case line.Blank():
		case !found:
			if in.head, found = readHead(line.Cells); !found {
				return ErrHead
			}
		default:
			if err := take(line.Number, in.person(line.Cells)); err != nil {
				return err
			}
		}
	}
	if !found {
		return ErrHead
	}
	return nil
}

func (in *importing) person(cells []string) Person {
	at := func(i int) string {
		if i < 0 || i >= len(cells) {
			return ""
		}
		return sheet.Plain(cells[i])
	}
	return Person{Unit: at(in.head.unit), Number: at(in.head.number), Name: at(in.head.name), Group: at(in.head.group)}
}

// check counts a row, and tells what is wrong with it.
func (in *importing) check(row int, p Person) error {
	in.Found++
	if reason := in.wrong(row, p); reason != "" {
		in.Refused++
		if len(in.Errors) < maxErrors {
			in.Errors = append(in.Errors, RowError{row, reason})
		}
	}
	return nil
}

func (in *importing) wrong(row int, p Person) string {
	p, err := clean(in.c, p)
	if err != nil {
		return err.Error()
	}
	if !in.may(p.Unit) {
		return "没有这个单位" // nobody learns what another office has
	}
	key := [hashSize]byte(in.keys.key(in.c.ID, p.Unit, p.Number))
	if first, twice := in.seen[key]; twice {
		return fmt.Sprintf("与第 %d 行的单位和编号重复", first)
	}
	in.seen[key] = int32(row) //nolint:gosec // A sheet has about a million.
	in.units[p.Unit] = true
	return ""
}

// write writes the rows that were sound.
func (in *importing) write(ctx context.Context, raw []byte, w Writer) error {
	if in.mode.Replace {
		if err := in.removeOthers(ctx, w); err != nil {
			return err
		}
	}
	err := in.sound(raw, func(people []Person) error {
		return in.piece(ctx, w, func(tx *sql.Tx, d *Done) error { return in.putCounted(ctx, tx, people, d) })
	})
	if err != nil {
		return err
	}
	// Whom somebody else has changed between two tries was written twice.
	sound := in.Found - in.Refused
	in.Written, in.Removed = min(in.done.Written, sound), in.done.Removed
	in.Same = sound - in.Written
	return nil
}

// foresee counts what write would do, and changes nothing.
func (in *importing) foresee(ctx context.Context, raw []byte) error {
	if in.mode.Replace {
		for unit := range in.units {
			gone, err := in.strangers(ctx, unit)
			if err != nil {
				return err
			}
			in.Removed += int64(len(gone))
		}
	}
	return in.sound(raw, func(people []Person) error {
		fresh, err := in.fresh(ctx, in.db, people)
		in.Written += int64(len(fresh))
		in.Same += int64(len(people) - len(fresh))
		return err
	})
}

// sound reads the rows again and hands on those that nothing was wrong with, batch by
// batch. What it hands on is good until the next batch.
func (in *importing) sound(raw []byte, take func(people []Person) error) error {
	people, taken := make([]Person, 0, batch), int64(0)
	flush := func() error {
		if len(people) == 0 {
			return nil
		}
		if err := take(people); err != nil {
			return err
		}
		taken += int64(len(people))
		people = people[:0]
		if in.tell == nil {
			return nil
		}
		return in.tell(taken, in.Found-in.Refused)
	}
	err := in.rows(raw, func(row int, p Person) error {
		p, err := clean(in.c, p)
		if err != nil || !in.may(p.Unit) {
			return nil //nolint:nilerr // It was told of when it was checked.
		}
		if in.seen[[hashSize]byte(in.keys.key(in.c.ID, p.Unit, p.Number))] != int32(row) { //nolint:gosec // A sheet has about a million.
			return nil
		}
		if people = append(people, p); len(people) < batch {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// piece writes something in a transaction that also keeps how much that is.
func (in *importing) piece(ctx context.Context, w Writer, write func(tx *sql.Tx, d *Done) error) error {
	next := in.done
	err := w(ctx, func(tx *sql.Tx) error {
		next = in.done
		if err := write(tx, &next); err != nil || in.keep == nil {
			return err
		}
		return in.keep(ctx, tx, next)
	})
	if err == nil {
		in.done = next
	}
	return err
}

// fresh are the persons who do not stand on the rosters as they come.
func (in *importing) fresh(ctx context.Context, db sqldb.Reader, people []Person) ([]Person, error) {
	var out []Person
	for some := range slices.Chunk(people, upsert) {
		there, err := in.there(ctx, db, in.c.ID, some)
		if err != nil {
			return nil, err
		}
		for _, p := range some {
			if key := in.keys.key(in.c.ID, p.Unit, p.Number); there[[hashSize]byte(key)] != in.entry(key, &p) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// putCounted writes persons and counts those who stand there already.
func (in *importing) putCounted(ctx context.Context, tx *sql.Tx, people []Person, d *Done) error {
	fresh, err := in.fresh(ctx, tx, people)
	if err != nil {
		return err
	}
	for i := range fresh {
		if err := in.backAgain(ctx, tx, &fresh[i]); err != nil {
			return err
		}
	}
	if err := in.put(ctx, tx, in.c.ID, fresh); err != nil {
		return err
	}
	d.Written += int64(len(fresh))
	return nil
}

// backAgain gives the line of somebody who was erased, before their unit was merged into
// this one, the key by which they come now: they stand on the roster once, and sign in as
// who they were.
func (in *importing) backAgain(ctx context.Context, tx *sql.Tx, p *Person) error {
	doors, err := in.doors(ctx, tx, p.Unit)
	if err != nil {
		return err
	}
	for _, door := range doors {
		_, err := tx.ExecContext(ctx, `UPDATE roster SET key = $1 WHERE campaign = $2 AND unit = $3 AND key = $4
			AND NOT EXISTS (SELECT 1 FROM roster o WHERE o.campaign = $2 AND o.unit = $3 AND o.key = $1)`,
			in.keys.key(in.c.ID, p.Unit, p.Number), in.c.ID, p.Unit, in.keys.key(in.c.ID, door, p.Number))
		if err != nil {
			return err
		}
	}
	return nil
}

// doors lists the units that were merged into one.
func (in *importing) doors(ctx context.Context, tx *sql.Tx, unit string) ([]string, error) {
	if known, ok := in.merged[unit]; ok {
		return known, nil
	}
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT door FROM roster WHERE campaign = $1 AND unit = $2 AND door <> '' AND door <> $2`, in.c.ID, unit)
	doors, err := sqldb.Collect(rows, err, func(r *sql.Rows) (door string, err error) { return door, r.Scan(&door) })
	if err == nil {
		in.merged[unit] = doors
	}
	return doors, err
}

// removeOthers takes off the rosters of the file's units who is not in it.
func (in *importing) removeOthers(ctx context.Context, w Writer) error {
	for unit := range in.units {
		gone, err := in.strangers(ctx, unit)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(gone, batch) {
			if err := in.piece(ctx, w, func(tx *sql.Tx, d *Done) error { return in.remove(ctx, tx, unit, some, d) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// strangers lists the keys on a unit's roster that no row of the file has.
func (in *importing) strangers(ctx context.Context, unit string) ([][]byte, error) {
	rows, err := in.db.QueryContext(ctx, "SELECT key FROM roster WHERE campaign = $1 AND unit = $2", in.c.ID, unit)
	var out [][]byte
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var key []byte
		if err := r.Scan(&key); err != nil {
			return err
		}
		if _, known := in.seen[[hashSize]byte(key)]; !known {
			out = append(out, key)
		}
		return nil
	})
	return out, err
}

func (in *importing) remove(ctx context.Context, tx *sql.Tx, unit string, keys [][]byte, d *Done) error {
	for _, key := range keys {
		if _, err := tx.ExecContext(ctx, "DELETE FROM roster WHERE campaign = $1 AND unit = $2 AND key = $3", in.c.ID, unit, key); err != nil {
			return err
		}
	}
	d.Removed += int64(len(keys))
	return nil
}
