package redisstore

import (
	"context"
	"fmt"
	"strconv"
)

var (
	thawBoard   = script("thaw_board")
	thawFigures = script("thaw_figures")
)

// thawScopes is how many boards are looked for at once.
const thawScopes = 100

// Thaw implements leaderboard.Store. Each board is thawed by calls of its own, and
// the figures after the last.
func (b *Boards) Thaw(ctx context.Context, id string, shard, limit int) (bool, error) {
	fail := func(err error) (bool, error) { return true, fmt.Errorf("thaw %s:%d: %w", id, shard, err) }
	o, err := b.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	k := o.shards[shard]
	for limit > 0 {
		scopes, err := b.campaigns.db.SRandMemberN(ctx, k.thaw(), thawScopes).Result()
		if err != nil {
			return fail(outage(err))
		}
		if len(scopes) == 0 {
			return b.thawFigures(ctx, o, k, limit)
		}
		for _, scope := range scopes {
			if limit <= 0 {
				return true, nil
			}
			n, err := b.thawBoard(ctx, o, k, scope, limit)
			if err != nil {
				return fail(err)
			}
			limit -= max(n, 1)
		}
	}
	return true, nil
}

// thawBoard returns how many it put onto the board.
func (b *Boards) thawBoard(ctx context.Context, o *opened, k shardKeys, scope string, limit int) (int, error) {
	keys := []string{k.meta(), k.thaw()}
	for _, l := range allLayers {
		keys = append(keys, k.layer(scope, l))
	}
	r, err := run(ctx, b.campaigns.writes, thawBoard, keys, o.epoch, scope, limit)
	switch {
	case err != nil:
		return 0, err
	case r.outcome == "epoch":
		return 0, o.wrongEpoch()
	case r.outcome != "ok" || len(r.args) != 1:
		return 0, r.unknown()
	default:
		return strconv.Atoi(r.args[0])
	}
}

func (b *Boards) thawFigures(ctx context.Context, o *opened, k shardKeys, limit int) (left bool, err error) {
	r, err := run(ctx, b.campaigns.writes, thawFigures,
		[]string{k.meta(), k.tally(), k.tallyLate(), k.scores(), k.scoresLate(), k.thaw()}, o.epoch, limit)
	switch {
	case err != nil:
		return true, fmt.Errorf("figures: %w", err)
	case r.outcome == "epoch":
		return true, o.wrongEpoch()
	case r.outcome != "ok" || len(r.args) != 1:
		return true, r.unknown()
	default:
		return r.args[0] != "", nil
	}
}
