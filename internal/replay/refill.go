package replay

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// refillAtOnce is how many participants are written in one transaction of Redis, and
// refillHands how many of these are under way together: most of them wait for the
// disk, and Redis syncs once for all that came meanwhile.
const (
	refillAtOnce = 200
	refillHands  = 8
)

func (x *rebuild) refillCampaign(ctx context.Context, c *campaign.Campaign) error {
	layout, err := leaderboard.ParseLayout(itoa(x.was.Base), strconv.FormatUint(uint64(x.was.Bits), 10))
	if err != nil {
		return err
	}
	if err := x.expect(ctx); err != nil {
		return err
	}
	rules := &Rules{Campaign: c, Layout: layout, Open: x.Rebuilder.Open, Now: x.Now}
	f := &filling{rebuild: x, rules: rules, still: rules.standStill(), named: newDigests()}
	for n := range x.was.Shards {
		if err := f.shard(ctx, n); err != nil {
			return err
		}
	}
	return f.banks(ctx)
}

// expect counts what there is to do.
func (x *rebuild) expect(ctx context.Context) error {
	x.done = progress{tell: x.Progress}
	for n := range x.was.Shards {
		facts, err := x.Ledger.Positions(ctx, ledger.Shard{Campaign: x.id, Number: n})
		if err != nil {
			return err
		}
		x.done.total += facts
	}
	return nil
}

// filling writes the participants of a campaign, with several hands.
type filling struct {
	*rebuild

	rules *Rules
	still bool       // the public boards stand still
	mu    sync.Mutex // over named and the counts
	named digests
}

func (f *filling) shard(ctx context.Context, n int) error {
	s := ledger.Shard{Campaign: f.id, Number: n}
	all := &reach{Totals: f.heads[n].Facts, Rest: f.heads[n].Facts}
	batches := make(chan []ledger.History)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return inBatches(f.Ledger.Histories(gctx, s, f.heads[n]), refillAtOnce, func(batch []ledger.History) error {
			return send(gctx, batches, batch)
		})
	})
	counters := make([]*counter, refillHands)
	for i := range counters {
		counters[i] = newCounter(f.rules, all)
		g.Go(func() error {
			for batch := range batches {
				if err := f.batch(gctx, n, batch, counters[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, c := range counters[1:] {
		counters[0].merge(c)
	}
	sums := counters[0].sums()
	if !f.still {
		sums.Thaw()
	}
	if err := f.Redis.Sums(ctx, f.ticket, n, sums); err != nil {
		return err
	}
	return f.Redis.Ends(ctx, f.ticket, n, state.Ends{Facts: f.heads[n].Facts, Personal: f.heads[n].Personal})
}

func send(ctx context.Context, to chan<- []ledger.History, batch []ledger.History) error {
	select {
	case to <- batch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *filling) batch(ctx context.Context, shard int, histories []ledger.History, sum *counter) error {
	if err := failpoint.Hit("rebuild.mid_refill"); err != nil {
		return err
	}
	people := make([]state.Person, len(histories))
	lives := make([]Life, len(histories))
	for i := range histories {
		lives[i] = f.rules.Replay(histories[i], f.heads[shard].Facts)
		if people[i] = lives[i].Person; !f.still {
			people[i].Thaw()
		}
		_ = sum.add(&lives[i]) // what the fold cannot count is a fault of that life
	}
	if err := f.Redis.People(ctx, f.ticket, shard, people); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range lives {
		f.Facts += int64(len(lives[i].Facts))
		f.done.add(int64(len(lives[i].Facts)))
		f.Faults += int64(len(lives[i].Faults))
		f.named.add(&lives[i].Person)
	}
	f.Participants += int64(len(lives))
	return nil
}

// banks copies every version that a paper was drawn from.
func (f *filling) banks(ctx context.Context) error {
	for _, digest := range slices.Sorted(maps.Keys(f.named.banks)) {
		packed, ok, err := f.Ledger.Bank(ctx, digest)
		if err != nil {
			return err
		}
		if !ok {
			f.NoBank = append(f.NoBank, digest)
			continue
		}
		if err := f.Redis.PutBank(ctx, digest, packed); err != nil {
			return err
		}
	}
	return nil
}

// refillDoors writes where every door leads.
func (x *rebuild) refillDoors(ctx context.Context) error {
	if err := x.expect(ctx); err != nil {
		return err
	}
	for n := range x.was.Shards {
		if err := x.doorsOf(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// doorsOf writes the doors of one shard, one batch after the other. A door may
// have been moved from one participant to another: the newest fact stays.
func (x *rebuild) doorsOf(ctx context.Context, shard int) error {
	newest := map[string]event.Position{}
	s := ledger.Shard{Campaign: x.id, Number: shard}
	err := inBatches(x.Ledger.Histories(ctx, s, x.heads[shard]), refillAtOnce, func(batch []ledger.History) error {
		if err := failpoint.Hit("rebuild.mid_refill"); err != nil {
			return err
		}
		var doors []state.Door
		for i := range batch {
			for _, d := range doorsIn(&batch[i]) {
				if at, moved := newest[d.Hash]; moved && at.Compare(d.at) > 0 {
					continue
				}
				newest[d.Hash] = d.at
				doors = append(doors, d.Door)
			}
			x.Facts += int64(len(batch[i].Facts))
			x.done.add(int64(len(batch[i].Facts)))
		}
		x.Participants += int64(len(batch))
		return x.Redis.Doors(ctx, x.ticket, shard, doors)
	})
	if err != nil {
		return err
	}
	x.Rebuilt.Doors += int64(len(newest))
	return x.Redis.Ends(ctx, x.ticket, shard, state.Ends{Facts: x.heads[shard].Facts, Personal: x.heads[shard].Personal})
}
