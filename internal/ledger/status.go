package ledger

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"qingyuan/internal/event"
)

// Status is how far an archiver is behind.
type Status struct {
	// Waiting counts the entries of both streams that are not in the ledger.
	Waiting uint64
	// Oldest is the age of the oldest of them; zero when there are none.
	Oldest time.Duration
	// Dead counts the dead letters of the shard.
	Dead int
	// Stopped is the fact at which the fold stands still, because it is damaged; the
	// zero position where there is none.
	Stopped event.Position
	// Failed is the error of the last step on either stream; nil where it
	// succeeded.
	Failed error
}

// watch is what an archiver remembers of its last steps. While SQL is away it is
// all that is known of the cursors.
type watch struct {
	mu      sync.Mutex
	heads   Heads
	failed  map[event.Stream]error
	resting map[event.Stream]rest
	dead    int
}

// rest is where a stream ended that SQL had all of, and until when that is believed.
type rest struct {
	at    event.Position
	until time.Time
}

func (w *watch) at(s event.Stream, p event.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.heads.of(s) = p
}

func (w *watch) tried(s event.Stream, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = make(map[event.Stream]error, len(streams))
	}
	if w.failed[s] = err; err != nil {
		delete(w.resting, s)
	}
}

func (w *watch) rest(s event.Stream, at event.Position, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.resting == nil {
		w.resting = make(map[event.Stream]rest, len(streams))
	}
	w.resting[s] = rest{at, until}
}

// restsAt returns where a stream rests.
func (w *watch) restsAt(s event.Stream, now time.Time) (event.Position, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.resting[s]
	return r.at, ok && now.Before(r.until)
}

func (w *watch) read() (Heads, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads, errors.Join(w.failed[event.Facts], w.failed[event.Personal])
}

// remember returns n, or what it was the last time where n could not be counted.
func (w *watch) remember(n int, err error) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.dead = n
	}
	return w.dead
}

// Status asks Redis how much is waiting, and answers also while SQL is away. The
// error means that Redis did not tell.
func (a *Archiver) Status(ctx context.Context) (Status, error) {
	heads, failed := a.watch.read()
	st := Status{Failed: failed, Dead: a.watch.remember(a.Ledger.countDead(ctx, a.Shard))}
	for _, s := range streams {
		if err := a.addWaiting(ctx, &st, s, *heads.of(s)); err != nil {
			return st, err
		}
	}
	if a.Shard.Campaign == DoorsCampaign {
		return st, nil // nobody counts doors
	}
	var err error
	st.Stopped, err = a.stopped(ctx)
	return st, err
}

// stopped looks at the fact that the fold comes to next.
func (a *Archiver) stopped(ctx context.Context) (event.Position, error) {
	at, err := a.Source.FoldCursor(ctx, a.Shard.Campaign, a.Shard.Number)
	if err != nil {
		return event.Position{}, err
	}
	entries, err := a.Source.Entries(ctx, a.Shard.Campaign, a.Shard.Number, event.Facts, at, 1)
	if err != nil || len(entries) == 0 {
		return event.Position{}, nil //nolint:nilerr // The fold has gone on, and its facts were trimmed.
	}
	if Damaged(&entries[0]) == nil {
		return event.Position{}, nil
	}
	return entries[0].Position, nil
}

// Damaged returns why a fact of a known kind cannot be read, and nil where it can or
// where a newer server may understand it.
func Damaged(e *event.Entry) error {
	_, err := event.Decode(*e)
	if errors.Is(err, event.ErrUnknownKind) {
		return nil
	}
	return err
}

// addWaiting adds what waits on one stream behind a position. Positions count
// without a gap, so that nothing needs to be counted; what an older epoch has
// left is missed, and there is none after a rebuild.
func (a *Archiver) addWaiting(ctx context.Context, st *Status, s event.Stream, at event.Position) error {
	last, err := a.Source.Last(ctx, a.Shard.Campaign, a.Shard.Number, s)
	if err != nil || last.Compare(at) <= 0 {
		return err
	}
	if last.Epoch == at.Epoch {
		st.Waiting += last.Seq - at.Seq
	} else {
		st.Waiting += last.Seq + 1
	}
	entries, err := a.Source.Entries(ctx, a.Shard.Campaign, a.Shard.Number, s, at, 1)
	if err != nil || len(entries) == 0 {
		return nil //nolint:nilerr // Another archiver was quicker and has trimmed; its age is not ours to tell.
	}
	st.Oldest = max(st.Oldest, a.Now().Sub(happened(&entries[0])))
	return nil
}

// happened is when an entry was written. One that does not say so is taken for
// old: it needs to be looked at.
func happened(e *event.Entry) time.Time {
	ms, _ := strconv.ParseInt(e.Get(event.FieldAt), 10, 64)
	return time.UnixMilli(ms)
}
