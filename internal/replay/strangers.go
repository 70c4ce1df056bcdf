package replay

import (
	"context"
	"maps"
	"slices"

	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// strangersAtOnce bounds how many unknown participants are looked at together, and
// factsAtOnce how many facts are read to see whose they are.
const (
	strangersAtOnce = 100
	factsAtOnce     = 10_000
)

// strangers looks for participants in Redis whom the ledger does not know. Those who came
// since a shard was compared are compared the next time: it is enough that the ledger has
// got to know them.
func (x *verification) strangers(ctx context.Context) error {
	found := map[int]map[string]bool{} // by shard; a name may be listed twice
	look := func(shard int) error {
		unknown := found[shard]
		delete(found, shard)
		return x.pace().work(ctx, func() error { return x.explain(ctx, shard, unknown) })
	}
	err := x.Live.Participants(ctx, x.report.Campaign, func(shard int, id string) error {
		if x.known.has(shard, id) {
			return nil
		}
		if found[shard] == nil {
			found[shard] = map[string]bool{}
		}
		found[shard][id] = true
		if len(found[shard]) < strangersAtOnce {
			return nil
		}
		return look(shard)
	})
	for _, shard := range slices.Sorted(maps.Keys(found)) {
		if err == nil {
			err = look(shard)
		}
	}
	return err
}

// explain tells of those who are still unknown when the ledger has been read on. Who is on
// the streams alone is found by looking at each.
func (x *verification) explain(ctx context.Context, shard int, unknown map[string]bool) error {
	s := &shardCheck{verification: x, Shard: ledger.Shard{Campaign: x.report.Campaign, Number: shard}}
	if err := s.newcomers(ctx); err != nil {
		return err
	}
	var people []state.Person
	for _, id := range slices.Sorted(maps.Keys(unknown)) {
		if !x.known.has(shard, id) {
			x.known.add(shard, id)
			people = append(people, state.Person{Participant: id})
		}
	}
	return s.recheck(ctx, people)
}

// newcomers gets to know whose the facts are that the ledger was given meanwhile.
func (s *shardCheck) newcomers(ctx context.Context) error {
	if s.Number >= len(s.upTo) {
		return nil // Redis has a shard that the ledger has not, which was told
	}
	for {
		people, last, err := s.Ledger.Whose(ctx, s.Shard, s.upTo[s.Number], factsAtOnce)
		if err != nil || len(people) == 0 {
			return err
		}
		for _, id := range people {
			s.known.add(s.Number, id)
		}
		s.upTo[s.Number] = last
	}
}
