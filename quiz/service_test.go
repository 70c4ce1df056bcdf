package quiz_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// same compares what a participant sees of an attempt, however it came about.
var same = cmp.Options{cmpopts.IgnoreUnexported(quiz.SheetOption{}), cmpopts.EquateEmpty()}

// left is what is left of a day's limit where there is none in all.
func left(today int) quiz.Left { return quiz.Left{Today: &today} }

func TestStart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	a := v.Attempt
	if a.Number != 1 || a.State != quiz.StateOpen || !a.StartedAt.Equal(d.now) || !a.Deadline.Equal(d.now.Add(10*time.Minute)) {
		t.Errorf("started %+v", a)
	}
	if len(v.Sheet.Questions) != 5 || len(v.SavedAnswers) != 0 || v.Review != nil || !v.Now.Equal(d.now) {
		t.Errorf("the view has %d questions, saved %v, review %v", len(v.Sheet.Questions), v.SavedAnswers, v.Review)
	}
	if diff := cmp.Diff(left(2), v.Left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change      func(*campaign.Campaign, *quiz.Rules)
		participant string
		number      int
		want        *fault.Error
	}{
		"who is not enrolled":     {participant: "p9", want: campaign.ErrRequired},
		"a number beyond":         {participant: "p1", number: 2, want: quiz.ErrNumber},
		"before the start":        {participant: "p1", change: func(c *campaign.Campaign, _ *quiz.Rules) { c.OpensAt = c.OpensAt.AddDate(0, 0, 10) }, want: campaign.ErrNotOpen},
		"after the close":         {participant: "p1", change: func(c *campaign.Campaign, _ *quiz.Rules) { c.ClosesAt = c.OpensAt.AddDate(0, 0, 9) }, want: campaign.ErrClosed},
		"while paused":            {participant: "p1", change: func(c *campaign.Campaign, _ *quiz.Rules) { c.Paused = true }, want: campaign.ErrPaused},
		"a bank that is too dry":  {participant: "p1", change: func(_ *campaign.Campaign, r *quiz.Rules) { r.Strata[0].Count = 6 }, want: fault.ErrInternal},
		"the number of a deleted": {participant: "p1", number: 1000, want: quiz.ErrNumber},
	} {
		d := newDesk(t, func(c *campaign.Campaign, r *quiz.Rules) {
			if tc.change != nil {
				tc.change(c, r)
			}
		})
		v, _, err := d.Start(t.Context(), d.campaign.ID, tc.participant, tc.number)
		if f := fault.From(err); f == nil || f.Code != tc.want.Code {
			t.Errorf("%s: Start = %+v, %v, want %v", name, v.Attempt, err, tc.want)
		}
		if n := d.facts("started.1"); n != 0 {
			t.Errorf("%s: %d facts", name, n)
		}
	}
}

func TestUnknownCampaign(t *testing.T) {
	t.Parallel()
	d, ctx := newDesk(t), t.Context()
	_, _, errStart := d.Start(ctx, "other", "p1", 0)
	_, errSubmit := d.Submit(ctx, "other", "p1", "1-x", nil)
	_, errHome := d.Home(ctx, "other", "p1")
	_, _, errList := d.Attempts(ctx, "other", "p1", 0, 10)
	_, errHand := d.HandInOverdue(ctx, "other", 10)
	for name, err := range map[string]error{
		"start": errStart, "submit": errSubmit, "home": errHome, "list": errList, "hand in": errHand,
	} {
		wants(t, name, err, campaign.ErrNotFound)
	}
}

// TestARepeatedStart proves invariant 2, and that no restart harvests the bank:
// until it is closed, an attempt is given back with the questions it was drawn
// with, on every server and after the bank has moved on.
func TestARepeatedStart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.start()
	d.shelf.put(fiveQuestions(t, "新题"))
	d.pass(9 * time.Minute)
	for _, number := range []int{0, 1, 2} { // 2: the client takes the open one for finished
		again, fresh, err := d.Start(t.Context(), "antidrug", "p1", number)
		if err != nil || fresh {
			t.Fatalf("start again with number %d: fresh %t, %v", number, fresh, err)
		}
		if diff := cmp.Diff(first.Sheet, again.Sheet, same); again.ID != first.ID || diff != "" {
			t.Errorf("start again with number %d: %s, was %s (-first +again):\n%s", number, again.ID, first.ID, diff)
		}
		if diff := cmp.Diff(first.Left, again.Left); diff != "" {
			t.Errorf("a repeat burnt an attempt (-first +again):\n%s", diff)
		}
	}
	if n := d.facts("started.1"); n != 1 {
		t.Errorf("%d facts, want one", n)
	}
}

func TestStartWithANumber(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.start()
	receipt := d.done(first, 3)
	for _, tc := range []struct {
		number int
		fresh  bool
		id     string
		want   error
	}{
		{number: 1, id: first.ID}, // a delayed repeat burns nothing
		{number: 3, want: quiz.ErrNumber},
		{number: 2, fresh: true},
		{number: 1, id: first.ID}, // also while another is open
		{number: 4, want: quiz.ErrNumber},
	} {
		v, fresh, err := d.Start(t.Context(), "antidrug", "p1", tc.number)
		wants(t, "start", err, tc.want)
		if err == nil && (fresh != tc.fresh || tc.id != "" && v.ID != tc.id || v.Attempt.Number != tc.number) {
			t.Errorf("start with number %d: attempt %s, fresh %t", tc.number, v.ID, fresh)
		}
		if tc.id == first.ID {
			if diff := cmp.Diff(receipt.Attempt, v.Attempt, same); diff != "" {
				t.Errorf("the finished attempt (-receipt +start):\n%s", diff)
			}
		}
	}
	if n := d.facts("started.1"); n != 2 {
		t.Errorf("%d facts, want two", n)
	}
}

// TestTheDaysLimit proves invariant 9: a day's limit counts the day of the start,
// in the campaign's zone.
func TestTheDaysLimit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.at("2026-06-10 23:45:00")
	for range 2 {
		d.done(d.start(), 1)
	}
	last := d.start()
	d.at("2026-06-10 23:55:00")
	d.done(last, 1)
	d.at("2026-06-10 23:59:59.999")
	_, _, err := d.Start(t.Context(), "antidrug", "p1", 0)
	wants(t, "the fourth", err, quiz.ErrLimitReached)
	midnight := clock(t, "2026-06-11 00:00:00")
	if next := fault.From(err).NextAttemptAt; !next.Equal(midnight) {
		t.Errorf("next attempt at %s, want %s", next, midnight)
	}
	h := d.home("p1")
	if diff := cmp.Diff(left(0), h.Left); diff != "" || !h.NextAttemptAt.Equal(midnight) {
		t.Errorf("home: next attempt at %s, left (-want +got):\n%s", h.NextAttemptAt, diff)
	}
	d.now = midnight
	if v := d.start(); v.Attempt.Number != 4 {
		t.Errorf("the first of the next day is number %d", v.Attempt.Number)
	}
}

// TestAnAttemptOverMidnight counts for the day it was started on.
func TestAnAttemptOverMidnight(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 1 })
	d.at("2026-06-10 23:59:00")
	v := d.start()
	d.at("2026-06-11 00:01:00")
	r := d.done(v, 5)
	if diff := cmp.Diff(left(1), r.Left); diff != "" {
		t.Errorf("left after midnight (-want +got):\n%s", diff)
	}
	d.start()
}

func TestNoAttemptComesAfterTheLastDay(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 1 })
	d.at("2026-06-26 20:00:00")
	d.done(d.start(), 5)
	_, _, err := d.Start(t.Context(), "antidrug", "p1", 0)
	wants(t, "the second", err, quiz.ErrLimitReached)
	if next := fault.From(err).NextAttemptAt; !next.IsZero() {
		t.Errorf("next attempt at %s, when the campaign is over", next)
	}
	if h := d.home("p1"); !h.NextAttemptAt.IsZero() {
		t.Errorf("home: next attempt at %s", h.NextAttemptAt)
	}
}

func TestTheLimitInAll(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsInAll, r.AttemptsPerDay = 2, 5 })
	if r := d.done(d.start(), 5); *r.Left.Today != 1 || *r.Left.All != 1 {
		t.Errorf("left today %d of all %d, want 1 and 1", *r.Left.Today, *r.Left.All)
	}
	d.done(d.start(), 5)
	for range 2 {
		_, _, err := d.Start(t.Context(), "antidrug", "p1", 0)
		f := fault.From(err)
		if f.Code != "quiz.limit_reached" || f.Text != quiz.ErrLimitInAll.Text || !f.NextAttemptAt.IsZero() {
			t.Errorf("the third: %+v", f)
		}
		if h := d.home("p1"); !h.NextAttemptAt.IsZero() || *h.Left.Today != 0 || *h.Left.All != 0 {
			t.Errorf("home: next attempt at %s, left %d of %d", h.NextAttemptAt, *h.Left.Today, *h.Left.All)
		}
		d.now = d.campaign.NextDay(d.now) // the next day changes nothing
	}
}

func TestSaveRevisions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	for _, tc := range []struct {
		revision, kept int64
		right, want    int
	}{
		{revision: 0, kept: 0, right: 1, want: 1},
		{revision: 2, kept: 2, right: 2, want: 2},
		{revision: 1, kept: 2, right: 1, want: 2}, // an older one came late
		{revision: 2, kept: 2, right: 4, want: 2}, // a repeat
		{revision: 9, kept: 9, right: 3, want: 3},
	} {
		kept, err := d.save(v, tc.revision, d.answers(v, tc.right))
		if err != nil || kept.Revision != tc.kept {
			t.Errorf("save revision %d: kept %d, %v; want %d", tc.revision, kept.Revision, err, tc.kept)
		}
		if diff := cmp.Diff(d.answers(v, tc.want), d.attempt(v.ID).SavedAnswers); diff != "" {
			t.Errorf("after revision %d (-want +kept):\n%s", tc.revision, diff)
		}
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	_, err := d.save(v, 1, quiz.Answers{"x": {}})
	wants(t, "a question of nowhere", err, fault.ErrInvalid)
	_, _, err = d.Save(t.Context(), "antidrug", "p2", v.ID, 1, nil)
	wants(t, "another's attempt", err, quiz.ErrAttemptNotFound)
	d.pass(10*time.Minute + 5*time.Second)
	if _, err := d.save(v, 1, d.answers(v, 2)); err != nil {
		t.Errorf("within the grace: %v", err)
	}
	d.pass(time.Millisecond)
	_, err = d.save(v, 2, d.answers(v, 5))
	wants(t, "after the grace", err, quiz.ErrExpired)
	if r := d.attempt(v.ID); r.Attempt.Result.Score != 40 {
		t.Errorf("the deadline handed in %+v, want what was kept in time", r.Attempt.Result)
	}
	_, err = d.save(v, 3, d.answers(v, 5))
	wants(t, "after the server handed it in", err, quiz.ErrExpired)
	w := d.start()
	d.done(w, 1)
	_, err = d.save(w, 1, d.answers(w, 5))
	wants(t, "after the submission", err, quiz.ErrSubmitted)
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	d.pass(95*time.Second + 400*time.Millisecond)
	r := d.done(v, 4)
	want := quiz.Result{
		Mark:   quiz.Mark{Score: 80, MaxScore: 100, Correct: 4, Questions: 5},
		Passed: true, Used: 95*time.Second + 400*time.Millisecond, SubmittedAt: d.now,
	}
	if diff := cmp.Diff(want, r.Attempt.Result, cmpopts.IgnoreFields(quiz.Result{}, "Choices")); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if r.ID != v.ID || r.Attempt.State != quiz.StateSubmitted || r.Attempt.ClosedBy != quiz.ByParticipant || r.Rank != 1 {
		t.Errorf("receipt %+v", r)
	}
	best := &quiz.Best{Score: 80, Used: want.Used, At: d.now, Passed: true}
	if diff := cmp.Diff(best, r.Best); diff != "" {
		t.Errorf("best (-want +got):\n%s", diff)
	}
	if len(r.Sheet.Questions) != 0 || r.SavedAnswers != nil {
		t.Errorf("a finished attempt shows a sheet of %d questions", len(r.Sheet.Questions))
	}
}

// TestRepeats proves invariant 2: the same submission again gives the same
// receipt, a different one is refused, and neither is counted.
func TestRepeats(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	mine, other := d.answers(v, 4), d.answers(v, 5)
	d.pass(time.Minute)
	first := d.done(v, 4)
	for _, after := range []time.Duration{time.Second, time.Hour, 30 * 24 * time.Hour} {
		d.now = first.Now.Add(after)
		again, err := d.submit("p1", v.ID, mine)
		if err != nil {
			t.Fatalf("again after %v: %v", after, err)
		}
		if diff := cmp.Diff(first.Attempt, again.Attempt, same); diff != "" {
			t.Errorf("again after %v (-first +again):\n%s", after, diff)
		}
		_, err = d.submit("p1", v.ID, other)
		wants(t, "a different one", err, quiz.ErrSubmitted)
		_, err = d.submit("p1", v.ID, nil)
		wants(t, "an empty one", err, quiz.ErrSubmitted)
	}
	if n := d.facts("submitted.1"); n != 1 {
		t.Errorf("%d facts, want one", n)
	}
}

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

func TestHome(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if diff := cmp.Diff(quiz.Home{Left: left(3)}, d.home("p9")); diff != "" {
		t.Errorf("who is not enrolled (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(quiz.Home{Left: left(3)}, d.home("p1")); diff != "" {
		t.Errorf("before the first (-want +got):\n%s", diff)
	}
	v := d.start()
	want := quiz.Home{OpenID: v.ID, OpenDeadline: v.Attempt.Deadline, Left: left(2)}
	if diff := cmp.Diff(want, d.home("p1")); diff != "" {
		t.Errorf("with an open attempt (-want +got):\n%s", diff)
	}
	d.pass(time.Minute)
	r := d.done(v, 4)
	want = quiz.Home{Left: left(2), Best: r.Best, Rank: 1}
	if diff := cmp.Diff(want, d.home("p1")); diff != "" {
		t.Errorf("after a submission (-want +got):\n%s", diff)
	}
	d.start()
	d.pass(time.Hour)
	if h := d.home("p1"); h.OpenID != "" || *h.Left.Today != 1 {
		t.Errorf("an overdue attempt is shown as open: %+v", h)
	}
}

// TestOwnActAtOnce: the rank on a receipt includes the act it is for, and equal
// attempts share a place.
func TestOwnActAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	papers := []quiz.Receipt{d.startOf("p1"), d.startOf("p2"), d.startOf("p3")}
	d.pass(time.Minute)
	for i, tc := range []struct {
		right int
		rank  int64
	}{{3, 1}, {5, 1}, {3, 2}} {
		p := []string{"p1", "p2", "p3"}[i]
		r, err := d.submit(p, papers[i].ID, d.answers(papers[i], tc.right))
		if err != nil || r.Rank != tc.rank {
			t.Errorf("%s is told rank %d, %v; want %d", p, r.Rank, err, tc.rank)
		}
	}
	for p, rank := range map[string]int64{"p1": 2, "p2": 1, "p3": 2} {
		if h := d.home(p); h.Rank != rank {
			t.Errorf("home of %s: rank %d, want %d", p, h.Rank, rank)
		}
	}
}

func TestNoRankWhereTheCampaignHasNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *campaign.Campaign, _ *quiz.Rules) { c.Ranking = campaign.ProgressOnly })
	r := d.done(d.start(), 5)
	if h := d.home("p1"); r.Rank != 0 || h.Rank != 0 || h.Best == nil {
		t.Errorf("ranks %d and %d, best %v", r.Rank, h.Rank, h.Best)
	}
	if again := d.attempt(r.ID); again.Rank != 0 {
		t.Errorf("rank %d when read again", again.Rank)
	}
}

// TestBestIsKept: a worse attempt does not move anybody, an equal one in less
// time does.
func TestBestIsKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 0 })
	for _, tc := range []struct {
		right int
		used  time.Duration
		best  int
		time  time.Duration
	}{
		{3, 60 * time.Second, 60, 60 * time.Second},
		{2, time.Second, 60, 60 * time.Second},
		{3, 70 * time.Second, 60, 60 * time.Second},
		{3, 50 * time.Second, 60, 50 * time.Second},
		{5, 9 * time.Minute, 100, 9 * time.Minute},
		{5, 9 * time.Minute, 100, 9 * time.Minute}, // the same later on
	} {
		v := d.start()
		d.pass(tc.used)
		if r := d.done(v, tc.right); r.Best.Score != tc.best || r.Best.Used != tc.time {
			t.Errorf("%d right in %v: best is %d in %v, want %d in %v", tc.right, tc.used, r.Best.Score, r.Best.Used, tc.best, tc.time)
		}
		if diff := cmp.Diff(quiz.Left{}, d.home("p1").Left); diff != "" {
			t.Errorf("without limits (-want +got):\n%s", diff)
		}
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

func TestReview(t *testing.T) {
	t.Parallel()
	for rule, tc := range map[quiz.Review]struct{ open, submitted, closed bool }{
		quiz.ReviewAfterSubmission: {submitted: true, closed: true},
		quiz.ReviewAfterClose:      {closed: true},
		quiz.ReviewNever:           {},
		"":                         {},
	} {
		d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.Review = rule })
		v := d.start()
		if r := d.attempt(v.ID); r.Review != nil {
			t.Errorf("%q: an open attempt is reviewed", rule)
		}
		if r := d.done(v, 3); (r.Review != nil) != tc.submitted {
			t.Errorf("%q: reviewed in the receipt: %t", rule, r.Review != nil)
		}
		if r := d.attempt(v.ID); (r.Review != nil) != tc.submitted {
			t.Errorf("%q: reviewed before the close: %t", rule, r.Review != nil)
		}
		d.now = d.campaign.ClosesAt
		if r := d.attempt(v.ID); (r.Review != nil) != tc.closed {
			t.Errorf("%q: reviewed after the close: %t", rule, r.Review != nil)
		}
	}
}

func TestAReviewExplains(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) {
		r.Review, r.Marking = quiz.ReviewAfterSubmission, quiz.Partial
	})
	v := d.start()
	answers := d.answers(v, 5)
	half := slices.IndexFunc(v.Sheet.Questions, func(q quiz.SheetQuestion) bool { return len(answers[q.ID]) == 2 })
	answers[v.Sheet.Questions[half].ID] = answers[v.Sheet.Questions[half].ID][:1]
	r, err := d.submit("p1", v.ID, answers)
	if err != nil || r.Attempt.Result.Score != 90 || len(r.Review) != 5 {
		t.Fatalf("Submit = %+v, %v", r.Attempt.Result, err)
	}
	sum := 0
	for i, item := range r.Review {
		q := d.shelf.newest.Questions[v.Attempt.Paper.Items[i].Question]
		if diff := cmp.Diff(v.Sheet.Questions[i], item.Question, same); diff != "" {
			t.Errorf("question %d (-sheet +review):\n%s", i, diff)
		}
		if !slices.Equal(item.Chosen, answers[item.Question.ID]) || len(item.Right) < len(item.Chosen) {
			t.Errorf("question %d: chosen %v of the right %v", i, item.Chosen, item.Right)
		}
		if item.Explanation != q.Explanation || item.Basis != q.Basis || item.Of != 20 {
			t.Errorf("question %d: %+v", i, item)
		}
		sum += item.Points
	}
	if sum != r.Attempt.Result.Score {
		t.Errorf("the review's points sum to %d of %d", sum, r.Attempt.Result.Score)
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 0 })
	if views, next, err := d.Attempts(t.Context(), "antidrug", "p1", 0, 2); len(views) != 0 || next != 0 || err != nil {
		t.Errorf("before the first: %v, next %d, %v", views, next, err)
	}
	for right := range 4 {
		d.done(d.start(), right)
	}
	open := d.start()
	var numbers []int
	from := 0
	for {
		views, next, err := d.Attempts(t.Context(), "antidrug", "p1", from, 2)
		if err != nil || len(views) > 2 {
			t.Fatalf("from %d: %d views, %v", from, len(views), err)
		}
		for _, v := range views {
			numbers = append(numbers, v.Attempt.Number)
			if len(v.Sheet.Questions) > 0 || v.Review != nil {
				t.Errorf("the list shows the sheet or the review of %d", v.Attempt.Number)
			}
		}
		if from = next; from == 0 {
			break
		}
	}
	if diff := cmp.Diff([]int{5, 4, 3, 2, 1}, numbers); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	views, _, err := d.Attempts(t.Context(), "antidrug", "p1", 0, 1)
	if err != nil || views[0].ID != open.ID || views[0].Attempt.State != quiz.StateOpen {
		t.Errorf("the newest is %+v, %v", views, err)
	}
}

// TestAnothersAttempt is case 7: an attempt is found by its participant only.
func TestAnothersAttempt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	d.startOf("p2")
	for _, id := range []string{v.ID, "1", "1-", "1-aaaaaaaaaaaaaaaaaaaa", "", "2" + v.ID[1:]} {
		_, errRead := d.Attempt(t.Context(), "antidrug", "p2", id)
		wants(t, "read "+id, errRead, quiz.ErrAttemptNotFound)
		_, errSubmit := d.submit("p2", id, d.answers(v, 5))
		wants(t, "submit "+id, errSubmit, quiz.ErrAttemptNotFound)
		_, _, errSave := d.Save(t.Context(), "antidrug", "p2", id, 1, d.answers(v, 5))
		wants(t, "save "+id, errSave, quiz.ErrAttemptNotFound)
	}
	if a := d.attempt(v.ID).Attempt; a.State != quiz.StateOpen || a.Saved.Choices != nil {
		t.Errorf("another's hand changed the attempt: %+v", a)
	}
}

// TestAGroupReadsForAnAudience: a group may draw another's questions.
func TestAGroupReadsForAnAudience(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.Strata[0].Count = 1 })
	d.shelf.put(bankOf(t,
		question("adult", func(q *quiz.Question) { q.Audience = []string{"public"} }),
		question("young", func(q *quiz.Question) { q.Audience = []string{"student"} })))
	d.enrol("p4", "pupils")
	for p, want := range map[string]string{"p1": "adult", "p4": "young"} {
		if v := d.startOf(p); v.Sheet.Questions[0].Stem != "题干 "+want {
			t.Errorf("%s is asked %q", p, v.Sheet.Questions[0].Stem)
		}
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
