package main

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/stream"
	"qingyuan/leaderboard"
)

// source is what the archivers take from Redis.
type source struct {
	*stream.Turn

	boards leaderboard.Store
	banks  *redisstore.Banks
}

var _ ledger.Source = source{}

func newSource(s *services) source {
	return source{Turn: s.shared.Turn("ledger"), boards: s.boards, banks: redisstore.NewBanks(s.redis)}
}

// newReader reads streams of which nothing can be taken back any more. quick is the way
// of the facts where there is one.
func newReader(cfg configs.Config, db redis.UniversalClient, quick *redisstore.Joined) *stream.Reader {
	r := &stream.Reader{
		DB: db, Key: redisstore.StreamKey, Mark: redisstore.MarkKey,
		Replicas: cfg.Redis.WaitReplicas, Patience: cfg.Redis.WaitTimeout,
	}
	if quick != nil {
		r.Range = quick.Range
	}
	return r
}

// Confirm implements ledger.Source. The reader has waited for the replicas
// already, on the connection on which it read.
func (source) Confirm(context.Context, string, int) error { return nil }

// FoldCursor implements ledger.Source.
func (s source) FoldCursor(ctx context.Context, campaign string, shard int) (event.Position, error) {
	return s.boards.Cursor(ctx, campaign, shard)
}

// Bank implements ledger.Source.
func (s source) Bank(ctx context.Context, digest string) ([]byte, error) {
	packed, err := s.banks.Packed(ctx, digest)
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return packed, err
}
