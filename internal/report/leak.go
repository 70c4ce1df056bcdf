package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"qingyuan/quiz"
)

// Leak is a question that people suddenly know, and faster: its answer may be going
// round.
type Leak struct {
	Question *quiz.Question
	// Since is the local hour from which on it shows.
	Since time.Time
	// Before and After are the shares of right answers, 0 to 1, PaceBefore and
	// PaceAfter the mean time that attempts with it took for each question.
	Before, After         float64
	PaceBefore, PaceAfter time.Duration

	surety float64 // the z that it was found with
}

// What makes a leak: enough people on both sides, a rise that chance does not make
// and that matters, and attempts that got faster by a fifth.
const (
	leakLeast = 30
	leakRise  = 0.15
	leakZ     = 3.29 // one in a thousand by chance, two-sided
	leakPace  = 0.8
)

// hourly is how a question was answered, by the local hour in which papers with it were
// handed in: the Unix time at which that began. Campaigns last weeks and sleep at night,
// so that a question has some hundreds of hours at most.
type hourly map[int64]tally

// tally is one hour of a question.
type tally struct {
	share

	pace time.Duration // summed up
}

// hourOf is the local hour in which a moment lies.
func hourOf(at time.Time, zone *time.Location) int64 {
	local := at.In(zone)
	y, m, d := local.Date()
	return time.Date(y, m, d, local.Hour(), 0, 0, 0, zone).Unix()
}

// add counts an answer of an hour. With -1 for n, one that counted is taken out again.
func (h hourly) add(hour, n int64, right bool, pace time.Duration) {
	t := h[hour]
	t.shown += n
	t.pace += time.Duration(n) * pace
	if right {
		t.right += n
	}
	h[hour] = t
}

// leak looks for the hour that parts the others most clearly.
func (h hourly) leak(q *quiz.Question, zone *time.Location) (worst Leak, found bool) {
	hours := slices.Sorted(maps.Keys(h))
	var before, after tally
	for _, hour := range hours {
		after = after.plus(h[hour])
	}
	worst.surety = leakZ
	for _, hour := range hours {
		if z := rise(before, after); z > worst.surety {
			found = true
			worst = Leak{
				Question: q, Since: time.Unix(hour, 0).In(zone), Before: before.rate(), After: after.rate(),
				PaceBefore: before.mean(), PaceAfter: after.mean(), surety: z,
			}
		}
		before, after = before.plus(h[hour]), after.minus(h[hour])
	}
	return worst, found
}

func (t tally) plus(o tally) tally {
	return tally{share{t.shown + o.shown, t.right + o.right}, t.pace + o.pace}
}

func (t tally) minus(o tally) tally {
	return tally{share{t.shown - o.shown, t.right - o.right}, t.pace - o.pace}
}

func (t tally) rate() float64 { return float64(t.right) / float64(max(t.shown, 1)) }

func (t tally) mean() time.Duration { return t.pace / time.Duration(max(t.shown, 1)) }

// rise returns how surely a share rose, as the z of two proportions, and 0 where the
// other conditions of a leak do not hold.
func rise(before, after tally) float64 {
	if before.shown < leakLeast || after.shown < leakLeast || after.rate()-before.rate() < leakRise ||
		float64(after.mean()) > leakPace*float64(before.mean()) {
		return 0
	}
	n, m := float64(before.shown), float64(after.shown)
	p := float64(before.right+after.right) / (n + m)
	return (after.rate() - before.rate()) / math.Sqrt(max(p*(1-p), 1e-9)*(1/n+1/m))
}

// surestFirst puts first what chance makes least.
func surestFirst(all []Leak) {
	slices.SortFunc(all, func(a, b Leak) int {
		return cmp.Or(cmp.Compare(b.surety, a.surety), compareQuestions(a.Question, b.Question))
	})
}

// Leaks lists the questions whose facility rose while the time fell, the surest
// first.
func (s *Items) Leaks() []Leak {
	var out []Leak
	for _, i := range s.items {
		if l, ok := i.hours.leak(i.Question, s.campaign.Zone); ok {
			out = append(out, l)
		}
	}
	surestFirst(out)
	return out
}
