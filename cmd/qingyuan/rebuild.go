package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/internal/stream"
)

// rebuildCmd fills Redis from the ledger.
type rebuildCmd struct{ chosenFlags }

// Run implements the command. Servers may run on: they answer 503 in a campaign
// until it is rebuilt, and take it up again by themselves.
func (r rebuildCmd) Run(e env) error {
	return r.onChosen(e, func(w *workbench, opened []ledger.Opened) error { return r.run(e, w, opened) })
}

func (r rebuildCmd) run(e env, w *workbench, opened []ledger.Opened) error {
	if err := w.restoreDeployment(e.ctx); err != nil {
		return err
	}
	if err := w.complete(e.ctx, opened); err != nil {
		return err
	}
	for _, o := range opened {
		done, err := w.rebuild(e.ctx, o, r.progress(e, "rebuild", o))
		if err != nil {
			return err
		}
		if err := tellRebuilt(e.stdout, &done, r.JSON); err != nil {
			return err
		}
	}
	return nil
}

// restoreDeployment gives an emptied Redis back to the deployment that the
// database belongs to. One that belongs to another deployment is left alone.
func (w *workbench) restoreDeployment(ctx context.Context) error {
	id, err := w.ledger.Deployment(ctx, "")
	if err != nil {
		return err
	}
	if id == "" {
		text, err := os.ReadFile(filepath.Join(w.cfg.Data.Dir, deploymentFile))
		if err != nil {
			return fmt.Errorf("%w: neither the database nor the data folder knows a deployment", errUsage)
		}
		id = strings.TrimSpace(string(text))
	}
	_, err = redisstore.NewDeployment(w.redis).Restore(ctx, redisstore.Identity{ID: id, Fingerprints: fingerprints(w.cfg.Secrets)})
	return err
}

// errLedgerLost is a database that has not read what the streams no longer hold.
var errLedgerLost = errors.New("the ledger lacks facts that Redis does not hold any more: restore the database from its backup; " +
	"a rebuild from this one would lose what people did")

// complete refuses to rebuild from a ledger that lacks facts in the middle, such
// as a database that was begun anew, before anything is touched. A stream that
// ends before the ledger is no fault: that is the Redis to be rebuilt.
func (w *workbench) complete(ctx context.Context, opened []ledger.Opened) error {
	for _, o := range opened {
		for n := range o.Shards {
			err := w.drain(ctx, ledger.Shard{Campaign: o.Campaign, Number: n})
			if errors.Is(err, stream.ErrGap) || errors.Is(err, ledger.ErrGap) {
				return fmt.Errorf("campaign %s: %w: %w", o.Campaign, errLedgerLost, err)
			}
			if err != nil && !errors.Is(err, ledger.ErrAhead) {
				return err
			}
		}
	}
	return nil
}

func (w *workbench) rebuild(ctx context.Context, o ledger.Opened, progress func(done, total int64)) (replay.Rebuilt, error) {
	if w.services.shelf.Has(o.Campaign) {
		return replay.Rebuilt{}, fmt.Errorf("campaign %s is archived and not in redis: qingyuan campaign unarchive brings it back", o.Campaign)
	}
	r := &replay.Rebuilder{
		Ledger: w.ledger, Redis: redisstore.NewRefill(w.redis, replicas(w.cfg)), Open: w.services.secrecy.open,
		Drain: w.drain, Progress: progress, Now: time.Now,
	}
	if o.Campaign == ledger.DoorsCampaign {
		return r.Doors(ctx)
	}
	c, err := w.catalog.Campaign(o.Campaign)
	if err != nil {
		return replay.Rebuilt{}, fmt.Errorf("campaign %s is neither in the catalog nor in %s: %w", o.Campaign, w.cfg.CampaignsDir(), err)
	}
	return r.Campaign(ctx, c)
}

func tellRebuilt(out io.Writer, r *replay.Rebuilt, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := fmt.Fprintf(out, "%s: %d participants and %d doors rebuilt from %d facts in %s; epoch %d\n",
		nameOf(r.Campaign), r.Participants, r.Doors, r.Facts, r.Duration.Round(time.Millisecond), r.Epoch)
	errs := []error{err}
	if len(r.NotDrained) > 0 {
		_, err := fmt.Fprintf(out, "  the streams of shards %v ended before the ledger; nothing was taken from them\n", r.NotDrained)
		errs = append(errs, err)
	}
	if r.Faults > 0 || len(r.NoBank) > 0 {
		_, err := fmt.Fprintf(out, "  the ledger contradicts itself in %d places and lacks %d bank versions: run qingyuan verify\n", r.Faults, len(r.NoBank))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// noArchived is for archivers whose work nobody counts.
func noArchived(event.Stream, int, time.Duration) {}
