package replay

import (
	"context"
	"errors"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// Bounds of reading what the ledger does not hold yet.
const (
	tailAtOnce  = 1000
	longestTail = 1 << 20
	tailTries   = 100
)

// tail is what the streams hold of a few participants and the ledger does not.
type tail struct {
	*shardCheck

	asked   map[string]bool
	facts   map[string][]event.Fact
	records map[string][]event.Record
}

// tail reads the streams from where the ledger is up to ends. The ledger goes on
// meanwhile, and what it holds may be trimmed before it is read here: then the
// ledger is asked again where it is, and is nearer to the end.
func (s *shardCheck) tail(ctx context.Context, people []state.Person, ends state.Ends) (*tail, error) {
	t := &tail{shardCheck: s, asked: make(map[string]bool, len(people))}
	for i := range people {
		t.asked[people[i].Participant] = true
	}
	var err error
	for range tailTries {
		if err = t.read(ctx, ends); !errors.Is(err, errTrimmed) {
			return t, err
		}
	}
	return nil, fmt.Errorf("read what is not in the ledger of %s: %w", s.Shard, err)
}

func (t *tail) read(ctx context.Context, ends state.Ends) error {
	at, err := cursors(ctx, t.Ledger, t.Shard)
	if err != nil {
		return err
	}
	t.facts, t.records = map[string][]event.Fact{}, map[string][]event.Record{}
	if err := t.stretch(ctx, event.Facts, at.Facts, ends.Facts, t.fact); err != nil {
		return err
	}
	return t.stretch(ctx, event.Personal, at.Personal, ends.Personal, t.record)
}

func (t *tail) fact(e event.Entry) error {
	f, err := event.Decode(e)
	if err == nil && t.asked[f.Participant] {
		t.facts[f.Participant] = append(t.facts[f.Participant], f)
	}
	return err
}

func (t *tail) record(e event.Entry) error {
	r, err := event.DecodeRecord(e)
	if err == nil && t.asked[r.Participant] {
		t.records[r.Participant] = append(t.records[r.Participant], r)
	}
	return err
}

// stretch reads a stream from one position to another.
func (t *tail) stretch(ctx context.Context, s event.Stream, from, to event.Position, each func(event.Entry) error) error {
	for n := 0; from.Compare(to) < 0; n += tailAtOnce {
		if n > longestTail {
			return fmt.Errorf("the ledger is more than %d entries behind the %s of %s", longestTail, s, t.Shard)
		}
		entries, err := t.Streams.Entries(ctx, t.Campaign, t.Number, s, from, tailAtOnce)
		if err != nil || len(entries) == 0 {
			return errors.Join(errTrimmed, err)
		}
		for i := range entries {
			if from = entries[i].Position; from.Compare(to) > 0 {
				return nil
			}
			if err := each(entries[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish joins what the ledger holds of somebody with the tail, of which it may
// hold some by now, and leaves out what happened after the ends.
func (t *tail) finish(h ledger.History, ends state.Ends) ledger.History {
	h.Facts = join(h.Facts, t.facts[h.Participant], ends.Facts, func(f *event.Fact) event.Position { return f.Position })
	h.Records = join(h.Records, t.records[h.Participant], ends.Personal, func(r *event.Record) event.Position { return r.Position })
	return h
}

// join appends what comes after the last of a list, and cuts the list at an end.
func join[T any](list, more []T, end event.Position, at func(*T) event.Position) []T {
	for i := range more {
		if n := len(list); n == 0 || at(&list[n-1]).Compare(at(&more[i])) < 0 {
			list = append(list, more[i])
		}
	}
	for n := len(list); n > 0 && at(&list[n-1]).Compare(end) > 0; n = len(list) {
		list = list[:n-1]
	}
	return list
}
