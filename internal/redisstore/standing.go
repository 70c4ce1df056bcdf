package redisstore

import (
	"context"

	"github.com/redis/go-redis/v9"

	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

var standingScript = script("standing")

// shardStanding is what one shard tells of where somebody stands.
type shardStanding struct {
	own               leaderboard.Entry
	best              *quiz.Best
	listed            uint64 // as the board has it
	isListed          bool
	above, equal, all int64
	around            []leaderboard.Entry // nil where they are to be asked for otherwise
}

// standsAlone tells whether standing.lua knows a board: one that is a single layer
// in the view, of the whole time, on which the record's main place is the place.
func standsAlone(l lens, scope string, v leaderboard.View) bool {
	return v == leaderboard.Now && isBoardAlone(l) && windowOf(scope) == ""
}

// standing asks the participant's shard by one script, and the others for sums alone,
// where there are any. Neighbours on several shards, or around a place that the board
// does not list yet, take more.
func (b *Boards) standing(ctx context.Context, o *opened, l lens, scope, participant string, window int64) (leaderboard.Standing, bool, error) {
	s, err := b.ofShard(ctx, o, scope, participant, window)
	if err != nil || s == nil {
		return leaderboard.Standing{}, false, err
	}
	if window > 0 && (s.around == nil || len(o.shards) > 1) {
		st, err := b.neighbourhood(ctx, o, l, scope, s.own, window)
		st.Passed = s.best.Passed
		return st, true, err
	}
	st := leaderboard.Standing{
		Entry: s.own, Above: s.above, Below: s.all - s.above - s.equal, Of: s.all,
		Around: s.around, Passed: s.best.Passed,
	}
	if len(o.shards) > 1 {
		if err := b.addOthers(ctx, o, scope, &st); err != nil {
			return leaderboard.Standing{}, false, err
		}
	}
	if st.Around == nil {
		st.Around = []leaderboard.Entry{s.own}
	}
	instead(&st, s.listed, s.isListed)
	return st, true, nil
}

// addOthers adds what the other shards tell.
func (b *Boards) addOthers(ctx context.Context, o *opened, scope string, st *leaderboard.Standing) error {
	others := o.without(o.shard(st.Participant))
	var above, below, all counts
	at := score(st.Packed)
	err := b.campaigns.askLittle(ctx, o, others, func(p redis.Pipeliner) {
		for _, k := range others {
			key := k.layer(scope, layerBoard)
			above.plus = append(above.plus, p.ZCount(ctx, key, "("+at, "+inf"))
			below.plus = append(below.plus, p.ZCount(ctx, key, "-inf", "("+at))
			all.plus = append(all.plus, p.ZCard(ctx, key))
		}
	})
	st.Above, st.Below, st.Of = st.Above+above.sum(), st.Below+below.sum(), st.Of+all.sum()
	return err
}

// instead corrects sums by one's own place, which the board may still list as
// another, or not at all.
func instead(st *leaderboard.Standing, listed uint64, isListed bool) {
	switch {
	case !isListed:
		st.Of++
	case listed < st.Packed:
		st.Below--
	case listed > st.Packed:
		st.Above--
	}
}

// ofShard asks the participant's own shard; nil is nobody with a place in public.
func (b *Boards) ofShard(ctx context.Context, o *opened, scope, participant string, window int64) (*shardStanding, error) {
	k := o.keys(participant)
	r, err := run(ctx, b.campaigns.writes.alone(), standingScript,
		[]string{k.meta(), k.participant(participant), k.layer(scope, layerBoard)}, o.epoch, participant, window, flag(scope == ""))
	switch {
	case err != nil:
		return nil, err
	case r.outcome == "ok" && len(r.args) >= 5 && len(r.args)%2 == 1:
		return readStanding(participant, r.args)
	case r.outcome == "none":
		return nil, nil //nolint:nilnil // There is none.
	case r.outcome == "epoch":
		return nil, o.wrongEpoch()
	default:
		return nil, r.unknown()
	}
}

// readStanding reads what standing.lua answers.
func readStanding(participant string, args []string) (*shardStanding, error) {
	best, place, err := unpackBest(args[0])
	if err != nil {
		return nil, err
	}
	d := decoder{}
	s := &shardStanding{
		own: leaderboard.Entry{Participant: participant, Packed: place}, best: best, isListed: args[1] != "",
		above: d.int64(args[2]), equal: d.int64(args[3]), all: d.int64(args[4]),
	}
	if s.isListed {
		s.listed = d.place(args[1])
	}
	for i := 5; i < len(args); i += 2 {
		s.around = append(s.around, leaderboard.Entry{Participant: args[i], Packed: d.place(args[i+1])})
	}
	return s, d.err
}
