package replay

import (
	"context"
	"errors"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
)

// ErrIncomplete is a ledger that does not have everything of a campaign, or contradicts
// itself: nothing is taken out of Redis that is nowhere else.
var ErrIncomplete = errors.New("the ledger does not have everything of the campaign, or contradicts itself: run qingyuan verify")

// Shelve moves a campaign out of Redis: whatever the streams still hold goes into the
// ledger, the participants are worked out from there as for a rebuild and handed to the
// Refiller, which puts them elsewhere; done says that all of them are there, and remove
// takes what Redis still holds. Nobody can act in the campaign from its beginning on.
//
// It may be interrupted at any point and begun again; until done it may also be undone,
// by Campaign.
func (r *Rebuilder) Shelve(ctx context.Context, c *campaign.Campaign, done func(context.Context) error, remove func(context.Context, state.Ticket) error) (Rebuilt, error) {
	x := &rebuild{Rebuilder: r, id: c.ID}
	fill := func(ctx context.Context) error {
		if len(x.NotDrained) > 0 {
			return ErrIncomplete
		}
		if err := x.refillCampaign(ctx, c); err != nil {
			return err
		}
		if x.Faults > 0 || len(x.NoBank) > 0 {
			return ErrIncomplete
		}
		return done(ctx)
	}
	return x.reportOn(ctx, "shelve", x.mark, x.drain, fill, x.sweep(remove))
}

// Sweep takes away what Redis still holds of a campaign that was moved elsewhere.
func (r *Rebuilder) Sweep(ctx context.Context, id string, remove func(context.Context, state.Ticket) error) error {
	x := &rebuild{Rebuilder: r, id: id}
	_, err := x.reportOn(ctx, "sweep", x.mark, x.sweep(remove))
	return err
}

// Recount works out what a campaign's participants come to, and hands it to the Refiller.
// It changes nothing.
func (r *Rebuilder) Recount(ctx context.Context, c *campaign.Campaign) (Rebuilt, error) {
	x := &rebuild{Rebuilder: r, id: c.ID}
	return x.reportOn(ctx, "recount", func(ctx context.Context) error {
		var known bool
		var err error
		if x.was, known, err = x.Ledger.Campaign(ctx, x.id); err != nil || !known {
			return errors.Join(err, ErrUnknown)
		}
		x.heads = make([]ledger.Heads, x.was.Shards)
		for n := range x.was.Shards {
			if x.heads[n], err = cursors(ctx, x.Ledger, ledger.Shard{Campaign: x.id, Number: n}); err != nil {
				return err
			}
		}
		return x.refillCampaign(ctx, c)
	})
}

// reportOn takes steps one after the other and tells what came of them.
func (x *rebuild) reportOn(ctx context.Context, what string, steps ...func(context.Context) error) (Rebuilt, error) {
	began := x.Now()
	var err error
	for n, step := range steps {
		if err = step(ctx); err == nil {
			err = failpoint.Hit(fmt.Sprintf("%s.after_step_%d", what, n+1))
		}
		if err != nil {
			err = fmt.Errorf("%s %s: %w", what, x.id, err)
			break
		}
	}
	x.Rebuilt.Campaign, x.Rebuilt.Shards, x.Duration = x.id, x.was.Shards, x.Now().Sub(began)
	return x.Rebuilt, err
}

// sweep empties Redis of the campaign and lets the ledger say that nothing is under way.
func (x *rebuild) sweep(remove func(context.Context, state.Ticket) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := x.Redis.Clear(ctx, x.ticket); err != nil {
			return err
		}
		if err := remove(ctx, x.ticket); err != nil {
			return err
		}
		return x.condition(ctx, ledger.Open)
	}
}
