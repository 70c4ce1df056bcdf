package ledger

import (
	"context"
	"database/sql"
	"fmt"
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
// sealed.
func (l *Ledger) NewestRecords(ctx context.Context, s Shard, kind event.RecordKind, participants []string) (map[string]event.Record, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return nil, err
	}
	newest := make(map[string]event.Record, len(participants))
	for some := range slices.Chunk(participants, sqldb.AtOnce) {
		rows, err := l.db.QueryContext(ctx, recordsQuery, recordsArgs(id, kind, some)...)
		all, err := sqldb.Collect(rows, err, scanRecord)
		if err != nil {
			return nil, fmt.Errorf("read the records (%s) of %d participants in %s: %w", kind, len(participants), s, err)
		}
		for _, r := range all {
			if r.Compare(newest[r.Participant].Position) > 0 {
				newest[r.Participant] = r
			}
		}
	}
	return newest, nil
}

// recordsQuery finds the records of as many participants as it has places for: one text,
// so that connections need not read it anew.
var recordsQuery = "SELECT " + recordList + " FROM personal WHERE shard = $1 AND kind = $2 AND participant IN (" + sqldb.Places(3, sqldb.AtOnce) + ")"

// recordsArgs are what recordsQuery asks with: the last participant takes the places that
// are left.
func recordsArgs(shard int64, kind event.RecordKind, participants []string) []any {
	args := append(make([]any, 0, 2+sqldb.AtOnce), shard, string(kind))
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
	at := e.At.UnixMilli()
	if _, err := tx.ExecContext(ctx, eraseQuery, at, shard, e.Participant, e.Epoch, e.Seq); err != nil {
		return fmt.Errorf("erase what was before record %s: %w", e.Position, err)
	}
	if e.Hash != "" {
		if _, err := tx.ExecContext(ctx, eraseDoorQuery, at, shard, e.Hash, e.Epoch, e.Seq); err != nil {
			return fmt.Errorf("erase what a door was told before record %s: %w", e.Position, err)
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE dead_letters SET entry = NULL
		WHERE shard = $1 AND stream = $2 AND participant = $3 AND (epoch, seq) < ($4, $5)`,
		shard, string(event.Personal), e.Participant, e.Epoch, e.Seq)
	if err != nil {
		return fmt.Errorf("erase the dead letters before record %s: %w", e.Position, err)
	}
	return nil
}

// eraseQuery takes the records of a participant, and eraseDoorQuery those of a door, which
// reads all of the doors' shard: as one statement both would.
const (
	eraseQuery = `UPDATE personal SET sealed = NULL, erased_at = $1
		WHERE shard = $2 AND participant = $3 AND (epoch, seq) < ($4, $5) AND sealed IS NOT NULL`
	eraseDoorQuery = `UPDATE personal SET sealed = NULL, erased_at = $1
		WHERE shard = $2 AND hash = $3 AND (epoch, seq) < ($4, $5) AND sealed IS NOT NULL`
)
