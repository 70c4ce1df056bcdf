package leaderboard

import (
	"time"

	"qingyuan/internal/event"
)

// share is what one participant adds to the figures.
type share struct {
	metrics map[Metric]int64
	hours   map[hourMetric]int64
	scores  map[int]int64 // at most one: their score or points on the main board
}

type hourMetric struct {
	hour   int64
	metric Metric
}

// share returns what a record adds. With past set, acts since the freeze add
// nothing.
func (r Rules) share(rec *Record, past bool) (share, error) {
	attempts, signed := rec.Attempts, rec.SignedAt
	if past {
		attempts = r.before(attempts)
		if !signed.Before(r.Campaign.Freeze.At) {
			signed = time.Time{}
		}
	}
	s := share{metrics: map[Metric]int64{}, hours: map[hourMetric]int64{}, scores: map[int]int64{}}
	s.acts(attempts, signed)
	s.best(attempts)
	place, err := r.place(attempts)
	if place != nil && !rec.Hidden {
		s.scores[r.Layout.Score(*place)] = 1
	}
	return s, err
}

// acts counts what was accepted, and the participant with the first of it.
func (s *share) acts(attempts []event.Counted, signed time.Time) {
	first := signed
	add := func(m Metric, at time.Time) {
		s.metrics[m]++
		s.hours[hourMetric{hourOf(at), m}]++
	}
	for i := range attempts {
		if attempts[i].Void {
			continue
		}
		at := time.UnixMilli(attempts[i].At)
		add(Attempts, at)
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if !signed.IsZero() {
		add(Signatures, signed)
	}
	if !first.IsZero() {
		add(Participants, first)
	}
}

// best counts the best attempt. Whether it passed and was full goes with its
// score, so any of the best will do.
func (s *share) best(attempts []event.Counted) {
	var best *event.Counted
	for i := range attempts {
		if a := &attempts[i]; !a.Void && (best == nil || a.Score > best.Score) {
			best = a
		}
	}
	if best == nil {
		return
	}
	s.metrics[Scored], s.metrics[Score] = 1, int64(best.Score)
	if best.Passed {
		s.metrics[Passed] = 1
	}
	if best.Full {
		s.metrics[Full] = 1
	}
}
