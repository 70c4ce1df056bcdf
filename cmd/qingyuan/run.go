package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/httpapi"
)

// warnings lists what does not stop the server: faulty campaign files, a fold
// that has fallen behind.
func (p *program) warnings() []string {
	var out []string
	for _, problem := range p.catalog.Problems() {
		out = append(out, fmt.Sprintf("campaign %s: its files are faulty and not taken up: %v", problem.Campaign, problem.Err))
	}
	for _, c := range p.catalog.Campaigns() {
		if snap, err := p.publisher.Snapshot(c.ID); err == nil && snap.Lag > foldLagWarning {
			out = append(out, fmt.Sprintf("campaign %s: %d facts wait to be counted", c.ID, snap.Lag))
		}
	}
	return slices.Concat(out, p.archive.warnings(), p.auditor.warnings(), p.sealer.Warnings(), p.switches.warnings())
}

// unpublished lists the campaigns without a snapshot: a start is over when
// everything that is read can be answered.
func (p *program) unpublished() []string {
	out := p.catalog.Awaited()
	for _, c := range p.catalog.Campaigns() {
		if _, err := p.publisher.Snapshot(c.ID); err != nil {
			out = append(out, c.ID)
		}
	}
	return out
}

// foldLagWarning is how many facts may wait before somebody should look.
const foldLagWarning = 50_000

// shutdownGrace is how long requests may run on after the order to stop.
const shutdownGrace = 10 * time.Second

// run listens, claims the Redis and works until ctx ends or a listener fails.
func (p *program) run(ctx context.Context, o serving) error {
	fronts, err := p.listen(ctx)
	if err != nil {
		return err
	}
	// Workers outlive the listeners, so that the last requests find them.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	p.startWorkers(work)
	defer func() {
		stopWork()
		if late := p.workers.wait(shutdownGrace); len(late) > 0 {
			p.log.ErrorContext(work, "stop without those who do not end", "workers", late)
		}
	}()
	failed := make(chan error, len(fronts))
	for _, f := range fronts {
		go func() { failed <- f.app.Listener(f.ln) }()
		p.log.InfoContext(ctx, "serving", "what", f.name, "addr", f.ln.Addr().String(), "demo", p.cfg.Demo)
	}
	if err := p.server.PagesFault(); err != nil {
		p.log.WarnContext(ctx, "the API is served alone, without pages: install Node 20.19 or newer and make build", "why", err)
	}
	if o.listening != nil {
		o.listening(fronts[0].ln.Addr().String())
	}
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = p.drain(ctx, failed)
	}
	err = errors.Join(err, p.stopListening(ctx, fronts))
	p.archive.flush(ctx)
	return err
}

// drain makes the server unready and serves on for a while, so that whoever sends
// people here can stop before the listener closes.
func (p *program) drain(ctx context.Context, failed <-chan error) error {
	p.ready.drain()
	if p.cfg.HTTP.DrainDelay == 0 {
		return nil
	}
	p.log.InfoContext(ctx, "draining", "for", p.cfg.HTTP.DrainDelay)
	delay := time.NewTimer(p.cfg.HTTP.DrainDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
		return nil
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	}
}

// front is one listener with what it serves.
type front struct {
	name string
	ln   net.Listener
	app  *fiber.App
}

// listen opens the public listener and, where configured, the one for
// operations behind it.
func (p *program) listen(ctx context.Context) ([]front, error) {
	fronts := []front{{name: "public", app: p.server.App()}} //nolint:contextcheck // Requests bring their own.
	addrs := []string{p.cfg.HTTP.Addr}
	if p.cfg.HTTP.OpsAddr != "" {
		fronts = append(fronts, front{name: "operations", app: p.server.OpsApp()}) //nolint:contextcheck // As above.
		addrs = append(addrs, p.cfg.HTTP.OpsAddr)
	}
	for i, addr := range addrs {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			for _, f := range fronts[:i] {
				_ = f.ln.Close()
			}
			return nil, fmt.Errorf("listen on %s: %w", addr, err)
		}
		fronts[i].ln = httpapi.Lenient(ln)
	}
	return fronts, nil
}

func (p *program) stopListening(ctx context.Context, fronts []front) error {
	p.server.Close() // ends the live streams, which a shutdown would wait for
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	var errs []error
	for _, f := range fronts {
		if err := f.app.ShutdownWithContext(grace); err != nil {
			errs = append(errs, fmt.Errorf("shut down: %w", err))
		}
		_ = f.ln.Close() // a front that had not begun to serve knows of no shutdown
	}
	return errors.Join(errs...)
}

// startWorkers runs what works beside the requests. Campaigns are opened only on
// a Redis that is known to be this deployment's.
func (p *program) startWorkers(ctx context.Context) {
	start := func(name string, work func(context.Context)) {
		p.workers.start(name, func() { work(ctx) }) //nolint:contextcheck // Labels for profiles are nobody's context.
	}
	start("readiness", p.ready.Run)
	start("catalog", func(ctx context.Context) { _ = p.catalog.Run(ctx) }) // it reports its own errors
	start("trees", func(ctx context.Context) { p.catalog.Store().Tend(ctx, p.log) })
	start("sessions", p.onceOpened(p.services.sessions.Run))
	start("crew", p.onceClaimed(p.crew.Run))
	start("archive", p.archive.Run)
	start("auditor", p.auditor.Run)
	start("publisher", p.onceOpened(p.publisher.Run))
	start("approvals", p.office.approvals.Run)
	start("jobs", p.office.jobs.Run)
	start("flags", newWatcher(p).Run)
	start("transfers", p.onceClaimed(p.transfers.Run))
	start("joins", p.onceClaimed(func(ctx context.Context) {
		p.office.corrections.JoinAll(ctx, func(err error) { p.log.WarnContext(ctx, "one person counts as two enrolled for now", "err", err) })
	}))
	start("prizes", p.onceOpened(p.prizes.Run))
	start("retention", p.onceClaimed(p.retention.Run))
	start("origins", p.office.corrections.Origins.Run)
	if p.cfg.Proofs.Every > 0 {
		start("sealer", p.seal)
	}
	start("switchboard", p.switches.Run)
	start("duty", p.duty.meter.Run)
	start("topics", p.topics.Run)
	if p.room != nil {
		start("waiting room", p.room.Run)
	}
}

// onceClaimed puts work off until the Redis is known to be this deployment's.
func (p *program) onceClaimed(work func(context.Context)) func(context.Context) {
	return after(p.ready.claimed, work)
}

// onceOpened puts work off that would find no campaign in Redis before the crew has been
// there for the first time.
func (p *program) onceOpened(work func(context.Context)) func(context.Context) {
	return after(p.crew.mustered, work)
}

func after(event <-chan struct{}, work func(context.Context)) func(context.Context) {
	return func(ctx context.Context) {
		select {
		case <-event:
			work(ctx)
		case <-ctx.Done():
		}
	}
}
