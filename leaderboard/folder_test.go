package leaderboard_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

var errAway = errors.New("redis is away")

// ledger is a store that only counts what is folded into it; away makes it fail.
// Real stores are proved in their own packages: this one has a clock to turn.
type ledger struct {
	leaderboard.Store // panics for what a folder need not ask

	mu     sync.Mutex
	facts  []event.Fact
	folded int
	asked  int
	away   bool
}

func (l *ledger) Cursor(context.Context, string, int) (event.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if l.away {
		return event.Position{}, errAway
	}
	if l.folded == 0 {
		return event.Position{}, nil
	}
	return l.facts[l.folded-1].Position, nil
}

func (l *ledger) After(_ context.Context, _ string, _ int, _ event.Position, limit int) ([]event.Fact, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.facts[l.folded:min(l.folded+limit, len(l.facts))]), nil
}

func (l *ledger) Layout(context.Context, string) (leaderboard.Layout, error) { return layout, nil }

func (l *ledger) Apply(_ context.Context, _ string, _ int, b leaderboard.Batch) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folded += int(b.Tally.Cells[leaderboard.Cell{Unit: "u1", Metric: leaderboard.Enrolled}])
	return true, nil
}

// grow makes it so many facts.
func (l *ledger) grow(n int) {
	h := &history{now: base}
	for range n {
		h.enrolled("p", "u1")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts = h.facts
}

func (l *ledger) goes(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// counts tells how much was folded, and how often it was asked.
func (l *ledger) counts() (folded, asked int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.folded, l.asked
}

// running is a folder at work on a fake clock.
func running(t *testing.T, l *ledger) (failed *atomic.Int64, stop func()) {
	t.Helper()
	c := city(t)
	failed = &atomic.Int64{}
	f := &leaderboard.Folder{
		Store: l, Facts: l, Now: time.Now, Folded: func(int, time.Duration) {}, Failed: func(error) { failed.Add(1) },
		Campaign: func() (*campaign.Campaign, error) { return c, nil },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Run(ctx, 0); close(done) }()
	return failed, func() { cancel(); <-done }
}

// turn lets the fake clock run, until everybody waits again.
func turn(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestAFolderCatchesUp: while there is more than a batch it does not pause, and
// then it asks ten times a second.
func TestAFolderCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		l.grow(1750)
		failed, stop := running(t, l)
		synctest.Wait()
		folded, before := l.counts()
		if folded != 1750 {
			t.Errorf("%d of 1750 facts were folded at once", folded)
		}
		turn(time.Second)
		if _, asked := l.counts(); asked-before < 9 || asked-before > 11 {
			t.Errorf("an idle folder asked %d times in a second", asked-before)
		}
		l.grow(1752)
		turn(100 * time.Millisecond)
		if folded, _ := l.counts(); folded != 1752 || failed.Load() != 0 {
			t.Errorf("%d of 1752 facts were folded, %d failures", folded, failed.Load())
		}
		stop()
	})
}

// TestAFolderTriesAgain: a failure skips no fact, and does not hammer the store.
func TestAFolderTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &ledger{}
		l.grow(3)
		l.goes(true)
		failed, stop := running(t, l)
		turn(10*time.Second - time.Millisecond)
		if folded, _ := l.counts(); failed.Load() != 10 || folded != 0 {
			t.Errorf("%d failures in ten seconds, %d folded", failed.Load(), folded)
		}
		l.goes(false)
		turn(time.Second)
		if folded, _ := l.counts(); folded != 3 {
			t.Errorf("%d of 3 facts were folded once the store was back", folded)
		}
		l.goes(true)
		before := failed.Load()
		stop() // an error at the end is nobody's
		if n := failed.Load() - before; n > 1 {
			t.Errorf("%d failures when stopping", n)
		}
	})
}

// TestAFolderTellsItsLag: how many facts a batch had, and how old its last one is.
func TestAFolderTellsItsLag(t *testing.T) {
	t.Parallel()
	l, c := &ledger{}, city(t)
	l.grow(4)
	var facts int
	var lag time.Duration
	f := leaderboard.Folder{
		Store: l, Facts: l, Now: func() time.Time { return base.Add(10 * time.Second) },
		Campaign: func() (*campaign.Campaign, error) { return c, nil },
		Folded:   func(n int, d time.Duration) { facts, lag = n, d },
	}
	if n, err := f.Step(t.Context(), 0); n != 4 || err != nil || facts != 4 || lag != 6*time.Second {
		t.Errorf("Step = %d, %v; told of %d facts, %v old", n, err, facts, lag)
	}
	facts = 0
	if n, err := f.Step(t.Context(), 0); n != 0 || err != nil || facts != 0 {
		t.Errorf("nothing new: Step = %d, %v; told of %d facts", n, err, facts)
	}
	f.Campaign = func() (*campaign.Campaign, error) { return nil, campaign.ErrNotFound }
	if _, err := f.Step(t.Context(), 0); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("a campaign that is gone: %v", err)
	}
}

// quiet is a store in which nothing happened.
type quiet struct {
	leaderboard.Store
	asked atomic.Int64
}

func (q *quiet) Tallies(context.Context, string) (leaderboard.Tallies, error) {
	q.asked.Add(1)
	return leaderboard.Tallies{}, nil
}

func (*quiet) Hours(context.Context, string, int64, int64) (map[leaderboard.BucketCell]int64, error) {
	return nil, nil
}

func (*quiet) Layout(context.Context, string) (leaderboard.Layout, error) { return layout, nil }

func (*quiet) Top(context.Context, string, string, leaderboard.View, int64, int64) ([]leaderboard.Entry, int64, error) {
	return nil, 0, nil
}

func (*quiet) People(context.Context, string, []string) (map[string]leaderboard.Person, error) {
	return nil, nil
}

// TestAPublisherPublishesOnceASecond proves invariant 7: readers take the
// snapshot, and however many they are, the store is asked once a second.
func TestAPublisherPublishesOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, c := &quiet{}, city(t)
		var published atomic.Int64
		p := &leaderboard.Publisher{
			Store: q, Now: time.Now, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{c} },
			Published: func(*leaderboard.Snapshot) { published.Add(1) },
			Failed:    func(id string, err error) { t.Errorf("%s: %v", id, err) },
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.Run(ctx); close(done) }()
		synctest.Wait()
		if s, err := p.Snapshot("antidrug"); err != nil || !s.AsOf.Equal(time.Now()) {
			t.Errorf("the first snapshot is not there at once: %v", err)
		}
		turn(10*time.Second + 500*time.Millisecond)
		for range 1000 {
			if _, err := p.Snapshot("antidrug"); err != nil {
				t.Fatal(err)
			}
		}
		if n := q.asked.Load(); n != 11 || published.Load() != 11 {
			t.Errorf("asked %d times and published %d in ten seconds", n, published.Load())
		}
		stop()
		<-done
	})
}
