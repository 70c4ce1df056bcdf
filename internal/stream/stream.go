// Package stream reads the facts of a shard in order, for the fold and for the
// ledger. Who reads keeps the cursor; there is no consumer group, so nothing is
// delivered twice and nothing is lost with a reader.
package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
)

// ErrGap is a position that is missing on the stream: facts were lost or
// trimmed before they were read. A reader must not go on.
var ErrGap = errors.New("facts are missing from the stream")

// Reader reads facts from Redis. Key names the stream of a campaign's shard.
type Reader struct {
	DB  redis.UniversalClient
	Key func(campaign string, shard int) string
}

// After returns at most limit facts that follow the position, in order and
// without a gap. The zero position is before the first fact. A fact of an
// unknown kind is an error, and so is a gap.
func (r *Reader) After(ctx context.Context, campaign string, shard int, after event.Position, limit int) ([]event.Fact, error) {
	fail := func(err error) ([]event.Fact, error) {
		return nil, fmt.Errorf("read facts of %s:%d after %s: %w", campaign, shard, after, err)
	}
	messages, err := r.DB.XRangeN(ctx, r.Key(campaign, shard), "("+after.String(), "+", int64(limit)).Result()
	if err != nil {
		return fail(fault.ErrUnavailable.Because(err))
	}
	facts := make([]event.Fact, 0, len(messages))
	for _, m := range messages {
		f, err := decode(m)
		if err != nil {
			return fail(err)
		}
		if !f.Follows(after) {
			return fail(fmt.Errorf("%w: %s comes after %s", ErrGap, f.Position, after))
		}
		after = f.Position
		facts = append(facts, f)
	}
	return facts, nil
}

func decode(m redis.XMessage) (event.Fact, error) {
	fields := make(map[string]string, len(m.Values))
	for k, v := range m.Values {
		text, ok := v.(string)
		if !ok {
			return event.Fact{}, fmt.Errorf("fact %s: field %s is %T, want string", m.ID, k, v)
		}
		fields[k] = text
	}
	return event.Decode(m.ID, fields)
}
