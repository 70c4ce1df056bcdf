package simulate

import (
	"slices"
	"sort"
	"time"
)

// Shape is how a crowd comes over time.
type Shape string

const (
	// Flat is the same number of people every second.
	Flat Shape = "flat"
	// Rush is the evening on which everybody was told to begin at eight: a quarter
	// of the time has 60 % of the people, and every minute of it begins with a
	// burst of three times as many.
	Rush Shape = "rush"
	// Day is a whole day with its peaks in the morning, at noon and in the
	// evening.
	Day Shape = "day"
)

// RushPerPeak is how many times as long as its peak a Rush lasts.
const RushPerPeak = 4

// Of a rush.
const (
	rushLasts = 20 * time.Minute // unless Config.Over says otherwise
	peakShare = 0.60             // of the people
	burst     = 3                // times the mean of the peak
	burstMost = 3 * time.Second
	burstPart = 0.05 // of the peak's time, at most
)

// stretch is a part of a plan in which people come evenly.
type stretch struct {
	lasts time.Duration
	share float64 // of the people
}

// plan says when each of so many people comes. It keeps nothing of anybody.
type plan struct {
	people int
	// ends[i] is when stretch i is over, and come[i] the share of people who
	// have come by then. Both begin with a zero.
	ends []time.Duration
	come []float64
}

// planOf returns the plan of a configuration that is complete; ok is false where
// people come as fast as they are taken.
func planOf(c *Config) (p plan, ok bool) {
	switch {
	case c.Shape == Rush:
		return newPlan(c.Participants, rush(c.Over)), true
	case c.Shape == Day:
		return newPlan(c.Participants, day(c.Over)), true
	case c.Over > 0:
		return newPlan(c.Participants, []stretch{{c.Over, 1}}), true
	case c.Rate > 0:
		lasts := time.Duration(float64(c.Participants) / c.Rate * float64(time.Second))
		return newPlan(c.Participants, []stretch{{lasts, 1}}), true
	default:
		return plan{}, false
	}
}

func newPlan(people int, stretches []stretch) plan {
	p := plan{people: people, ends: []time.Duration{0}, come: []float64{0}}
	var lasts time.Duration
	var come float64
	for _, s := range stretches {
		lasts += s.lasts
		come += s.share
		p.ends, p.come = append(p.ends, lasts), append(p.come, come)
	}
	for i := range p.come {
		p.come[i] /= come
	}
	return p
}

// at returns when person i comes, counted from 0, after the beginning.
func (p *plan) at(i int) time.Duration {
	share := float64(i) / float64(p.people)
	// The first stretch that ends with more people than have come before i.
	s := sort.Search(len(p.come)-1, func(n int) bool { return p.come[n] > share })
	from, width := p.come[s-1], p.come[s]-p.come[s-1]
	if width <= 0 {
		return p.ends[s]
	}
	lasts := float64(p.ends[s] - p.ends[s-1])
	return p.ends[s-1] + time.Duration((share-from)/width*lasts)
}

// span is how long the plan lasts.
func (p *plan) span() time.Duration { return p.ends[len(p.ends)-1] }

// peak returns the most people a second of any stretch.
func (p *plan) peak() float64 {
	most := 0.0
	for i := 1; i < len(p.ends); i++ {
		if lasts := p.ends[i] - p.ends[i-1]; lasts > 0 {
			most = max(most, (p.come[i]-p.come[i-1])*float64(p.people)/lasts.Seconds())
		}
	}
	return most
}

// rush returns the stretches of an evening that lasts so long.
func rush(over time.Duration) []stretch {
	peak := over / RushPerPeak
	step := (over - peak) / 6
	before := []stretch{{step, 0.02}, {step, 0.04}, {step, 0.09}}
	after := []stretch{{step, 0.13}, {step, 0.08}, {step, 0.04}}
	return slices.Concat(before, rushHour(peak), after)
}

// rushHour divides the peak into minutes, each of which begins with a burst. What
// the bursts bring more, the rest brings less.
func rushHour(peak time.Duration) []stretch {
	minutes := max(1, int(peak/time.Minute))
	minute := peak / time.Duration(minutes)
	short := min(burstMost, time.Duration(float64(minute)*burstPart))
	each := peakShare / float64(minutes)
	inBurst := each * burst * float64(short) / float64(minute)
	var out []stretch
	for range minutes {
		out = append(out, stretch{short, inBurst}, stretch{minute - short, each - inBurst})
	}
	return out
}

// day returns the 24 hours of a day, compressed into so long.
func day(over time.Duration) []stretch {
	hours := [...]float64{
		10, 5, 3, 2, 3, 6, 20, 50, 80, 60, 40, 50,
		90, 60, 40, 40, 40, 50, 70, 90, 120, 80, 40, 20,
	}
	out := make([]stretch, len(hours))
	for i, weight := range hours {
		out[i] = stretch{over / time.Duration(len(hours)), weight}
	}
	return out
}
