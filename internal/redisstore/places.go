package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// Above implements leaderboard.Store.
func (b *Boards) Above(ctx context.Context, id, scope string, v leaderboard.View, packed uint64) (int64, error) {
	o, l, err := b.lens(id, v)
	if err != nil {
		return 0, err
	}
	n, err := b.campaigns.countAbove(ctx, o, o.shards, scope, l, packed)
	if err != nil {
		return 0, fmt.Errorf("count above on %q in %s: %w", scope, id, err)
	}
	return n, nil
}

// Top implements leaderboard.Store. Every shard gives its own top, and the merge
// keeps the stretch asked for. Where some of a top stand elsewhere now, more of it
// is read until there are enough.
func (b *Boards) Top(ctx context.Context, id, scope string, v leaderboard.View, offset, limit int64) ([]leaderboard.Entry, int64, error) {
	o, l, err := b.lens(id, v)
	if err != nil {
		return nil, 0, err
	}
	want := max(offset+limit, 1) // none would be the whole board
	for asked := want; ; asked *= 2 {
		var on counts
		tops := list{want: want}
		err := b.campaigns.askThrough(ctx, o, l, o.shards, func(p redis.Pipeliner, k shardKeys) {
			l.count(k, scope, &on, func(key string) *redis.IntCmd { return p.ZCard(ctx, key) })
			l.list(k, scope, &tops, func(key string) *redis.ZSliceCmd { return p.ZRevRangeWithScores(ctx, key, 0, asked-1) })
		})
		if err != nil {
			return nil, 0, fmt.Errorf("top of %q in %s: %w", scope, id, err)
		}
		all, short := tops.entries(asked)
		if short {
			continue
		}
		slices.SortFunc(all, byPlace)
		return all[min(offset, int64(len(all))):min(offset+limit, int64(len(all)))], on.sum(), nil
	}
}

// Standing implements leaderboard.Store.
func (b *Boards) Standing(ctx context.Context, id, scope string, v leaderboard.View, participant string, window int64) (leaderboard.Standing, bool, error) {
	fail := func(err error) (leaderboard.Standing, bool, error) {
		return leaderboard.Standing{}, false, fmt.Errorf("standing on %q in %s: %w", scope, id, err)
	}
	o, l, err := b.lens(id, v)
	if err != nil {
		return fail(err)
	}
	window = max(window, 0)
	if standsAlone(l, scope, v) {
		st, ok, err := b.standing(ctx, o, l, scope, participant, window)
		if err != nil {
			return fail(err)
		}
		return st, ok, nil
	}
	own, best, err := b.own(ctx, o, l, scope, v, participant)
	if err != nil {
		return fail(err)
	}
	if own == nil {
		return leaderboard.Standing{}, false, nil
	}
	st, err := b.neighbourhood(ctx, o, l, scope, *own, window)
	if err != nil {
		return fail(err)
	}
	st.Passed = best.Passed
	return st, true, nil
}

// own returns the participant's entry, nil for none, and their best attempt. It is
// from their own record, which the write keeps, and not from a board that the fold
// may not have reached yet. The record knows the whole time, and the newest day and
// phase.
func (b *Boards) own(ctx context.Context, o *opened, l lens, scope string, v leaderboard.View, participant string) (*leaderboard.Entry, *quiz.Best, error) {
	f, err := b.campaigns.person(ctx, o, participant, "b", "d", "p", "x")
	if err != nil || f[0] == "" || f[3] != "" && v != leaderboard.Everybody {
		return nil, nil, err
	}
	best, main, err := unpackBest(f[0])
	if err != nil {
		return nil, nil, err
	}
	packed, ok, err := recordedOn(scope, main, f[1], f[2])
	if err == nil && (!ok || v == leaderboard.Frozen && b.mayBeLate(o, packed)) {
		packed, ok, err = b.listed(ctx, o, l, scope, participant)
	}
	if err != nil || !ok {
		return nil, nil, err
	}
	return &leaderboard.Entry{Participant: participant, Packed: packed}, best, nil
}

// recordedOn finds the place on a board in the fields d and p of a record with a
// place on the main board; ok is false where it has none for that day or phase.
func recordedOn(scope string, main uint64, ofDay, ofPhase string) (packed uint64, ok bool, err error) {
	window := windowOf(scope)
	for _, w := range []struct {
		packed string
		scope  func(string) (string, error)
	}{
		{ofDay, func(day string) (string, error) {
			d := decoder{}
			return leaderboard.DayScope(d.day(day)), d.err
		}},
		{ofPhase, func(phase string) (string, error) { return leaderboard.PhaseScope(phase), nil }},
	} {
		if w.packed == "" {
			continue
		}
		name, place, err := unpackWindow(w.packed, main)
		if err != nil {
			return 0, false, err
		}
		if is, err := w.scope(name); err != nil || is == window {
			return place, err == nil, err
		}
	}
	return main, window == "", nil
}

// windowOf returns the day's or phase's part of a scope, "" for the whole time.
func windowOf(scope string) string {
	if _, window, ok := strings.Cut(scope, "|"); ok {
		return window
	}
	if strings.HasPrefix(scope, leaderboard.DayScope("")) || strings.HasPrefix(scope, leaderboard.PhaseScope("")) {
		return scope
	}
	return ""
}

// mayBeLate tells whether a place may have been reached since the freeze, as far as
// its packed time tells. It is asked of the board then.
func (b *Boards) mayBeLate(o *opened, packed uint64) bool {
	def, err := b.define(o.campaign)
	if err != nil || def.Freeze.At.IsZero() {
		return false
	}
	_, _, at := o.layout.Unpack(packed)
	return at.Add(o.layout.Step()).After(def.Freeze.At)
}

// listed returns a participant's place as a board has it.
func (b *Boards) listed(ctx context.Context, o *opened, l lens, scope, participant string) (uint64, bool, error) {
	k := o.keys(participant)
	var e entry
	err := b.campaigns.askThrough(ctx, o, l, []shardKeys{k}, func(p redis.Pipeliner, k shardKeys) { e = l.entryOf(ctx, p, k, scope, participant) })
	if err != nil {
		return 0, false, err
	}
	packed, ok := e.packed()
	return packed, ok, nil
}

// neighbourhood is what a board says about the surroundings of one entry.
type neighbourhood struct {
	above, below, on    counts
	better, equal, less list
	listed              entry // as the board has it now
}

// neighbourhood asks for the surroundings. Where too many of those nearest stand
// elsewhere now, it reads on.
func (b *Boards) neighbourhood(ctx context.Context, o *opened, l lens, scope string, own leaderboard.Entry, window int64) (leaderboard.Standing, error) {
	want := max(window, 1) // a Count of 0 would be no bound
	for times := int64(1); ; times *= 2 {
		n := &neighbourhood{better: list{want: want}, equal: list{want: 2*want + 1}, less: list{want: want + 1}}
		err := b.campaigns.askThrough(ctx, o, l, o.shards, func(p redis.Pipeliner, k shardKeys) {
			n.ask(ctx, p, surroundings{l, scope, score(own.Packed), times}, k)
			if k == o.keys(own.Participant) {
				n.listed = l.entryOf(ctx, p, k, scope, own.Participant)
			}
		})
		if err != nil {
			return leaderboard.Standing{}, err
		}
		if around, short := n.around(own, times); !short {
			return n.standing(own, around, int(window)), nil
		}
	}
}

// surroundings are what of a board is asked for: around a packed place, and so many
// times more than are wanted.
type surroundings struct {
	lens

	scope, at string
	times     int64
}

// ask asks one shard.
func (n *neighbourhood) ask(ctx context.Context, p redis.Pipeliner, s surroundings, k shardKeys) {
	l, scope, at, times := s.lens, s.scope, s.at, s.times
	between := func(to *counts, from, until string) {
		l.count(k, scope, to, func(key string) *redis.IntCmd { return p.ZCount(ctx, key, from, until) })
	}
	between(&n.above, "("+at, "+inf")
	between(&n.below, "-inf", "("+at)
	l.count(k, scope, &n.on, func(key string) *redis.IntCmd { return p.ZCard(ctx, key) })
	l.list(k, scope, &n.better, func(key string) *redis.ZSliceCmd {
		return p.ZRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: "(" + at, Max: "+inf", Count: times * n.better.want})
	})
	l.list(k, scope, &n.equal, func(key string) *redis.ZSliceCmd {
		return p.ZRevRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: at, Max: at, Count: times * n.equal.want})
	})
	l.list(k, scope, &n.less, func(key string) *redis.ZSliceCmd {
		return p.ZRevRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: "-inf", Max: "(" + at, Count: times * n.less.want})
	})
}

// standing puts own in the place it has now: the board may still list it in
// another, or not at all.
func (n *neighbourhood) standing(own leaderboard.Entry, around []leaderboard.Entry, window int) leaderboard.Standing {
	st := leaderboard.Standing{Entry: own, Above: n.above.sum(), Below: n.below.sum(), Of: n.on.sum()}
	listed, ok := n.listed.packed()
	instead(&st, listed, ok)
	at := slices.Index(around, own)
	st.Around = around[max(at-window, 0):min(at+window+1, len(around))]
	return st
}

// around merges the neighbours on all shards, best first. Of many equals not all
// are read: those that are stand for the others, and own is among them.
func (n *neighbourhood) around(own leaderboard.Entry, times int64) (all []leaderboard.Entry, short bool) {
	for _, l := range []*list{&n.better, &n.equal, &n.less} {
		some, missing := l.entries(times * l.want)
		all, short = append(all, some...), short || missing
	}
	all = slices.DeleteFunc(all, func(e leaderboard.Entry) bool { return e.Participant == own.Participant })
	all = append(all, own)
	slices.SortFunc(all, byPlace)
	return all, short
}

// ranksAtOnce bounds one pipeline of a look-up of many participants.
const ranksAtOnce = 200

// Ranks implements leaderboard.Store.
func (b *Boards) Ranks(ctx context.Context, id, scope string, v leaderboard.View, participants []string) (map[string]leaderboard.Ranked, error) {
	o, l, err := b.lens(id, v)
	if err != nil {
		return nil, err
	}
	out := map[string]leaderboard.Ranked{}
	for some := range slices.Chunk(participants, ranksAtOnce) {
		if err := b.ranks(ctx, o, l, scope, some, out); err != nil {
			return nil, fmt.Errorf("ranks on %q in %s: %w", scope, id, err)
		}
	}
	return out, nil
}

// ranks looks some up: where they stand, and then who stands above each place.
func (b *Boards) ranks(ctx context.Context, o *opened, l lens, scope string, participants []string, out map[string]leaderboard.Ranked) error {
	listed := map[string]entry{}
	err := b.campaigns.askThrough(ctx, o, l, o.of(participants), func(p redis.Pipeliner, k shardKeys) {
		for _, who := range participants {
			if o.keys(who) == k {
				listed[who] = l.entryOf(ctx, p, k, scope, who)
			}
		}
	})
	if err != nil {
		return err
	}
	above := map[uint64]*counts{}
	for _, e := range listed {
		if packed, ok := e.packed(); ok {
			above[packed] = &counts{}
		}
	}
	err = b.campaigns.askThrough(ctx, o, l, o.shards, func(p redis.Pipeliner, k shardKeys) {
		for packed, to := range above {
			l.count(k, scope, to, func(key string) *redis.IntCmd { return p.ZCount(ctx, key, "("+score(packed), "+inf") })
		}
	})
	if err != nil {
		return err
	}
	for who, e := range listed {
		if packed, ok := e.packed(); ok {
			out[who] = leaderboard.Ranked{Entry: leaderboard.Entry{Participant: who, Packed: packed}, Above: above[packed].sum()}
		}
	}
	return nil
}
