package correction

import (
	"slices"
	"time"
)

// Regular is a series of attempts that no person makes: so many in a row, each the
// same time after the one before.
type Regular struct {
	// Attempts is how many there must be in a row.
	Attempts int `json:"attempts"`
	// ToleranceMS is by how much a gap may differ from the middle one.
	ToleranceMS int64 `json:"tolerance_ms"`
}

// The bounds of a series.
const (
	fewestRegular = 3
	mostRegular   = 1000
)

func (r *Regular) valid() bool {
	return r.Attempts >= fewestRegular && r.Attempts <= mostRegular && r.ToleranceMS >= 0
}

// Holds tells whether a run of so many moments, in order, is evenly spaced.
func (r *Regular) Holds(times []time.Time) bool {
	_, ok := r.Run(times)
	return ok
}

// Run finds the first such run and returns where it begins.
func (r *Regular) Run(times []time.Time) (first int, ok bool) {
	for i := 0; i+r.Attempts <= len(times); i++ {
		if r.even(times[i : i+r.Attempts]) {
			return i, true
		}
	}
	return 0, false
}

func (r *Regular) even(times []time.Time) bool {
	gaps := make([]int64, 0, len(times)-1)
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i].Sub(times[i-1]).Milliseconds())
	}
	slices.Sort(gaps)
	middle := gaps[len(gaps)/2]
	return middle-gaps[0] <= r.ToleranceMS && gaps[len(gaps)-1]-middle <= r.ToleranceMS
}
