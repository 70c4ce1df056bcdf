// Package simulate drives the HTTP API with virtual participants and proves
// that what was acknowledged was counted, once.
//
// It relies on the published contract alone. Every participant signs in, enrols,
// takes the quiz and signs the pledge; some repeat themselves, answer wrongly,
// leave their paper or lose a reply. An unknown outcome (no reply, 503) is
// resolved by sending the same request again, as a real client would, so that
// the server may be killed and started again in the middle of a run. An act is
// acknowledged when its receipt was read, and not before.
//
// In the end the counts must have moved by exactly what was acknowledged, and
// each receipt must read again as it was given.
package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// run is one simulation from its first request to its report.
type run struct {
	cfg      Config
	client   *client
	meter    *meter
	findings *findings
	progress Progress
	scene    scene
	tally    tally
	kept     sample
	notes    *notebook
	// halted is set once an outcome stayed unknown for the whole patience: the
	// target is gone, and everybody further in this phase would wait as long.
	halted atomic.Bool

	done, failed, abandoned atomic.Int64
	walking, auditing       time.Duration
	outcomes                []Outcome
	audit                   Audit
	breakdown               Breakdown
	interrupted             bool
}

// Run simulates cfg.Participants people and returns what was seen. The error
// tells why nothing could be judged: a configuration that is refused, a target
// that does not answer or has no such campaign, or an end of ctx, after which
// the report is partial. Whether the target behaved is Report.OK.
func Run(ctx context.Context, cfg Config, progress Progress) (Report, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return Report{}, err
	}
	if progress == nil {
		progress = silent{}
	}
	m, f := newMeter(), newFindings()
	r := &run{
		cfg: cfg, client: newClient(cfg, m), meter: m, findings: f, progress: progress,
		kept: sample{most: cfg.Audit}, notes: newNotebook(), outcomes: []Outcome{},
	}
	defer r.client.close()

	if r.scene, err = r.prepare(ctx); err != nil {
		return Report{}, fmt.Errorf("simulate %s: %w", cfg.Target, err)
	}
	before, err := r.baseline(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("simulate %s: counts before: %w", cfg.Target, err)
	}
	r.drive(ctx)
	if r.compare(ctx, before) {
		r.reread(ctx)
	}
	if err := ctx.Err(); err != nil {
		r.interrupted = true
		return r.report(), fmt.Errorf("simulate %s: interrupted: %w", cfg.Target, err)
	}
	return r.report(), nil
}

// drive sends all participants through, at the rate asked for and never more
// than Workers at once.
func (r *run) drive(ctx context.Context) {
	r.progress.Begin("participants", r.cfg.Participants)
	defer r.progress.End()
	start := r.cfg.now()
	defer func() { r.walking = r.cfg.now().Sub(start) }()

	var g errgroup.Group
	g.SetLimit(r.cfg.Workers)
	gate := r.gate()
	for number := 1; number <= r.cfg.Participants && !r.halted.Load(); number++ {
		if gate(ctx) != nil {
			break
		}
		g.Go(func() error {
			if !r.halted.Load() { // while it waited for a worker
				r.one(ctx, number)
				r.progress.Step()
			}
			return nil
		})
	}
	_ = g.Wait() // participants report to the findings, never through an error
	r.noteHalt()
}

// noteHalt says that a phase was cut short. The next one finds out for itself
// whether the target is back.
func (r *run) noteHalt() {
	if r.halted.Swap(false) {
		r.findings.note("the target stayed silent for longer than the patience, so the run was cut short")
	}
}

// gate returns a function that blocks until the next participant may come.
func (r *run) gate() func(context.Context) error {
	if r.cfg.Rate <= 0 {
		return context.Context.Err
	}
	// A hundredth of a second's arrivals may come together: timers are coarse.
	limiter := rate.NewLimiter(rate.Limit(r.cfg.Rate), max(1, int(r.cfg.Rate/100)))
	return func(ctx context.Context) error {
		now := r.cfg.now()
		return r.cfg.sleep(ctx, limiter.ReserveN(now, 1).DelayFrom(now))
	}
}

// one sends a single participant through and books what became of them.
func (r *run) one(ctx context.Context, number int) {
	p := r.person(number)
	err := p.walk(ctx)
	r.tally.add(p.acts)
	if p.abandoned {
		r.abandoned.Add(1)
	}
	if err != nil {
		r.failed.Add(1)
		r.fail(ctx, number, err)
		return
	}
	r.done.Add(1)
	if p.acts.attempt == acknowledged || p.acts.signature == acknowledged {
		r.kept.offer(keepsake{number: number, token: p.token, receipt: p.receipt, signature: p.signature})
	}
}

// fail books an error that ended a participant's way. What an interruption cut
// short is no fault of the target.
func (r *run) fail(ctx context.Context, number int, err error) {
	if ctx.Err() != nil {
		return
	}
	if isUnknown(err) {
		r.halted.Store(true)
	}
	r.meter.failed(codeOf(err))
	r.findings.add(Problem{Kind: Failed, Participant: number, Detail: err.Error()})
}

// person makes the participant of a number. The same seed and number make the
// same choices, whichever worker comes to it; only how well they answer depends
// on what others have found out before.
func (r *run) person(number int) *person {
	//nolint:gosec // A number of a participant is positive.
	rng := rand.New(rand.NewPCG(r.cfg.Seed, uint64(number)))
	return &person{run: r, rng: rng, number: number, name: r.nameOf(number)}
}

func (r *run) nameOf(number int) string { return fmt.Sprintf("%s-%d", r.cfg.Prefix, number) }
