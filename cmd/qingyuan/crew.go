package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/redisstore"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// crew opens campaigns in Redis as they appear in the catalog and runs what
// each needs: a fold for every shard, and the hand-in of overdue attempts.
type crew struct {
	campaigns *redisstore.Campaigns
	boards    *redisstore.Boards
	facts     leaderboard.Facts
	quiz      *quiz.Service
	list      func() []*campaign.Campaign
	find      func(id string) (*campaign.Campaign, error)
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time

	mu      sync.Mutex
	running map[string]context.CancelFunc
	pending map[string]error
	wg      sync.WaitGroup
}

// overdueAtOnce bounds one round of handing in.
const overdueAtOnce = 500

// Run keeps the crew complete until ctx ends, and then waits for everybody.
func (c *crew) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer c.wg.Wait()
	for {
		c.muster(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// muster starts work for campaigns that have none yet and ends it for those
// that left the catalog.
func (c *crew) muster(ctx context.Context) {
	wanted := map[string]bool{}
	for _, def := range c.list() {
		wanted[def.ID] = true
		if c.works(def.ID) {
			continue
		}
		if err := c.start(ctx, def); err != nil {
			c.report(def.ID, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, stop := range c.running {
		if !wanted[id] {
			stop()
			delete(c.running, id)
		}
	}
}

func (c *crew) works(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.running[id]
	return ok
}

func (c *crew) start(ctx context.Context, def *campaign.Campaign) error {
	if err := c.campaigns.Open(ctx, def, c.now()); err != nil {
		return err
	}
	shards, err := c.boards.Shards(ctx, def.ID)
	if err != nil {
		return err
	}
	if shards != def.Shards {
		c.log.WarnContext(ctx, "campaign was opened with other shards than its file says; they are kept",
			"campaign", def.ID, "shards", shards)
	}
	work, stop := context.WithCancel(ctx)
	c.mu.Lock()
	c.running[def.ID] = stop
	delete(c.pending, def.ID)
	c.mu.Unlock()
	folder := c.folder(def.ID)
	for shard := range shards {
		c.wg.Go(func() { folder.Run(work, shard) })
	}
	c.wg.Go(func() { c.handIn(work, def.ID) })
	c.log.InfoContext(ctx, "campaign is served", "campaign", def.ID, "shards", shards)
	return nil
}

// report remembers why a campaign is not open, and logs it once a cause.
func (c *crew) report(id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.pending[id]; old == nil || old.Error() != err.Error() {
		c.log.Error("campaign cannot be opened", "campaign", id, "err", err)
	}
	c.pending[id] = err
}

// Problems lists the campaigns that could not be opened, with the reasons.
func (c *crew) Problems() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for id, err := range c.pending {
		out = append(out, fmt.Sprintf("campaign %s: %s", id, reason(err)))
	}
	slices.Sort(out)
	return out
}

// reason says what a reader of /readyz may know of an error.
func reason(err error) string {
	for _, known := range []error{redisstore.ErrEmptied, redisstore.ErrEpoch, leaderboard.ErrOutOfRange} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "it cannot be opened in redis yet"
}

func (c *crew) folder(id string) *leaderboard.Folder {
	return &leaderboard.Folder{
		Store: foldStore{c.boards}, Facts: c.facts, Now: c.now,
		Campaign: func() (*campaign.Campaign, error) { return c.find(id) },
		Folded: func(facts int, lag time.Duration) {
			c.metrics.folded.WithLabelValues(id).Add(float64(facts))
			c.metrics.foldLag.WithLabelValues(id).Set(lag.Seconds())
		},
		Failed: func(err error) {
			c.metrics.foldErrors.WithLabelValues(id).Inc()
			c.log.Error("fold", "campaign", id, "err", err)
		},
	}
}

// handIn closes overdue attempts of a campaign with a quiz, once a second.
func (c *crew) handIn(ctx context.Context, id string) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := c.quiz.HandInOverdue(ctx, id, overdueAtOnce)
		switch {
		case errors.Is(err, quiz.ErrNoQuiz):
			return
		case err != nil && ctx.Err() == nil:
			c.log.ErrorContext(ctx, "hand in overdue attempts", "campaign", id, "err", err)
		}
		c.metrics.handedIn.WithLabelValues(id).Add(float64(n))
	}
}

func newCrew(s *services, b *catalog.Keeper, m *metrics, log *slog.Logger, now func() time.Time) *crew {
	return &crew{
		campaigns: s.campaigns, boards: s.boards, facts: s.facts, quiz: s.quiz,
		list: b.Campaigns, find: b.Campaign, metrics: m, log: log, now: now,
		running: map[string]context.CancelFunc{}, pending: map[string]error{},
	}
}
