package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// RewriteLogs has every server that db writes to begin to write its log anew from
// what it holds. It does not wait for the end of it, and one that is under way
// will do.
//
// It is for a Redis that may just have loaded a log that ended within a script's
// writes. Redis (7.0 and 7.2, Valkey before 9) holds none of them then, but leaves
// the first of them in the log, and would carry them out at its next start.
func RewriteLogs(ctx context.Context, db redis.UniversalClient) error {
	err := eachPrimary(ctx, db, func(ctx context.Context, node *redis.Client) error {
		err := node.BgRewriteAOF(ctx).Err()
		if err != nil && strings.Contains(err.Error(), "already in progress") {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("let redis write its log anew: %w", err)
	}
	return nil
}
