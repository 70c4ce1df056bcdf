package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

var (
	campaignOpen = script("campaign_open")
	shardOpen    = script("shard_open")
)

// ErrNotOpened is answered for a campaign that this server has not opened in
// Redis (yet).
var ErrNotOpened = errors.New("campaign is not opened in redis")

// ErrEmptied is a shard that was opened once and has lost its state: writing to
// it would begin its counts anew, so everything is refused until it is rebuilt.
var ErrEmptied = errors.New("shard has lost its state: rebuild it before serving")

// ErrEpoch is a shard in another epoch than this server knows.
var ErrEpoch = errors.New("shard is in another epoch than this server")

// Campaigns knows how each campaign was opened in Redis: its shards, epoch and
// board layout. The other stores of this package stand on it.
type Campaigns struct {
	db     redis.UniversalClient
	writes Waiting // acts that are acknowledged
	// Guard, when set, is asked before every act: while it returns an error
	// nothing is accepted, because this Redis might not keep it. Set it before
	// the first act.
	Guard func() error

	mu     sync.RWMutex
	opened map[string]*opened
}

// opened never changes after it was stored.
type opened struct {
	campaign string
	shards   []shardKeys
	epoch    string
	layout   leaderboard.Layout
}

// NewCampaigns returns a registry on db in which nothing is opened yet. Options
// say who must hold an act before it is acknowledged, in every store that stands
// on the registry.
func NewCampaigns(db redis.UniversalClient, options ...Option) *Campaigns {
	return &Campaigns{db: db, writes: writesTo(db, options), opened: map[string]*opened{}}
}

// Open makes the campaign known: the first server writes down shards, base and
// layout, every later one takes them from there. It may be repeated.
func (c *Campaigns) Open(ctx context.Context, def *campaign.Campaign, now time.Time) error {
	layout, err := chooseLayout(def, now)
	if err != nil {
		return fmt.Errorf("open %s: %w", def.ID, err)
	}
	r, err := run(ctx, c.writes, campaignOpen, []string{campaignKey(def.ID)},
		def.Shards, layout.Base.Unix(), layout.TimeBits)
	if err != nil {
		return fmt.Errorf("open %s: %w", def.ID, err)
	}
	o, err := parseOpened(def.ID, r)
	if err != nil {
		return fmt.Errorf("open %s: %w", def.ID, err)
	}
	if end := o.layout.Base.Add(o.layout.Span()); !def.AlwaysOpen && !def.ClosesAt.Before(end) {
		return fmt.Errorf("open %s: does not close before %s, up to which its boards can hold attempts: %w", def.ID, end, leaderboard.ErrOutOfRange)
	}
	if err := c.openShards(ctx, o, r.outcome); err != nil {
		return fmt.Errorf("open %s: %w", def.ID, err)
	}
	c.mu.Lock()
	c.opened[def.ID] = o
	c.mu.Unlock()
	return nil
}

// chooseLayout fits a campaign's window. A demonstration without an end gets
// room for two years.
func chooseLayout(def *campaign.Campaign, now time.Time) (leaderboard.Layout, error) {
	if def.AlwaysOpen {
		return leaderboard.ChooseLayout(now.Add(-time.Hour), now.AddDate(2, 0, 0))
	}
	return leaderboard.ChooseLayout(def.OpensAt, def.ClosesAt)
}

func parseOpened(id string, r reply) (*opened, error) {
	if len(r.args) != 4 {
		return nil, fmt.Errorf("campaign record has %d values, want 4", len(r.args))
	}
	shards, err := strconv.Atoi(r.args[0])
	if err != nil || shards < 1 {
		return nil, fmt.Errorf("campaign record: %q shards", r.args[0])
	}
	layout, err := leaderboard.ParseLayout(r.args[2], r.args[3])
	if err != nil {
		return nil, err
	}
	o := &opened{campaign: id, epoch: r.args[1], layout: layout}
	for i := range shards {
		o.shards = append(o.shards, keysOf(id, i))
	}
	return o, nil
}

func (c *Campaigns) openShards(ctx context.Context, o *opened, state string) error {
	for i, k := range o.shards {
		r, err := run(ctx, c.writes, shardOpen, []string{k.meta()}, o.epoch, state)
		if err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		switch r.outcome {
		case "ok":
		case "emptied":
			return fmt.Errorf("shard %d: %w", i, ErrEmptied)
		default:
			return fmt.Errorf("shard %d: %w", i, ErrEpoch)
		}
	}
	if state == "opening" {
		key := campaignKey(o.campaign)
		return c.writes.Confirmed(ctx, key, func(p redis.Pipeliner) { p.HSet(ctx, key, "state", "open") })
	}
	return nil
}

func (c *Campaigns) of(id string) (*opened, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if o, ok := c.opened[id]; ok {
		return o, nil
	}
	return nil, fault.ErrUnavailable.Because(fmt.Errorf("%s: %w", id, ErrNotOpened))
}

// writable is of for an act that will be acknowledged.
func (c *Campaigns) writable(id string) (*opened, error) {
	if c.Guard != nil {
		if err := c.Guard(); err != nil {
			return nil, fault.ErrUnavailable.Because(err)
		}
	}
	return c.of(id)
}

// keys returns the keys of the shard the participant belongs to.
func (o *opened) keys(participant string) shardKeys { return o.shards[o.shard(participant)] }

// shard spreads participants evenly, whatever their ids look like. It may never
// change: a participant's state would not be found again.
func (o *opened) shard(participant string) int {
	return int(xxhash.Sum64String(participant) & uint64(len(o.shards)-1)) //nolint:gosec // Below the number of shards.
}

// wrongEpoch answers for a script that found its shard in another epoch: Redis
// was emptied, replaced or rebuilt under this server.
func (o *opened) wrongEpoch() error {
	return fault.ErrUnavailable.Because(fmt.Errorf("%s, epoch %s: %w", o.campaign, o.epoch, ErrEpoch))
}
