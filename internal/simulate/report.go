package simulate

import (
	"slices"
	"sync"
	"time"
)

// Report is what a simulation saw. It holds nothing personal: participants are
// numbers.
type Report struct {
	Target   string `json:"target"`
	Campaign string `json:"campaign"`
	// Seed and Prefix tell how to make the same choices again, and whom the run
	// left behind.
	Seed         uint64       `json:"seed,string"`
	Prefix       string       `json:"prefix"`
	Participants Participants `json:"participants"`
	// Seconds is how long the participants took together; the requests are
	// those that were answered.
	Seconds           float64 `json:"seconds"`
	PerSecond         float64 `json:"participants_per_second"`
	Requests          int64   `json:"requests"`
	RequestsPerSecond float64 `json:"requests_per_second"`

	Operations []Operation `json:"operations"`
	// LostReplies were thrown away unread, on purpose.
	LostReplies int64 `json:"lost_replies"`
	// Errors stayed errors; Retries were mended by sending the same again.
	Errors  map[string]int64 `json:"errors"`
	Retries map[string]int64 `json:"retries"`

	Outcomes []Outcome `json:"outcomes"`
	Audit    Audit     `json:"audit"`
	// Arrivals and Timeline are of a run with a plan only.
	Arrivals *Arrivals `json:"arrivals,omitempty"`
	Timeline []Slice   `json:"timeline,omitempty"`
	// Waiting is the queue before the door.
	Waiting Waiting `json:"waiting"`
	// Load is what each process took that made the load.
	Load      []Load    `json:"load"`
	Breakdown Breakdown `json:"breakdown"`

	// Problems are at most twenty of each kind; ProblemCounts has all.
	Problems      []Problem      `json:"problems"`
	ProblemCounts map[string]int `json:"problem_counts"`
	Notes         []string       `json:"notes"`
	// Interrupted says that the run was ended before it could judge.
	Interrupted bool `json:"interrupted"`
	// Passed is OK, for whoever reads the JSON.
	Passed bool `json:"ok"`
}

// Participants says what became of the virtual people.
type Participants struct {
	Asked int `json:"asked"`
	// Done came to the end of their way; Abandoned of them left a paper.
	Done      int64 `json:"done"`
	Abandoned int64 `json:"abandoned"`
	Failed    int64 `json:"failed"`
}

// Operation measures one kind of request. Latencies are those of single
// exchanges that settled the matter.
type Operation struct {
	Name      string  `json:"name"`
	Done      int64   `json:"done"`
	PerSecond float64 `json:"per_second"`
	P50MS     float64 `json:"p50_ms"`
	P95MS     float64 `json:"p95_ms"`
	P99MS     float64 `json:"p99_ms"`
	MaxMS     float64 `json:"max_ms"`
	Retries   int64   `json:"retries"`
}

// Outcome compares one of the counts with what was acknowledged.
type Outcome struct {
	Kind         string `json:"kind"`
	Before       int64  `json:"before"`
	After        int64  `json:"after"`
	Moved        int64  `json:"moved"`
	Acknowledged int64  `json:"acknowledged"`
	// Unknown may or may not have been counted: nobody ever answered.
	Unknown int64 `json:"unknown"`
	OK      bool  `json:"ok"`
}

// Audit says how many participants' receipts were read again in the end.
type Audit struct {
	Participants int `json:"participants"`
}

// Breakdown says whether the rows of the public breakdown add up to the totals.
type Breakdown struct {
	// Withheld says why there was nothing to add up; "" where there was.
	Withheld string `json:"withheld,omitempty"`
	Rows     int    `json:"rows"`
	OK       bool   `json:"ok"`
}

// Kinds of problem.
const (
	// WrongReceipt is an answer that is not what the contract says.
	WrongReceipt = "wrong_receipt"
	// Missing is an acknowledged act that could not be read again.
	Missing = "missing"
	// CountsOff is a count that did not move by what was acknowledged.
	CountsOff = "counts"
	// Failed is a participant who could not go on.
	Failed = "failed"
)

// Problem is one thing that was not as it must be.
type Problem struct {
	Kind string `json:"kind"`
	// Participant counts from 1; 0 is nobody in particular.
	Participant int    `json:"participant,omitempty"`
	Detail      string `json:"detail"`
}

// OK tells whether everything acknowledged is there, once, and nothing went
// wrong that a repeat did not mend.
func (r *Report) OK() bool {
	return !r.Interrupted && len(r.ProblemCounts) == 0 && len(r.Errors) == 0
}

// maxListed bounds the problems listed of each kind: the first few tell the story.
const maxListed = 20

// findings collects problems and notes from all workers.
type findings struct {
	mu     sync.Mutex
	listed []Problem
	counts map[string]int
	notes  []string
}

// newFindings has lists from the start: scripts expect no null.
func newFindings() *findings {
	return &findings{listed: []Problem{}, counts: map[string]int{}, notes: []string{}}
}

func (f *findings) add(p Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts[p.Kind]++; f.counts[p.Kind] <= maxListed {
		f.listed = append(f.listed, p)
	}
}

// note adds a sentence that helps to read the report.
func (f *findings) note(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, text)
}

// report puts together what was seen. It is called when all workers are done.
func (r *run) report() Report {
	r.noteLate()
	rep := Report{
		Target: r.cfg.Target, Campaign: r.scene.campaign.ID, Seed: r.cfg.Seed, Prefix: r.cfg.Prefix,
		Participants: Participants{
			Asked: r.cfg.Participants, Done: r.done.Load(), Abandoned: r.abandoned.Load(), Failed: r.failed.Load(),
		},
		Seconds: r.walking.Seconds(), LostReplies: r.meter.lost.Load(),
		Outcomes: r.outcomes, Audit: r.audit, Breakdown: r.breakdown,
		Problems: r.findings.listed, ProblemCounts: r.findings.counts, Notes: r.findings.notes,
		Interrupted: r.interrupted,
	}
	rep.Arrivals, rep.Timeline, rep.Waiting, rep.Load = r.arrived(), r.meter.line.report(), r.waiting(), r.loads
	rep.PerSecond = perSecond(rep.Participants.Done, r.walking)
	for o := range ops {
		if line, ok := r.operation(o); ok {
			rep.Operations = append(rep.Operations, line)
			rep.Requests += line.Done
		}
	}
	rep.RequestsPerSecond = perSecond(r.walked(), r.walking)
	rep.Errors, rep.Retries = r.meter.codes()
	rep.Passed = rep.OK()
	return rep
}

// operation measures one kind of request, against the time of its own phase.
func (r *run) operation(o op) (Operation, bool) {
	h := &r.meter.latency[o]
	n, again := h.n.Load(), r.meter.again[o].Load()
	took := r.walking
	switch {
	case o == opReread:
		took = r.auditing
	case !o.walked():
		took = 0 // a handful of them has no rate
	}
	return Operation{
		Name: o.String(), Done: n, PerSecond: perSecond(n, took), Retries: again,
		P50MS: ms(h.quantile(0.50)), P95MS: ms(h.quantile(0.95)), P99MS: ms(h.quantile(0.99)), MaxMS: ms(h.longest()),
	}, n+again > 0
}

// walked tells whether the operation belongs to a participant's way.
func (o op) walked() bool { return !slices.Contains([]op{opLookUp, opCounts, opReread}, o) }

// walked counts the answered requests of all participants' ways.
func (r *run) walked() int64 {
	var n int64
	for o := range ops {
		if o.walked() {
			n += r.meter.latency[o].n.Load()
		}
	}
	return n
}

func perSecond(n int64, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(n) / took.Seconds()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
