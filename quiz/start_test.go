package quiz_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

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

// TestTheLastAttemptOfAll: where the rules set no limit in all there is still one, and
// every attempt up to it can be read and handed in by its id.
func TestTheLastAttemptOfAll(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 0 })
	first := d.start().Attempt
	p := quiz.Person{Campaign: d.campaign.ID, Participant: "p1"}
	for a := first; a.Number < 1000; {
		if err := d.Store.Expire(t.Context(), p, a.Expired(nil, a.Deadline)); err != nil {
			t.Fatal(err)
		}
		next := quiz.Attempt{Window: first.Window, Paper: first.Paper, State: quiz.StateOpen}
		var err error
		if a, _, _, err = d.Store.Start(t.Context(), p, next, quiz.Limits{Day: "2026-06-10"}); err != nil {
			t.Fatal(err)
		}
	}
	v, fresh, err := d.Start(t.Context(), d.campaign.ID, "p1", 1000)
	if err != nil || fresh || d.attempt(v.ID).Attempt.Number != 1000 {
		t.Fatalf("the last is %d, fresh %t, %v", v.Attempt.Number, fresh, err)
	}
	d.done(v, 4)
	for name, inAll := range map[string]int{"no limit in all": 0, "the highest limit": 1000, "a limit set afterwards": 3} {
		d.rules.AttemptsInAll = inAll
		_, _, err := d.Start(t.Context(), d.campaign.ID, "p1", 0)
		wants(t, name, err, quiz.ErrLimitInAll)
	}
}
