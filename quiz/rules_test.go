package quiz_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/quiz"
)

// rules are ones that Check finds no fault with; changes give them some.
func rules(changes ...func(*quiz.Rules)) *quiz.Rules {
	r := &quiz.Rules{
		Strata:    []quiz.Stratum{{Count: 5, Points: 10}, {Count: 10, Points: 5}},
		TimeLimit: 10 * time.Minute, Grace: 5 * time.Second,
		AttemptsPerDay: 3, AttemptsInAll: 10, PassScore: 60,
		Marking: quiz.AllOrNothing, Review: quiz.ReviewAfterSubmission,
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func TestRulesWithoutFault(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*quiz.Rules){
		"the usual":       func(*quiz.Rules) {},
		"no limits":       func(r *quiz.Rules) { r.AttemptsPerDay, r.AttemptsInAll = 0, 0 },
		"the most":        func(r *quiz.Rules) { r.AttemptsInAll = 1000 },
		"everybody":       func(r *quiz.Rules) { r.PassScore = 0 },
		"only the best":   func(r *quiz.Rules) { r.PassScore = 100 },
		"the shortest":    func(r *quiz.Rules) { r.TimeLimit, r.Grace = 10*time.Second, 0 },
		"the longest":     func(r *quiz.Rules) { r.TimeLimit, r.Grace = 3*time.Hour, time.Minute },
		"the most points": func(r *quiz.Rules) { r.Strata = []quiz.Stratum{{Count: 1, Points: quiz.MaxScore}} },
	} {
		if errs := rules(change).Check(); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestRulesFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*quiz.Rules)
		says   string
	}{
		"no strata":              {func(r *quiz.Rules) { r.Strata, r.PassScore = nil, 0 }, "strata: at least one"},
		"an empty stratum":       {func(r *quiz.Rules) { r.Strata[1].Count = 0 }, "strata.1"},
		"a worthless one":        {func(r *quiz.Rules) { r.Strata[0].Points = 0 }, "strata.0"},
		"a negative one":         {func(r *quiz.Rules) { r.Strata[0].Points = -5 }, "strata.0"},
		"more than a board has":  {func(r *quiz.Rules) { r.Strata = []quiz.Stratum{{Count: 2, Points: 1024}} }, "2048 points"},
		"too short":              {func(r *quiz.Rules) { r.TimeLimit = 9 * time.Second }, "time_limit"},
		"too long":               {func(r *quiz.Rules) { r.TimeLimit = 3*time.Hour + 1 }, "time_limit"},
		"negative grace":         {func(r *quiz.Rules) { r.Grace = -1 }, "grace"},
		"too much grace":         {func(r *quiz.Rules) { r.Grace = time.Minute + 1 }, "grace"},
		"a negative day's limit": {func(r *quiz.Rules) { r.AttemptsPerDay = -1 }, "attempts_per_day"},
		"a negative limit":       {func(r *quiz.Rules) { r.AttemptsInAll = -1 }, "attempts_in_all"},
		"too many attempts":      {func(r *quiz.Rules) { r.AttemptsInAll = 1001 }, "attempts_in_all"},
		"nobody can pass":        {func(r *quiz.Rules) { r.PassScore = 101 }, "pass_score"},
		"a negative pass":        {func(r *quiz.Rules) { r.PassScore = -1 }, "pass_score"},
	} {
		if errs := rules(tc.change).Check(); len(errs) == 0 || !strings.Contains(fmt.Sprint(errs), tc.says) {
			t.Errorf("%s: Check = %v, want one that says %q", name, errs, tc.says)
		}
	}
	if errs := rules(func(r *quiz.Rules) { *r = quiz.Rules{Grace: -1, PassScore: 5} }).Check(); len(errs) != 4 {
		t.Errorf("Check names %v, want all four", errs)
	}
}

func TestSizeOfAPaper(t *testing.T) {
	t.Parallel()
	if r := rules(); r.Questions() != 15 || r.MaxScore() != 100 {
		t.Errorf("%d questions worth %d, want 15 worth 100", r.Questions(), r.MaxScore())
	}
}

// TestWindowFor proves invariant 9: the deadline is the earlier of the limit and
// the close.
func TestWindowFor(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 26, 23, 50, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		closes time.Time
		want   time.Duration
	}{
		"it never closes":           {time.Time{}, 10 * time.Minute},
		"it closes later":           {now.Add(time.Hour), 10 * time.Minute},
		"it closes at the limit":    {now.Add(10 * time.Minute), 10 * time.Minute},
		"it closes a moment before": {now.Add(10*time.Minute - 1), 10*time.Minute - 1},
		"it closes in a second":     {now.Add(time.Second), time.Second},
	} {
		w := rules().WindowFor(now, tc.closes)
		if !w.StartedAt.Equal(now) || w.Deadline.Sub(now) != tc.want {
			t.Errorf("%s: %s to %s, want %v", name, w.StartedAt, w.Deadline, tc.want)
		}
	}
}
