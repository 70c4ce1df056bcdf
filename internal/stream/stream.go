// Package stream reads the two streams of a shard in order, for the fold and for
// the ledger. Who reads keeps the cursor; there is no consumer group, so nothing
// is delivered twice and nothing is lost with a reader.
package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
)

// ErrGap is a position that is missing on the stream: entries were lost or
// trimmed before they were read. A reader must not go on.
var ErrGap = errors.New("entries are missing from the stream")

// Reader reads streams from Redis. With Replicas set, what it returns is held by
// that many replicas, so that no failover takes back what a reader has made use
// of.
type Reader struct {
	DB redis.UniversalClient
	// Key names a stream of a campaign's shard.
	Key func(campaign string, shard int, s event.Stream) string
	// Mark names a key of the same shard that nobody else uses. Only a reader
	// with Replicas writes to it.
	Mark func(campaign string, shard int) string
	// Replicas is how many replicas must hold what is returned; zero asks none.
	Replicas int
	// Patience is how long they are waited for. It must be shorter than the
	// client's read timeout.
	Patience time.Duration
	// Range is a quicker way to what XRANGE answers for the entries of a key from an id
	// on, which "(" before it leaves out; nil is DB's. With Replicas it is not used.
	Range func(ctx context.Context, key, from string, limit int) ([]event.Entry, error)
}

// After returns at most limit facts that follow the position, in order and
// without a gap. The zero position is before the first fact. A fact that cannot be
// read, because of its kind or because it is damaged, is an error once it comes
// first: what lies before it is returned. A gap is an error.
func (r *Reader) After(ctx context.Context, campaign string, shard int, after event.Position, limit int) ([]event.Fact, error) {
	entries, err := r.Entries(ctx, campaign, shard, event.Facts, after, limit)
	if err != nil {
		return nil, err
	}
	facts, err := decode(entries)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s:%d after %s: %w", event.Facts, campaign, shard, after, err)
	}
	return facts, nil
}

// decode reads facts up to the first that cannot be read; it is an error if that
// comes first.
func decode(entries []event.Entry) ([]event.Fact, error) {
	facts := make([]event.Fact, len(entries))
	for i, e := range entries {
		var err error
		if facts[i], err = event.Decode(e); err != nil {
			if i > 0 {
				return facts[:i], nil
			}
			return nil, err
		}
	}
	return facts, nil
}

// Entries returns at most limit entries of a stream that follow the position, in
// order and without a gap, as they lie there. The zero position is before the
// first entry. A gap is ErrGap; entries that too few replicas hold are
// ErrUnconfirmed.
func (r *Reader) Entries(ctx context.Context, campaign string, shard int, s event.Stream, after event.Position, limit int) ([]event.Entry, error) {
	entries, err := r.read(ctx, campaign, shard, s, after, limit)
	if err != nil {
		err = fault.ErrUnavailable.Because(err)
	} else {
		err = gapless(after, entries)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s of %s:%d after %s: %w", s, campaign, shard, after, err)
	}
	return entries, nil
}

// gapless returns ErrGap unless each entry follows the one before it.
func gapless(after event.Position, entries []event.Entry) error {
	for i := range entries {
		if !entries[i].Follows(after) {
			return fmt.Errorf("%w: %s comes after %s", ErrGap, entries[i].Position, after)
		}
		after = entries[i].Position
	}
	return nil
}
