package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/stream"
)

// archive is the server's side of the ledger: what it knows of campaigns, the
// archivers that move the streams into it, and how far they are.
type archive struct {
	ledger  *ledger.Ledger
	source  ledger.Source
	metrics *metrics
	log     *slog.Logger
	now     func() time.Time

	mu sync.Mutex
	// heads are the ledger's cursors as they were read last: while SQL is away
	// nobody moves them.
	heads     map[ledger.Shard]ledger.Heads
	archivers map[ledger.Shard]*ledger.Archiver
	status    map[ledger.Shard]ledger.Status
}

func newArchive(s *services, l *ledger.Ledger, m *metrics, log *slog.Logger) *archive {
	return &archive{
		ledger: l, source: newSource(s), metrics: m, log: log, now: time.Now,
		archivers: map[ledger.Shard]*ledger.Archiver{}, status: map[ledger.Shard]ledger.Status{},
	}
}

// known returns what the ledger knows of a campaign. While it cannot be asked,
// nothing is taken for new.
func (a *archive) known(ctx context.Context, campaign string) redisstore.Known {
	o, exists, err := a.ledger.Campaign(ctx, campaign)
	if err != nil {
		a.log.WarnContext(ctx, "the ledger does not answer", "campaign", campaign, "err", err)
		return redisstore.Known{Unsure: true, Heads: a.headsOf(campaign)}
	}
	k := redisstore.Known{Exists: exists, Heads: a.headsOf(campaign)}
	if exists {
		k.Opened = redisstore.Opened{Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch}
	}
	return k
}

// register tells the ledger how a campaign was opened.
func (a *archive) register(ctx context.Context, campaign string, o redisstore.Opened) error {
	_, err := a.ledger.Register(ctx, ledger.Opened{
		Campaign: campaign, Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch, Condition: ledger.Open,
	})
	return err
}

// headsOf returns how far the ledger has come with a campaign.
func (a *archive) headsOf(campaign string) redisstore.Heads {
	return func(shard int) (facts, personal event.Position) {
		a.mu.Lock()
		defer a.mu.Unlock()
		h := a.heads[ledger.Shard{Campaign: campaign, Number: shard}]
		return h.Facts, h.Personal
	}
}

// refresh reads the cursors anew. Without an answer those read last stay.
func (a *archive) refresh(ctx context.Context) error {
	heads, err := a.ledger.Cursors(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger's cursors: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heads = heads
	return nil
}

// doorsIdle is how long an archiver of the doors waits for more. There are many
// of them, and little comes.
const doorsIdle = time.Second

// archiver returns the one of a shard, for Run.
func (a *archive) archiver(s ledger.Shard) *ledger.Archiver {
	w := &ledger.Archiver{
		Ledger: a.ledger, Source: a.source, Shard: s, Now: a.now,
		Archived: func(stream event.Stream, entries int, _ time.Duration) {
			a.metrics.archived.WithLabelValues(s.Campaign, string(stream)).Add(float64(entries))
		},
		Dead: func(entries int) {
			a.log.Error("entries cannot be stored and went to the dead letters", "shard", s.String(), "entries", entries)
		},
		Failed: func(err error) {
			a.metrics.archiveErrors.WithLabelValues(s.Campaign).Inc()
			a.log.Error("archive", "shard", s.String(), "err", err)
		},
	}
	if s.Campaign == ledger.DoorsCampaign {
		w.Idle = doorsIdle
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.archivers[s] = w
	return w
}

// retire forgets the archivers of a campaign that is not served any more.
func (a *archive) retire(campaign string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	gone := func(s ledger.Shard) bool { return s.Campaign == campaign }
	maps.DeleteFunc(a.archivers, func(s ledger.Shard, _ *ledger.Archiver) bool { return gone(s) })
	maps.DeleteFunc(a.status, func(s ledger.Shard, _ ledger.Status) bool { return gone(s) })
}

// flushGrace is how long the last entries may take to reach the ledger.
const flushGrace = 5 * time.Second

// flush moves what is left into the ledger before a server goes. What does not
// get there in time lies safe on the streams.
func (a *archive) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushGrace)
	defer cancel()
	a.mu.Lock()
	archivers := slices.Collect(maps.Values(a.archivers))
	a.mu.Unlock()
	for _, w := range archivers {
		if err := w.Drain(ctx); err != nil {
			a.log.WarnContext(ctx, "the last entries wait on the stream", "shard", w.Shard.String(), "err", err)
			return
		}
	}
}

// observeEvery is how often the archivers are asked how far they are.
const observeEvery = 5 * time.Second

// Run watches the archivers until ctx ends.
func (a *archive) Run(ctx context.Context) {
	every(ctx, observeEvery, a.observe)
}

func (a *archive) observe(ctx context.Context) {
	a.mu.Lock()
	archivers := maps.Clone(a.archivers)
	a.mu.Unlock()
	for s, w := range archivers {
		st, err := w.Status(ctx)
		if err != nil {
			continue // Redis does not answer, which readiness says already
		}
		a.mu.Lock()
		a.status[s] = st
		a.mu.Unlock()
	}
	a.measure()
}

// measure sums the shards of each campaign for the metrics.
func (a *archive) measure() {
	stopped := map[string]int{}
	for s := range a.stopped() {
		stopped[s.Campaign]++
	}
	for campaign, st := range a.perCampaign() {
		a.metrics.foldStopped.WithLabelValues(campaign).Set(float64(stopped[campaign]))
		a.metrics.archiveWaiting.WithLabelValues(campaign).Set(float64(st.Waiting))
		a.metrics.archiveLag.WithLabelValues(campaign).Set(st.Oldest.Seconds())
		a.metrics.deadLetters.WithLabelValues(campaign).Set(float64(st.Dead))
	}
}

func (a *archive) perCampaign() map[string]ledger.Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	sums := map[string]ledger.Status{}
	for s, st := range a.status {
		sum := sums[s.Campaign]
		sum.Waiting += st.Waiting
		sum.Dead += st.Dead
		sum.Oldest = max(sum.Oldest, st.Oldest)
		sum.Failed = cmp.Or(sum.Failed, st.Failed)
		sums[s.Campaign] = sum
	}
	return sums
}

// stopped returns the shards whose fold stands still at a damaged fact, and the
// fact.
func (a *archive) stopped() map[ledger.Shard]event.Position {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[ledger.Shard]event.Position{}
	for s, st := range a.status {
		if st.Stopped != (event.Position{}) {
			out[s] = st.Stopped
		}
	}
	return out
}

// archiveLagWarning is how old the oldest fact outside of SQL may become before
// somebody should look.
const archiveLagWarning = time.Minute

// warnings lists what an operator should look at.
func (a *archive) warnings() []string {
	var out []string
	for campaign, st := range a.perCampaign() {
		if st.Failed != nil {
			out = append(out, fmt.Sprintf("campaign %s: its facts do not reach the ledger: %s", campaign, whyNotArchived(st.Failed)))
		}
		if st.Oldest > archiveLagWarning {
			out = append(out, fmt.Sprintf("campaign %s: %d entries wait for the ledger, the oldest for %s", campaign, st.Waiting, st.Oldest.Round(time.Second)))
		}
		if st.Dead > 0 {
			out = append(out, fmt.Sprintf("campaign %s: %d dead letters", campaign, st.Dead))
		}
	}
	for s, at := range a.stopped() {
		out = append(out, fmt.Sprintf("campaign %s: nothing of shard %d is counted any more, its fact %s is damaged", s.Campaign, s.Number, at))
	}
	slices.Sort(out)
	return out
}

// whyNotArchived says what a reader of /readyz may know of an error.
func whyNotArchived(err error) string {
	switch {
	case errors.Is(err, event.ErrUnknownKind):
		return "a newer server has written what this one does not know"
	case errors.Is(err, ledger.ErrAhead):
		return "the ledger has read further than the stream goes"
	case errors.Is(err, stream.ErrGap), errors.Is(err, ledger.ErrGap):
		return "entries are missing from the stream"
	case errors.Is(err, stream.ErrUnconfirmed):
		return "too few replicas hold them"
	default:
		return "redis or the database does not answer"
	}
}
