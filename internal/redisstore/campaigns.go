package redisstore

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

// ErrNotOpened is answered for a campaign that this server has not opened in
// Redis (yet).
var ErrNotOpened = errors.New("campaign is not opened in redis")

// Campaigns knows how each campaign was opened in Redis: its shards, epoch and
// board layout. The other stores of this package stand on it.
type Campaigns struct {
	db     redis.UniversalClient
	writes Waiting // acts that are acknowledged
	// opens is what campaigns are opened and checked through. It is not kept from
	// a Redis that nobody has examined: this is how it is examined.
	opens Waiting
	// Guard, when set, is asked before every act: while it returns an error
	// nothing is accepted, because this Redis might not keep it. Set it before
	// the first act.
	Guard func() error
	// Elsewhere, when set, is asked of a campaign that is not opened here: its error says
	// where it lies. Set it before the first act.
	Elsewhere func(id string) error

	mu     sync.RWMutex
	opened map[string]*opened
	unfit  map[string]error // why an opened campaign is not served
}

// opened never changes after it was stored, but for what it remembers.
type opened struct {
	campaign string
	shards   []shardKeys
	epoch    string
	number   uint64 // the epoch
	layout   leaderboard.Layout
	clocks   atomic.Int64 // the newest number that was made known through this server
	names    *sync.Map    // digests by their short names, as far as this server has met them
}

// NewCampaigns returns a registry on db in which nothing is opened yet. Options
// say who must hold an act before it is acknowledged, in every store that stands
// on the registry.
func NewCampaigns(db redis.UniversalClient, options ...Option) *Campaigns {
	writes := writesTo(db, options)
	opens := writes
	opens.Join = nil // that one is vetted, too
	return &Campaigns{
		db: db, writes: writes, opens: opens, opened: map[string]*opened{}, unfit: map[string]error{},
	}
}

// ExaminedThrough opens and checks campaigns through another client of the same
// Redis, one that Vetting does not guard. Call it before the first Open.
func (c *Campaigns) ExaminedThrough(db redis.UniversalClient) { c.opens.DB = db }

// Opened is how a campaign was opened in Redis. All but the epoch never changes.
type Opened struct {
	Shards int
	// Base (Unix seconds) and Bits are the layout of the boards, zero where there
	// are none.
	Base int64
	Bits uint
	// Epoch counts the rebuilds, from 1.
	Epoch uint64
}

// Opened tells how a campaign was opened that this server has opened, also while
// it is not served.
func (c *Campaigns) Opened(id string) (Opened, error) {
	o, err := c.lookUp(id)
	if err != nil {
		return Opened{}, err
	}
	out := Opened{Shards: len(o.shards), Bits: o.layout.TimeBits, Epoch: o.number}
	if out.Bits > 0 {
		out.Base = o.layout.Base.Unix()
	}
	return out, nil
}

func (c *Campaigns) lookUp(id string) (*opened, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if o, ok := c.opened[id]; ok {
		return o, nil
	}
	return nil, unavailable(id, ErrNotOpened)
}

func unavailable(id string, because error) error {
	return fault.ErrUnavailable.Because(fmt.Errorf("%s: %w", id, because))
}

// of returns a campaign that may be read. What an unfit Redis says of it would be
// wrong: it may have lost what people did.
func (c *Campaigns) of(id string) (*opened, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	o, ok := c.opened[id]
	switch unfit := c.unfit[id]; {
	case !ok:
		if c.Elsewhere != nil {
			if err := c.Elsewhere(id); err != nil {
				return nil, err
			}
		}
		return nil, unavailable(id, ErrNotOpened)
	case unfit != nil:
		return nil, unavailable(id, unfit)
	default:
		return o, nil
	}
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

// Forget forgets how a campaign was opened: it lies elsewhere by now.
func (c *Campaigns) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.opened, id)
	delete(c.unfit, id)
}

// keys returns the keys of the shard the participant belongs to.
func (o *opened) keys(participant string) shardKeys { return o.shards[o.shard(participant)] }

// shard spreads participants evenly, whatever their ids look like. It may never
// change: a participant's state would not be found again.
func (o *opened) shard(participant string) int {
	return int(xxhash.Sum64String(participant) % uint64(len(o.shards))) //nolint:gosec // Below the number of shards.
}

// wrongEpoch answers for a script that found its shard in another epoch: Redis
// was emptied, replaced or rebuilt under this server.
func (o *opened) wrongEpoch() error {
	return fault.ErrUnavailable.Because(fmt.Errorf("%s, epoch %s: %w", o.campaign, o.epoch, ErrEpoch))
}

// newOpened spells the keys of a campaign that was opened with so many shards.
func newOpened(id string, shards, epoch string) (*opened, error) {
	n, err := strconv.Atoi(shards)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("campaign record: %q shards", shards)
	}
	o := &opened{campaign: id, epoch: epoch, names: &sync.Map{}}
	if o.number, err = strconv.ParseUint(epoch, 10, 64); err != nil {
		return nil, fmt.Errorf("campaign record: epoch: %w", err)
	}
	for i := range n {
		o.shards = append(o.shards, keysOf(id, i))
	}
	return o, nil
}
