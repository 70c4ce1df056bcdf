package leaderboard

import (
	"cmp"
	"slices"
	"time"
)

// share is what one participant adds to the figures.
type share struct {
	metrics        map[Metric]int64
	hours, minutes map[timeMetric]int64
	scores         map[int]int64 // at most one: their score or points on the main board
}

func newShare() share {
	return share{
		metrics: make(map[Metric]int64), hours: map[timeMetric]int64{}, minutes: map[timeMetric]int64{}, scores: map[int]int64{},
	}
}

// timeMetric is a metric within an hour or a minute.
type timeMetric struct {
	bucket int64
	metric Metric
}

// share returns what a record adds. With past set, acts since the freeze add
// nothing.
func (r Rules) share(rec *Record, past bool) (share, error) {
	credits, signed := r.credits(rec.Attempts), rec.Signed()
	if past {
		credits = r.before(credits)
		if !signed.Before(r.Campaign.Freeze.At) {
			signed = time.Time{}
		}
	}
	s := newShare()
	s.acts(credits, signed)
	s.best(credits)
	place, err := r.place(credits)
	if err == nil && place != nil && !rec.Hidden {
		s.scores[r.Layout.Score(*place)] = 1
	}
	return s, err
}

// acts counts what was accepted, and the participant with the first of it.
func (s *share) acts(credits []credit, signed time.Time) {
	first := signed
	for _, c := range credits {
		at := time.UnixMilli(c.At)
		s.count(Attempts, at)
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if !signed.IsZero() {
		s.count(Signatures, signed)
	}
	if !first.IsZero() {
		s.count(Participants, first)
	}
}

func (s *share) count(m Metric, at time.Time) {
	s.metrics[m]++
	s.hours[timeMetric{hourOf(at), m}]++
	s.minutes[timeMetric{minuteOf(at), m}]++
}

// best counts the best attempt. Whether it passed and was full goes with its
// score, so any of the best will do.
func (s *share) best(credits []credit) {
	if len(credits) == 0 {
		return
	}
	best := slices.MaxFunc(credits, func(a, b credit) int { return cmp.Compare(a.Score, b.Score) })
	s.metrics[Scored], s.metrics[Score] = 1, int64(best.Score)
	if best.Passed {
		s.metrics[Passed] = 1
	}
	if best.Full {
		s.metrics[Full] = 1
	}
}
