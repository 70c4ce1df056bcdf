package main

import (
	"context"

	"qingyuan/internal/failpoint"
	"qingyuan/leaderboard"
)

// foldStore marks the places around a fold at which a test lets the process
// die. The domain itself knows of no such thing.
type foldStore struct{ leaderboard.Store }

// Apply implements leaderboard.Store.
func (s foldStore) Apply(ctx context.Context, campaign string, shard int, b leaderboard.Batch) (bool, error) {
	if err := failpoint.Hit("fold.before_apply"); err != nil {
		return false, err
	}
	applied, err := s.Store.Apply(ctx, campaign, shard, b)
	if err != nil {
		return applied, err
	}
	return applied, failpoint.Hit("fold.after_apply")
}
