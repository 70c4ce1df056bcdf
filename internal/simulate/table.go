package simulate

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %d of %d participants in %.1f s, %.1f a second; %d failed, %d left their paper\n",
		r.Campaign, r.Participants.Done, r.Participants.Asked, r.Seconds, r.PerSecond,
		r.Participants.Failed, r.Participants.Abandoned)
	fmt.Fprintf(&b, "%d requests answered, %.0f a second; %d replies lost on purpose\n\n",
		r.Requests, r.RequestsPerSecond, r.LostReplies)
	r.writeOperations(&b)
	r.writeArrivals(&b)
	writeCodes(&b, "errors", r.Errors)
	writeCodes(&b, "retried", r.Retries)
	r.writeOutcomes(&b)
	r.writeProblems(&b)
	b.WriteString(r.verdict() + "\n")
	_, err := w.Write(b.Bytes())
	return err
}

func (r *Report) writeOperations(b *bytes.Buffer) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "operation\tdone\tper second\tp50 ms\tp95 ms\tp99 ms\tmax ms\tretried\t")
	for _, o := range r.Operations {
		rate := "-"
		if o.PerSecond > 0 {
			rate = fmt.Sprintf("%.0f", o.PerSecond)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t\n",
			o.Name, o.Done, rate, o.P50MS, o.P95MS, o.P99MS, o.MaxMS, o.Retries)
	}
	_ = t.Flush() // a buffer takes everything
}

func (r *Report) writeArrivals(b *bytes.Buffer) {
	if a := r.Arrivals; a != nil {
		fmt.Fprintf(b, "\narrivals: %s over %.0f s, at most %.0f a second; %d under way at most; late p50 %.1f ms, p99 %.1f ms, max %.1f ms\n",
			a.Shape, a.Seconds, a.PeakPerSecond, a.MostUnderWay, a.LateP50MS, a.LateP99MS, a.LateMaxMS)
	}
	if w := r.Waiting; w.People > 0 {
		fmt.Fprintf(b, "queue before the door: %d people, p50 %.0f ms, p99 %.0f ms, max %.0f ms\n", w.People, w.P50MS, w.P99MS, w.MaxMS)
	}
	for _, l := range r.Load {
		fmt.Fprintf(b, "the load itself took %.1f s of CPU and at most %.0f MiB\n", l.CPUSeconds, l.PeakMemoryMiB)
	}
}

func writeCodes(b *bytes.Buffer, title string, codes map[string]int64) {
	fmt.Fprintf(b, "\n%s:", title)
	if len(codes) == 0 {
		b.WriteString(" none")
	}
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(b, "  %s %d", code, codes[code])
	}
}

func (r *Report) writeOutcomes(b *bytes.Buffer) {
	b.WriteString("\n\n")
	if len(r.Outcomes) > 0 {
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "counts\tbefore\tafter\tmoved\tacknowledged\tunknown\t\t")
		for _, o := range r.Outcomes {
			mark := "ok"
			if !o.OK {
				mark = "OFF"
			}
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t\n",
				o.Kind, o.Before, o.After, o.Moved, o.Acknowledged, o.Unknown, mark)
		}
		_ = t.Flush() // a buffer takes everything
	}
	switch {
	case r.Breakdown.Withheld != "":
		fmt.Fprintf(b, "breakdown: not shown to the public (%s)\n", r.Breakdown.Withheld)
	case r.Breakdown.OK:
		fmt.Fprintf(b, "breakdown: %d rows add up to the totals\n", r.Breakdown.Rows)
	}
	fmt.Fprintf(b, "receipts of %d participants were read again\n\n", r.Audit.Participants)
}

func (r *Report) writeProblems(b *bytes.Buffer) {
	for _, kind := range []string{WrongReceipt, Missing, CountsOff, Failed} {
		n := r.ProblemCounts[kind]
		if n == 0 {
			continue
		}
		fmt.Fprintf(b, "%s: %d\n", kind, n)
		for _, p := range r.Problems {
			switch {
			case p.Kind != kind:
			case p.Participant > 0:
				fmt.Fprintf(b, "  participant %d: %s\n", p.Participant, p.Detail)
			default:
				fmt.Fprintf(b, "  %s\n", p.Detail)
			}
		}
		if n > maxListed {
			fmt.Fprintf(b, "  and %d more\n", n-maxListed)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(b, "note: %s\n", note)
	}
}

func (r *Report) verdict() string {
	switch {
	case r.OK():
		return "OK: the counts moved by exactly what was acknowledged"
	case r.Interrupted:
		return "INTERRUPTED: nothing was judged"
	default:
		return fmt.Sprintf("NOT OK: run it again with seed %d to make the same choices", r.Seed)
	}
}
