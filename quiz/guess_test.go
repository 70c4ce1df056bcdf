package quiz_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// asked counts what a start asks of the store, and lets starts fail while err is set.
type asked struct {
	quiz.Store
	starts, standings atomic.Int64
	err               error
}

func (a *asked) Start(ctx context.Context, p quiz.Person, at quiz.Attempt, l quiz.Limits) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
	a.starts.Add(1)
	if a.err != nil {
		return quiz.Attempt{}, quiz.Standing{}, "", a.err
	}
	return a.Store.Start(ctx, p, at, l)
}

func (a *asked) Standing(ctx context.Context, p quiz.Person) (quiz.Standing, error) {
	a.standings.Add(1)
	return a.Store.Standing(ctx, p)
}

// ask puts a counter before the desk's store.
func (d *desk) ask() *asked {
	a := &asked{Store: d.Store}
	d.Store = a
	return a
}

// is compares how many starts were asked for since, and that nothing else was. It
// begins to count anew.
func (a *asked) is(t *testing.T, what string, starts int64) {
	t.Helper()
	if n, m := a.starts.Swap(0), a.standings.Swap(0); n != starts || m != 0 {
		t.Errorf("%s: %d starts and %d standings, want %d and none", what, n, m, starts)
	}
}

// TestAStartAsksOnce: a new attempt, one that is open still, and a refusal take one
// question to the store.
func TestAStartAsksOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay = 1 })
	store := d.ask()
	v := d.start()
	store.is(t, "a new one", 1)
	again, fresh, err := d.Start(t.Context(), d.campaign.ID, "p1", 1)
	if err != nil || fresh || again.ID != v.ID {
		t.Errorf("again: %s, fresh %t, %v", again.ID, fresh, err)
	}
	store.is(t, "again", 1)
	d.done(v, 3)
	_, _, err = d.Start(t.Context(), d.campaign.ID, "p1", 0)
	wants(t, "the second of a day", err, quiz.ErrLimitReached)
	store.is(t, "the second of a day", 1)
	_, _, err = d.Start(t.Context(), d.campaign.ID, "p9", 0)
	wants(t, "a stranger", err, campaign.ErrRequired)
	store.is(t, "a stranger", 1)
}

// twoAudiences has one question for adults and one for pupils.
func twoAudiences(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.Strata[0].Count = 1 })
	d.shelf.put(bankOf(t,
		question("adult", func(q *quiz.Question) { q.Audience = []string{"public"} }),
		question("young", func(q *quiz.Question) { q.Audience = []string{"student"} })))
	d.enrol("p4", "pupils")
	return d
}

// TestAGroupIsGuessed: the first group is, until the server has met somebody; a
// wrong guess costs a question more, and nobody a wrong paper.
func TestAGroupIsGuessed(t *testing.T) {
	t.Parallel()
	d := twoAudiences(t)
	store := d.ask()
	begin := func(what, participant, stem string, starts int64) {
		t.Helper()
		v := d.startOf(participant)
		if got := v.Sheet.Questions[0].Stem; got != "题干 "+stem {
			t.Errorf("%s: asked %q", what, got)
		}
		store.is(t, what, starts)
		if _, err := d.submit(participant, v.ID, d.answers(v, 1)); err != nil {
			t.Fatal(err)
		}
	}
	begin("of the first group", "p1", "adult", 1)
	begin("of another", "p4", "young", 2)
	begin("of another, met before", "p4", "young", 1)
	d.Pools = newPools(t)
	d.home("p4")
	store.standings.Store(0)
	begin("of another, whose home page was shown", "p4", "young", 1)
	d.Pools = nil
	begin("at a server that remembers nothing", "p1", "adult", 1)

	d.Pools = newPools(t)
	d.enrol("p5", "pupils")
	d.home("p5")
	store.standings.Store(0)
	d.enrol("p5", "public") // moved, at another server
	begin("moved since", "p5", "adult", 2)
	begin("moved, and met since", "p5", "adult", 1)
}

// TestAGroupThatIsNotGuessed: campaigns whose groups changed, or for whose first
// group no paper can be drawn.
func TestAGroupThatIsNotGuessed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*desk){
		"a campaign without groups": func(d *desk) {
			d.campaign.Groups = nil
			d.shelf.put(bankOf(d.T, question("young", func(q *quiz.Question) { q.Audience = []string{"pupils"} })))
		},
		"a group that went": func(d *desk) {
			d.campaign.Groups = []campaign.Group{{ID: "public"}}
			d.shelf.put(bankOf(d.T, question("young", func(q *quiz.Question) { q.Audience = []string{"pupils"} }),
				question("adult", func(q *quiz.Question) { q.Audience = []string{"public"} })))
		},
		"no questions for the first": func(d *desk) {
			d.shelf.put(bankOf(d.T, question("young", func(q *quiz.Question) { q.Audience = []string{"student"} })))
		},
	} {
		d := twoAudiences(t)
		change(d)
		for range 2 {
			if v := d.startOf("p4"); v.Sheet.Questions[0].Stem != "题干 young" {
				t.Errorf("%s: asked %q", name, v.Sheet.Questions[0].Stem)
			} else if _, err := d.submit("p4", v.ID, d.answers(v, 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestARepeatWhileNothingIsTaken proves invariant 2: what was started can be fetched
// again while the store takes nothing new, and nobody else starts.
func TestARepeatWhileNothingIsTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v := d.start()
	store := d.ask()
	store.err = fmt.Errorf("full: %w", fault.ErrUnavailable)
	again, fresh, err := d.Start(t.Context(), d.campaign.ID, "p1", 0)
	if diff := cmp.Diff(v.View, again.View, same); err != nil || fresh || diff != "" {
		t.Errorf("again: fresh %t, %v (-first +again):\n%s", fresh, err, diff)
	}
	_, _, err = d.Start(t.Context(), d.campaign.ID, "p2", 0)
	wants(t, "another", err, fault.ErrUnavailable)
}

// TestSomebodyWhoNeverStays is refused, rather than given a paper for another group.
func TestSomebodyWhoNeverStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.Store = restless{d.Store}
	_, _, err := d.Start(t.Context(), d.campaign.ID, "p1", 0)
	wants(t, "a restless one", err, fault.ErrUnavailable)
}

// restless is always of another group than the paper is for.
type restless struct{ quiz.Store }

func (r restless) Start(_ context.Context, _ quiz.Person, _ quiz.Attempt, l quiz.Limits) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
	group := "public"
	if l.Group == group {
		group = "pupils"
	}
	return quiz.Attempt{}, quiz.Standing{Group: group}, quiz.OtherGroup, nil
}
