package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// target is a line of the table of targets. measure returns the ratios of a run;
// none where this program does not measure it.
type target struct {
	what    string
	least   float64 // or, where most is set, the most
	most    float64
	name    string // of the row
	over    string
	measure func(a, b turn) float64
}

func rates(a, b turn) float64 { return a.rate() / b.rate() }

func tails(a, b turn) float64 { return float64(a.p99) / float64(b.p99) }

var targets = []target{
	{what: "submit ÷ bare", least: 1, name: "submit", over: "bare", measure: rates},
	{what: "submit ÷ bare on the submit's own transport", least: 0.75, name: "submit", over: "bare, joined", measure: rates},
	{what: "sign the pledge ÷ bare", least: 1.2, name: "sign the pledge", over: "bare", measure: rates},
	{what: "start an attempt ÷ bare", least: 1, name: "start an attempt", over: "bare", measure: rates},
	{what: "counts ÷ static JSON of the same size", least: 0.8, name: "counts", over: "static JSON", measure: rates},
	{what: "board page ÷ static JSON of the same size", least: 0.8, name: "board of 50", over: "static JSON", measure: rates},
	{what: "my rank ÷ Fiber and one GET", least: 0.8, name: "my rank", over: "one GET", measure: rates},
	{what: "p99 at c = 8, joined ÷ plain", most: 1, name: "bare, joined, c=8", over: "bare, c=8", measure: tails},
	{what: "appendfsync always ÷ no AOF", least: 0.85, name: "bare, joined", over: "bare on noaof, joined", measure: rates},
	{what: "joined ÷ plain with a slow sync, c = 128", least: 1.3, name: "bare on slow, joined", over: "bare on slow", measure: rates},
}

// report writes what was measured and which targets are met.
func (r *run) report(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nwhat\tover\tratio\tquartiles\trequests/s\tof the other\tµs server\tµs Redis\tthe other's\tits Redis'\tp50 ms\tp99 ms\t")
	for _, w := range r.rows {
		low, mid, high := quartiles(w.ratios(rates))
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f–%.2f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", w.name, w.over, mid, low, high,
			middle(w.a, turn.rate), middle(w.b, turn.rate),
			middle(w.a, micros(func(t turn) time.Duration { return t.server })), middle(w.a, micros(func(t turn) time.Duration { return t.redis })),
			middle(w.b, micros(func(t turn) time.Duration { return t.server })), middle(w.b, micros(func(t turn) time.Duration { return t.redis })),
			middle(w.a, micros(func(t turn) time.Duration { return t.p50 }))/1000, middle(w.a, micros(func(t turn) time.Duration { return t.p99 }))/1000)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if err := r.parts(w); err != nil {
		return err
	}
	load := middle(r.rows[0].a, micros(func(t turn) time.Duration { return t.generator }))
	fmt.Fprintf(w, "\nThe load itself takes %.1f µs of the same processors for each request, on both sides of a ratio.\n", load)
	if err := r.memory(w); err != nil {
		return err
	}
	return r.verdicts(w)
}

// parts tells what the server's time went to: the requests themselves, and what comes
// behind an act once it is acknowledged, during the turn and after it. It is sampled a
// hundred times a second, so the sums of all turns are told and no single one.
func (r *run) parts(w io.Writer) error {
	return tellParts(w, "of the server's µs", r.rows, func(w *row) []turn { return w.a })
}

// tellParts is parts of some turns of each row.
func tellParts(w io.Writer, title string, rows []*row, of func(*row) []turn) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\n%s\trequest\tfold\tledger\treading for both\tother work\tbehind the act, of all\t\n", title)
	seen := map[string]bool{}
	for _, row := range rows {
		sum, turns := shares{}, 0
		for _, a := range of(row) {
			if a.parts != nil {
				turns++
			}
			for work, took := range a.parts {
				sum[work] += took
			}
		}
		if turns == 0 || seen[row.name] {
			continue
		}
		seen[row.name] = true
		var all time.Duration
		for _, took := range sum {
			all += took
		}
		each := func(took time.Duration) float64 { return float64(took.Nanoseconds()) / 1000 / float64(turns) }
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f %%\t\n", row.name, each(sum[""]), each(sum[foldWork]), each(sum[ledgerWork]),
			each(sum[streamsWork]), each(all-sum[""]-sum.behind()), 100*float64(sum.behind())/float64(max(all, 1)))
	}
	return t.Flush()
}

func (r *run) memory(w io.Writer) error {
	type process struct {
		name string
		pid  int
	}
	all := []process{{"ceiling", r.ceiling.pid()}}
	if r.server != nil {
		all = append(all, process{"server", r.server.cmd.Process.Pid}, process{"its Redis", r.server.redis})
	}
	for _, p := range all {
		n, err := residentBytes(p.pid)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "resident: %s %.1f MiB\n", p.name, float64(n)/(1<<20))
	}
	fmt.Fprintf(w, "people on the server's board: %d\n", r.signIns)
	return nil
}

// verdicts is the table of targets.
func (r *run) verdicts(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\ntarget\twanted\tmedian\tquartiles\t")
	for _, want := range targets {
		bound := fmt.Sprintf("≥ %.2f", want.least)
		if want.most > 0 {
			bound = fmt.Sprintf("≤ %.2f", want.most)
		}
		i := slices.IndexFunc(r.rows, func(w *row) bool { return w.name == want.name && w.over == want.over })
		if i < 0 {
			fmt.Fprintf(t, "%s\t%s\t\t\tnot measured\n", want.what, bound)
			continue
		}
		low, mid, high := quartiles(r.rows[i].ratios(want.measure))
		verdict := "MISSED"
		if want.most > 0 && mid <= want.most || want.most == 0 && mid >= want.least {
			verdict = "met"
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%.2f–%.2f\t%s\n", want.what, bound, mid, low, high, verdict)
	}
	return t.Flush()
}

func (w *row) ratios(measure func(a, b turn) float64) []float64 {
	out := make([]float64, len(w.a))
	for i := range w.a {
		out[i] = measure(w.a[i], w.b[i])
	}
	return out
}

func micros(of func(turn) time.Duration) func(turn) float64 {
	return func(t turn) float64 { return float64(of(t).Nanoseconds()) / 1000 }
}

func middle(turns []turn, of func(turn) float64) float64 {
	values := make([]float64, len(turns))
	for i, t := range turns {
		values[i] = of(t)
	}
	_, mid, _ := quartiles(values)
	return mid
}

func quartiles(values []float64) (low, mid, high float64) {
	sorted := slices.Clone(values)
	slices.SortFunc(sorted, cmp.Compare[float64])
	n := len(sorted)
	return sorted[n/4], sorted[n/2], sorted[n*3/4]
}
