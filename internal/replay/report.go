package replay

import (
	"sync"
	"time"
)

// Difference is one place in which Redis and the ledger disagree, or the ledger
// with itself. It names participants by their opaque id and shows nothing else
// of them that would tell who they are.
type Difference struct {
	Campaign string `json:"campaign"`
	Shard    int    `json:"shard"`
	// Participant is set where it concerns one, Cell where it concerns a count.
	Participant string `json:"participant,omitempty"`
	Cell        string `json:"cell,omitempty"`
	Field       string `json:"field"`
	// Want is what the ledger says, Got what lies in Redis, or for a contradiction
	// within the ledger what the fact says.
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Report is what a verification found.
type Report struct {
	Campaign string `json:"campaign"`
	Shards   int    `json:"shards"`
	// Facts and Participants were replayed, and Regraded attempts marked again.
	Facts        int64 `json:"facts"`
	Participants int64 `json:"participants"`
	Regraded     int64 `json:"attempts_regraded"`
	// Receipts counts the finished attempts and signatures that were compared,
	// Commitments the signatures that were compared with their personal records.
	Receipts    int64 `json:"receipts_compared"`
	Commitments int64 `json:"commitments_compared"`
	// Boards and Cells are the boards and counts that were compared, Banks the
	// versions of question banks and Doors the ways of signing in.
	Boards int64 `json:"boards"`
	Cells  int64 `json:"cells"`
	Banks  int64 `json:"banks"`
	Doors  int64 `json:"doors"`
	// Rechecked counts the participants who had to be looked at twice, because they
	// acted meanwhile or because they differ.
	Rechecked int64 `json:"rechecked"`
	// Differences counts them all, and First are the first of them.
	Differences int64        `json:"differences"`
	First       []Difference `json:"first_differences,omitempty"`
	// Incomplete says in words what could not be compared.
	Incomplete []string      `json:"incomplete,omitempty"`
	Duration   time.Duration `json:"duration_ns"`
}

// Clean tells whether everything was compared and nothing differs.
func (r *Report) Clean() bool { return r.Differences == 0 && len(r.Incomplete) == 0 }

// shownDifferences is how many a report holds. All of them go to the callback.
const shownDifferences = 100

// findings gathers a report. Several goroutines may add to it.
type findings struct {
	mu     sync.Mutex
	report Report
	found  func(Difference)
}

func (f *findings) differ(d Difference) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d.Campaign = f.report.Campaign
	f.report.Differences++
	if len(f.report.First) < shownDifferences {
		f.report.First = append(f.report.First, d)
	}
	if f.found != nil {
		f.found(d)
	}
}

func (f *findings) incomplete(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Incomplete = append(f.report.Incomplete, what)
}

// count changes the counts of the report.
func (f *findings) count(change func(*Report)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.report)
}

// cell compares a count.
func (f *findings) cell(shard int, cell, field string, want, got int64) {
	if want != got {
		f.differ(Difference{Shard: shard, Cell: cell, Field: field, Want: itoa(want), Got: itoa(got)})
	}
}
