package simulate

import (
	"encoding/json"
	"time"
)

// share is all that one process has seen of its part of the crowd. Shares add up
// exactly: histograms bucket by bucket, counts by sums.
type share struct {
	Latency         [ops]*histogram
	Again           [ops]int64
	Lost            int64
	Errors, Retries map[string]int64

	Acknowledged, Unknown   figures
	Done, Failed, Abandoned int64
	Kept                    []keepsake
	Problems                []Problem
	ProblemCounts           map[string]int
	Notes                   []string

	Late, Waited *histogram
	Held, Crest  int64
	Line         []lineShare `json:",omitempty"`
	Load         Load
}

// lineShare is one part of a timeline.
type lineShare struct {
	Part                                            int
	Arrived, Finished, Limited, Unavailable, Broken int64
	Latency                                         *histogram
}

// share packs up what this process has seen.
func (r *run) share() share {
	s := share{
		Lost: r.meter.lost.Load(), Done: r.done.Load(), Failed: r.failed.Load(), Abandoned: r.abandoned.Load(),
		Kept: r.kept.kept, Problems: r.findings.listed, ProblemCounts: r.findings.counts, Notes: r.findings.notes,
		Late: &r.arrivals.late, Waited: &r.waited, Held: r.arrivals.held.Load(), Crest: r.arrivals.crest.Load(),
		Line: r.meter.line.share(), Load: r.load(),
	}
	for o := range ops {
		s.Latency[o], s.Again[o] = &r.meter.latency[o], r.meter.again[o].Load()
	}
	s.Errors, s.Retries = r.meter.codes()
	s.Acknowledged, s.Unknown = r.tally.read()
	return s
}

// absorb adds what another process has seen.
func (r *run) absorb(s *share) {
	for o := range ops {
		r.meter.latency[o].merge(s.Latency[o])
		r.meter.again[o].Add(s.Again[o])
	}
	r.meter.lost.Add(s.Lost)
	r.meter.absorb(s.Errors, s.Retries)
	r.tally.absorb(s.Acknowledged, s.Unknown)
	r.done.Add(s.Done)
	r.failed.Add(s.Failed)
	r.abandoned.Add(s.Abandoned)
	r.kept.kept = append(r.kept.kept, s.Kept...)
	r.findings.absorb(s)
	r.arrivals.late.merge(s.Late)
	r.waited.merge(s.Waited)
	r.arrivals.held.Add(s.Held)
	r.arrivals.crest.Add(s.Crest)
	r.meter.line.absorb(s.Line)
	r.loads = append(r.loads, s.Load)
}

func (m *meter) absorb(errors, retries map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for code, n := range errors {
		m.errors[code] += n
	}
	for code, n := range retries {
		m.retries[code] += n
	}
}

func (t *tally) absorb(yes, maybe figures) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acknowledged, t.unknown = t.acknowledged.plus(yes), t.unknown.plus(maybe)
}

func (f figures) plus(o figures) figures {
	return figures{
		Enrolled: f.Enrolled + o.Enrolled, Participants: f.Participants + o.Participants,
		Attempts: f.Attempts + o.Attempts, Signatures: f.Signatures + o.Signatures, Passed: f.Passed + o.Passed,
	}
}

func (f *findings) absorb(s *share) {
	for _, p := range s.Problems {
		f.add(p)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for kind, n := range s.ProblemCounts {
		f.counts[kind] += n - listedOf(s.Problems, kind) // those listed were added above
	}
	f.notes = append(f.notes, s.Notes...)
}

func listedOf(all []Problem, kind string) int {
	n := 0
	for _, p := range all {
		if p.Kind == kind {
			n++
		}
	}
	return n
}

func (l *timeline) share() []lineShare {
	if l == nil {
		return nil
	}
	var out []lineShare
	for i := range l.parts {
		p := &l.parts[i]
		s := lineShare{
			Part: i, Arrived: p.arrived.Load(), Finished: p.finished.Load(), Limited: p.limited.Load(),
			Unavailable: p.unavailable.Load(), Broken: p.broken.Load(), Latency: &p.latency,
		}
		if s.Arrived+s.Finished+s.Limited+s.Unavailable+s.Broken+p.latency.n.Load() > 0 {
			out = append(out, s)
		}
	}
	return out
}

func (l *timeline) absorb(all []lineShare) {
	for _, s := range all {
		p := &l.parts[s.Part]
		p.arrived.Add(s.Arrived)
		p.finished.Add(s.Finished)
		p.limited.Add(s.Limited)
		p.unavailable.Add(s.Unavailable)
		p.broken.Add(s.Broken)
		p.latency.merge(s.Latency)
	}
}

// merge adds the values of another histogram. The sums are exact.
func (h *histogram) merge(o *histogram) {
	for i := range o.buckets {
		if n := o.buckets[i].Load(); n > 0 {
			h.buckets[i].Add(n)
		}
	}
	h.n.Add(o.n.Load())
	h.reach(o.max.Load())
}

// packedHistogram has only the buckets that hold something.
type packedHistogram struct {
	Max     int64
	Buckets map[int]int64
}

// MarshalJSON implements json.Marshaler.
func (h *histogram) MarshalJSON() ([]byte, error) {
	p := packedHistogram{Max: h.max.Load(), Buckets: map[int]int64{}}
	for i := range h.buckets {
		if n := h.buckets[i].Load(); n > 0 {
			p.Buckets[i] = n
		}
	}
	return json.Marshal(p)
}

// UnmarshalJSON implements json.Unmarshaler for an empty histogram.
func (h *histogram) UnmarshalJSON(raw []byte) error {
	var p packedHistogram
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	for i, n := range p.Buckets {
		if i < 0 || i >= buckets {
			return errBucket
		}
		h.buckets[i].Store(n)
		h.n.Add(n)
	}
	h.reach(p.Max)
	return nil
}

// order is what a further process is asked to do.
type order struct {
	Config    Config
	Index, Of int
}

// start says when the crowd begins: at one moment in all processes.
type start struct{ Begin time.Time }

// news is what a further process tells: that it is ready, how many people have
// passed since, or in the end everything.
type news struct {
	Ready bool   `json:",omitempty"`
	Steps int64  `json:",omitempty"`
	Share *share `json:",omitempty"`
}
