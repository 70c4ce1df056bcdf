package roster

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/internal/sqldb"
)

// Resealed counts what Reseal has done.
type Resealed struct {
	// Seen are the persons of all rosters, and Changed those that were sealed anew.
	Seen, Changed int
	// Closed are those whom no configured key opens.
	Closed int
}

// sealedPerson is a person of a roster as they lie in the database.
type sealedPerson struct {
	campaign, unit, door string
	key, sealed          []byte
}

// Reseal seals with the current key what older ones have sealed, so that those can be
// taken out of the configuration. It may be repeated, and run beside servers: who is
// changed or removed meanwhile stays so.
func (r *Rosters) Reseal(ctx context.Context) (Resealed, error) {
	var done Resealed
	var last sealedPerson
	for {
		people, err := r.sealedAfter(ctx, last)
		if err == nil {
			err = r.renew(ctx, people, &done)
		}
		if err != nil {
			return done, fmt.Errorf("seal the rosters anew: %w", err)
		}
		if len(people) < page {
			return done, nil
		}
		last = people[len(people)-1]
	}
}

func (r *Rosters) sealedAfter(ctx context.Context, last sealedPerson) ([]sealedPerson, error) {
	if last.key == nil {
		last.key = []byte{} // nil would be NULL
	}
	rows, err := r.db.QueryContext(ctx, `SELECT campaign, unit, key, sealed, door FROM roster
		WHERE (campaign, unit, key) > ($1, $2, $3) ORDER BY campaign, unit, key LIMIT $4`, last.campaign, last.unit, last.key, page)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (p sealedPerson, err error) {
		err = r.Scan(&p.campaign, &p.unit, &p.key, &p.sealed, &p.door)
		return p, err
	})
}

// renew seals a page of persons anew, in one transaction.
func (r *Rosters) renew(ctx context.Context, people []sealedPerson, done *Resealed) error {
	var changed, closed int
	err := r.db.WithTx(ctx, func(tx *sql.Tx) error {
		changed, closed = 0, 0
		for _, p := range people {
			if r.keys.Box.Current(p.sealed) {
				continue
			}
			aad := bound(p.campaign, p.unit, p.key)
			plain, err := r.keys.Box.Open(p.sealed, aad)
			if err != nil {
				closed++
				continue
			}
			res, err := tx.ExecContext(ctx, `UPDATE roster SET sealed = $1 WHERE campaign = $2 AND unit = $3 AND key = $4 AND sealed = $5`,
				r.keys.Box.Seal(plain, aad), p.campaign, p.unit, p.key, p.sealed)
			if err != nil {
				return fmt.Errorf("a person of unit %s in %s: %w", p.unit, p.campaign, err)
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			changed += int(n)
		}
		return nil
	})
	done.Seen, done.Changed, done.Closed = done.Seen+len(people), done.Changed+changed, done.Closed+closed
	return err
}
