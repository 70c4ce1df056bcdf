package simulate

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// arrivals measures how well the crowd kept to its plan. What is late here is
// the fault of this program and its machine, never of the target.
type arrivals struct {
	late histogram // from the planned moment to the first request
	// held waited for somebody else to end, because Workers were under way.
	held            atomic.Int64
	underWay, crest atomic.Int64
}

func (a *arrivals) come() {
	now := a.underWay.Add(1)
	for {
		crest := a.crest.Load()
		if now <= crest || a.crest.CompareAndSwap(crest, now) {
			return
		}
	}
}

func (a *arrivals) leave() { a.underWay.Add(-1) }

// drive sends this process' portion of the crowd through from the given moment on,
// when the plan says or else as fast as they are taken, and never more than
// Workers at once.
func (r *run) drive(ctx context.Context, begin time.Time) {
	var g errgroup.Group
	g.SetLimit(r.cfg.Workers)
	for i := r.own.index; i < r.cfg.Participants && !r.halted.Load(); i += r.own.of {
		due, ok := r.await(ctx, begin, i)
		if !ok {
			break
		}
		one := func() error {
			if !r.halted.Load() { // while they waited for a worker
				r.pass(ctx, i+1, due)
			}
			return nil
		}
		if !g.TryGo(one) {
			r.arrivals.held.Add(1)
			g.Go(one)
		}
	}
	_ = g.Wait() // participants report to the findings, never through an error
	r.noteHalt()
}

// await blocks until person i is to come. It returns when that was.
func (r *run) await(ctx context.Context, begin time.Time, i int) (due time.Time, ok bool) {
	if !r.planned {
		return time.Time{}, ctx.Err() == nil
	}
	due = begin.Add(r.plan.at(i))
	return due, r.cfg.sleep(ctx, due.Sub(r.cfg.now())) == nil
}

// pass lets one person through and measures how they came and went.
func (r *run) pass(ctx context.Context, number int, due time.Time) {
	r.arrivals.come()
	defer r.arrivals.leave()
	if !due.IsZero() {
		now := r.cfg.now()
		r.arrivals.late.add(now.Sub(due))
		r.meter.line.arrived(now)
	}
	r.one(ctx, number)
	r.meter.line.finished(r.cfg.now())
	r.progress.Step()
}

// noteHalt says that a phase was cut short. The next one finds out for itself
// whether the target is back.
func (r *run) noteHalt() {
	if r.halted.Swap(false) {
		r.findings.note("the target stayed silent for longer than the patience, so the run was cut short")
	}
}

// portion is which people are a process' own: every so manieth, so that each
// portion has the shape of the whole.
type portion struct{ index, of int }

// Arrivals says how the crowd came. It came when the plan said, whether or not
// the target was slow; where it came late, the load was too much for the machine
// that made it, or for its Workers.
type Arrivals struct {
	Shape Shape `json:"shape"`
	// Seconds is how long the plan lasts, and PeakPerSecond its steepest part.
	Seconds       float64 `json:"seconds"`
	PeakPerSecond float64 `json:"peak_per_second"`
	LateP50MS     float64 `json:"late_p50_ms"`
	LateP99MS     float64 `json:"late_p99_ms"`
	LateMaxMS     float64 `json:"late_max_ms"`
	// Held waited because Workers were under way.
	Held         int64 `json:"held"`
	MostUnderWay int64 `json:"most_under_way"`
}

// arrived reports on the arrivals; nil where there was no plan.
func (r *run) arrived() *Arrivals {
	if !r.planned {
		return nil
	}
	a := &r.arrivals
	return &Arrivals{
		Shape: r.cfg.Shape, Seconds: r.plan.span().Seconds(), PeakPerSecond: r.plan.peak(),
		LateP50MS: ms(a.late.quantile(0.50)), LateP99MS: ms(a.late.quantile(0.99)), LateMaxMS: ms(a.late.longest()),
		Held: a.held.Load(), MostUnderWay: a.crest.Load(),
	}
}

// lateAllowed is how late the hundredth of a crowd may come before the load
// itself is in doubt.
const lateAllowed = 200 * time.Millisecond

// noteLate says when the load was not what was asked for.
func (r *run) noteLate() {
	if late := r.arrivals.late.quantile(0.99); late > lateAllowed {
		r.findings.note(fmt.Sprintf(
			"1 %% of the people came more than %.1f s late, %d of them because %d were under way: "+
				"the load was less steep than planned, and that is not the target's fault",
			late.Seconds(), r.arrivals.held.Load(), r.cfg.Workers))
	}
}
