package simulate

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// between counts who comes in a part of the plan.
func (p *plan) between(from, to time.Duration) int {
	n := 0
	for i := range p.people {
		if at := p.at(i); from <= at && at < to {
			n++
		}
	}
	return n
}

func TestRushHasItsPeakAndBursts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		over       time.Duration
		from, to   time.Duration // the peak
		burst      time.Duration
		bursts     int
		betweenTwo time.Duration
	}{
		"the whole evening": {20 * time.Minute, 450 * time.Second, 750 * time.Second, 3 * time.Second, 5, time.Minute},
		"eight minutes":     {8 * time.Minute, 180 * time.Second, 300 * time.Second, 3 * time.Second, 2, time.Minute},
		"forty seconds":     {40 * time.Second, 15 * time.Second, 25 * time.Second, 500 * time.Millisecond, 1, 10 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const people = 300_000
			p := newPlan(people, rush(tt.over))
			about := func(what string, got int, want float64) {
				if math.Abs(float64(got)-want) > want/100+2 {
					t.Errorf("%s: %d come, want about %.0f", what, got, want)
				}
			}
			if p.span() > tt.over || tt.over-p.span() > time.Microsecond {
				t.Errorf("it lasts %v, want %v", p.span(), tt.over)
			}
			about("in the peak", p.between(tt.from, tt.to), 0.6*people)
			mean := 0.6 * people / (tt.to - tt.from).Seconds()
			for n := range tt.bursts {
				at := tt.from + time.Duration(n)*tt.betweenTwo
				about("in a burst", p.between(at, at+tt.burst), 3*mean*tt.burst.Seconds())
			}
			if math.Abs(p.peak()/mean-3) > 0.01 {
				t.Errorf("the peak has %.0f a second at a mean of %.0f", p.peak(), mean)
			}
		})
	}
}

func TestDayHasThreePeaks(t *testing.T) {
	t.Parallel()
	p := newPlan(100_000, day(24*time.Minute)) // a minute is an hour
	hour := func(h int) int { return p.between(time.Duration(h)*time.Minute, time.Duration(h+1)*time.Minute) }
	for _, peak := range []int{8, 12, 20} {
		if n := hour(peak); n <= hour(peak-1) || n <= hour(peak+1) {
			t.Errorf("at %d o'clock %d come, around it %d and %d", peak, n, hour(peak-1), hour(peak+1))
		}
	}
	if hour(3)*10 > hour(20) {
		t.Errorf("%d come at night, %d in the evening", hour(3), hour(20))
	}
}

// Whatever the shape: everybody comes once, in order, within the time.
func TestPlansAreInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			Participants: rapid.IntRange(1, 5000).Draw(t, "people"),
			Shape:        rapid.SampledFrom([]Shape{Flat, Rush, Day}).Draw(t, "shape"),
			Over:         time.Duration(rapid.Int64Range(int64(time.Second), int64(24*time.Hour)).Draw(t, "over")),
		}
		p, ok := planOf(&c)
		if !ok {
			t.Fatal("no plan")
		}
		last := time.Duration(0)
		for i := range c.Participants {
			at := p.at(i)
			if at < last || at > c.Over {
				t.Fatalf("person %d comes at %v after one at %v, in %v", i, at, last, c.Over)
			}
			last = at
		}
		if p.at(0) != 0 {
			t.Fatalf("the first comes at %v", p.at(0))
		}
	})
}

func TestFlatPlans(t *testing.T) {
	t.Parallel()
	byRate, ok := planOf(&Config{Participants: 100, Rate: 20})
	if !ok || byRate.span() != 5*time.Second || byRate.at(50) != 2500*time.Millisecond || byRate.peak() != 20 {
		t.Errorf("%v: lasts %v, the 51st comes at %v", ok, byRate.span(), byRate.at(50))
	}
	byTime, ok := planOf(&Config{Participants: 100, Shape: Flat, Over: 10 * time.Second})
	if !ok || byTime.peak() != 10 {
		t.Errorf("%v: %.1f a second", ok, byTime.peak())
	}
	if _, ok := planOf(&Config{Participants: 100, Shape: Flat}); ok {
		t.Error("as fast as possible has a plan")
	}
}
