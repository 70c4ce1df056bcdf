package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// Bounds of looking again.
const (
	suspectsAtOnce = 100
	scopeTries     = 20
)

// rounds is how often somebody must differ. The first time their personal data may
// have been erased between looking at Redis and looking at the ledger.
const rounds = 2

// recheck decides whether people really differ, and reports those who do.
func (s *shardCheck) recheck(ctx context.Context, people []state.Person) error {
	s.count(func(r *Report) { r.Rechecked += int64(len(people)) })
	for some := range slices.Chunk(people, suspectsAtOnce) {
		for round := 1; len(some) > 0; round++ {
			found, err := s.look(ctx, some)
			if err != nil {
				return err
			}
			if round == rounds {
				s.tell(found)
				break
			}
			some = some[:0]
			for i := range found {
				some = append(some, found[i].Person)
			}
		}
	}
	return nil
}

// recount compares boards of which no key was listed, though somebody stood there when
// it was asked where the fold is. They may have left before the keys were listed, and
// others may have come since. So the boards are read by name, and because anybody may
// stand there then, all histories are counted once more, up to exactly there.
func (s *shardCheck) recount(ctx context.Context, scopes []string) error {
	if len(scopes) == 0 || !arrived(s.heads.Facts, s.reach.Rest) { // the latter was told already
		return nil
	}
	if err := s.readBoards(ctx, scopes); err != nil {
		return err
	}
	last := s.reach.board(scopes[len(scopes)-1])
	var err error
	if s.heads, err = s.await(ctx, state.Ends{Facts: last, Personal: s.heads.Personal}); err != nil {
		return err
	}
	sums := newCounter(&s.rules, &s.reach)
	for h, err := range s.Ledger.Histories(ctx, s.Shard, s.heads) {
		if err != nil {
			return err
		}
		life := s.rules.Replay(h, s.heads.Facts)
		sums.boards(&life)
	}
	for _, scope := range scopes {
		s.compareBoard(scope, sums.Boards[scope])
	}
	return nil
}

// verdict is somebody who differs.
type verdict struct {
	Life
	diff []state.Mismatch
}

// look reads people in one step with where the shard stands, and compares them
// with their histories up to exactly there. Acts meanwhile make no difference.
func (s *shardCheck) look(ctx context.Context, people []state.Person) ([]verdict, error) {
	for range scopeTries {
		images, head, err := s.Live.Look(ctx, s.Campaign, s.Number, people)
		if err != nil {
			return nil, err
		}
		histories, err := s.histories(ctx, people, head.Ends)
		if err != nil {
			return nil, err
		}
		lives := make([]Life, len(people))
		asked := true
		for i := range histories {
			lives[i] = s.rules.Replay(histories[i], head.Fold)
			asked = asked && within(lives[i].Scopes(), people[i].Scopes())
		}
		if asked {
			return s.judge(lives, images)
		}
		people = everyScope(lives) // they came onto a board that nobody asked for
	}
	return nil, fmt.Errorf("look at %d participants of %s: they come onto more boards each time", len(people), s.Shard)
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

func everyScope(lives []Life) []state.Person {
	people := make([]state.Person, len(lives))
	for i := range lives {
		people[i] = lives[i].Person
	}
	return people
}

func (s *shardCheck) judge(lives []Life, images []state.Image) ([]verdict, error) {
	var found []verdict
	for i := range lives {
		diff, err := s.Live.Diff(&lives[i].Person, &images[i], s.rules.standStill())
		if err != nil {
			return nil, err
		}
		if len(diff) > 0 || len(lives[i].Faults) > 0 {
			found = append(found, verdict{lives[i], diff})
		}
	}
	return found, nil
}

func (s *shardCheck) tell(found []verdict) {
	for i := range found {
		v := &found[i]
		for _, m := range v.diff {
			s.differ(Difference{Shard: s.Number, Participant: v.Participant, Field: m.Field, Want: m.Want, Got: m.Got})
		}
		for _, f := range v.Faults {
			s.differ(Difference{
				Shard: s.Number, Participant: v.Participant, Field: "fact " + f.Position.String() + ": " + f.Field, Want: f.Want, Got: f.Got,
			})
		}
	}
}

// histories returns what had happened to people when the streams ended there:
// what the ledger holds, and what only the streams do.
func (s *shardCheck) histories(ctx context.Context, people []state.Person, ends state.Ends) ([]ledger.History, error) {
	t, err := s.tail(ctx, people, ends)
	if err != nil {
		return nil, err
	}
	out := make([]ledger.History, len(people))
	for i := range people {
		h, err := s.Ledger.History(ctx, s.Shard, people[i].Participant)
		if err != nil {
			return nil, err
		}
		out[i] = t.finish(h, ends)
	}
	return out, nil
}

// errTrimmed is a stretch of a stream that was archived just then.
var errTrimmed = errors.New("the stream was trimmed meanwhile")
