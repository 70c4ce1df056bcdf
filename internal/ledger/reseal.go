package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// Box seals and opens personal records. Package seal has one.
type Box interface {
	Seal(plaintext, aad []byte) []byte
	Open(sealed, aad []byte) ([]byte, error)
	// Current tells whether sealed names the key that Seal uses now.
	Current(sealed []byte) bool
}

// Boxes are the boxes of the personal records: those of campaigns are bound to
// campaign and participant, those of the doors to the hash of the door.
type Boxes struct {
	Campaigns, Doors Box
}

// Resealed counts what Reseal has looked at: records that are not erased, those
// that got the current key, and those that no configured key opens.
type Resealed struct {
	Seen, Changed, Closed int
}

// resealPage is how many records are sealed again in one transaction.
const resealPage = 500

// sealedRecord is a personal record with its place.
type sealedRecord struct {
	id       int64
	campaign string
	event.Record
}

// Reseal seals every personal record again whose key is not the current one. It
// may be interrupted and started again, and runs beside everything else. After
// each page progress is told how far it is. Records that do not open are left as
// they are and counted.
func (l *Ledger) Reseal(ctx context.Context, boxes Boxes, progress func(Resealed)) (Resealed, error) {
	var done Resealed
	var last sealedRecord
	for {
		page, err := l.sealedAfter(ctx, last)
		if err != nil || len(page) == 0 {
			return done, err
		}
		last = page[len(page)-1]
		fresh := done.renew(page, boxes)
		if err := l.replaceSealed(ctx, fresh); err != nil {
			return done, err
		}
		done.Changed += len(fresh)
		progress(done)
	}
}

func (l *Ledger) sealedAfter(ctx context.Context, last sealedRecord) ([]sealedRecord, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT p.shard, s.campaign, p.epoch, p.seq, p.kind, p.participant, p.hash, p.sealed
		FROM personal p JOIN shards s ON s.id = p.shard
		WHERE (p.shard, p.epoch, p.seq) > ($1, $2, $3) AND p.sealed IS NOT NULL
		ORDER BY p.shard, p.epoch, p.seq LIMIT $4`, last.id, last.Epoch, last.Seq, resealPage)
	page, err := sqldb.Collect(rows, err, func(r *sql.Rows) (s sealedRecord, err error) {
		return s, r.Scan(&s.id, &s.campaign, &s.Epoch, &s.Seq, &s.Kind, &s.Participant, &s.Hash, &s.Sealed)
	})
	if err != nil {
		return nil, fmt.Errorf("read sealed records after %d:%s: %w", last.id, last.Position, err)
	}
	return page, nil
}

// renew returns the records of a page that need another key, sealed with it.
func (d *Resealed) renew(page []sealedRecord, boxes Boxes) []sealedRecord {
	var fresh []sealedRecord
	for _, r := range page {
		box, aad := boxes.Campaigns, []byte(r.campaign+"|"+r.Participant)
		if r.Kind == event.RecordDoor {
			box, aad = boxes.Doors, []byte(r.Hash)
		}
		d.Seen++
		if box.Current(r.Sealed) {
			continue
		}
		plain, err := box.Open(r.Sealed, aad)
		if err != nil {
			d.Closed++
			continue
		}
		r.Sealed = box.Seal(plain, aad)
		fresh = append(fresh, r)
	}
	return fresh
}

// replaceSealed stores records that were sealed again, but for those that were
// erased meanwhile.
func (l *Ledger) replaceSealed(ctx context.Context, fresh []sealedRecord) error {
	if len(fresh) == 0 {
		return nil
	}
	err := l.db.WithTx(ctx, func(tx *sql.Tx) error {
		for i := range fresh {
			r := &fresh[i]
			_, err := tx.ExecContext(ctx, `UPDATE personal SET sealed = $1
				WHERE shard = $2 AND epoch = $3 AND seq = $4 AND sealed IS NOT NULL`, r.Sealed, r.id, r.Epoch, r.Seq)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store %d records that were sealed again: %w", len(fresh), err)
	}
	return nil
}
