package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// DoorsOf lists the hashes of the doors that ever led to a participant, in the order in
// which they were opened or moved there; one may stand there twice.
func (l *Ledger) DoorsOf(ctx context.Context, participant string) ([]string, error) {
	fail := func(err error) ([]string, error) {
		return nil, fmt.Errorf("list the doors of participant %s: %w", participant, err)
	}
	rows, err := l.db.QueryContext(ctx, "SELECT id FROM shards WHERE campaign = $1", DoorsCampaign)
	ids, err := sqldb.Collect(rows, err, func(r *sql.Rows) (id int64, err error) { return id, r.Scan(&id) })
	if err != nil {
		return fail(err)
	}
	var facts []event.Fact
	for _, id := range ids {
		some, err := ofParticipant(ctx, l.db, asFacts(), id, participant)
		if err != nil {
			return fail(err)
		}
		facts = append(facts, some...)
	}
	slices.SortStableFunc(facts, func(a, b event.Fact) int {
		return cmp.Or(a.At.Compare(b.At), a.Compare(b.Position))
	})
	hashes := make([]string, 0, len(facts))
	for i := range facts {
		if d, ok := facts[i].Body.(event.Door); ok {
			hashes = append(hashes, d.Hash)
		}
	}
	return hashes, nil
}
