package quiz_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// TestTheDeadline proves invariant 9 to the millisecond.
func TestTheDeadline(t *testing.T) {
	t.Parallel()
	const limit = 10 * time.Minute
	for name, tc := range map[string]struct {
		after time.Duration
		used  time.Duration
		want  error
	}{
		"a millisecond before":          {limit - time.Millisecond, limit - time.Millisecond, nil},
		"at the deadline":               {limit, limit, nil},
		"a millisecond after":           {limit + time.Millisecond, limit, nil},
		"at the end of the grace":       {limit + 5*time.Second, limit, nil},
		"a millisecond after the grace": {limit + 5*time.Second + time.Millisecond, 0, quiz.ErrExpired},
		"the next day":                  {24 * time.Hour, 0, quiz.ErrExpired},
	} {
		d := newDesk(t)
		v := d.start()
		d.pass(tc.after)
		r, err := d.submit("p1", v.ID, d.answers(v, 5))
		wants(t, name, err, tc.want)
		if err == nil && (r.Attempt.Result.Used != tc.used || r.Attempt.Result.SubmittedAt.After(v.Attempt.Deadline)) {
			t.Errorf("%s: used %v, submitted at %s", name, r.Attempt.Result.Used, r.Attempt.Result.SubmittedAt)
		}
	}
}

// TestWhatTheDeadlineHandsIn is what becomes of an attempt that nobody hands in.
func TestWhatTheDeadlineHandsIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kept  func(*desk, quiz.Receipt) // before the deadline
		state quiz.State
		score int
	}{
		"something was kept": {
			func(d *desk, v quiz.Receipt) { _, _ = d.save(v, 1, d.answers(v, 3)) }, quiz.StateSubmitted, 60,
		},
		"nothing was kept": {func(*desk, quiz.Receipt) {}, quiz.StateExpired, 0},
		"all marks were taken away again": {
			func(d *desk, v quiz.Receipt) {
				_, _ = d.save(v, 1, d.answers(v, 3))
				_, _ = d.save(v, 2, quiz.Answers{})
			}, quiz.StateExpired, 0,
		},
	} {
		for by, closing := range closers() {
			d := newDesk(t)
			v := d.start()
			tc.kept(d, v)
			d.pass(10*time.Minute + 5*time.Second + time.Millisecond)
			closing(d, v)
			r := d.attempt(v.ID)
			if a := r.Attempt; a.State != tc.state || a.ClosedBy != quiz.ByDeadline || a.Result.Score != tc.score {
				t.Errorf("%s, closed by %s: %s by %s with %d points", name, by, a.State, a.ClosedBy, a.Result.Score)
			}
			if a := r.Attempt; a.State == quiz.StateSubmitted && !a.Result.SubmittedAt.Equal(a.Deadline) {
				t.Errorf("%s, closed by %s: submitted at %s, not at the deadline", name, by, a.Result.SubmittedAt)
			}
			if n := d.facts("submitted.1") + d.facts("expired.1"); n != 1 {
				t.Errorf("%s, closed by %s: %d facts", name, by, n)
			}
		}
	}
}

// closers are the ways an overdue attempt is noticed.
func closers() map[string]func(*desk, quiz.Receipt) {
	return map[string]func(*desk, quiz.Receipt){
		"reading it": func(d *desk, v quiz.Receipt) { d.attempt(v.ID) },
		"the next start": func(d *desk, _ quiz.Receipt) {
			if r := d.start(); r.Attempt.Number != 2 {
				d.Errorf("the next start gave number %d", r.Attempt.Number)
			}
		},
		"the sweeper": func(d *desk, _ quiz.Receipt) {
			if n, err := d.HandInOverdue(d.Context(), "antidrug", 10); n != 1 || err != nil {
				d.Errorf("HandInOverdue = %d, %v", n, err)
			}
		},
		"a late submission": func(d *desk, v quiz.Receipt) {
			_, err := d.submit("p1", v.ID, d.answers(v, 5))
			wants(d.T, "a late submission", err, quiz.ErrExpired)
		},
	}
}

// TestALateRepeat: who hands in after the deadline just what was kept is told
// what the deadline made of it.
func TestALateRepeat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	if _, err := d.save(v, 1, d.answers(v, 4)); err != nil {
		t.Fatal(err)
	}
	d.pass(time.Hour)
	r, err := d.submit("p1", v.ID, d.answers(v, 4))
	if err != nil || r.Attempt.ClosedBy != quiz.ByDeadline || r.Attempt.Result.Score != 80 {
		t.Errorf("Submit = %+v, %v", r.Attempt, err)
	}
}

// TestHandInOverdueByTwo: any number of servers may sweep at once; every attempt
// is closed once.
func TestHandInOverdueByTwo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	kept, empty := d.start(), d.startOf("p2")
	if _, err := d.save(kept, 1, d.answers(kept, 2)); err != nil {
		t.Fatal(err)
	}
	d.pass(5 * time.Minute)
	running := d.startOf("p3")
	d.pass(5*time.Minute + 6*time.Second)
	var sweepers sync.WaitGroup
	for range 8 {
		sweepers.Go(func() {
			if _, err := d.HandInOverdue(t.Context(), "antidrug", 10); err != nil {
				t.Error(err)
			}
		})
	}
	sweepers.Wait()
	if s, e := d.facts("submitted.1"), d.facts("expired.1"); s != 1 || e != 1 {
		t.Errorf("%d submitted and %d expired facts, want one each", s, e)
	}
	if n, err := d.HandInOverdue(t.Context(), "antidrug", 10); n != 0 || err != nil {
		t.Errorf("another sweep closed %d, %v", n, err)
	}
	if r, err := d.Attempt(t.Context(), "antidrug", "p2", empty.ID); err != nil || r.Attempt.State != quiz.StateExpired {
		t.Errorf("nothing was kept: %s, %v", r.Attempt.State, err)
	}
	if r, err := d.Attempt(t.Context(), "antidrug", "p3", running.ID); err != nil || r.Attempt.State != quiz.StateOpen {
		t.Errorf("the clock still runs: %s, %v", r.Attempt.State, err)
	}
}

// TestOneBadAttemptBlocksNobody: an attempt that cannot be marked is reported,
// and those after it are handed in all the same.
func TestOneBadAttemptBlocksNobody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	lost := d.start()
	if _, err := d.save(lost, 1, d.answers(lost, 2)); err != nil {
		t.Fatal(err)
	}
	delete(d.shelf.all, lost.Attempt.Paper.Bank)
	d.shelf.put(fiveQuestions(t, "新题"))
	d.pass(time.Second)
	d.startOf("p2")
	d.pass(time.Hour)
	n, err := d.HandInOverdue(t.Context(), "antidrug", 10)
	if n != 1 || err == nil {
		t.Errorf("HandInOverdue = %d, %v; want 1 and the error of the other", n, err)
	}
	if d.facts("expired.1") != 1 {
		t.Error("the attempt after the bad one was not closed")
	}
}

// TestARunningClock: a pause and the close refuse new attempts, and take away
// nothing that was begun.
func TestARunningClock(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	d.campaign.Paused = true
	if again, fresh, err := d.Start(t.Context(), "antidrug", "p1", 0); err != nil || fresh || again.ID != v.ID {
		t.Errorf("start again while paused: %s, fresh %t, %v", again.ID, fresh, err)
	}
	if _, err := d.save(v, 1, d.answers(v, 1)); err != nil {
		t.Errorf("save while paused: %v", err)
	}
	if r := d.done(v, 5); r.Attempt.Result.Score != 100 {
		t.Errorf("submitted while paused: %+v", r.Attempt.Result)
	}
	_, _, err := d.Start(t.Context(), "antidrug", "p1", 0)
	wants(t, "a new one while paused", err, campaign.ErrPaused)
	if again, _, err := d.Start(t.Context(), "antidrug", "p1", 1); err != nil || again.ID != v.ID {
		t.Errorf("the finished one while paused: %s, %v", again.ID, err)
	}
}

func TestTheCloseIsADeadline(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.at("2026-06-26 23:55:00")
	v := d.start()
	if !v.Attempt.Deadline.Equal(d.campaign.ClosesAt) {
		t.Errorf("deadline %s, want the close", v.Attempt.Deadline)
	}
	d.at("2026-06-27 00:00:03") // on its way when the campaign closed
	if r := d.done(v, 5); r.Attempt.Result.Used != 5*time.Minute {
		t.Errorf("used %v", r.Attempt.Result.Used)
	}
	_, _, err := d.Start(t.Context(), "antidrug", "p1", 0)
	wants(t, "a new one", err, campaign.ErrClosed)
}

func TestADemonstrationNeverCloses(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *campaign.Campaign, _ *quiz.Rules) { c.AlwaysOpen = true })
	d.at("2026-06-26 23:55:00")
	if v := d.start(); v.Attempt.Deadline.Sub(d.now) != 10*time.Minute {
		t.Errorf("deadline %s", v.Attempt.Deadline)
	}
}

// lateSave is a store in which another server keeps answers just before an
// attempt expires.
type lateSave struct {
	quiz.Store
	save func()
}

func (s *lateSave) Expire(ctx context.Context, p quiz.Person, a quiz.Attempt) error {
	s.save()
	return s.Store.Expire(ctx, p, a)
}

// TestKeptAtTheLastMoment: what was kept in time counts, although this server
// saw the attempt empty.
func TestKeptAtTheLastMoment(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	inTime := d.Service
	d.Store = &lateSave{Store: d.Store, save: func() {
		at := v.Attempt.Deadline
		inTime.Now = func() time.Time { return at }
		if _, _, err := inTime.Save(t.Context(), "antidrug", "p1", v.ID, 1, d.answers(v, 4)); err != nil {
			t.Error(err)
		}
	}}
	d.pass(time.Hour)
	_, err := d.submit("p1", v.ID, d.answers(v, 5))
	wants(t, "a late submission", err, quiz.ErrExpired)
	if a := d.attempt(v.ID).Attempt; a.State != quiz.StateSubmitted || a.ClosedBy != quiz.ByDeadline || a.Result.Score != 80 {
		t.Errorf("%s by %s with %d points, want what was kept", a.State, a.ClosedBy, a.Result.Score)
	}
}
