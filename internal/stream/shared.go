package stream

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
)

// Shared lets several go through the facts of the same shards, each with a cursor of
// its own, and reads from Redis only what none of them has read yet: who comes
// second is given what the first one read.
//
// What is remembered is never trusted by itself. Every reading asks Redis for the last
// remembered entry again, together with what follows it: a stream only grows at its end,
// so where that entry still lies as it was, so does everything before it. Where it does
// not, because Redis was emptied, rebuilt or went back, what was remembered is
// forgotten, and the stream itself decides.
//
// Only a Reader with Range and without Replicas is shared: what replicas have to confirm
// each one reads for itself.
type Shared struct {
	Reader *Reader

	mu    sync.Mutex
	tails map[shardOf]*tail
}

type shardOf struct {
	campaign string
	number   int
}

// Turn is one of those who go through a Shared. Two of the same name are one.
type Turn struct {
	*Reader

	shared *Shared
	name   string
}

// Turn returns the reader of that name, in place of s.Reader.
func (s *Shared) Turn(name string) *Turn { return &Turn{s.Reader, s, name} }

// After is Reader.After.
func (t *Turn) After(ctx context.Context, campaign string, shard int, after event.Position, limit int) ([]event.Fact, error) {
	entries, err := t.Entries(ctx, campaign, shard, event.Facts, after, limit)
	if err != nil {
		return nil, err
	}
	facts, err := decode(entries)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s:%d after %s: %w", event.Facts, campaign, shard, after, err)
	}
	return facts, nil
}

// Entries is Reader.Entries.
func (t *Turn) Entries(ctx context.Context, campaign string, shard int, s event.Stream, after event.Position, limit int) ([]event.Entry, error) {
	if s != event.Facts || t.Range == nil || t.Replicas > 0 || limit < 1 {
		return t.Reader.Entries(ctx, campaign, shard, s, after, limit)
	}
	read := t.shared.tail(shardOf{campaign, shard})
	if known := read.behind(t.name, after, limit); len(known) > 0 {
		all, same, err := t.goOn(ctx, campaign, shard, known, limit)
		if err != nil {
			return nil, fmt.Errorf("read %s of %s:%d after %s: %w", s, campaign, shard, after, err)
		}
		if same {
			read.keep(all[len(known):])
			return all, nil
		}
		read.forget()
	}
	entries, err := t.Reader.Entries(ctx, campaign, shard, s, after, limit)
	if err == nil {
		read.keep(entries)
	}
	return entries, err
}

// goOn returns what is known and what follows it, at most limit entries. same is false
// where the last of what is known does not lie there as it was.
func (t *Turn) goOn(ctx context.Context, campaign string, shard int, known []event.Entry, limit int) (all []event.Entry, same bool, err error) {
	last := known[len(known)-1]
	rest, err := t.Range(ctx, t.Key(campaign, shard, event.Facts), last.Position.String(), limit-len(known)+1)
	if err != nil {
		return nil, false, fault.ErrUnavailable.Because(err)
	}
	if len(rest) == 0 || rest[0].Position != last.Position || !rest[0].Fields.Equal(last.Fields) {
		return nil, false, nil
	}
	return append(known, rest[1:]...), true, gapless(last.Position, rest[1:])
}

func (s *Shared) tail(of shardOf) *tail {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tails == nil {
		s.tails = map[shardOf]*tail{}
	}
	if s.tails[of] == nil {
		s.tails[of] = &tail{at: map[string]event.Position{}}
	}
	return s.tails[of]
}

// tail is what was read last of one stream and somebody has still to read.
type tail struct {
	mu      sync.Mutex
	entries []event.Entry
	// at is where each of the readers was when it last asked.
	at map[string]event.Position
}

// mostShared bounds what is remembered of a shard for who lags behind: it is some two
// megabytes then. Who lags further reads for itself.
const mostShared = 4096

// behind returns a copy of what is remembered behind a position, at most limit entries,
// and forgets what everybody has read.
func (t *tail) behind(name string, after event.Position, limit int) []event.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at[name] = after
	done := after
	for _, at := range t.at {
		if at.Compare(done) < 0 {
			done = at
		}
	}
	t.entries = slices.Delete(t.entries, 0, t.past(done)) // and nothing holds on to them
	if len(t.entries) == 0 {
		t.entries = nil
	}
	from := t.past(after)
	if from == len(t.entries) || !t.entries[from].Follows(after) {
		return nil
	}
	return slices.Clone(t.entries[from:min(from+limit, len(t.entries))])
}

// past is how many of the entries lie at or before a position.
func (t *tail) past(at event.Position) int {
	n, found := slices.BinarySearchFunc(t.entries, at, func(e event.Entry, at event.Position) int { return e.Compare(at) })
	if found {
		n++
	}
	return n
}

// keep remembers what was read, where it goes on from what is remembered.
func (t *tail) keep(read []event.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.entries); n > 0 {
		last := t.entries[n-1].Position
		for len(read) > 0 && read[0].Compare(last) <= 0 {
			read = read[1:] // another one was quicker
		}
		if len(read) > 0 && !read[0].Follows(last) {
			return
		}
	}
	t.entries = append(t.entries, read...)
	if over := len(t.entries) - mostShared; over > 0 {
		t.entries = slices.Delete(t.entries, 0, over)
	}
}

func (t *tail) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = nil
}
