package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// Bounds of looking again.
const (
	suspectsAtOnce = 50
	lookTries      = 20
	tailAtOnce     = 1000
	longestTail    = 1 << 20
)

// errMovedOn asks to look again: somebody acted, or the stream was trimmed, just
// then.
var errMovedOn = errors.New("it moved on meanwhile")

// recheck decides whether people really differ. They are read in one step with
// where the shard stands, and their histories are replayed up to exactly there,
// with what the ledger does not hold yet taken from the stream.
func (s *shardCheck) recheck(ctx context.Context, people []state.Person) error {
	s.count(func(r *Report) { r.Rechecked += int64(len(people)) })
	for some := range slices.Chunk(people, suspectsAtOnce) {
		if err := s.lookAgain(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func (s *shardCheck) lookAgain(ctx context.Context, people []state.Person) error {
	var err error
	for range lookTries {
		if err = s.look(ctx, people); !errors.Is(err, errMovedOn) {
			return err
		}
	}
	return fmt.Errorf("look at %d participants of %s again: %w", len(people), s.Shard, err)
}

func (s *shardCheck) look(ctx context.Context, people []state.Person) error {
	histories, err := s.histories(ctx, people)
	if err != nil {
		return err
	}
	asked := make([]state.Person, len(people))
	for i := range histories.all {
		asked[i] = s.rules.Replay(histories.upTo(i, state.Ends{Facts: latest, Personal: latest}), latest).Person
	}
	images, head, err := s.Live.Look(ctx, s.Campaign, s.Number, asked)
	if err != nil {
		return err
	}
	if err := histories.extend(ctx, head.Ends); err != nil {
		return err
	}
	lives := make([]Life, len(people))
	for i := range histories.all {
		lives[i] = s.rules.Replay(histories.upTo(i, head.Ends), head.Fold)
		if !within(lives[i].Person.Scopes(), asked[i].Scopes()) {
			return errMovedOn // they came onto a board that nobody asked for
		}
	}
	return s.compare(lives, images)
}

// latest is after every position.
var latest = event.Position{Epoch: ^uint64(0), Seq: ^uint64(0)}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// compare reports what is certain now.
func (s *shardCheck) compare(lives []Life, images []state.Image) error {
	for i := range lives {
		l := &lives[i]
		diff, err := s.Live.Diff(&l.Person, &images[i])
		if err != nil {
			return err
		}
		for _, m := range diff {
			s.differ(Difference{Shard: s.Number, Participant: l.Participant, Field: m.Field, Want: m.Want, Got: m.Got})
		}
		for _, f := range l.Faults {
			s.differ(Difference{
				Shard: s.Number, Participant: l.Participant, Field: "fact " + f.Position.String() + ": " + f.Field, Want: f.Want, Got: f.Got,
			})
		}
	}
	return nil
}

// tails are the histories of a few participants, which grow as the stream does.
type tails struct {
	*shardCheck

	all  []ledger.History
	who  map[string]int // place in all
	read ledger.Heads   // up to where all were read
}

// histories reads what the ledger holds. The cursors are read before it, so that
// everything up to them is there.
func (s *shardCheck) histories(ctx context.Context, people []state.Person) (*tails, error) {
	at, err := cursors(ctx, s.Ledger, s.Shard)
	if err != nil {
		return nil, err
	}
	t := &tails{shardCheck: s, who: make(map[string]int, len(people)), read: at}
	for i := range people {
		h, err := s.Ledger.History(ctx, s.Shard, people[i].Participant)
		if err != nil {
			return nil, err
		}
		t.who[h.Participant] = i
		t.all = append(t.all, h)
	}
	return t, nil
}

// extend reads on up to ends, from the streams.
func (t *tails) extend(ctx context.Context, ends state.Ends) error {
	err := t.tail(ctx, event.Facts, t.read.Facts, ends.Facts, func(e event.Entry) error {
		f, err := event.Decode(e.String(), e.Fields)
		if err != nil {
			return err
		}
		if i, ok := t.who[f.Participant]; ok && after(t.all[i].Facts, func(f *event.Fact) event.Position { return f.Position }, e.Position) {
			t.all[i].Facts = append(t.all[i].Facts, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.tail(ctx, event.Personal, t.read.Personal, ends.Personal, func(e event.Entry) error {
		r, err := event.DecodeRecord(e)
		if err != nil {
			return err
		}
		if i, ok := t.who[r.Participant]; ok && after(t.all[i].Records, func(r *event.Record) event.Position { return r.Position }, e.Position) {
			t.all[i].Records = append(t.all[i].Records, r)
		}
		return nil
	})
}

// after tells whether a position lies behind the last of a list.
func after[T any](list []T, at func(*T) event.Position, p event.Position) bool {
	return len(list) == 0 || at(&list[len(list)-1]).Compare(p) < 0
}

// tail reads a stretch of a stream. A gap means that it was archived and trimmed
// in the meantime.
func (t *tails) tail(ctx context.Context, s event.Stream, from, to event.Position, each func(event.Entry) error) error {
	for n := 0; from.Compare(to) < 0; {
		entries, err := t.Streams.Entries(ctx, t.Campaign, t.Number, s, from, tailAtOnce)
		if err != nil || len(entries) == 0 {
			return errors.Join(errMovedOn, err)
		}
		for i := range entries {
			if from = entries[i].Position; from.Compare(to) > 0 {
				return nil
			}
			if err := each(entries[i]); err != nil {
				return err
			}
		}
		if n += len(entries); n > longestTail {
			return fmt.Errorf("the ledger is more than %d entries behind the %s of %s", longestTail, s, t.Shard)
		}
	}
	return nil
}

// upTo returns the history of one of them as it was when the streams ended there.
func (t *tails) upTo(i int, ends state.Ends) ledger.History {
	h := t.all[i]
	facts := slices.Clone(h.Facts) // a replay corrects them
	h.Facts = slices.DeleteFunc(facts, func(f event.Fact) bool { return f.Compare(ends.Facts) > 0 })
	h.Records = slices.DeleteFunc(slices.Clone(h.Records), func(r event.Record) bool { return r.Compare(ends.Personal) > 0 })
	return h
}
