package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/catalog"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/replay"
	"qingyuan/internal/shelf"
)

// auditor compares Redis with the ledger in the background, follows the chain of the audit
// log, and reads the logs of acts again.
type auditor struct {
	journal  *audit.Log
	proofs   *prooflog.Rereader
	verifier *replay.Verifier
	catalog  *catalog.Keeper
	shelf    *shelf.Shelf
	every    time.Duration // 0: never
	metrics  *metrics
	log      *slog.Logger

	mu    sync.Mutex
	found map[string]int64 // differences by campaign, at the last comparison
	head  audit.Head       // of the audit log then
	torn  *audit.Break     // where its chain does not hold
}

// restFromBatch is how many times as long as a batch of participants took the auditor rests
// from it: a comparison of a million is more than a minute's work of two processors, and
// people may be waiting for these. So it takes a quarter of one of them. From all of a
// comparison it rests as long as that took.
const restFromBatch = 8

// Run compares every few minutes until ctx ends.
func (a *auditor) Run(ctx context.Context) {
	if a.every == 0 {
		return
	}
	next := time.NewTimer(a.every)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		began := time.Now()
		a.compare(ctx)
		next.Reset(max(a.every, time.Since(began)))
	}
}

func (a *auditor) compare(ctx context.Context) {
	a.follow(ctx)
	a.proofs.Round(ctx)
	doors, err := a.verifier.Doors(ctx)
	a.note(ctx, ledger.DoorsCampaign, &doors, err)
	for _, c := range a.catalog.Campaigns() {
		if a.shelf.Has(c.ID) { // the command compares it
			continue
		}
		r, err := a.verify(ctx, c)
		a.note(ctx, c.ID, &r, err)
	}
}

// follow checks the audit log. Its end was seen the last time and must still be in it:
// of a log that was made anew nothing else would tell.
func (a *auditor) follow(ctx context.Context) {
	a.mu.Lock()
	var seen []audit.Head
	if a.head.Seq > 0 {
		seen = append(seen, a.head)
	}
	a.mu.Unlock()
	r, err := a.journal.Verify(ctx, seen...)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.log.WarnContext(ctx, "the audit log was not checked", "err", err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.torn = r.Broken
	if r.Broken != nil {
		a.metrics.auditBroken.Set(1)
		a.log.ErrorContext(ctx, "the audit log is broken", "entry", r.Broken.Seq, "why", r.Broken.Why)
		return
	}
	a.head = r.Head
	a.metrics.auditBroken.Set(0)
	a.log.InfoContext(ctx, "the audit log holds", "entries", r.Entries, "head", r.Head.String())
}

func (a *auditor) verify(ctx context.Context, c *campaign.Campaign) (replay.Report, error) {
	rules, err := rulesOf(a.catalog, c)
	if err != nil {
		return replay.Report{}, err
	}
	return a.verifier.Campaign(ctx, c, rules)
}

// note writes down what was found. The line about differences is the one to be
// woken by.
func (a *auditor) note(ctx context.Context, id string, r *replay.Report, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		a.log.WarnContext(ctx, "redis was not compared with the ledger", "campaign", id, "err", err)
		return
	case r.Differences > 0:
		a.log.ErrorContext(ctx, "redis and the ledger differ", "campaign", id, "differences", r.Differences, "first", r.First[0])
	default:
		a.log.InfoContext(ctx, "redis agrees with the ledger", "campaign", id, "facts", r.Facts, "incomplete", r.Incomplete, "took", r.Duration)
	}
	a.metrics.differences.WithLabelValues(id).Set(float64(r.Differences))
	if len(r.Incomplete) == 0 {
		a.metrics.verifiedAt.WithLabelValues(id).SetToCurrentTime()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.found == nil {
		a.found = map[string]int64{}
	}
	a.found[id] = r.Differences
}

// warnings lists the campaigns whose figures are not what the ledger says.
func (a *auditor) warnings() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for id, n := range a.found {
		if n > 0 {
			out = append(out, fmt.Sprintf("campaign %s: %d differences between redis and the ledger", id, n))
		}
	}
	slices.Sort(out)
	if a.torn != nil {
		out = append(out, fmt.Sprintf("the audit log is broken: entry %d %s", a.torn.Seq, a.torn.Why))
	}
	return append(out, a.proofs.Warnings()...)
}
