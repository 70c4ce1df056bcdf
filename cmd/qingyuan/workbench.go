package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisnode"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/shelf"
	"qingyuan/internal/sqldb"
)

// workbench is what a command needs that works on a deployment's data, beside a
// running server or without one.
type workbench struct {
	cfg      configs.Config
	log      *slog.Logger
	redis    redis.UniversalClient
	db       *sqldb.DB
	ledger   *ledger.Ledger
	catalog  *catalog.Keeper
	services *services

	closers []func() error
}

// openWorkbench joins Redis, database and campaigns. What it opened is closed
// by close, also after an error.
func openWorkbench(ctx context.Context, cfg configs.Config, log *slog.Logger) (w *workbench, err error) {
	w = &workbench{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.cfg, err = existing(cfg); err != nil {
		return w, err
	}
	if w.db, err = sqldb.OpenMapped(ctx, w.cfg.DatabaseTarget()); err != nil {
		return w, err
	}
	w.closers = append(w.closers, w.db.Close)
	w.ledger = ledger.New(w.db)
	var done func() error
	if w.redis, done, err = attachRedis(ctx, w.cfg, log); err != nil {
		return w, err
	}
	w.closers = append(w.closers, done)
	if w.catalog, err = w.campaigns(ctx); err != nil {
		return w, err
	}
	if w.services, err = newServices(w.cfg, w.redis, w.catalog, log, time.Now); err != nil {
		return w, err
	}
	w.closers = append(w.closers, w.services.close)
	w.services.withShelf(&shelf.Shelf{DB: w.db, Ledger: w.ledger, Find: w.catalog.Campaign, Now: time.Now})
	return w, w.services.shelf.Refresh(ctx)
}

// chosenFlags choose on which campaigns a command works, and how it answers.
type chosenFlags struct {
	configFlags

	Campaign string `help:"Campaign; all that were ever opened, and the doors, when left out." placeholder:"ID"`
	JSON     bool   `help:"Print one JSON object." name:"json"`
}

// onChosen runs a command's work on a workbench, for the chosen campaigns.
func (f chosenFlags) onChosen(e env, work func(*workbench, []ledger.Opened) error) error {
	return f.onWorkbench(e, func(w *workbench) error {
		opened, err := w.chosen(e.ctx, f.Campaign)
		if err != nil {
			return err
		}
		return work(w, opened)
	})
}

// progress returns a bar for one campaign, or nil for a script.
func (f chosenFlags) progress(e env, what string, o ledger.Opened) func(done, total int64) {
	if f.JSON {
		return nil
	}
	return bar(e.stderr, what+" "+nameOf(o.Campaign))
}

// onWorkbench runs a command's work on a workbench.
func (f configFlags) onWorkbench(e env, work func(*workbench) error) (err error) {
	cfg, err := f.load(nil)
	if err != nil {
		return err
	}
	w, err := openWorkbench(e.ctx, cfg, toolLogger(cfg, e))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	return work(w)
}

// existing refuses a data folder that was never served: a command that looks
// for what was lost must not answer from a typing mistake. Nor does it make
// secrets: those of the deployment are in the folder or in the configuration.
func existing(cfg configs.Config) (configs.Config, error) {
	if !cfg.PrivateRedis() {
		return cfg.WithSecrets()
	}
	if _, err := os.Stat(filepath.Join(cfg.Data.Dir, deploymentFile)); err != nil {
		return cfg, fmt.Errorf("%w: nothing was ever served from the data folder %s", errUsage, cfg.Data.Dir)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data.Dir, configs.SecretsFile)); err != nil && cfg.Secrets.Master.IsZero() {
		return cfg, fmt.Errorf("%w: the secrets are not in the data folder %s: is --config missing?", errUsage, cfg.Data.Dir)
	}
	return cfg.WithSecrets()
}

// campaigns reads the catalog, and of the demonstration what the ledger knows:
// whoever looks at its data need not say again that it was one.
func (w *workbench) campaigns(ctx context.Context) (*catalog.Keeper, error) {
	known, err := w.ledger.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	fixed, err := configs.Demo()
	if err != nil {
		return nil, err
	}
	fixed = slices.DeleteFunc(fixed, func(d configs.Definition) bool {
		return !slices.ContainsFunc(known, func(o ledger.Opened) bool { return o.Campaign == d.Campaign.ID })
	})
	o := catalog.Options{Dir: w.cfg.CampaignsDir(), Fixed: fixed, Archive: redisstore.NewBanks(w.redis, replicas(w.cfg)), Log: w.log, Now: time.Now}
	return keeperOf(ctx, o, w.db)
}

// chosen returns the campaigns to work on: the one that was named, or all that
// were ever opened.
func (w *workbench) chosen(ctx context.Context, name string) ([]ledger.Opened, error) {
	known, err := w.ledger.Campaigns(ctx)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return known, nil
	}
	var names []string
	for _, o := range known {
		if o.Campaign == name {
			return []ledger.Opened{o}, nil
		}
		names = append(names, o.Campaign)
	}
	if w.services.shelf.Has(name) {
		o, _, err := w.ledger.Campaign(ctx, name)
		return []ledger.Opened{o}, err
	}
	return nil, fmt.Errorf("%w: campaign %s was never opened here; the ledger knows %s", errUsage, name, strings.Join(names, ", "))
}

func (w *workbench) close() error {
	var errs []error
	for _, c := range slices.Backward(w.closers) {
		errs = append(errs, c())
	}
	w.closers = nil
	return errors.Join(errs...)
}

// attachRedis reaches the Redis that a running server uses, or runs a private
// one for as long as the command works.
func attachRedis(ctx context.Context, cfg configs.Config, log *slog.Logger) (redis.UniversalClient, func() error, error) {
	if !cfg.PrivateRedis() {
		return oneRedis(ctx, cfg, log)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(attachPatience); ; {
		db, done, err := joinRedis(ctx, cfg, log)
		if err == nil || time.Now().After(deadline) {
			return db, done, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, err
		case <-tick.C:
		}
	}
}

// attachPatience is how long a Redis may take to go with a server that was
// killed, or to come back.
const attachPatience = 15 * time.Second

// joinRedis reaches the Redis of the server that runs, or starts one where none
// runs. One that is just going or coming is an error.
func joinRedis(ctx context.Context, cfg configs.Config, log *slog.Logger) (redis.UniversalClient, func() error, error) {
	conn, err := redisnode.Attach(cfg.Data.Dir)
	switch {
	case errors.Is(err, redisnode.ErrNotRunning):
		return oneRedis(ctx, cfg, log)
	case err != nil:
		return nil, nil, err
	}
	db := redis.NewClient(private(conn, cfg))
	if err := db.Ping(ctx).Err(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("reach the redis of the server on %s: %w", cfg.Data.Dir, err), db.Close())
	}
	return db, db.Close, nil
}

// oneRedis is openRedis for who needs one client.
func oneRedis(ctx context.Context, cfg configs.Config, log *slog.Logger) (redis.UniversalClient, func() error, error) {
	connect, done, err := openRedis(ctx, cfg, log)
	if err != nil {
		return nil, nil, err
	}
	return connect(nil), done, nil
}

// takeUp makes a campaign known to the stores, as a server does.
func (w *workbench) takeUp(ctx context.Context, o ledger.Opened, now time.Time) error {
	known := redisstore.Known{Exists: true, Opened: redisstore.Opened{Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch}}
	if o.Campaign == ledger.DoorsCampaign {
		return w.services.campaigns.OpenDoors(ctx, known)
	}
	c, err := w.catalog.Campaign(o.Campaign)
	if err != nil {
		return fmt.Errorf("campaign %s is neither in the catalog nor in %s: %w", o.Campaign, w.cfg.CampaignsDir(), err)
	}
	return w.services.campaigns.Open(ctx, c, known, now)
}

// drainAll moves everything that waits on any stream into the ledger.
func (w *workbench) drainAll(ctx context.Context) error {
	known, err := w.ledger.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, o := range known {
		for n := range o.Shards {
			if err := w.drain(ctx, ledger.Shard{Campaign: o.Campaign, Number: n}); err != nil {
				return err
			}
		}
	}
	return nil
}
