package simulate

import (
	"net/http"
	"sync/atomic"
	"time"
)

// lineParts is into how many parts the time of a plan is divided. As many follow it,
// for those who are still under way; the last one has the rest.
const lineParts = 60

// timeline measures requests by the time at which they were sent, so that a
// report can say when it bent. A nil timeline measures nothing.
type timeline struct {
	begin time.Time
	every time.Duration
	parts [2 * lineParts]timeSlice
}

// timeSlice is a part of the time.
type timeSlice struct {
	arrived, finished, limited, unavailable, broken atomic.Int64
	latency                                         histogram
}

func newTimeline(begin time.Time, span time.Duration) *timeline {
	whole := (span/lineParts + time.Second - 1).Truncate(time.Second)
	return &timeline{begin: begin, every: max(whole, time.Second)}
}

func (l *timeline) part(at time.Time) *timeSlice {
	i := int(at.Sub(l.begin) / l.every)
	return &l.parts[min(max(i, 0), len(l.parts)-1)]
}

func (l *timeline) arrived(at time.Time) {
	if l != nil {
		l.part(at).arrived.Add(1)
	}
}

func (l *timeline) finished(at time.Time) {
	if l != nil {
		l.part(at).finished.Add(1)
	}
}

func (l *timeline) answered(at time.Time, took time.Duration) {
	if l != nil {
		l.part(at).latency.add(took)
	}
}

// repeated counts an exchange that has to be made again. Status 0 is none.
func (l *timeline) repeated(at time.Time, status int) {
	if l == nil {
		return
	}
	switch part := l.part(at); status {
	case http.StatusTooManyRequests:
		part.limited.Add(1)
	case http.StatusServiceUnavailable:
		part.unavailable.Add(1)
	default:
		part.broken.Add(1)
	}
}

// Slice is a part of a run's time.
type Slice struct {
	// Second is when it begins after the run's beginning, and Seconds its length.
	Second  float64 `json:"second"`
	Seconds float64 `json:"seconds"`
	// Arrived is how many people came, Finished how many came to their end.
	Arrived  int64 `json:"arrived"`
	Finished int64 `json:"finished"`
	// Requests were sent in it and answered.
	Requests int64   `json:"requests"`
	P50MS    float64 `json:"p50_ms"`
	P99MS    float64 `json:"p99_ms"`
	MaxMS    float64 `json:"max_ms"`
	// Limited were answered 429, Unavailable 503; Broken had no reply or 500.
	Limited     int64 `json:"limited"`
	Unavailable int64 `json:"unavailable"`
	Broken      int64 `json:"broken"`
}

// report returns the slices up to the last in which something happened.
func (l *timeline) report() []Slice {
	if l == nil {
		return nil
	}
	var out []Slice
	used := 0
	for i := range l.parts {
		part := &l.parts[i]
		s := Slice{
			Second: (time.Duration(i) * l.every).Seconds(), Seconds: l.every.Seconds(),
			Arrived: part.arrived.Load(), Finished: part.finished.Load(), Requests: part.latency.n.Load(),
			P50MS: ms(part.latency.quantile(0.50)), P99MS: ms(part.latency.quantile(0.99)), MaxMS: ms(part.latency.longest()),
			Limited: part.limited.Load(), Unavailable: part.unavailable.Load(), Broken: part.broken.Load(),
		}
		out = append(out, s)
		if s.Arrived+s.Finished+s.Requests+s.Limited+s.Unavailable+s.Broken > 0 {
			used = len(out)
		}
	}
	return out[:used]
}
