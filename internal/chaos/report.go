//go:build chaos

package chaos

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Row is one promise and what came of putting it to the test.
type Row struct {
	Promise string
	order   int

	mu     sync.Mutex
	began  time.Time
	took   time.Duration
	rounds int
	sum    Verdict
	count  map[string]int // faults by kind
	notes  []string
}

// report is the table of the run.
var report struct {
	mu   sync.Mutex
	rows []*Row
}

// NewRow begins a row of the table. Promises are in the words of
// docs/RELIABILITY.md.
func NewRow(promise string) *Row {
	report.mu.Lock()
	defer report.mu.Unlock()
	r := &Row{Promise: promise, order: len(report.rows), began: time.Now(), count: map[string]int{}}
	report.rows = append(report.rows, r)
	return r
}

// Round counts rounds.
func (r *Row) Round(n int) {
	r.mu.Lock()
	r.rounds += n
	r.took = time.Since(r.began)
	r.mu.Unlock()
	publish()
}

// Book adds a verdict.
func (r *Row) Book(v Verdict) {
	r.mu.Lock()
	r.sum.People += v.People
	r.sum.Acknowledged += v.Acknowledged
	r.sum.Unknown += v.Unknown
	r.sum.Repeats += v.Repeats
	for _, f := range v.Faults {
		r.count[f.Kind]++
	}
	r.took = time.Since(r.began)
	r.mu.Unlock()
	publish()
}

// Note adds a remark to the row, such as how often a rewrite was hit.
func (r *Row) Note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// line is one row as cells.
func (r *Row) line() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	other := r.count[faultCrossed] + r.count[faultOther]
	bound := "–"
	if failed := r.count[faultLost] + r.count[faultDoubled] + r.count[faultWrong] + other; failed == 0 && r.rounds > 0 {
		bound = fmt.Sprintf("%.1f %%", min(100, 300/float64(r.rounds)))
	}
	n := strconv.Itoa
	return []string{
		r.Promise, n(r.rounds), n(r.sum.People), n(r.sum.Acknowledged), n(r.sum.Unknown), n(r.sum.Repeats),
		n(r.count[faultLost]), n(r.count[faultDoubled]), n(r.count[faultWrong]), n(other),
		bound, r.took.Round(time.Second).String(), strings.Join(r.notes, "; "),
	}
}

// heading names the cells. Nothing wrong in N rounds means, with 95 % certainty,
// less than 3 in N.
var heading = []string{
	"promise", "rounds", "people", "acknowledged", "unknown", "repeats",
	"lost", "doubled", "wrong grade", "other", "95 % bound", "took", "remarks",
}

// table returns all rows in the order they were begun in.
func table() [][]string {
	report.mu.Lock()
	rows := slices.SortedFunc(slices.Values(report.rows), func(a, b *Row) int { return cmp.Compare(a.order, b.order) })
	report.mu.Unlock()
	out := [][]string{heading}
	for _, r := range rows {
		out = append(out, r.line())
	}
	return out
}

// WriteMarkdown writes the table as docs/RELIABILITY.md has it.
func WriteMarkdown(w io.Writer) error {
	for i, cells := range table() {
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")); err != nil {
			return err
		}
		if i == 0 {
			line := "|---|" + strings.Repeat("--:|", len(cells)-2) + "---|\n"
			if _, err := io.WriteString(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// publish keeps the file of -chaos.report up to date, so that a run that is cut
// short leaves its figures.
func publish() {
	if *reportFlag == "" {
		return
	}
	var b strings.Builder
	if WriteMarkdown(&b) != nil {
		return
	}
	draft := *reportFlag + ".new"
	if os.WriteFile(draft, []byte(b.String()), 0o600) == nil {
		_ = os.Rename(draft, *reportFlag)
	}
}
