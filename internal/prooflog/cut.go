package prooflog

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/proof"
)

// ErrUnsigned is a moment of which no checkpoint tells: it is not over, what was accepted
// before it is not all signed yet, or it lies within what is sealed together.
var ErrUnsigned = fault.New(fault.Conflict, "proof.not_signed", "该时刻没有存证检查点：统计时间应为整分钟，其之前的数据约两分钟后存证完毕")

// AsOf returns the checkpoint over all that was accepted before a moment and nothing else,
// with the last fact of each shard that it tells of. There is none, without an error,
// where nothing was accepted before.
func (l *Log) AsOf(ctx context.Context, campaignID string, at time.Time) (proof.Signed, map[int]event.Position, error) {
	fail := func(err error) (proof.Signed, map[int]event.Position, error) {
		return proof.Signed{}, nil, fmt.Errorf("find the checkpoint of %s as of %s: %w", campaignID, proof.Moment(at), err)
	}
	size, facts, err := l.cutBefore(ctx, campaignID, at)
	if err != nil {
		return fail(err)
	}
	o, known, err := l.Ledger.Campaign(ctx, campaignID)
	if err != nil || !known {
		return proof.Signed{}, facts, err
	}
	for shard := range o.Shards {
		next, err := l.Ledger.Past(ctx, ledger.Shard{Campaign: campaignID, Number: shard}, facts[shard], 1)
		if err != nil {
			return fail(err)
		}
		if len(next) > 0 && next[0].At.Before(at) {
			return fail(ErrUnsigned)
		}
	}
	if size == 0 {
		return proof.Signed{}, facts, nil
	}
	s, err := l.At(ctx, campaignID, size)
	if errors.Is(err, ErrNotSealed) {
		err = ErrUnsigned
	}
	if err != nil {
		return fail(err)
	}
	return s, facts, nil
}

// cutBefore returns how many leaves a log had, and how far it had come into each shard,
// with what was accepted before a moment.
func (l *Log) cutBefore(ctx context.Context, campaignID string, at time.Time) (size int64, facts map[int]event.Position, err error) {
	var raw string
	err = l.DB.QueryRowContext(ctx, "SELECT size, facts FROM proof_cuts WHERE campaign = $1 AND moment <= $2 ORDER BY moment DESC LIMIT 1",
		campaignID, at.UnixMilli()).Scan(&size, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, map[int]event.Position{}, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(raw), &facts)
	}
	return size, facts, err
}

// spans returns when the spans of time end in which the oldest facts lie that wait in each
// shard, the earliest first. Only those that are over by now are among them. Without spans
// there is one end that bounds nothing.
func (b *batch) spans(ctx context.Context, o ledger.Opened) ([]time.Time, error) {
	if b.Span == 0 {
		return []time.Time{{}}, nil
	}
	var ends []time.Time
	now := b.Now()
	for shard := range o.Shards {
		next, err := b.Ledger.Past(ctx, ledger.Shard{Campaign: b.campaign, Number: shard}, b.cursors[shard], 1)
		if err != nil {
			return nil, err
		}
		for i := range next {
			if end := next[i].At.Truncate(b.Span).Add(b.Span); !end.After(now) {
				ends = append(ends, end)
			}
		}
	}
	slices.SortFunc(ends, time.Time.Compare)
	return slices.CompactFunc(ends, time.Time.Equal), nil
}

// unlessDue leaves out spans behind the one that the log has come into, as long as that is
// not signed: whoever seals beside this one, or was killed before they could sign, takes no
// checkpoint away that figures may be announced of.
func (b *batch) unlessDue(ctx context.Context, ends []time.Time) ([]time.Time, error) {
	if b.Span == 0 || b.head.N == 0 {
		return ends, nil
	}
	var signed, moment int64
	err := b.DB.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM proof_checkpoints WHERE campaign = $1 AND size = $2),
		(SELECT COALESCE(MAX(moment), 0) FROM proof_cuts WHERE campaign = $1)`, b.campaign, b.head.N).Scan(&signed, &moment)
	if err != nil {
		return nil, fmt.Errorf("look whether the span before is signed: %w", err)
	}
	if signed > 0 {
		return ends, nil
	}
	same := slices.DeleteFunc(slices.Clone(ends), func(end time.Time) bool { return end.UnixMilli() > moment })
	b.due = len(same) < len(ends)
	return same, nil
}

// olderThan returns those of the facts that come before the first of a later span.
func olderThan(end time.Time, facts []event.Fact) []event.Fact {
	for i := range facts {
		if !end.IsZero() && !facts[i].At.Before(end) {
			return facts[:i]
		}
	}
	return facts
}

// noteCut writes down how far the log has come with the batch. What is late, and belongs
// to a span that was passed before, counts from the newest cut on.
func (b *batch) noteCut(ctx context.Context, tx *sql.Tx) error {
	fail := func(err error) error { return fmt.Errorf("note how far the log has come: %w", err) }
	facts, err := json.Marshal(b.reached())
	if err != nil {
		return fail(err)
	}
	var last int64
	err = tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(moment), 0) FROM proof_cuts WHERE campaign = $1", b.campaign).Scan(&last)
	if err != nil {
		return fail(err)
	}
	moment := max(last, cmp.Or(b.end, b.newest.Add(time.Millisecond)).UnixMilli())
	_, err = tx.ExecContext(ctx, `INSERT INTO proof_cuts (campaign, moment, size, facts) VALUES ($1, $2, $3, $4)
		ON CONFLICT (campaign, moment) DO UPDATE SET size = excluded.size, facts = excluded.facts`,
		b.campaign, moment, b.after.N, string(facts))
	if err != nil {
		return fail(err)
	}
	return nil
}

// reached is how far the log has come into each shard with the batch.
func (b *batch) reached() map[int]event.Position {
	out := maps.Clone(b.cursors)
	maps.Copy(out, b.to)
	return out
}
