package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// Leak is a question that people suddenly know, and faster: its answer may be going
// round.
type Leak struct {
	*Item

	// Since is the local date from which on it shows.
	Since string
	// Before and After are the shares of right answers, 0 to 1, PaceBefore and
	// PaceAfter the mean time that attempts with it took for each question.
	Before, After         float64
	PaceBefore, PaceAfter time.Duration
}

// What makes a leak: enough people on both sides, a rise that chance does not make
// and that matters, and attempts that got faster by a fifth.
const (
	leakLeast = 30
	leakRise  = 0.15
	leakZ     = 3.29 // one in a thousand by chance, two-sided
	leakPace  = 0.8
)

// Leaks lists the questions whose facility rose while the time fell, the surest
// first.
func (s *Items) Leaks() []Leak {
	var out []Leak
	for _, i := range s.All() {
		if l, ok := i.leak(); ok {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b Leak) int { return cmp.Compare(b.After-b.Before, a.After-a.Before) })
	return out
}

// leak looks for the day that parts the question's days most clearly.
func (i *Item) leak() (worst Leak, found bool) {
	days := slices.Sorted(maps.Keys(i.days))
	var all daily
	for _, d := range days {
		all.plus(i.days[d])
	}
	var before daily
	surest := leakZ
	for n, day := range days {
		if n > 0 {
			after := daily{share{all.shown - before.shown, all.right - before.right}, all.pace - before.pace}
			if z := rise(&before, &after); z > surest {
				surest, found = z, true
				worst = Leak{
					Item: i, Since: day, Before: before.rate(), After: after.rate(),
					PaceBefore: before.mean(), PaceAfter: after.mean(),
				}
			}
		}
		before.plus(i.days[day])
	}
	return worst, found
}

func (d *daily) plus(o *daily) {
	d.shown += o.shown
	d.right += o.right
	d.pace += o.pace
}

func (d *daily) rate() float64 { return float64(d.right) / float64(max(d.shown, 1)) }

func (d *daily) mean() time.Duration { return d.pace / time.Duration(max(d.shown, 1)) }

// rise returns how surely a share rose, as the z of two proportions, and 0 where the
// other conditions of a leak do not hold.
func rise(before, after *daily) float64 {
	if before.shown < leakLeast || after.shown < leakLeast || after.rate()-before.rate() < leakRise ||
		float64(after.mean()) > leakPace*float64(before.mean()) {
		return 0
	}
	n, m := float64(before.shown), float64(after.shown)
	p := float64(before.right+after.right) / (n + m)
	return (after.rate() - before.rate()) / math.Sqrt(max(p*(1-p), 1e-9)*(1/n+1/m))
}
