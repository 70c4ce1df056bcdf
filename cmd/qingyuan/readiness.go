package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"qingyuan/internal/redisstore"
)

// readiness knows whether this server may accept acts, and why not.
type readiness struct {
	health *redisstore.Health
	// claim ties the Redis to this deployment. It is asked again and again: a
	// Redis can be emptied or exchanged under a running server.
	claim func(context.Context) error
	crew  *crew
	// vet lets the Redis that answers now be used, if what it holds was looked at.
	// suspects tells of one that somebody was kept from.
	vet      func(context.Context) error
	suspects <-chan struct{}
	// unpublished lists the campaigns whose counts cannot be shown yet.
	unpublished func() []string
	warnings    func() []string
	log         *slog.Logger

	// claimed is closed once the Redis was found to be this deployment's.
	claimed chan struct{}
	once    sync.Once

	draining atomic.Bool

	mu      sync.RWMutex
	unfit   []string
	reasons []string
}

// checkEvery is how often Redis is asked how it is, and checkSoon how often while
// the server is not ready: whoever waits for it waits no longer than must be.
const (
	checkEvery = time.Second
	checkSoon  = 200 * time.Millisecond
)

// Run asks until ctx ends.
func (r *readiness) Run(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		case <-r.suspects:
		}
		r.check(ctx)
		pause := checkEvery
		if len(r.Reasons()) > 0 {
			pause = checkSoon
		}
		next.Reset(pause)
	}
}

func (r *readiness) check(ctx context.Context) {
	ask, cancel := context.WithTimeout(ctx, 2*checkEvery)
	defer cancel()
	var unfit []string
	for _, p := range r.health.Check(ask) {
		unfit = append(unfit, p.Code+": "+p.Text)
	}
	if len(unfit) == 0 {
		if err := r.claim(ask); err != nil {
			unfit = append(unfit, "deployment: "+err.Error())
		} else {
			if err := r.vet(ask); err != nil {
				r.log.DebugContext(ctx, "redis was not examined", "err", err)
				unfit = append(unfit, "redis.unvetted: what it holds could not be looked at since it started")
			}
			r.once.Do(func() { close(r.claimed) })
		}
	}
	reasons := slices.Concat(unfit, r.crew.Problems())
	for _, id := range r.unpublished() {
		reasons = append(reasons, "campaign "+id+": its first snapshot is not there yet")
	}
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	changed := !slices.Equal(r.reasons, reasons)
	r.unfit, r.reasons = unfit, reasons
	r.mu.Unlock()
	if changed {
		r.log.InfoContext(ctx, "readiness changed", "ready", len(reasons) == 0, "reasons", reasons)
	}
}

// Guard returns why no act may be accepted at all: what this Redis acknowledges
// might be lost, or counted elsewhere. A single campaign that cannot be opened
// does not stop the others.
func (r *readiness) Guard() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.unfit) > 0 {
		return fmt.Errorf("this redis must not be written to: %s", strings.Join(r.unfit, "; "))
	}
	return nil
}

// drain makes the server unready for good: it is about to stop. What still comes
// is served.
func (r *readiness) drain() { r.draining.Store(true) }

// drainingReason is what /readyz says of a server that is about to stop.
const drainingReason = "draining: this server is about to stop"

// Reasons lists why nobody should be sent here now; none means ready.
func (r *readiness) Reasons() []string {
	if r.draining.Load() {
		return []string{drainingReason}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.reasons)
}

// Warnings lists what an operator should look at although the server is ready.
func (r *readiness) Warnings() []string { return r.warnings() }
