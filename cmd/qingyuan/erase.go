package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/retention"
)

// eraseCmd takes the personal data of one participant away, everywhere.
type eraseCmd struct {
	configFlags

	Participant string `help:"Opaque id of the participant, as their sign-in and the certificate lists say." required:"" placeholder:"ID"`
}

// Run implements the command. Facts and counts stay as they are.
func (c eraseCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) error { return c.run(e, w) })
}

func (c eraseCmd) run(e env, w *workbench) error {
	x := erasure{workbench: w, now: time.Now()}
	if err := x.run(e.ctx, c.Participant); err != nil {
		return err
	}
	if len(x.campaigns)+x.doors == 0 {
		return fmt.Errorf("nothing is known of participant %s that could be erased", c.Participant)
	}
	where := "no campaign"
	if len(x.campaigns) > 0 {
		where = strings.Join(slices.Compact(x.campaigns), ", ")
	}
	if len(x.ids) > 1 {
		if _, err := fmt.Fprintf(e.stdout, "the same person came as %s\n", strings.Join(x.ids, ", ")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(e.stdout, "personal data of %s is erased in %s and at %d doors; what they did is counted as before\n",
		c.Participant, where, x.doors)
	return err
}

// erasure is one run of the command.
type erasure struct {
	*workbench

	now time.Time
	// serving is set in a server, which has taken the campaigns up already.
	serving bool
	// ids are those under which the person is known.
	ids []string
	// campaigns and doors are those in which something was erased.
	campaigns []string
	doors     int
	// held is what is kept beside the ledger.
	held retention.Holders
}

// run erases in Redis, which orders the same of the ledger, and then sees to it
// that the ledger obeys and that neither database keeps a copy in its files.
func (x *erasure) run(ctx context.Context, participant string) error {
	if held, err := x.ledger.Held(ctx, x.now); err != nil || held {
		return cmp.Or(err, errHeld)
	}
	if err := x.drainAll(ctx); err != nil { // the doors are known from the ledger
		return err
	}
	known, err := x.ledger.Campaigns(ctx)
	if err != nil {
		return err
	}
	if err := x.identify(ctx, participant); err != nil {
		return err
	}
	for _, o := range known {
		if !x.serving {
			if err := x.takeUp(ctx, o, x.now); err != nil {
				return err
			}
		}
		if err := x.erase(ctx, o); err != nil {
			return err
		}
	}
	if err := x.eraseOnShelf(ctx); err != nil {
		return err
	}
	for _, id := range x.ids {
		if err := x.services.sessions.RevokeAll(ctx, id); err != nil {
			return err
		}
	}
	// What was ordered is in SQL before the rest goes: whoever makes something of the facts
	// meanwhile, as the logs do, sees that they are of somebody who was erased.
	if err := x.drainAll(ctx); err != nil {
		return err
	}
	if err := x.eraseElsewhere(ctx); err != nil {
		return err
	}
	return x.scrub(ctx, known)
}

// eraseOnShelf erases in the campaigns that were moved out of Redis.
func (x *erasure) eraseOnShelf(ctx context.Context) error {
	for _, campaignID := range x.services.shelf.IDs() {
		for _, id := range x.ids {
			erased, err := x.services.shelf.Erase(ctx, campaignID, id, x.now)
			if err != nil {
				return err
			}
			if erased {
				x.campaigns = append(x.campaigns, campaignID)
			}
		}
	}
	return nil
}

// eraseElsewhere takes away what is kept of the person beside the ledger.
func (x *erasure) eraseElsewhere(ctx context.Context) error {
	var err error
	if x.held, err = x.holders(); err != nil {
		return err
	}
	for _, id := range x.ids {
		if err := x.held.Erase(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// identify finds every id of the person. One whom WeChat told to be the same as
// somebody else has had a door moved from one id to another, and there is personal
// data of theirs under each.
func (x *erasure) identify(ctx context.Context, participant string) error {
	x.ids = []string{participant}
	for i := 0; i < len(x.ids); i++ {
		doors, err := x.doorsOf(ctx, x.ids[i])
		if err != nil {
			return err
		}
		for _, d := range doors {
			also, err := x.ledger.AtDoor(ctx, d.shard, d.hash)
			if err != nil {
				return err
			}
			for _, id := range also {
				if !slices.Contains(x.ids, id) {
					x.ids = append(x.ids, id)
				}
			}
		}
	}
	return nil
}

// errHeld is an erasure while a backup keeps everybody from trimming the streams.
var errHeld = errors.New("a backup is being taken, which would keep what is erased: try again when it is done")

func (x *erasure) erase(ctx context.Context, o ledger.Opened) error {
	for _, id := range x.ids {
		if o.Campaign == ledger.DoorsCampaign {
			if err := x.eraseDoors(ctx, id); err != nil {
				return err
			}
			continue
		}
		erased, err := x.services.campaigns.Erase(ctx, o.Campaign, id, x.now)
		if err != nil {
			return err
		}
		if erased {
			x.campaigns = append(x.campaigns, o.Campaign)
		}
	}
	return nil
}

// eraseDoors forgets what was told at every door that leads to a participant. That
// takes what was told there of whoever it led to before.
func (x *erasure) eraseDoors(ctx context.Context, participant string) error {
	doors, err := x.doorsOf(ctx, participant)
	if err != nil {
		return err
	}
	for _, d := range doors {
		erased, err := x.services.campaigns.EraseDoor(ctx, d.hash, participant, x.now)
		if err != nil {
			return err
		}
		if erased {
			x.doors++
		}
	}
	return nil
}

// doorway is a door and where the ledger has it.
type doorway struct {
	shard ledger.Shard
	hash  string
}

// doorsOf asks the ledger which doors ever led to a participant.
func (x *erasure) doorsOf(ctx context.Context, participant string) ([]doorway, error) {
	shards, err := x.ledger.ShardsIn(ctx, ledger.DoorsCampaign, participant)
	if err != nil {
		return nil, err
	}
	var all []doorway
	for _, s := range shards {
		h, err := x.ledger.History(ctx, s, participant)
		if err != nil {
			return nil, err
		}
		for _, f := range h.Facts {
			if door, ok := f.Body.(event.Door); ok {
				all = append(all, doorway{s, door.Hash})
			}
		}
	}
	return all, nil
}

// scrub removes what the archived streams and the logs of the databases still
// hold. The Redis that the server runs itself writes its log anew; an external
// one is its operator's.
func (x *erasure) scrub(ctx context.Context, known []ledger.Opened) error {
	for _, o := range known {
		for n := range o.Shards {
			if err := x.archiver(ctx, ledger.Shard{Campaign: o.Campaign, Number: n}).Trim(ctx); err != nil {
				return err
			}
		}
	}
	err := x.patiently(ctx, func() (bool, error) {
		err := x.db.Scrub(ctx, append(x.held.Tables(), "personal", "dead_letters")...)
		return err == nil, err
	})
	if err != nil || !x.cfg.PrivateRedis() {
		return err
	}
	return x.rewriteLog(ctx)
}

// rewriteLog makes the private Redis write its log from what it holds now. One
// that is under way may have begun before.
func (x *erasure) rewriteLog(ctx context.Context) error {
	err := x.patiently(ctx, func() (bool, error) {
		err := x.redis.BgRewriteAOF(ctx).Err()
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("let redis write its log anew: %w", err)
	}
	return x.patiently(ctx, func() (bool, error) {
		info, err := x.redis.Info(ctx, "persistence").Result()
		done := strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
		return err == nil && done, err
	})
}

// erasurePatience is how long a server beside may read what was there before, and
// how long Redis may write its log.
const erasurePatience = time.Minute

// patiently tries until it is done or patience is at its end.
func (x *erasure) patiently(ctx context.Context, try func() (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, erasurePatience)
	defer cancel()
	var failed error
	err := until(ctx, 100*time.Millisecond, func() (done bool, _ error) {
		done, failed = try()
		return done, nil
	})
	if err != nil {
		return errors.Join(failed, err)
	}
	return nil
}
