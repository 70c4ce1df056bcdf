package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
)

// ErrUnconfirmed is a stretch of a stream that too few replicas hold. A failover
// may still take it back and number other entries the same, so nobody may make
// use of it yet.
var ErrUnconfirmed = errors.New("too few replicas hold the entries")

// read reads, and where replicas are asked for, confirms what it read.
func (r *Reader) read(ctx context.Context, campaign string, shard int, s event.Stream, after event.Position, limit int) ([]event.Entry, error) {
	key := r.Key(campaign, shard, s)
	switch {
	case r.Replicas == 0 && r.Range != nil:
		return r.Range(ctx, key, "("+after.String(), limit)
	case r.Replicas == 0:
		return readAfter(ctx, r.DB, key, after, limit)
	}
	conn, err := r.sticky(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	entries, err := readAfter(ctx, conn, key, after, limit)
	if err == nil && len(entries) > 0 {
		err = r.confirm(ctx, conn, r.Mark(campaign, shard))
	}
	if cluster, ok := r.DB.(*redis.ClusterClient); ok && err != nil {
		cluster.ReloadState(ctx) // the shard may have moved, which one connection does not follow
	}
	return entries, err
}

// confirm waits until the replicas hold everything that was read before. WAIT
// speaks of the connection's own writes only, hence the mark; and reading,
// writing and waiting happen on one connection, because after a failover another
// one would ask a server that never had what was read.
func (r *Reader) confirm(ctx context.Context, conn *redis.Conn, mark string) error {
	var held *redis.Cmd
	_, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, mark, "1", 0)
		held = p.Do(ctx, "wait", r.Replicas, r.Patience.Milliseconds())
		return nil
	})
	if err != nil {
		return fmt.Errorf("ask the replicas: %w", err)
	}
	if n, err := held.Int(); err != nil || n < r.Replicas {
		return fmt.Errorf("%w: %v of %d", ErrUnconfirmed, held.Val(), r.Replicas)
	}
	return nil
}

// sticky returns a connection of its own to the primary that holds the key.
func (r *Reader) sticky(ctx context.Context, key string) (*redis.Conn, error) {
	switch db := r.DB.(type) {
	case *redis.Client:
		return db.Conn(), nil
	case *redis.ClusterClient:
		node, err := db.MasterForKey(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("find the primary: %w", err)
		}
		return node.Conn(), nil
	default:
		return nil, fmt.Errorf("replicas cannot be asked through a %T", r.DB)
	}
}
