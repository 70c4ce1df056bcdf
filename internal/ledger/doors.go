package ledger

import (
	"context"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// DoorsOf lists the hashes of the doors that ever led to a participant, in the order in
// which they were opened or moved there; one may stand there twice.
func (l *Ledger) DoorsOf(ctx context.Context, participant string) ([]string, error) {
	rows, err := l.db.QueryContext(ctx, "SELECT "+factList+` FROM facts
		WHERE shard IN (SELECT id FROM shards WHERE campaign = $1) AND participant = $2 AND kind = $3 ORDER BY at, epoch, seq`,
		DoorsCampaign, participant, string(event.KindDoor))
	facts, err := sqldb.Collect(rows, err, factScanner())
	if err != nil {
		return nil, fmt.Errorf("list the doors of participant %s: %w", participant, err)
	}
	hashes := make([]string, 0, len(facts))
	for i := range facts {
		if d, ok := facts[i].Body.(event.Door); ok {
			hashes = append(hashes, d.Hash)
		}
	}
	return hashes, nil
}
