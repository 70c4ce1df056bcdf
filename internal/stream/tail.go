package stream

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
)

// Trim removes the entries of a stream at or before a position. It may be
// repeated, and by several.
func (r *Reader) Trim(ctx context.Context, campaign string, shard int, s event.Stream, upTo event.Position) error {
	next := event.Position{Epoch: upTo.Epoch, Seq: upTo.Seq + 1}
	if err := r.DB.XTrimMinID(ctx, r.Key(campaign, shard, s), next.String()).Err(); err != nil {
		return fmt.Errorf("trim %s of %s:%d up to %s: %w", s, campaign, shard, upTo, fault.ErrUnavailable.Because(err))
	}
	return nil
}

// Last returns the position of the newest entry that a stream ever had, trimmed
// or not; the zero position where it never had one.
func (r *Reader) Last(ctx context.Context, campaign string, shard int, s event.Stream) (event.Position, error) {
	last, err := lastOf(r.DB.XInfoStream(ctx, r.Key(campaign, shard, s)))
	if err != nil {
		return event.Position{}, fmt.Errorf("last of %s of %s:%d: %w", s, campaign, shard, err)
	}
	return last, nil
}

// lastOf reads the answer to XINFO STREAM.
func lastOf(info *redis.XInfoStreamCmd) (event.Position, error) {
	switch err := info.Err(); {
	case redis.HasErrorPrefix(err, "no such key"):
		return event.Position{}, nil
	case err != nil:
		return event.Position{}, fault.ErrUnavailable.Because(err)
	}
	return event.ParsePosition(info.Val().LastGeneratedID)
}
