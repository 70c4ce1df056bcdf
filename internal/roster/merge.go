package roster

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/internal/fault"
)

// ErrMerge is two units whose rosters call two lines by the same number. Whether they are
// one person is for their office to say: nobody may come by the number of another.
var ErrMerge = fault.New(fault.Conflict, "roster.merge_conflict", "要合并的单位的名册上有相同的编号，请先在名册中更正或删去重复的人员")

// Merge moves everybody on the rosters of units onto that of the unit they go into, in a
// transaction of the caller's. Each keeps their way of signing in. Where a number stands
// on two of the rosters nothing is moved: ErrMerge, with how many there are.
func (r *Rosters) Merge(ctx context.Context, tx *sql.Tx, campaignID string, units []string, into string) error {
	twice := 0
	for _, unit := range units {
		n, err := r.mergeOne(ctx, tx, campaignID, unit, into)
		if err != nil {
			return fmt.Errorf("move the roster of unit %s in %s to %s: %w", unit, campaignID, into, err)
		}
		twice += n
	}
	if twice > 0 {
		return ErrMerge.WithFields(fault.Field{Name: "units", Reason: fmt.Sprintf("%d 个编号重复", twice)})
	}
	return nil
}

// mergeOne moves one roster, and counts the numbers that are taken already.
func (r *Rosters) mergeOne(ctx context.Context, tx *sql.Tx, campaignID, unit, into string) (twice int, err error) {
	for last := []byte{}; ; {
		lines, err := r.lines(ctx, tx, campaignID, unit, last)
		if err != nil {
			return twice, err
		}
		for i := range lines {
			moved, err := r.move(ctx, tx, campaignID, &lines[i], into)
			if err != nil {
				return twice, err
			}
			if !moved {
				twice++
			}
		}
		if len(lines) < page {
			return twice, nil
		}
		last = lines[len(lines)-1].key
	}
}

// move puts a line onto another unit's roster unless its number is taken there. A line
// without a number, because its person was erased, keeps its key.
func (r *Rosters) move(ctx context.Context, tx *sql.Tx, campaignID string, l *line, into string) (moved bool, err error) {
	was := l.key
	p := l.Person
	p.Unit = into
	key, name := was, l.name
	if !p.Erased() {
		key = r.keys.key(campaignID, into, p.Number)
		name = r.keys.name(key, p.Name)
	}
	sealed, err := r.keys.seal(campaignID, key, &p)
	if err != nil {
		return false, err
	}
	done, err := tx.ExecContext(ctx, `UPDATE roster SET unit = $1, key = $2, name = $3, sealed = $4, door = $5
		WHERE campaign = $6 AND unit = $7 AND key = $8
		AND NOT EXISTS (SELECT 1 FROM roster o WHERE o.campaign = $6 AND o.unit = $1 AND o.key = $2)`,
		into, key, name, sealed, p.Door, campaignID, l.Unit, was)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n == 1, err
}
