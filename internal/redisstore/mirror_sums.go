package redisstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// totalsCmds ask for the sums that have one key in a shard.
type totalsCmds struct {
	cells, scores [2]*redis.MapStringStringCmd // public and late
	minutes       *redis.MapStringStringCmd
	recent        *redis.StringSliceCmd
	main          cardsCmds
	open, wins    *redis.IntCmd
	prizes        *redis.MapStringStringCmd
}

// Totals implements replay.Live.
func (m *Mirror) Totals(ctx context.Context, campaign string, shard int) (state.Sums, state.Head, error) {
	fail := func(err error) (state.Sums, state.Head, error) {
		return state.Sums{}, state.Head{}, fmt.Errorf("totals of %s:%d: %w", campaign, shard, err)
	}
	k := keysOf(campaign, shard)
	var at headCmds
	var c totalsCmds
	err := m.atomically(ctx, func(p redis.Pipeliner) {
		for i, late := range []bool{false, true} {
			c.cells[i], c.scores[i] = p.HGetAll(ctx, tallyKey(k, late)), p.HGetAll(ctx, scoresKey(k, late))
		}
		c.minutes, c.recent = p.HGetAll(ctx, k.minutes()), p.LRange(ctx, k.recent(), 0, -1)
		c.main, c.open = askCards(ctx, p, k, ""), p.ZCard(ctx, k.open())
		c.prizes, c.wins = p.HGetAll(ctx, k.prizes()), p.HLen(ctx, k.wins())
		at = askHead(ctx, p, k)
	})
	if err != nil {
		return fail(err)
	}
	sums, err := c.sums()
	if err != nil {
		return fail(err)
	}
	head, err := at.head()
	if err != nil {
		return fail(err)
	}
	return sums, head, nil
}

// tallyKey and scoresKey name what is public, or what came since the freeze.
func tallyKey(k shardKeys, late bool) string {
	if late {
		return k.tallyLate()
	}
	return k.tally()
}

func scoresKey(k shardKeys, late bool) string {
	if late {
		return k.scoresLate()
	}
	return k.scores()
}

func (c *totalsCmds) sums() (state.Sums, error) {
	s := state.Sums{
		Minutes: map[leaderboard.BucketCell]int64{}, Main: c.main.cards(), Open: c.open.Val(), Prizes: map[string]int64{}, Wins: c.wins.Val(),
	}
	d := decoder{}
	for p, n := range c.prizes.Val() {
		s.Prizes[p] = d.int64(n)
	}
	err := d.err
	if err != nil {
		return s, err
	}
	if s.Public, err = figuresOf(c.cells[0].Val(), c.scores[0].Val()); err != nil {
		return s, err
	}
	if s.Late, err = figuresOf(c.cells[1].Val(), c.scores[1].Val()); err != nil {
		return s, err
	}
	if err := addMinutes(s.Minutes, c.minutes.Val()); err != nil {
		return s, err
	}
	for _, packed := range c.recent.Val() {
		a, err := unpackAct(packed)
		if err != nil {
			return s, err
		}
		s.Recent = append(s.Recent, a)
	}
	return s, nil
}

func figuresOf(cells, scores map[string]string) (leaderboard.Figures, error) {
	f := leaderboard.NewFigures()
	if err := addCells(f.Cells, cells); err != nil {
		return f, err
	}
	d := decoder{}
	for points, n := range scores {
		f.Scores[d.int(points)] += d.int64(n)
	}
	return f, d.err
}

func addMinutes(to map[leaderboard.BucketCell]int64, fields map[string]string) error {
	d := decoder{}
	for field, n := range fields {
		minute, metric, _ := strings.Cut(field, "|")
		to[leaderboard.BucketCell{Bucket: d.int64(minute), Cell: leaderboard.Cell{Metric: leaderboard.Metric(metric)}}] += d.int64(n)
	}
	return d.err
}

// cardsCmds ask how many entries the layers of a board have, and whether it is on
// the list of those to be thawed.
type cardsCmds struct {
	layers []*redis.IntCmd
	thaws  *redis.BoolCmd
}

func askCards(ctx context.Context, p redis.Pipeliner, k shardKeys, scope string) cardsCmds {
	c := cardsCmds{thaws: p.SIsMember(ctx, k.thaw(), scope)}
	for _, l := range allLayers {
		c.layers = append(c.layers, p.ZCard(ctx, k.layer(scope, l)))
	}
	return c
}

func (c *cardsCmds) cards() state.Cards {
	n := state.Cards{Entries: layered(func(i int) int64 { return c.layers[i].Val() })}
	n.Stuck = n.Shown.Late+n.Shown.Kept+n.Hidden.Late+n.Hidden.Kept > 0 && !c.thaws.Val()
	return n
}

// layered puts what is known of each of allLayers in its place.
func layered[T any](of func(i int) T) state.Entries[T] {
	return state.Entries[T]{
		Shown:  state.Layers[T]{Board: of(0), Late: of(1), Kept: of(2)},
		Hidden: state.Layers[T]{Board: of(3), Late: of(4), Kept: of(5)},
	}
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
func (m *Mirror) Boards(ctx context.Context, campaign string, shard int, scopes []string) (map[string]state.Cards, event.Position, error) {
	k := keysOf(campaign, shard)
	asked := make([]cardsCmds, len(scopes))
	fold, err := m.atTheFold(ctx, k, func(p redis.Pipeliner) {
		for i, scope := range scopes {
			asked[i] = askCards(ctx, p, k, scope)
		}
	})
	if err != nil {
		return nil, fold, fmt.Errorf("%d boards of %s:%d: %w", len(scopes), campaign, shard, err)
	}
	out := make(map[string]state.Cards, len(scopes))
	for i, scope := range scopes {
		out[scope] = asked[i].cards()
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
