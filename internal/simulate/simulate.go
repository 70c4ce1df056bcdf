// Package simulate drives the HTTP API with virtual participants and proves
// that what was acknowledged was counted, once.
//
// It relies on the published contract alone. Every participant signs in, enrols,
// takes the quiz, signs the pledge and tries for a prize; some repeat themselves,
// answer wrongly, leave their paper or lose a reply. An unknown outcome (no reply,
// 503) is resolved by sending the same request again, as a real client would, so
// that the server may be killed and started again in the middle of a run. An act is
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
	winners  winners
	// own is which people come from this process, plan when; without planned they
	// come as fast as they are taken.
	own      portion
	plan     plan
	planned  bool
	arrivals arrivals
	waited   histogram // in the queue before the door
	// loads are the processes that made the load.
	loads []Load
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
	r := newRun(cfg, portion{0, 1}, progress)
	defer r.client.close()

	if r.scene, err = r.prepare(ctx); err != nil {
		return Report{}, fmt.Errorf("simulate %s: %w", cfg.Target, err)
	}
	before, err := r.baseline(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("simulate %s: counts before: %w", cfg.Target, err)
	}
	if err := r.crowd(ctx); err != nil {
		return Report{}, fmt.Errorf("simulate %s: %w", cfg.Target, err)
	}
	if r.compare(ctx, before) {
		r.reread(ctx)
	}
	if err := ctx.Err(); err != nil {
		r.interrupted = true
		return r.report(), fmt.Errorf("simulate %s: interrupted: %w", cfg.Target, err)
	}
	return r.report(), nil
}

// newRun prepares a part of a simulation. The configuration is complete.
func newRun(cfg Config, own portion, progress Progress) *run {
	m := newMeter()
	r := &run{
		cfg: cfg, meter: m, findings: newFindings(), progress: progress, own: own,
		kept: sample{most: cfg.Audit}, notes: newNotebook(), outcomes: []Outcome{},
	}
	r.plan, r.planned = planOf(&cfg)
	if most := openFiles() - spareFiles; r.cfg.Workers > most && cfg.Processes == 1 {
		r.findings.note(fmt.Sprintf("only %d files may be open, so that at most %d people are under way at once", openFiles(), most))
		r.cfg.Workers = most
	}
	r.client = newClient(r.cfg, m)
	return r
}

// crowd sends all participants through, from this process or from several.
func (r *run) crowd(ctx context.Context) error {
	r.progress.Begin("participants", r.cfg.Participants)
	defer r.progress.End()
	if r.cfg.Processes > 1 {
		return r.fork(ctx)
	}
	begin := r.cfg.now()
	r.walk(ctx, begin)
	r.walking = r.cfg.now().Sub(begin)
	return nil
}

// walk lets the portion of the crowd that is this process' own come.
func (r *run) walk(ctx context.Context, begin time.Time) {
	if r.planned {
		r.meter.line = newTimeline(begin, r.plan.span())
	}
	used := usage()
	r.drive(ctx, begin)
	r.loads = []Load{usage().since(used)}
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
		r.kept.offer(keepsake{Number: number, Token: p.token, Receipt: p.receipt, Signature: p.signature})
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
