package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/shelf"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// crew opens campaigns in Redis as they appear in the catalog and runs what
// each needs: a fold and an archiver for every shard, and the hand-in of overdue
// attempts. It looks every second whether Redis still holds what it opened.
type crew struct {
	campaigns *redisstore.Campaigns
	archive   *archive
	shelf     *shelf.Shelf
	boards    leaderboard.Store
	facts     leaderboard.Facts
	quiz      *quiz.Service
	list      func() []*campaign.Campaign
	find      func(id string) (*campaign.Campaign, error)
	metrics   *metrics
	log       *slog.Logger
	now       func() time.Time
	// staff are the crew's own people; whoever runs the crew waits for them.
	staff *staff

	// mustered is closed once every campaign was opened that could be.
	mustered chan struct{}
	once     sync.Once

	mu      sync.Mutex
	running map[string]context.CancelFunc
	pending map[string]error
}

// overdueAtOnce bounds one round of handing in.
const overdueAtOnce = 500

// Run keeps the crew complete until ctx ends.
func (c *crew) Run(ctx context.Context) {
	every(ctx, time.Second, func(ctx context.Context) {
		c.muster(ctx)
		c.once.Do(func() { close(c.mustered) })
	})
}

// muster starts work for campaigns that have none yet, opens those anew that
// were rebuilt, and ends it for those that left the catalog.
func (c *crew) muster(ctx context.Context) {
	if err := c.archive.refresh(ctx); err != nil && ctx.Err() == nil {
		c.log.DebugContext(ctx, "go on with the cursors as they were", "err", err)
	}
	if err := c.shelf.Refresh(ctx); err != nil && ctx.Err() == nil {
		c.log.DebugContext(ctx, "go on with the shelf as it was", "err", err)
	}
	c.attend(ctx, redisstore.DoorsCampaign, c.openDoors, c.startDoors)
	wanted := map[string]bool{redisstore.DoorsCampaign: true}
	for _, def := range c.list() {
		if c.shelf.Has(def.ID) {
			c.settle(ctx, def.ID)
			continue
		}
		wanted[def.ID] = true
		c.attend(ctx, def.ID,
			func(ctx context.Context) error { return c.open(ctx, def) },
			func(ctx context.Context) error { return c.start(ctx, def) })
		if err := c.campaigns.Clocks(ctx, def); err != nil && ctx.Err() == nil {
			c.log.DebugContext(ctx, "what was done to the clocks is not known in redis yet", "campaign", def.ID, "err", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, stop := range c.running {
		if !wanted[id] {
			stop()
			delete(c.running, id)
			c.archive.retire(id)
			if c.shelf.Has(id) {
				c.campaigns.Forget(id)
			}
		}
	}
}

// attend opens a campaign, or the doors, and starts its work; later it looks
// whether Redis still fits, and opens it again where it does not: after a
// rebuild it is in another epoch.
func (c *crew) attend(ctx context.Context, id string, open, start func(context.Context) error) {
	var err error
	switch {
	case !c.works(id):
		if err = open(ctx); err == nil {
			err = start(ctx)
		}
	default:
		err = c.campaigns.Check(ctx, id, c.archive.headsOf(id))
		if err != nil && !errors.Is(err, fault.ErrUnavailable) {
			err = open(ctx)
		}
	}
	switch {
	case err == nil:
		c.settle(ctx, id)
	case ctx.Err() == nil:
		c.report(id, err)
	}
}

// examine looks whether Redis still holds every campaign that was opened. One that
// it does not is marked and refused by itself; the error is that it could not look.
func (c *crew) examine(ctx context.Context) error {
	if err := c.archive.refresh(ctx); err != nil {
		c.log.DebugContext(ctx, "examine redis by the cursors as they were", "err", err)
	}
	c.mu.Lock()
	ids := slices.Collect(maps.Keys(c.running))
	c.mu.Unlock()
	for _, id := range ids {
		if err := c.campaigns.Check(ctx, id, c.archive.headsOf(id)); errors.Is(err, fault.ErrUnavailable) {
			return err
		}
	}
	return nil
}

// settle forgets what stood in the way.
func (c *crew) settle(ctx context.Context, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[id] != nil {
		c.log.InfoContext(ctx, "campaign is served again", "campaign", id)
	}
	delete(c.pending, id)
}

// openDoors lets people sign in.
func (c *crew) openDoors(ctx context.Context) error {
	return c.campaigns.OpenDoors(ctx, c.archive.known(ctx, redisstore.DoorsCampaign))
}

func (c *crew) startDoors(ctx context.Context) error {
	o, err := c.register(ctx, redisstore.DoorsCampaign)
	if err != nil {
		return err
	}
	work := c.begin(ctx, redisstore.DoorsCampaign)
	c.archiveShards(work, redisstore.DoorsCampaign, o.Shards)
	return nil
}

func (c *crew) works(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.running[id]
	return ok
}

func (c *crew) open(ctx context.Context, def *campaign.Campaign) error {
	return c.campaigns.Open(ctx, def, c.archive.known(ctx, def.ID), c.now())
}

// register tells the ledger how a campaign was opened. Until it knows, nobody
// could tell a Redis that is new from one that is lost.
func (c *crew) register(ctx context.Context, id string) (redisstore.Opened, error) {
	o, err := c.campaigns.Opened(id)
	if err != nil {
		return o, err
	}
	return o, c.archive.register(ctx, id, o)
}

// begin marks a campaign as being worked on until the returned context ends.
func (c *crew) begin(ctx context.Context, id string) context.Context {
	work, stop := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[id] = stop
	return work
}

func (c *crew) archiveShards(work context.Context, id string, shards int) {
	for shard := range shards {
		a := c.archive.archiver(ledger.Shard{Campaign: id, Number: shard})
		c.staff.start(fmt.Sprintf("archiver of %s, shard %d", id, shard), func() { a.Run(work) }) //nolint:contextcheck // Labels for profiles are nobody's context.
	}
}

func (c *crew) start(ctx context.Context, def *campaign.Campaign) error {
	o, err := c.register(ctx, def.ID)
	if err != nil {
		return err
	}
	if o.Shards != def.Shards {
		c.log.WarnContext(ctx, "campaign was opened with other shards than its file says; they are kept",
			"campaign", def.ID, "shards", o.Shards)
	}
	work := c.begin(ctx, def.ID)
	folder := c.folder(def.ID)
	for shard := range o.Shards {
		c.staff.start(fmt.Sprintf("fold of %s, shard %d", def.ID, shard), func() { folder.Run(work, shard) }) //nolint:contextcheck // Labels for profiles are nobody's context.
	}
	c.archiveShards(work, def.ID, o.Shards)
	c.staff.start("thaw of "+def.ID, func() { c.thaw(work, def.ID, o.Shards) }) //nolint:contextcheck // Labels for profiles are nobody's context.
	c.staff.start("hand-in of "+def.ID, func() { c.handIn(work, def.ID) })      //nolint:contextcheck // Labels for profiles are nobody's context.
	c.log.InfoContext(ctx, "campaign is served", "campaign", def.ID, "shards", o.Shards)
	return nil
}

// report remembers why a campaign is not open, and logs it once a cause.
func (c *crew) report(id string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.pending[id]; old == nil || old.Error() != err.Error() {
		c.log.Error("campaign cannot be served", "campaign", id, "err", err)
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
	for _, known := range []error{
		redisstore.ErrEmptied, redisstore.ErrEpoch, redisstore.ErrOlder, redisstore.ErrNewer,
		redisstore.ErrLedgerAhead, redisstore.ErrFoldAhead, redisstore.ErrOpenedOtherwise, redisstore.ErrOtherPolicy,
		redisstore.ErrRebuilding, redisstore.ErrUnsure, redisstore.ErrFoldOlder, leaderboard.ErrOutOfRange,
	} {
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

// thawAtOnce bounds one step of a thaw, and with it how long it holds Redis.
const thawAtOnce = 500

// thaw puts what came in a campaign's freeze where it belongs once that is over. It
// looks once a second, because the fold may still be behind.
func (c *crew) thaw(ctx context.Context, id string, shards int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	c.thawAt(ctx, tick.C, id, shards)
}

// thawAt is thaw with the moments at which it looks.
func (c *crew) thawAt(ctx context.Context, looks <-chan time.Time, id string, shards int) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-looks:
		}
		def, err := c.find(id)
		if err != nil || !def.Freeze.Over(c.now()) {
			continue
		}
		for shard := range shards {
			if err := c.thawShard(ctx, id, shard); err != nil && ctx.Err() == nil {
				c.log.ErrorContext(ctx, "thaw the boards", "campaign", id, "err", err)
			}
		}
	}
}

// thawShard goes on in small steps until nothing is left.
func (c *crew) thawShard(ctx context.Context, id string, shard int) error {
	for {
		left, err := c.boards.Thaw(ctx, id, shard, thawAtOnce)
		if err != nil || !left {
			return err
		}
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

func newCrew(s *services, b *catalog.Keeper, a *archive, workers *staff, log *slog.Logger) *crew {
	return &crew{
		staff:     workers,
		campaigns: s.campaigns, archive: a, shelf: s.shelf, boards: s.boards, facts: s.shared.Turn("fold"), quiz: s.quiz,
		list: b.Campaigns, find: b.Campaign, metrics: a.metrics, log: log, now: a.now,
		mustered: make(chan struct{}), running: map[string]context.CancelFunc{}, pending: map[string]error{},
	}
}
