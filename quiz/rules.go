package quiz

import (
	"fmt"
	"slices"
	"time"
)

// Review says when a participant may see which options were right.
type Review string

// The review rules.
const (
	ReviewAfterSubmission Review = "after_submission"
	ReviewAfterClose      Review = "after_close"
	ReviewNever           Review = "never"
)

// Marking says how a multiple-choice question is marked.
type Marking string

// AllOrNothing gives the points for exactly the right options. Partial gives
// half of them, rounded down, for a non-empty subset without a wrong option.
const (
	AllOrNothing Marking = "all_or_nothing"
	Partial      Marking = "partial"
)

// MaxScore is the most a paper may be worth: a board keeps eleven bits.
const MaxScore = 2047

// Stratum is one layer of a paper: so many questions of this kind. An empty
// list allows everything.
type Stratum struct {
	Count        int
	Points       int
	Kinds        []Kind
	Topics       []string
	Difficulties []int
}

func (s *Stratum) admits(q *Question) bool {
	return anyOr(s.Kinds, q.Kind) && anyOr(s.Topics, q.Topic) && anyOr(s.Difficulties, q.Difficulty)
}

func anyOr[T comparable](allowed []T, v T) bool {
	return len(allowed) == 0 || slices.Contains(allowed, v)
}

// Rules are a campaign's rules of the quiz.
type Rules struct {
	Strata    []Stratum
	TimeLimit time.Duration
	// Grace is how long after the deadline a submission still on its way is
	// taken; the used time never exceeds the deadline.
	Grace time.Duration
	// AttemptsPerDay and AttemptsInAll bound the attempts started; 0 means no
	// bound but that of everybody: a thousand in all. A day is a local date of the
	// campaign's zone.
	AttemptsPerDay, AttemptsInAll int
	PassScore                     int
	Marking                       Marking
	Review                        Review
}

// Questions returns how many questions a paper has.
func (r *Rules) Questions() int {
	n := 0
	for _, s := range r.Strata {
		n += s.Count
	}
	return n
}

// MaxScore returns what a faultless paper is worth.
func (r *Rules) MaxScore() int {
	n := 0
	for _, s := range r.Strata {
		n += s.Count * s.Points
	}
	return n
}

// Check returns every fault of the rules by themselves.
func (r *Rules) Check() []error {
	var errs flaws
	if len(r.Strata) == 0 {
		errs.add("strata", "at least one is needed")
	}
	for i, s := range r.Strata {
		if s.Count < 1 || s.Points < 1 {
			errs.add(fmt.Sprintf("strata.%d", i), "count and points must be positive")
		}
	}
	if n := r.MaxScore(); n > MaxScore {
		errs.add("strata", "worth %d points, at most %d", n, MaxScore)
	}
	if r.TimeLimit < 10*time.Second || r.TimeLimit > 3*time.Hour {
		errs.add("time_limit", "%v is not between 10s and 3h", r.TimeLimit)
	}
	if r.Grace < 0 || r.Grace > time.Minute {
		errs.add("grace", "%v is not between 0s and 1m", r.Grace)
	}
	if r.AttemptsPerDay < 0 || r.AttemptsInAll < 0 || r.AttemptsInAll > maxAttempts {
		errs.add("attempts_per_day, attempts_in_all", "not between 0 and %d", maxAttempts)
	}
	if r.PassScore < 0 || r.PassScore > r.MaxScore() {
		errs.add("pass_score", "%d is more than the paper's %d points", r.PassScore, r.MaxScore())
	}
	return errs
}

// maxAttempts bounds one participant's attempts in a campaign, so that one
// person cannot fill the store.
const maxAttempts = 1000

// mostAttempts is how many attempts a participant may start in all.
func (r *Rules) mostAttempts() int {
	if r.AttemptsInAll == 0 {
		return maxAttempts
	}
	return r.AttemptsInAll
}

// Window is what the clock allows an attempt.
type Window struct {
	StartedAt, Deadline time.Time
}

// WindowFor returns the attempt's window when started at now: the deadline is
// the earlier of the time limit and the campaign's close (zero: never closes).
func (r *Rules) WindowFor(now, closesAt time.Time) Window {
	w := Window{StartedAt: now, Deadline: now.Add(r.TimeLimit)}
	if !closesAt.IsZero() && closesAt.Before(w.Deadline) {
		w.Deadline = closesAt
	}
	return w
}
