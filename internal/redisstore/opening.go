package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

var (
	campaignOpen = script("campaign_open")
	shardOpen    = script("shard_open")
)

// Why a campaign must not be served on this Redis.
var (
	// ErrEmptied is a shard that was opened once and has lost its state: writing
	// to it would begin its counts anew.
	ErrEmptied = errors.New("shard has lost its state: rebuild it before serving")
	// ErrEpoch is a shard in another epoch than this server knows.
	ErrEpoch = errors.New("shard is in another epoch than this server")
	// ErrOlder is a Redis from before a rebuild that the ledger knows of.
	ErrOlder = errors.New("redis is an older copy: the ledger is in a later epoch")
	// ErrNewer is a Redis in an epoch that the ledger has not heard of: the
	// ledger is the older copy.
	ErrNewer = errors.New("redis is in a later epoch than the ledger")
	// ErrLedgerAhead is a stream that ends before what the ledger has read of it:
	// Redis has lost its newest facts, or it is an older copy of itself.
	ErrLedgerAhead = errors.New("redis is an older copy: the ledger has read further than its stream goes")
	// ErrFoldAhead is a stream that ends before what was folded of it.
	ErrFoldAhead = errors.New("the stream ends before what was folded of it: part of the shard is lost")
	// ErrFoldOlder are counts that an older version of the program has folded: they
	// mean something else and are not added to.
	ErrFoldOlder = errors.New("the counts are of an older version: rebuild the campaign before serving")
	// ErrOpenedOtherwise is a campaign with other shards or another layout than
	// the ledger knows: it is another deployment's.
	ErrOpenedOtherwise = errors.New("campaign was opened in another way than the ledger knows")
	// ErrOtherPolicy is a campaign whose boards were laid out for another policy
	// than its file says.
	ErrOtherPolicy = errors.New("campaign was opened with another quiz.policy than its file says")
	// ErrRebuilding is a campaign that is being filled from the ledger.
	ErrRebuilding = errors.New("campaign is being rebuilt")
	// ErrUnsure is a campaign that Redis does not know while the ledger cannot
	// be asked: it may be new, or lost.
	ErrUnsure = errors.New("redis does not know the campaign and the ledger cannot be asked")
)

// Heads returns how far the ledger has come on the two streams of a shard; the
// zero positions where it has read nothing.
type Heads func(shard int) (facts, personal event.Position)

// Known is what the ledger knows of how a campaign was opened.
type Known struct {
	// Exists tells whether the ledger knows the campaign at all. Unsure means
	// that it could not be asked: then nothing is opened for the first time.
	Exists, Unsure bool
	// Opened and Heads are what it knows of a campaign that exists.
	Opened
	// Heads may be nil.
	Heads Heads
}

// Open makes the campaign known: the first server writes down shards, base and
// layout, every later one takes them from there. Only a campaign of which neither
// Redis nor the ledger knows is new; where Redis falls behind the ledger, the
// errors above say how. It may be repeated, and ends a campaign's unfitness.
func (c *Campaigns) Open(ctx context.Context, def *campaign.Campaign, known Known, now time.Time) error {
	fail := func(err error) error { return fmt.Errorf("open %s: %w", def.ID, err) }
	layout, err := chooseLayout(def, now)
	if err != nil {
		return fail(err)
	}
	r, err := c.record(ctx, def.ID, Opened{Shards: def.Shards, Base: layout.Base.Unix(), Bits: layout.TimeBits}, known)
	if err != nil {
		return fail(err)
	}
	if r.layout, err = leaderboard.ParseLayout(r.base, r.bits); err != nil {
		return fail(err)
	}
	if r.layout.Sums() != def.Policy.Sums() {
		return fail(fmt.Errorf("policy %s: %w", def.Policy, ErrOtherPolicy))
	}
	if end := r.layout.Base.Add(r.layout.Span()); !def.AlwaysOpen && !def.ClosesAt.Before(end) {
		return fail(fmt.Errorf("does not close before %s, up to which its boards can hold attempts: %w", end, leaderboard.ErrOutOfRange))
	}
	if err := c.take(ctx, r, known); err != nil {
		return fail(err)
	}
	return nil
}

// chooseLayout fits a campaign's window and its policy. A demonstration without an
// end gets room for two years.
func chooseLayout(def *campaign.Campaign, now time.Time) (leaderboard.Layout, error) {
	from, to := def.OpensAt, def.ClosesAt
	if def.AlwaysOpen {
		from, to = now.Add(-time.Hour), now.AddDate(2, 0, 0)
	}
	if def.Policy.Sums() {
		return leaderboard.SumLayout(from), nil
	}
	return leaderboard.ChooseLayout(from, to)
}

// record is a campaign's record as Redis has it.
type record struct {
	*opened

	state, base, bits string
}

// record returns a campaign's record, which it writes where the campaign is new.
func (c *Campaigns) record(ctx context.Context, id string, as Opened, known Known) (*record, error) {
	may := "new"
	if known.Exists || known.Unsure {
		may = ""
	}
	r, err := run(ctx, c.opens, campaignOpen, []string{campaignKey(id)}, as.Shards, as.Base, as.Bits, may)
	switch {
	case err != nil:
		return nil, err
	case r.outcome == "absent" && known.Unsure:
		return nil, ErrUnsure
	case r.outcome == "absent":
		return nil, ErrEmptied
	case r.outcome == stateRebuilding:
		return nil, ErrRebuilding
	case len(r.args) != 4:
		return nil, fmt.Errorf("campaign record has %d values, want 4", len(r.args))
	}
	o, err := newOpened(id, r.args[0], r.args[1])
	if err != nil {
		return nil, err
	}
	found := &record{opened: o, state: r.outcome, base: r.args[2], bits: r.args[3]}
	return found, known.agrees(found)
}

// States of a campaign's record.
const (
	stateOpening    = "opening"
	stateOpen       = "open"
	stateRebuilding = "rebuilding"
)

// agrees compares a record with what the ledger knows. The ledger hears of a
// campaign once it is open, so a record that is older than that is an older copy.
func (k Known) agrees(r *record) error {
	switch {
	case !k.Exists:
		return nil
	case k.Shards != len(r.shards),
		strconv.FormatInt(k.Base, 10) != r.base, strconv.FormatUint(uint64(k.Bits), 10) != r.bits:
		return ErrOpenedOtherwise
	case r.number < k.Epoch, r.state == stateOpening:
		return ErrOlder
	case r.number > k.Epoch:
		return ErrNewer
	default:
		return nil
	}
}

// take opens the shards, looks whether they are fit and serves them.
func (c *Campaigns) take(ctx context.Context, r *record, known Known) error {
	for i, k := range r.shards {
		if err := c.openShard(ctx, k, r); err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
	}
	if r.state == stateOpening {
		key := campaignKey(r.campaign)
		err := c.opens.Confirmed(ctx, key, func(p redis.Pipeliner) { p.HSet(ctx, key, "state", stateOpen) })
		if err != nil {
			return err
		}
	}
	if err := c.examine(ctx, r.opened, known.Heads); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened[r.campaign] = r.opened
	delete(c.unfit, r.campaign)
	return nil
}

func (c *Campaigns) openShard(ctx context.Context, k shardKeys, of *record) error {
	r, err := run(ctx, c.opens, shardOpen, []string{k.meta(), k.bound()}, of.epoch, of.state)
	switch {
	case err != nil:
		return err
	case r.outcome == "ok":
		return nil
	case r.outcome == "emptied":
		return ErrEmptied
	default:
		return ErrEpoch
	}
}
