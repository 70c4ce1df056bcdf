package simulate

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// steady is how often in a row the counts must read alike to be taken for
// final. It spans more than the two seconds that they may be cached for, so
// that neither a late fact nor one counted twice slips in behind the verdict.
const steady = 6

// baseline reads the counts until they stand still: acts of an earlier run may
// still be on their way into them.
func (r *run) baseline(ctx context.Context) (figures, error) {
	f, standing, err := r.watch(ctx, func(was, is figures) bool { return was == is })
	if err == nil && !standing {
		r.findings.note("the counts were moving before the run: others use the campaign at the same time")
	}
	return f, err
}

// watch reads the counts until fits held steady times in a row, or until Settle
// has passed. A target that was away meanwhile has to catch up first: then the
// time begins anew, within Patience. It returns the last reading.
func (r *run) watch(ctx context.Context, fits func(was, is figures) bool) (f figures, ok bool, err error) {
	var was figures
	until := r.cfg.now().Add(r.cfg.Settle)
	last := until.Add(r.cfg.Patience)
	for row := 0; ; {
		asked := r.cfg.now()
		if err := r.counts(ctx, &f); err != nil {
			return f, false, err
		}
		if now := r.cfg.now(); now.Sub(asked) > r.cfg.poll {
			until = earlier(now.Add(r.cfg.Settle), last)
		}
		if row++; !fits(was, f) {
			row = 0
		}
		if was = f; row >= steady {
			return f, true, nil
		}
		if r.cfg.now().After(until) {
			return f, false, nil
		}
		if err := r.cfg.sleep(ctx, r.cfg.poll); err != nil {
			return f, false, err
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (r *run) counts(ctx context.Context, out *figures) error {
	*out = figures{}
	q := call{op: opCounts, method: http.MethodGet, path: r.scene.base + "/counts"}
	_, err := r.client.do(ctx, q, out)
	return err
}

// compare waits until the counts have moved by what was acknowledged and books
// where they have not. It returns false if the target is gone.
func (r *run) compare(ctx context.Context, before figures) bool {
	yes, maybe := r.tally.read()
	fits := func(_, is figures) bool { return consistent(verdicts(before, is, yes, maybe)) }
	r.progress.Begin("counts", 1)
	after, _, err := r.watch(ctx, fits)
	r.progress.End()
	if err != nil {
		if ctx.Err() == nil {
			r.meter.failed(codeOf(err))
			r.findings.add(Problem{Kind: CountsOff, Detail: fmt.Sprintf("the counts could not be read: %v", err)})
		}
		return false
	}
	r.outcomes = verdicts(before, after, yes, maybe)
	for _, o := range r.outcomes {
		if !o.OK {
			r.findings.add(Problem{Kind: CountsOff, Detail: o.fault()})
		}
	}
	if !consistent(r.outcomes) {
		r.findings.note("other traffic on the campaign during the run moves the counts too, and looks the same as a fault")
	}
	r.compareBreakdown(ctx)
	return ctx.Err() == nil
}

// verdicts compares each figure's movement with what was acknowledged. Where
// outcomes stayed unknown, any number of them may have been counted.
func verdicts(before, after, yes, maybe figures) []Outcome {
	b, a, y, m := before.list(), after.list(), yes.list(), maybe.list()
	out := make([]Outcome, kinds)
	for i, name := range figureNames() {
		moved := a[i] - b[i]
		out[i] = Outcome{
			Kind: name, Before: b[i], After: a[i], Moved: moved, Acknowledged: y[i], Unknown: m[i],
			OK: y[i] <= moved && moved <= y[i]+m[i],
		}
	}
	return out
}

func consistent(all []Outcome) bool {
	for _, o := range all {
		if !o.OK {
			return false
		}
	}
	return true
}

// fault says what a movement that does not fit means.
func (o Outcome) fault() string {
	what, by := "lost", o.Acknowledged-o.Moved
	if o.Moved > o.Acknowledged {
		what, by = "counted without an acknowledgement", o.Moved-o.Acknowledged-o.Unknown
	}
	return fmt.Sprintf("%s moved by %d, acknowledged %d, unknown %d: %d %s",
		o.Kind, o.Moved, o.Acknowledged, o.Unknown, by, what)
}

// row is one child in the breakdown. Passed is null where so few took part that
// it would tell of persons.
type row struct {
	Enrolled     *int64 `json:"enrolled"`
	Participants *int64 `json:"participants"`
	Attempts     *int64 `json:"attempts"`
	Signatures   *int64 `json:"signatures"`
	Passed       *int64 `json:"passed"`
}

func (b row) list() [kinds]*int64 {
	return [kinds]*int64{b.Enrolled, b.Participants, b.Attempts, b.Signatures, b.Passed}
}

// compareBreakdown checks, where the public may see it, that the rows add up to
// the totals. The two are read one after the other, so a difference counts only
// if it stays.
func (r *run) compareBreakdown(ctx context.Context) {
	until := r.cfg.now().Add(r.cfg.Settle)
	for {
		off, err := r.sums(ctx)
		if err != nil {
			r.breakdown = Breakdown{Withheld: err.Error()}
			return
		}
		if r.breakdown.OK = off == ""; r.breakdown.OK {
			return
		}
		if r.cfg.now().After(until) || r.cfg.sleep(ctx, r.cfg.poll) != nil {
			r.findings.add(Problem{Kind: CountsOff, Detail: off})
			return
		}
	}
}

// sums adds the rows up and says where they differ from the totals.
func (r *run) sums(ctx context.Context) (string, error) {
	rows, err := readAll[row](ctx, r, r.scene.base+"/counts/breakdown?")
	if err != nil {
		return "", err
	}
	var total figures
	if err := r.counts(ctx, &total); err != nil {
		return "", err
	}
	r.breakdown.Rows = len(rows)
	want, names := total.list(), figureNames()
	for i := range kinds {
		if sum, known := column(rows, i); known && sum != want[i] {
			return fmt.Sprintf("%s: %d rows of the breakdown add up to %d, the total is %d",
				names[i], len(rows), sum, want[i]), nil
		}
	}
	return "", nil
}

// column adds one figure up over all rows; known is false if one is withheld.
func column(rows []row, i int) (sum int64, known bool) {
	for _, b := range rows {
		v := b.list()[i]
		if v == nil {
			return 0, false
		}
		sum += *v
	}
	return sum, true
}
