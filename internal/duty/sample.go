package duty

import (
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// routeKey names a route as the metrics do.
type routeKey struct{ method, pattern string }

// requestKey is a route with the status that it answered.
type requestKey struct {
	routeKey

	status int
}

// sample is what the metrics said at a moment. Counters only grow, so that two samples
// tell what happened between them.
type sample struct {
	at       time.Time
	requests map[requestKey]float64
	times    map[routeKey]histogram
	failures map[string]float64
	called   float64

	waiting, pace, watchers float64
}

// take reads the metrics. One that cannot be collected is missing, the others are good.
func take(from prometheus.Gatherer, now time.Time) *sample {
	s := &sample{at: now, requests: map[requestKey]float64{}, times: map[routeKey]histogram{}, failures: map[string]float64{}}
	families, _ := from.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			s.add(f.GetName(), m)
		}
	}
	return s
}

// add takes one metric, if it is one of those that are shown.
func (s *sample) add(name string, m *dto.Metric) {
	label := func(name string) string {
		for _, l := range m.GetLabel() {
			if l.GetName() == name {
				return l.GetValue()
			}
		}
		return ""
	}
	switch name {
	case "qingyuan_http_requests_total":
		status, _ := strconv.Atoi(label("status")) // the metrics write nothing else
		s.requests[requestKey{routeKey{label("method"), label("route")}, status}] = m.GetCounter().GetValue()
	case "qingyuan_http_request_duration_seconds":
		s.times[routeKey{label("method"), label("route")}] = histogramOf(m.GetHistogram())
	case "qingyuan_http_failures_total":
		s.failures[label("code")] = m.GetCounter().GetValue()
	case "qingyuan_queue_called_total":
		s.called = m.GetCounter().GetValue()
	case "qingyuan_queue_waiting":
		s.waiting = m.GetGauge().GetValue()
	case "qingyuan_queue_pace_ratio":
		s.pace = m.GetGauge().GetValue()
	case "qingyuan_live_watchers":
		s.watchers = m.GetGauge().GetValue()
	}
}

// histogram counts what took at most bounds[i] seconds, all that was faster included. The
// last count is of all.
type histogram struct {
	bounds []float64
	counts []float64
}

func histogramOf(h *dto.Histogram) histogram {
	var out histogram
	for _, b := range h.GetBucket() {
		if !math.IsInf(b.GetUpperBound(), 1) {
			out.bounds = append(out.bounds, b.GetUpperBound())
			out.counts = append(out.counts, float64(b.GetCumulativeCount()))
		}
	}
	out.counts = append(out.counts, float64(h.GetSampleCount()))
	return out
}

// minus is what came since an earlier state of the same histogram.
func (h histogram) minus(before histogram) histogram {
	out := histogram{h.bounds, append([]float64(nil), h.counts...)}
	for i := range min(len(before.counts), len(out.counts)) {
		out.counts[i] -= before.counts[i]
	}
	return out
}

func (h histogram) count() float64 {
	if len(h.counts) == 0 {
		return 0
	}
	return h.counts[len(h.counts)-1]
}

// quantile estimates a quantile, evenly within a bucket; what lies behind the last bound
// is told as that bound.
func (h histogram) quantile(q float64) time.Duration {
	rank := q * h.count()
	if rank == 0 || len(h.bounds) == 0 {
		return 0
	}
	below, from := 0.0, 0.0
	for i, bound := range h.bounds {
		if in := h.counts[i] - below; h.counts[i] >= rank && in > 0 {
			return seconds(from + (bound-from)*(rank-below)/in)
		}
		below, from = h.counts[i], bound
	}
	return seconds(h.bounds[len(h.bounds)-1])
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
