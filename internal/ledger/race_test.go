package ledger_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger/ledgertest"
)

// TestManyArchiversThatFail proves invariant 5: eight archivers work on one shard,
// each of them is cut off at random and replaced, Redis stumbles before and after
// commits, facts go on being written and trimmed, and each is in the ledger once.
func TestManyArchiversThatFail(t *testing.T) {
	t.Parallel()
	const archivers, facts, personal = 8, 2_000, 500
	onBoth(t, func(r *rig) {
		want := ledgertest.Crowd(1, 0, facts)
		r.source.folded(pos(1, facts/2))
		r.source.before = func(string) error {
			if rand.IntN(20) == 0 {
				return errStumble
			}
			return nil
		}
		done := make(chan struct{})
		var wg sync.WaitGroup
		for range archivers {
			wg.Go(func() { r.liveAndDie(done) })
		}
		for from := 0; from < facts; from += 100 {
			r.add(event.Facts, want[from:from+100]...)
			r.add(event.Personal, records(from/4, 25)...)
		}
		r.await("all of it", func() bool { return r.atEnd(pos(1, facts-1), pos(1, personal-1)) })
		close(done)
		wg.Wait()
		r.source.before = nil
		r.same("facts", ledgertest.Decoded(r, want...), r.facts())
		h, err := r.archiver.Ledger.History(r.Context(), home, "p000499")
		r.wants("History", err)
		r.same("records of one", ledgertest.Records(r, records(personal-1, 1)...), h.Records)
		r.wants("Trim", r.archiver.Trim(r.Context()))
		r.same("facts left for the fold", facts/2-1, len(r.left(event.Facts)))
		r.same("records left", 0, len(r.left(event.Personal)))
	})
}

// atEnd tells whether both cursors are at the end.
func (r *rig) atEnd(facts, personal event.Position) bool {
	f, errF := r.archiver.Ledger.Cursor(r.Context(), home, event.Facts)
	p, errP := r.archiver.Ledger.Cursor(r.Context(), home, event.Personal)
	return errF == nil && errP == nil && f == facts && p == personal
}

// liveAndDie runs one archiver after the other. The first ones are cut off after a
// random time, in the midst of what they do, and their successors know nothing of
// it.
func (r *rig) liveAndDie(done chan struct{}) {
	const deaths = 6
	for range deaths {
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(rand.IntN(int(100*time.Millisecond))))
		r.live(ctx)
		cancel()
	}
	ctx, cancel := context.WithCancel(r.Context())
	go func() { <-done; cancel() }()
	r.live(ctx)
}

func (r *rig) live(ctx context.Context) {
	a := r.another(r.archiver.Ledger)
	a.Batch = 1 + rand.IntN(300)
	for ctx.Err() == nil {
		for _, s := range []event.Stream{event.Facts, event.Personal} {
			_, err := a.Step(ctx, s)
			r.tolerate(ctx, err)
		}
		r.tolerate(ctx, a.Trim(ctx))
	}
}

// tolerate wants no failure but those that the test makes. A driver may look at
// the deadline before the context's own timer does.
func (r *rig) tolerate(ctx context.Context, err error) {
	deadline, ok := ctx.Deadline()
	over := ctx.Err() != nil || ok && !time.Now().Before(deadline)
	if err != nil && !over && !errors.Is(err, errStumble) {
		r.Errorf("an archiver failed: %v", err)
	}
}
