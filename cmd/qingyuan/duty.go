package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qingyuan/campaign"
	"qingyuan/internal/duty"
	"qingyuan/internal/redisstore"
)

// dutyDesk tells whoever is on duty how this server is.
type dutyDesk struct {
	*program

	meter  *duty.Meter
	health *redisstore.Health
	now    func() time.Time
}

func newDutyDesk(p *program, from prometheus.Gatherer, health *redisstore.Health, now func() time.Time) *dutyDesk {
	return &dutyDesk{program: p, meter: &duty.Meter{Gatherer: from, Now: now}, health: health, now: now}
}

// Report implements httpapi.Duty. What does not answer is told as such.
func (d *dutyDesk) Report(ctx context.Context, sees func(*campaign.Campaign) bool) duty.Report {
	r := duty.Readings{
		At: d.now(), Reasons: d.ready.Reasons(), Warnings: d.ready.Warnings(), Activity: d.meter.Activity(),
		QueuePerSecond: float64(d.cfg.Queue.AdmitPerSecond), MostWatchers: d.cfg.HTTP.MaxWatchers,
		BrokenLogs: len(d.sealer.Broken()), Fold: d.foldLag(), Ledger: d.ledgerLag(), Leaks: d.leaks(sees),
	}
	d.askStores(ctx, &r)
	return duty.Judge(r)
}

// dutyPatience is how long a store may take to say how it is: whoever looks needs the
// rest all the more when one does not answer.
const dutyPatience = time.Second

// askStores asks Redis and the database.
func (d *dutyDesk) askStores(ctx context.Context, r *duty.Readings) {
	ctx, cancel := context.WithTimeout(ctx, dutyPatience)
	defer cancel()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if v, err := d.health.Vitals(ctx); err == nil {
			r.Redis = &duty.Redis{Used: v.Used, Most: v.Most, LogOK: v.LogOK, Rewriting: v.Rewriting}
		}
	}()
	if running, queued, err := d.office.jobs.Tally(ctx); err == nil {
		r.JobsRunning, r.JobsQueued = &running, &queued
	}
	if open, err := d.office.approvals.Open(ctx); err == nil {
		r.Approvals = &open
	}
	<-asked
}

// leaks are the questions whose answers may be going round, of the campaigns that the
// reader sees.
func (d *dutyDesk) leaks(sees func(*campaign.Campaign) bool) []duty.Leaks {
	var out []duty.Leaks
	for _, c := range d.catalog.Campaigns() {
		found := d.topics.Leaks(c.ID)
		if len(found) == 0 || !sees(c) {
			continue
		}
		of := duty.Leaks{Campaign: c.ID, Title: c.Title.In(campaign.DefaultLanguage)}
		for _, l := range found {
			of.Questions = append(of.Questions, duty.Leak{
				Question: l.Question.ID, Since: l.Since, Before: l.Before, After: l.After, PaceBefore: l.PaceBefore, PaceAfter: l.PaceAfter,
			})
		}
		out = append(out, of)
	}
	return out
}

// foldLag is what the public does not see yet.
func (d *dutyDesk) foldLag() (l duty.Lag) {
	for _, c := range d.catalog.Campaigns() {
		if snap, err := d.publisher.Snapshot(c.ID); err == nil {
			l.Waiting += snap.Lag
			l.Oldest = max(l.Oldest, d.now().Sub(snap.AsOf))
		}
	}
	return l
}

// ledgerLag is what only Redis holds.
func (d *dutyDesk) ledgerLag() (l duty.Lag) {
	for _, st := range d.archive.perCampaign() {
		l.Waiting += int64(st.Waiting) //nolint:gosec // Entries of a stream: far from 2^63.
		l.Oldest = max(l.Oldest, st.Oldest)
	}
	return l
}
