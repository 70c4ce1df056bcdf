package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/leaderboard"
)

// Boards implements leaderboard.Store.
type Boards struct {
	campaigns *Campaigns
}

var _ leaderboard.Store = (*Boards)(nil)

// NewBoards reads and folds boards and tallies.
func NewBoards(c *Campaigns) *Boards { return &Boards{campaigns: c} }

// Layout implements leaderboard.Store.
func (b *Boards) Layout(_ context.Context, id string) (leaderboard.Layout, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return leaderboard.Layout{}, err
	}
	return o.layout, nil
}

// Shards implements leaderboard.Store.
func (b *Boards) Shards(_ context.Context, id string) (int, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return 0, err
	}
	return len(o.shards), nil
}

// without returns the shards but one.
func (o *opened) without(skip int) []shardKeys {
	return slices.Delete(slices.Clone(o.shards), skip, skip+1)
}

// boardOf names the main board ("") or a scoped one.
func (k shardKeys) boardOf(scope string) string {
	if scope == "" {
		return k.board()
	}
	return k.scoped(scope)
}

// ask sends commands in one pipeline and fails with the first command's error:
// a missing shard is an error, never a partial sum.
func ask(ctx context.Context, db redis.UniversalClient, commands func(redis.Pipeliner)) error {
	cmds, err := db.Pipelined(ctx, func(p redis.Pipeliner) error {
		commands(p)
		return nil
	})
	if e := answered(cmds); e != nil {
		return e
	}
	if err != nil && err != redis.Nil { //nolint:errorlint // As in answered.
		return outage(err)
	}
	return nil
}

// answered returns the first error of commands that is more than a member that is
// not there.
func answered(cmds []redis.Cmder) error {
	for _, c := range cmds {
		if e := c.Err(); e != nil && e != redis.Nil { //nolint:errorlint // redis.Nil is returned as is: no such member.
			return outage(e)
		}
	}
	return nil
}

// countAbove counts the members above packed on the boards of the given shards.
func (c *Campaigns) countAbove(ctx context.Context, o *opened, shards []shardKeys, scope string, packed uint64) (int64, error) {
	counts := make([]*redis.IntCmd, len(shards))
	err := c.askLittle(ctx, o, shards, func(p redis.Pipeliner) {
		for i, k := range shards {
			counts[i] = p.ZCount(ctx, k.boardOf(scope), "("+score(packed), "+inf")
		}
	})
	if err != nil {
		return 0, fmt.Errorf("count above: %w", err)
	}
	return sum(counts), nil
}

func sum(counts []*redis.IntCmd) int64 {
	var n int64
	for _, c := range counts {
		n += c.Val()
	}
	return n
}

func score(packed uint64) string { return strconv.FormatUint(packed, 10) }

// Above implements leaderboard.Store.
func (b *Boards) Above(ctx context.Context, id, scope string, _ leaderboard.View, packed uint64) (int64, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return 0, err
	}
	return b.campaigns.countAbove(ctx, o, o.shards, scope, packed)
}

// Top implements leaderboard.Store. Every shard gives its own top, and the merge
// keeps the stretch asked for.
func (b *Boards) Top(ctx context.Context, id, scope string, _ leaderboard.View, offset, limit int64) ([]leaderboard.Entry, int64, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return nil, 0, err
	}
	cards := make([]*redis.IntCmd, len(o.shards))
	tops := make([]*redis.ZSliceCmd, len(o.shards))
	err = b.campaigns.ask(ctx, o, o.shards, func(p redis.Pipeliner) {
		for i, k := range o.shards {
			cards[i] = p.ZCard(ctx, k.boardOf(scope))
			tops[i] = p.ZRevRangeWithScores(ctx, k.boardOf(scope), 0, max(offset+limit, 1)-1) // -1 would be the whole board
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("top of %q in %s: %w", scope, id, err)
	}
	var all []leaderboard.Entry
	for _, t := range tops {
		all = append(all, entries(t)...)
	}
	slices.SortFunc(all, byPlace)
	all = all[min(offset, int64(len(all))):min(offset+limit, int64(len(all)))]
	return all, sum(cards), nil
}

func entries(c *redis.ZSliceCmd) []leaderboard.Entry {
	out := make([]leaderboard.Entry, 0, len(c.Val()))
	for _, z := range c.Val() {
		// Members are strings in every reply; scores are whole numbers below 2^53.
		id, _ := z.Member.(string)
		out = append(out, leaderboard.Entry{Participant: id, Packed: uint64(z.Score)})
	}
	return out
}

// byPlace is Redis' own order, best first.
func byPlace(a, b leaderboard.Entry) int {
	return cmp.Or(cmp.Compare(b.Packed, a.Packed), strings.Compare(b.Participant, a.Participant))
}

// Standing implements leaderboard.Store.
func (b *Boards) Standing(ctx context.Context, id, scope string, _ leaderboard.View, participant string, window int64) (leaderboard.Standing, bool, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return leaderboard.Standing{}, false, err
	}
	own, ok, err := b.own(ctx, o, scope, participant)
	if err != nil || !ok {
		return leaderboard.Standing{}, false, err
	}
	window = max(window, 0)
	n, err := b.neighbourhood(ctx, o, scope, own, window)
	if err != nil {
		return leaderboard.Standing{}, false, fmt.Errorf("standing on %q in %s: %w", scope, id, err)
	}
	return n.standing(own, int(window)), true, nil
}

// own returns the participant's entry from their own record, which the write
// keeps, and not from a board that the fold may not have reached yet.
func (b *Boards) own(ctx context.Context, o *opened, scope, participant string) (leaderboard.Entry, bool, error) {
	f, err := b.campaigns.person(ctx, o, participant, "b", "d")
	if err != nil {
		return leaderboard.Entry{}, false, err
	}
	_, packed, err := unpackBest(f[0])
	if err != nil || packed == 0 && f[0] == "" {
		return leaderboard.Entry{}, false, err
	}
	day, isDay := strings.CutPrefix(scope, leaderboard.DayScope(""))
	if isDay {
		return b.ownOfDay(ctx, o, participant, day, f[1])
	}
	return leaderboard.Entry{Participant: participant, Packed: packed}, true, nil
}

// ownOfDay takes the newest day from the participant's record and older days,
// which the fold has long reached, from their boards.
func (b *Boards) ownOfDay(ctx context.Context, o *opened, participant, day, record string) (leaderboard.Entry, bool, error) {
	if recorded, place, ok := strings.Cut(record, "|"); ok && recorded == day {
		packed, err := strconv.ParseUint(place, 10, 64)
		return leaderboard.Entry{Participant: participant, Packed: packed}, err == nil, err
	}
	k := o.keys(participant)
	var place *redis.FloatCmd
	err := b.campaigns.ask(ctx, o, []shardKeys{k}, func(p redis.Pipeliner) {
		place = p.ZScore(ctx, k.scoped(leaderboard.DayScope(day)), participant)
	})
	if err != nil || place.Err() != nil { // redis.Nil: no such member
		return leaderboard.Entry{}, false, err
	}
	return leaderboard.Entry{Participant: participant, Packed: uint64(place.Val())}, true, nil
}

// neighbourhood is what a board says about the surroundings of one entry.
type neighbourhood struct {
	above, below, card  []*redis.IntCmd
	better, equal, less []*redis.ZSliceCmd
	listed              *redis.FloatCmd // the entry as the board has it now
}

func (b *Boards) neighbourhood(ctx context.Context, o *opened, scope string, own leaderboard.Entry, window int64) (*neighbourhood, error) {
	n, at := &neighbourhood{}, score(own.Packed)
	window = max(window, 1) // a Count of 0 would be no bound
	err := b.campaigns.ask(ctx, o, o.shards, func(p redis.Pipeliner) {
		for _, k := range o.shards {
			key := k.boardOf(scope)
			n.above = append(n.above, p.ZCount(ctx, key, "("+at, "+inf"))
			n.below = append(n.below, p.ZCount(ctx, key, "-inf", "("+at))
			n.card = append(n.card, p.ZCard(ctx, key))
			n.better = append(n.better, p.ZRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: "(" + at, Max: "+inf", Count: window}))
			n.equal = append(n.equal, p.ZRevRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: at, Max: at, Count: 2*window + 1}))
			n.less = append(n.less, p.ZRevRangeByScoreWithScores(ctx, key, &redis.ZRangeBy{Min: "-inf", Max: "(" + at, Count: window + 1}))
		}
		n.listed = p.ZScore(ctx, o.keys(own.Participant).boardOf(scope), own.Participant)
	})
	return n, err
}

// standing puts own in the place it has now: the board may still list it lower,
// or not at all.
func (n *neighbourhood) standing(own leaderboard.Entry, window int) leaderboard.Standing {
	st := leaderboard.Standing{Entry: own, Above: sum(n.above), Below: sum(n.below), Of: sum(n.card)}
	switch listed := n.listed; {
	case listed.Err() != nil:
		st.Of++
	case uint64(listed.Val()) < own.Packed:
		st.Below--
	}
	around := n.around(own)
	at := slices.Index(around, own)
	st.Around = around[max(at-window, 0):min(at+window+1, len(around))]
	return st
}

// around merges the neighbours on all shards, best first. Of many equals not all
// are read: those that are stand for the others, and own is among them.
func (n *neighbourhood) around(own leaderboard.Entry) []leaderboard.Entry {
	var all []leaderboard.Entry
	for _, l := range slices.Concat(n.better, n.equal, n.less) {
		all = append(all, entries(l)...)
	}
	all = slices.DeleteFunc(all, func(e leaderboard.Entry) bool { return e.Participant == own.Participant })
	all = append(all, own)
	slices.SortFunc(all, byPlace)
	return all
}

// of returns the shards the participants belong to, each once.
func (o *opened) of(participants []string) []shardKeys {
	seen := make([]bool, len(o.shards))
	var out []shardKeys
	for _, p := range participants {
		if i := o.shard(p); !seen[i] {
			seen[i] = true
			out = append(out, o.shards[i])
		}
	}
	return out
}

// People implements leaderboard.Store.
func (b *Boards) People(ctx context.Context, id string, ids []string) (map[string]leaderboard.Person, error) {
	o, err := b.campaigns.of(id)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	records := make(map[string]*redis.SliceCmd, len(ids))
	err = b.campaigns.ask(ctx, o, o.of(ids), func(p redis.Pipeliner) {
		for _, participant := range ids {
			if records[participant] == nil {
				records[participant] = p.HMGet(ctx, o.keys(participant).participant(participant), "u", "g", "e", "t")
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("people in %s: %w", id, err)
	}
	out := make(map[string]leaderboard.Person, len(records))
	for participant, r := range records {
		f, err := texts(r.Val())
		if err != nil || f[0] == "" {
			continue
		}
		e, err := unpackEnrolment(f[2], f[3])
		if err != nil {
			return nil, err
		}
		out[participant] = leaderboard.Person{Name: e.DisplayName, Unit: f[0], Group: f[1]}
	}
	return out, nil
}

// minutesKept is how long the minute counts stay.
const minutesKept = leaderboard.MinutesKept

// Ranks implements leaderboard.Store.
func (b *Boards) Ranks(ctx context.Context, id, scope string, v leaderboard.View, participants []string) (map[string]leaderboard.Ranked, error) {
	out := map[string]leaderboard.Ranked{}
	for _, p := range participants {
		st, ok, err := b.Standing(ctx, id, scope, v, p, 0)
		if err != nil {
			return nil, err
		}
		if ok {
			out[p] = leaderboard.Ranked{Entry: st.Entry, Above: st.Above}
		}
	}
	return out, nil
}

// Hide implements leaderboard.Store.
func (b *Boards) Hide(context.Context, string, string, bool) error { return errors.ErrUnsupported }

// Thaw implements leaderboard.Store.
func (b *Boards) Thaw(context.Context, string, int, int) (bool, error) { return false, nil }
