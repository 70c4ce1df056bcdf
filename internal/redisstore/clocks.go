package redisstore

import (
	"context"
	"errors"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

var clocksScript = script("clocks")

// errClocks is a server that has not heard yet what was done to the clocks of running
// attempts. It hears of it within a second.
var errClocks = errors.New("the campaign's clocks are others than this server knows")

func (o *opened) staleClocks() error {
	return fault.ErrUnavailable.Because(fmt.Errorf("%s: %w", o.campaign, errClocks))
}

// Clocks makes known in every shard what was done to the clocks of running attempts:
// no server that has not heard of it hands anything in from then on. It may be
// repeated, and asks Redis nothing that it has told it already. A rebuild forgets it.
func (c *Campaigns) Clocks(ctx context.Context, def *campaign.Campaign) error {
	number := def.Clocks.Number()
	if number == 0 {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("make the clocks of %s known: %w", def.ID, err) }
	o, err := c.of(def.ID)
	if err != nil {
		return fail(err)
	}
	if o.clocks.Load() >= number {
		return nil
	}
	newest, before := def.Clocks[len(def.Clocks)-1], int64(0)
	if n := len(def.Clocks); n > 1 {
		before = def.Clocks[n-2].Number
	}
	for _, k := range o.shards {
		r, err := run(ctx, c.writes, clocksScript, []string{k.meta()}, o.epoch, number, before, millis(newest.At))
		switch {
		case err != nil:
			return fail(err)
		case r.outcome == "epoch":
			return fail(o.wrongEpoch())
		case r.outcome != "ok":
			return fail(r.unknown())
		}
	}
	o.clocks.Store(number)
	return nil
}
