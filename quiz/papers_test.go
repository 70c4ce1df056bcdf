package quiz_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/redisstore"
	"qingyuan/quiz"
)

// counting counts how often the store is asked for an attempt.
type counting struct {
	quiz.Store
	reads atomic.Int64
}

func (c *counting) Attempt(ctx context.Context, p quiz.Person, number int) (quiz.Attempt, error) {
	c.reads.Add(1)
	return c.Store.Attempt(ctx, p, number)
}

func (c *counting) Stands(ctx context.Context, p quiz.Person, number int, rank bool) (quiz.Submitted, error) {
	c.reads.Add(1)
	return c.Store.Stands(ctx, p, number, rank)
}

// count puts a counter before the desk's store.
func (d *desk) count() *counting {
	c := &counting{Store: d.Store}
	d.Store = c
	return c
}

// another is another server on the same store: it has not shown what this one has.
func (d *desk) another() *quiz.Service {
	s := d.Service
	s.Papers = newPapers(d.T)
	return &s
}

func newPapers(tb testing.TB) *quiz.Papers {
	tb.Helper()
	p, err := quiz.NewPapers(100)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// handIn submits at another server.
func handIn(d *desk, v quiz.Receipt, right int) {
	d.Helper()
	if _, err := d.another().Submit(d.Context(), d.campaign.ID, "p1", v.ID, d.answers(v, right)); err != nil {
		d.Fatal(err)
	}
}

// TestSubmitFromMemory hands four right answers in, at a server that has shown the
// paper, after all that may have happened since. What is open still, and what was closed,
// is answered without reading it first, and the answer is always what a server that remembers
// nothing would give.
func TestSubmitFromMemory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before func(*desk, quiz.Receipt)
		reads  int64
		state  quiz.State // of what is answered
		score  int
		want   error
		facts  int // of submissions
	}{
		"at once":             {reads: 0, state: quiz.StateSubmitted, score: 80, facts: 1},
		"at the deadline":     {before: after(10 * time.Minute), reads: 0, state: quiz.StateSubmitted, score: 80, facts: 1},
		"in the grace":        {before: after(10*time.Minute + 1), reads: 1, state: quiz.StateSubmitted, score: 80, facts: 1},
		"shown at another":    {before: forgetAll, reads: 1, state: quiz.StateSubmitted, score: 80, facts: 1},
		"answers kept before": {before: keeping(2, time.Minute), reads: 0, state: quiz.StateSubmitted, score: 80, facts: 1},
		"overdue with nothing kept": {
			before: after(time.Hour), reads: 3, want: quiz.ErrExpired,
		},
		"overdue with answers kept": {before: keeping(2, time.Hour), reads: 2, want: quiz.ErrExpired, facts: 1},
		"overdue with the same kept": {
			before: keeping(4, time.Hour), reads: 2, state: quiz.StateSubmitted, score: 80, facts: 1,
		},
		"the same handed in at another": {
			before: func(d *desk, v quiz.Receipt) { handIn(d, v, 4) }, reads: 0, state: quiz.StateSubmitted, score: 80, facts: 1,
		},
		"something else handed in at another": {
			before: func(d *desk, v quiz.Receipt) { handIn(d, v, 3) }, reads: 0, want: quiz.ErrSubmitted, facts: 1,
		},
		"handed in and invalidated": {
			before: func(d *desk, v quiz.Receipt) { handIn(d, v, 4); correct(d, quiz.StateInvalidated) },
			reads:  0, state: quiz.StateInvalidated, score: 80, facts: 1,
		},
		"handed in and withdrawn, with something else": {
			before: func(d *desk, v quiz.Receipt) { handIn(d, v, 3); correct(d, quiz.StateWithdrawn) },
			reads:  0, want: quiz.ErrSubmitted, facts: 1,
		},
		"expired by a server whose clock is ahead": {before: sweptAhead, reads: 0, want: quiz.ErrExpired},
		"a newer version of the bank": {
			before: func(d *desk, _ quiz.Receipt) { d.shelf.put(fiveQuestions(d.T, "新")) },
			reads:  0, state: quiz.StateSubmitted, score: 80, facts: 1,
		},
		"the campaign was paused": {
			before: func(d *desk, _ quiz.Receipt) { d.campaign.Paused = true }, reads: 0, state: quiz.StateSubmitted, score: 80, facts: 1,
		},
		"personal data erased":         {before: erased, reads: 0, state: quiz.StateSubmitted, score: 80, facts: 1},
		"the store lost everything":    {before: lost, reads: 1, want: quiz.ErrAttemptNotFound},
		"another paper of that number": {before: func(d *desk, v quiz.Receipt) { lost(d, v); begunAnew(d) }, reads: 1, want: fault.ErrInvalid},
		"another paper of that number, handed in": {
			before: func(d *desk, v quiz.Receipt) { lost(d, v); handIn(d, begunAnew(d), 4) }, reads: 1, want: fault.ErrInvalid, facts: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			v := d.start()
			answers := d.answers(v, 4)
			if tc.before != nil {
				tc.before(d, v)
			}
			store := d.count()
			r, err := d.submit("p1", v.ID, answers)
			wants(t, "submission", err, tc.want)
			if n := store.reads.Load(); n != tc.reads {
				t.Errorf("the attempt was read %d times, want %d", n, tc.reads)
			}
			if a := r.Attempt; a.State != tc.state || a.Result.Score != tc.score {
				t.Errorf("answered %q with %d points, want %q with %d", a.State, a.Result.Score, tc.state, tc.score)
			}
			if n := d.facts("submitted.1"); n != tc.facts {
				t.Errorf("%d submissions told, want %d", n, tc.facts)
			}
			d.sameElsewhere(v, answers, r, err)
		})
	}
}

// sameElsewhere hands the same in at a server that remembers nothing.
func (d *desk) sameElsewhere(v quiz.Receipt, answers quiz.Answers, r quiz.Receipt, want error) {
	d.Helper()
	again, err := d.another().Submit(d.Context(), d.campaign.ID, "p1", v.ID, answers)
	wants(d.T, "the same at another server", err, want)
	if diff := cmp.Diff(r, again, same); diff != "" {
		d.Errorf("the same at another server (-here +there):\n%s", diff)
	}
}

func after(by time.Duration) func(*desk, quiz.Receipt) {
	return func(d *desk, _ quiz.Receipt) { d.pass(by) }
}

func forgetAll(d *desk, _ quiz.Receipt) { d.Papers = newPapers(d.T) }

// keeping keeps so many right answers, and then time passes.
func keeping(right int, by time.Duration) func(*desk, quiz.Receipt) {
	return func(d *desk, v quiz.Receipt) {
		if _, err := d.save(v, 1, d.answers(v, right)); err != nil {
			d.Fatal(err)
		}
		d.pass(by)
	}
}

func correct(d *desk, to quiz.State) {
	if err := d.Store.Correct(d.Context(), quiz.Person{Campaign: d.campaign.ID, Participant: "p1"}, 1, to); err != nil {
		d.Fatal(err)
	}
}

func sweptAhead(d *desk, _ quiz.Receipt) {
	ahead := d.another()
	ahead.Now = func() time.Time { return d.now.Add(time.Hour) }
	if n, err := ahead.HandInOverdue(d.Context(), d.campaign.ID, 10); n != 1 || err != nil {
		d.Fatalf("swept %d, %v", n, err)
	}
}

func erased(d *desk, _ quiz.Receipt) {
	if ok, err := d.stores.Erase(d.Context(), d.campaign.ID, "p1", d.now); !ok || err != nil {
		d.Fatalf("erased %t, %v", ok, err)
	}
}

// lost opens the campaign anew on an empty Redis; the server goes on.
func lost(d *desk, _ quiz.Receipt) {
	if err := d.db.FlushAll(d.Context()).Err(); err != nil {
		d.Fatal(err)
	}
	d.open()
	d.Store = redisstore.NewQuiz(d.stores, func(string) (*campaign.Campaign, error) { return d.campaign, nil }, func() time.Time { return d.now })
	d.enrol("p1", "public")
}

// begunAnew opens an attempt of the same number at another server.
func begunAnew(d *desk) quiz.Receipt {
	v, _, err := d.another().Start(d.Context(), d.campaign.ID, "p1", 0)
	if err != nil {
		d.Fatal(err)
	}
	return v
}

// TestAPaperOfAnotherTimeIsNotMarked: nothing at all fits every paper. It is marked,
// and stored, with the paper that is open, and not with one that was.
func TestAPaperOfAnotherTimeIsNotMarked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	lost(d, v)
	begunAnew(d)
	r, err := d.submit("p1", v.ID, quiz.Answers{})
	if err != nil || r.Attempt.Paper.Seed == v.Attempt.Paper.Seed {
		t.Errorf("handed in with the paper of seed %d, which was lost: %v", r.Attempt.Paper.Seed, err)
	}
	if diff := cmp.Diff(r.Attempt, d.attempt(v.ID).Attempt, same); diff != "" {
		t.Errorf("stored (-answered +stored):\n%s", diff)
	}
}

// TestPapersAreBounded: the paper not shown for the longest goes first, and its
// attempt is handed in as at another server.
func TestPapersAreBounded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var err error
	if d.Papers, err = quiz.NewPapers(2); err != nil {
		t.Fatal(err)
	}
	store := d.count()
	views := map[string]quiz.Receipt{}
	for _, p := range []string{"p1", "p2", "p3"} {
		views[p] = d.startOf(p)
	}
	for p, reads := range map[string]int64{"p1": 1, "p2": 0, "p3": 0} {
		store.reads.Store(0)
		if _, err := d.submit(p, views[p].ID, d.answers(views[p], 4)); err != nil || store.reads.Load() != reads {
			t.Errorf("%s: read %d times, want %d; %v", p, store.reads.Load(), reads, err)
		}
	}
	if _, err := quiz.NewPapers(0); err == nil {
		t.Error("no papers at all are remembered")
	}
}

// TestNoKeyBeforeTheEnd: however a submission goes that is not taken, the answer
// explains nothing.
func TestNoKeyBeforeTheEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.Review = quiz.ReviewAfterSubmission })
	v := d.start()
	for name, answers := range map[string]quiz.Answers{
		"a question of nowhere": {"x": {}},
		"an option of nowhere":  {v.Sheet.Questions[0].ID: {"x"}},
	} {
		r, err := d.submit("p1", v.ID, answers)
		wants(t, name, err, fault.ErrInvalid)
		if len(r.Review) != 0 || r.Attempt.State != "" {
			t.Errorf("%s: answered %+v", name, r)
		}
	}
	if a := d.attempt(v.ID); a.Attempt.State != quiz.StateOpen || len(a.Review) != 0 {
		t.Errorf("what was refused closed the attempt: %+v", a)
	}
}

// TestARepeatAsksOnce: whoever repeats a submission or asks for an attempt gets the
// receipt from one reading, and so does a home page.
func TestARepeatAsksOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	want := d.done(v, 4)
	store := d.count()
	for name, ask := range map[string]func() (quiz.Receipt, error){
		"submit": func() (quiz.Receipt, error) { return d.submit("p1", v.ID, d.answers(v, 4)) },
		"read":   func() (quiz.Receipt, error) { return d.Service.Attempt(t.Context(), d.campaign.ID, "p1", v.ID) },
	} {
		store.reads.Store(0)
		if got, err := ask(); err != nil || store.reads.Load() != 1 || got.Rank != 1 || !cmp.Equal(got.Best, want.Best) {
			t.Errorf("%s: %+v after %d readings, %v; want %+v", name, got, store.reads.Load(), err, want)
		}
	}
	for p, want := range map[string]int64{"p1": 1, "p2": 0, "p9": 0} {
		store.reads.Store(0)
		if h := d.home(p); h.Rank != want || store.reads.Load() != 1 {
			t.Errorf("home of %s: rank %d after %d readings, want %d", p, h.Rank, store.reads.Load(), want)
		}
	}
}

// BenchmarkPapers tells what a remembered paper of twenty questions takes.
func BenchmarkPapers(b *testing.B) {
	bytes := uint64(0)
	for b.Loop() {
		before := heap()
		papers, err := quiz.NewPapers(quiz.PapersKept)
		if err != nil {
			b.Fatal(err)
		}
		for i := range quiz.PapersKept {
			a := quiz.Attempt{Number: 1, Paper: quiz.Paper{Bank: "0123456789ab", Items: make([]quiz.Item, 20)}}
			quiz.Keep(papers, quiz.Person{Campaign: "antidrug", Participant: fmt.Sprintf("%026d", i)}, &a)
		}
		bytes = heap() - before
		runtime.KeepAlive(papers)
	}
	b.ReportMetric(float64(bytes)/quiz.PapersKept, "B/paper")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
