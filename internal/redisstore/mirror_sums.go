package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// Totals implements replay.Live.
func (m *Mirror) Totals(ctx context.Context, campaign string, shard int) (state.Sums, state.Head, error) {
	fail := func(err error) (state.Sums, state.Head, error) {
		return state.Sums{}, state.Head{}, fmt.Errorf("totals of %s:%d: %w", campaign, shard, err)
	}
	k := keysOf(campaign, shard)
	var at headCmds
	var s shardState
	var board, open *redis.IntCmd
	err := m.atomically(ctx, func(p redis.Pipeliner) {
		s = shardState{tally: p.HGetAll(ctx, k.tally()), minutes: p.HGetAll(ctx, k.minutes()), recent: p.LRange(ctx, k.recent(), 0, -1)}
		board, open = p.ZCard(ctx, k.board()), p.ZCard(ctx, k.open())
		at = askHead(ctx, p, k)
	})
	if err != nil {
		return fail(err)
	}
	t := leaderboard.Tallies{Public: leaderboard.NewFigures(), Minutes: map[leaderboard.BucketCell]int64{}}
	if err := s.addCounts(&t); err != nil {
		return fail(err)
	}
	head, err := at.head()
	if err != nil {
		return fail(err)
	}
	return state.Sums{
		Tally: t.Public.Cells, Minutes: t.Minutes, Recent: t.Recent, Board: board.Val(), Open: open.Val(),
	}, head, nil
}

// Hours implements replay.Live.
func (m *Mirror) Hours(ctx context.Context, campaign string, shard int, hours []int64) (map[leaderboard.BucketCell]int64, event.Position, error) {
	k := keysOf(campaign, shard)
	answers := make([]*redis.MapStringStringCmd, len(hours))
	fold, err := m.atTheFold(ctx, k, func(p redis.Pipeliner) {
		for i, h := range hours {
			answers[i] = p.HGetAll(ctx, k.hour(h))
		}
	})
	if err != nil {
		return nil, fold, fmt.Errorf("%d hours of %s:%d: %w", len(hours), campaign, shard, err)
	}
	out := map[leaderboard.BucketCell]int64{}
	for i, h := range hours {
		cells := map[leaderboard.Cell]int64{}
		if err := addCells(cells, answers[i].Val()); err != nil {
			return nil, fold, fmt.Errorf("hour %d of %s:%d: %w", h, campaign, shard, err)
		}
		for cell, n := range cells {
			out[leaderboard.BucketCell{Bucket: h, Cell: cell}] = n
		}
	}
	return out, fold, nil
}

// Boards implements replay.Live.
func (m *Mirror) Boards(ctx context.Context, campaign string, shard int, scopes []string) (map[string]int64, event.Position, error) {
	k := keysOf(campaign, shard)
	cards := make([]*redis.IntCmd, len(scopes))
	fold, err := m.atTheFold(ctx, k, func(p redis.Pipeliner) {
		for i, scope := range scopes {
			cards[i] = p.ZCard(ctx, k.scoped(scope))
		}
	})
	if err != nil {
		return nil, fold, fmt.Errorf("%d boards of %s:%d: %w", len(scopes), campaign, shard, err)
	}
	out := make(map[string]int64, len(scopes))
	for i, scope := range scopes {
		out[scope] = cards[i].Val()
	}
	return out, fold, nil
}

// atTheFold runs commands together with the question how far the fold is.
func (m *Mirror) atTheFold(ctx context.Context, k shardKeys, commands func(redis.Pipeliner)) (event.Position, error) {
	var cursor *redis.SliceCmd
	err := m.atomically(ctx, func(p redis.Pipeliner) {
		cursor = p.HMGet(ctx, k.cursor(), "pos")
		commands(p)
	})
	if err != nil {
		return event.Position{}, err
	}
	f, err := texts(cursor.Val())
	if err != nil {
		return event.Position{}, err
	}
	return parseCursor(f[0])
}
