package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// recordFields are the fields of an entry that the table of personal records
// holds.
var recordFields = []string{
	event.FieldKind, event.FieldParticipant, event.FieldAt, event.FieldHash, event.FieldBody,
}

// recordTable is where personal records go.
var recordTable = table{name: "personal", columns: []column{
	{"epoch", number},
	{"seq", number},
	{"kind", text},
	{"participant", text},
	{"at", number},
	{"hash", text},
	{"sealed", binary},
	{"shard", number},
}}

// recordList are the columns of a personal record but for the shard, as a statement
// spells them.
const recordList = "epoch, seq, kind, participant, at, hash, sealed"

// appendRecord appends the values of the columns of recordTable.
func appendRecord(values []any, r *event.Record) []any {
	return append(values,
		int64(r.Epoch), int64(r.Seq), string(r.Kind), r.Participant, r.At.UnixMilli(), r.Hash, r.Sealed, nil) //nolint:gosec // Checked with the gap.
}

// scanRecord reads recordList. It does not ask for what a record on the stream
// must have: an erased one lacks it.
func scanRecord(rows *sql.Rows) (event.Record, error) {
	var r event.Record
	var at int64
	err := rows.Scan(&r.Epoch, &r.Seq, &r.Kind, &r.Participant, &at, &r.Hash, &r.Sealed)
	r.At = time.UnixMilli(at)
	return r, err
}

// NewestRecords returns the personal records of one kind of participants of a shard, by
// participant. Of who has several the newest counts; one that was erased has nothing
// sealed. It looks from the newest block backwards until everybody is found, which is soon
// for what was just done.
func (l *Ledger) NewestRecords(ctx context.Context, s Shard, kind event.RecordKind, participants []string) (map[string]event.Record, error) {
	newest := make(map[string]event.Record, len(participants))
	id, err := l.shardID(ctx, s)
	if err != nil || len(participants) == 0 {
		return newest, err
	}
	if err := l.newest(ctx, id, kind, participants, newest); err != nil {
		return nil, fmt.Errorf("read the records (%s) of %d participants in %s: %w", kind, len(participants), s, err)
	}
	return newest, nil
}

// newest puts the newest record of each participant into found.
func (l *Ledger) newest(ctx context.Context, id int64, kind event.RecordKind, participants []string, found map[string]event.Record) error {
	blocks, err := blocksUpTo(ctx, l.db, "personal", id, event.Position{Epoch: math.MaxInt64})
	if err != nil {
		return err
	}
	missing := slices.Clone(participants)
	for _, b := range slices.Backward(blocks) {
		missing = slices.DeleteFunc(missing, func(p string) bool { _, ok := found[p]; return ok })
		for some := range slices.Chunk(missing, sqldb.AtOnce) {
			rows, err := l.db.QueryContext(ctx, recordsQuery, recordsArgs(id, b, kind, some)...)
			all, err := sqldb.Collect(rows, err, scanRecord)
			if err != nil {
				return err
			}
			for _, r := range all {
				if r.Compare(found[r.Participant].Position) >= 0 {
					found[r.Participant] = r
				}
			}
		}
	}
	return nil
}

// recordsQuery finds the records of as many participants as it has places for, in one
// block: one text, so that connections need not read it anew.
var recordsQuery = "SELECT " + recordList + " FROM personal WHERE shard = $1 AND epoch = $2 AND " + inBlock +
	" = $3 AND kind = $4 AND participant IN (" + sqldb.Places(5, sqldb.AtOnce) + ")"

// recordsArgs are what recordsQuery asks with: the last participant takes the places that
// are left.
func recordsArgs(shard int64, b block, kind event.RecordKind, participants []string) []any {
	args := append(make([]any, 0, 4+sqldb.AtOnce), shard, b.epoch, b.number, string(kind))
	for i := range sqldb.AtOnce {
		args = append(args, participants[min(i, len(participants)-1)])
	}
	return args
}

// erase takes the content of every record of a participant that lies before the
// erasure, of every record of the door that it names, whoever that led to before
// it was moved, and of what became a dead letter: nobody looked whether personal data
// is in those.
func erase(ctx context.Context, tx *sql.Tx, shard int64, e *event.Record) error {
	if err := eraseOwn(ctx, tx, shard, e); err != nil {
		return fmt.Errorf("erase what was before record %s: %w", e.Position, err)
	}
	if err := eraseDoor(ctx, tx, shard, e); err != nil {
		return fmt.Errorf("erase what door %s was told before record %s: %w", e.Hash, e.Position, err)
	}
	_, err := tx.ExecContext(ctx, `UPDATE dead_letters SET entry = NULL
		WHERE shard = $1 AND stream = $2 AND participant = $3 AND (epoch, seq) < ($4, $5)`,
		shard, string(event.Personal), e.Participant, e.Epoch, e.Seq)
	if err != nil {
		return fmt.Errorf("erase the dead letters before record %s: %w", e.Position, err)
	}
	return nil
}

// eraseQuery takes the records of a participant in one epoch, up to a position. Without the
// sign SQLite would look for that.
var eraseQuery = allBlocks + "UPDATE personal SET sealed = NULL, erased_at = $5 WHERE " + inBlocks +
	" AND +seq < $6 AND sealed IS NOT NULL"

func eraseOwn(ctx context.Context, tx *sql.Tx, shard int64, e *event.Record) error {
	epochs, err := reaches(ctx, tx, "personal", shard)
	if err != nil {
		return err
	}
	for _, to := range epochs {
		end := int64(math.MaxInt64)
		switch {
		case to.Epoch > e.Epoch:
			return nil
		case to.Epoch == e.Epoch:
			end = int64(e.Seq) //nolint:gosec // A position is below 2^63.
		}
		_, err := tx.ExecContext(ctx, eraseQuery, shard, int64(to.Epoch), to.last(), e.Participant, e.At.UnixMilli(), end) //nolint:gosec // It came as one.
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseDoorQuery takes the records of a door, and reads all of the doors' shard.
const eraseDoorQuery = `UPDATE personal SET sealed = NULL, erased_at = $1
	WHERE shard = $2 AND hash = $3 AND (epoch, seq) < ($4, $5) AND sealed IS NOT NULL`

func eraseDoor(ctx context.Context, tx *sql.Tx, shard int64, e *event.Record) error {
	if e.Hash == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, eraseDoorQuery, e.At.UnixMilli(), shard, e.Hash, e.Epoch, e.Seq)
	return err
}
