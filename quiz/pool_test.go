package quiz_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

func newPools(tb testing.TB) *quiz.Pools {
	tb.Helper()
	p, err := quiz.NewPools(3)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// TestAPoolIsDrawnFromAgain: many papers from one pool are those that would each be
// drawn from the bank.
func TestAPoolIsDrawnFromAgain(t *testing.T) {
	t.Parallel()
	bank := fiveQuestions(t, "题")
	rules := &quiz.Rules{Strata: []quiz.Stratum{{Count: 1, Points: 5, Kinds: []quiz.Kind{quiz.Multiple}}, {Count: 3, Points: 2}}}
	pool := quiz.NewPool(bank, rules, "public", "2026-06-10")
	for seed := range uint64(200) {
		want, errWant := quiz.Draw(bank, rules, "public", "2026-06-10", seed)
		got, err := pool.Draw(seed)
		if diff := cmp.Diff(want, got); err != nil || errWant != nil || diff != "" {
			t.Fatalf("seed %d: %v, %v (-bank +pool):\n%s", seed, errWant, err, diff)
		}
	}
}

// TestPoolsAreNotOutdated: what is remembered of one version, day, audience or set of
// rules serves no other, also beyond the number of pools that are kept.
func TestPoolsAreNotOutdated(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(_ *campaign.Campaign, r *quiz.Rules) { r.AttemptsPerDay, r.Strata[0].Count = 0, 1 })
	d.enrol("p4", "pupils")
	only := func(id, from, to, audience string) *quiz.Bank {
		return bankOf(t, question(id, func(q *quiz.Question) { q.ValidFrom, q.ValidTo, q.Audience = from, to, []string{audience} }),
			question(id+" later", func(q *quiz.Question) { q.ValidFrom, q.Audience = "2026-06-11", []string{audience} }),
			question(id+" young", func(q *quiz.Question) { q.ValidFrom, q.Audience = "2026-01-01", []string{"student"} }))
	}
	asked := func(who, want string) {
		t.Helper()
		v := d.startOf(who)
		if got := v.Sheet.Questions[0].Stem; got != "题干 "+want {
			t.Errorf("%s is asked %q, want %q", who, got, want)
		}
		if _, err := d.submit(who, v.ID, quiz.Answers{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"one", "two", "one"} {
		d.at("2026-06-10 12:00:00")
		d.shelf.put(only(id, "2026-01-01", "2026-06-10", "public"))
		asked("p1", id)
		asked("p4", id+" young")
		asked("p2", id)
		d.pass(24 * time.Hour)
		asked("p1", id+" later")
	}
	stricter := *d.rules
	stricter.Strata = slices.Clone(stricter.Strata)
	stricter.Strata[0].Difficulties = []int{3}
	d.rules = &stricter
	if _, _, err := d.Start(t.Context(), d.campaign.ID, "p3", 0); err == nil {
		t.Error("a paper was drawn by rules that are over")
	}
	if _, err := quiz.NewPools(0); err == nil {
		t.Error("no pools at all are remembered")
	}
}
