package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
)

// DeadLetter is an entry of a known kind that could not be stored as a fact or
// record. The cursor has passed it.
type DeadLetter struct {
	Shard

	Stream event.Stream
	Reason string
	// Entry is what lay on the stream; its Fields are nil once erased.
	Entry event.Entry
	// At is when it was put aside, in whole milliseconds.
	At time.Time
}

func insertDead(ctx context.Context, tx *sql.Tx, shard int64, d *DeadLetter) error {
	raw, err := packEntry(d.Entry.Fields)
	if err != nil {
		return err
	}
	participant := d.Entry.Get(event.FieldParticipant)
	if !isText(participant) {
		participant = ""
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO dead_letters (shard, stream, epoch, seq, participant, reason, entry, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, shard, string(d.Stream), d.Entry.Epoch, d.Entry.Seq,
		participant, strings.ToValidUTF8(strings.ReplaceAll(d.Reason, "\x00", ""), "�"), raw, d.At.UnixMilli())
	if err != nil {
		return fmt.Errorf("put entry %s aside: %w", d.Entry.Position, err)
	}
	return nil
}

// DeadLetters lists at most limit dead letters, in order of campaign, shard,
// stream and position.
func (l *Ledger) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT s.campaign, s.number, d.stream, d.epoch, d.seq, d.reason, d.entry, d.at
		FROM dead_letters d JOIN shards s ON s.id = d.shard
		ORDER BY s.campaign, s.number, d.stream, d.epoch, d.seq LIMIT $1`, limit)
	all, err := sqldb.Collect(rows, err, scanDead)
	if err != nil {
		return nil, fmt.Errorf("list the dead letters: %w", err)
	}
	return all, nil
}

// IsDead tells whether an entry lies among the dead letters.
func (l *Ledger) IsDead(ctx context.Context, s Shard, stream event.Stream, at event.Position) (bool, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return false, err
	}
	var n int
	err = l.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM dead_letters WHERE shard = $1 AND stream = $2 AND epoch = $3 AND seq = $4",
		id, string(stream), at.Epoch, at.Seq).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for %s of %s among the dead letters: %w", at, s, err)
	}
	return n > 0, nil
}

// countDead counts the dead letters of a shard.
func (l *Ledger) countDead(ctx context.Context, s Shard) (int, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return 0, err
	}
	var n int
	if err := l.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM dead_letters WHERE shard = $1", id).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the dead letters of %s: %w", s, err)
	}
	return n, nil
}

func scanDead(r *sql.Rows) (DeadLetter, error) {
	var d DeadLetter
	var raw []byte
	var at int64
	err := r.Scan(&d.Campaign, &d.Number, &d.Stream, &d.Entry.Epoch, &d.Entry.Seq, &d.Reason, &raw, &at)
	if err != nil {
		return DeadLetter{}, err
	}
	d.At = time.UnixMilli(at)
	d.Entry.Fields, err = unpackEntry(raw)
	return d, err
}

// packEntry keeps every byte of an entry: JSON has no other way for what is no
// text.
func packEntry(fields event.Fields) ([]byte, error) {
	raw := make(map[string][]byte, len(fields))
	for _, f := range fields {
		raw[f.Name] = []byte(f.Value)
	}
	packed, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("pack an entry: %w", err)
	}
	return packed, nil
}

// unpackEntry is the inverse of packEntry. An erased entry is nil.
func unpackEntry(packed []byte) (event.Fields, error) {
	if packed == nil {
		return nil, nil
	}
	var raw map[string][]byte
	if err := json.Unmarshal(packed, &raw); err != nil {
		return nil, fmt.Errorf("unpack an entry: %w", err)
	}
	fields := make(map[string]string, len(raw))
	for name, value := range raw {
		fields[name] = string(value)
	}
	return event.FieldsOf(fields), nil
}

// LostRecord tells whether the record of a participant may be among the dead letters of a
// shard: one of theirs is, or one of which nobody knows whose it was.
func (l *Ledger) LostRecord(ctx context.Context, s Shard, participant string) (bool, error) {
	id, err := l.shardID(ctx, s)
	if err != nil {
		return false, err
	}
	var n int
	err = l.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM dead_letters WHERE shard = $1 AND stream = $2 AND participant IN ($3, '')",
		id, string(event.Personal), participant).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look for a record of participant %s among the dead letters of %s: %w", participant, s, err)
	}
	return n > 0, nil
}
