package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/banks"
	"qingyuan/internal/catalog"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/token"
)

// openCatalog reads the campaigns of the database and of the folder, and the
// demonstration's where that is asked for. Without a database it reads the others.
func openCatalog(ctx context.Context, cfg configs.Config, db redis.UniversalClient, sql *sqldb.DB, log *slog.Logger) (*catalog.Keeper, error) {
	fixed, err := fixedCampaigns(cfg)
	if err != nil {
		return nil, err
	}
	o := catalog.Options{Dir: cfg.CampaignsDir(), Fixed: fixed, Log: log, Now: time.Now}
	if db != nil {
		o.Archive = redisstore.NewBanks(db, replicas(cfg))
	}
	return keeperOf(ctx, o, sql)
}

// keeperOf joins a keeper to the store in SQL, each of which asks the other.
func keeperOf(ctx context.Context, o catalog.Options, sql *sqldb.DB) (*catalog.Keeper, error) {
	if sql == nil {
		return catalog.Open(ctx, o)
	}
	store, err := catalog.NewStore(sql, o.Now)
	if err != nil {
		return nil, err
	}
	shelf := &banks.Service{DB: sql, Now: o.Now, Zone: configs.Zone()}
	store.Banks, store.Lacks, store.Gates = shelf, shelf.Lacks, []catalog.Gate{shelf.Gate, store.Supplied}
	o.Store = store
	k, err := catalog.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	store.Others = k.Elsewhere
	return k, nil
}

// preparedIn finds campaigns also before anybody sees them: an office is put together while
// its campaign is a draft.
func preparedIn(ctx context.Context, k *catalog.Keeper) func(string) (*campaign.Campaign, error) {
	return func(id string) (*campaign.Campaign, error) {
		c, err := k.Campaign(id)
		if err == nil || k.Store() == nil || !errors.Is(err, campaign.ErrNotFound) {
			return c, err
		}
		entry, err := k.Store().Entry(ctx, id)
		if err != nil {
			return nil, err
		}
		d, err := k.Store().Definition(ctx, entry)
		return d.Campaign, err
	}
}

// catalogDatabase opens the database for a command that only looks: nil where none
// was made yet.
func catalogDatabase(ctx context.Context, cfg configs.Config) (*sqldb.DB, func() error, error) {
	if cfg.Database.URL.IsZero() {
		if _, err := os.Stat(cfg.DatabaseTarget()); err != nil {
			return nil, func() error { return nil }, nil //nolint:nilerr // Nothing was ever kept there.
		}
	}
	db, err := sqldb.Open(ctx, cfg.DatabaseTarget())
	if err != nil {
		return nil, nil, err
	}
	return db, db.Close, nil
}

// lookingCatalog is openCatalog for a command that only looks, and closes what it
// opened.
func lookingCatalog(ctx context.Context, cfg configs.Config) (k *catalog.Keeper, err error) {
	sql, done, err := catalogDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return openCatalog(ctx, cfg, nil, sql, slog.New(slog.DiscardHandler))
}

func fixedCampaigns(cfg configs.Config) ([]configs.Definition, error) {
	if !cfg.Demo {
		return nil, nil
	}
	return configs.Demo()
}

// checkConfigCmd says everything that is wrong before anything is started.
type checkConfigCmd struct {
	configFlags

	Demo bool `help:"Check the demonstration campaigns too."`
}

// Run implements the command.
func (c checkConfigCmd) Run(e env) error {
	flags := map[string]any{}
	if c.Demo {
		flags["demo"] = true
	}
	cfg, err := c.load(flags)
	if err != nil {
		return err
	}
	book, err := lookingCatalog(e.ctx, cfg)
	if err != nil {
		return err
	}
	if problems := book.Problems(); len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintf(e.stderr, "campaign %s: %v\n", p.Campaign, p.Err)
		}
		return errReported
	}
	return describe(e.stdout, cfg, book.Campaigns())
}

func describe(w io.Writer, cfg configs.Config, campaigns []*campaign.Campaign) error {
	store := "a private redis-server in " + cfg.Data.Dir
	if !cfg.PrivateRedis() {
		store = fmt.Sprintf("redis at %v", cfg.Redis.Addrs)
	}
	_, err := fmt.Fprintf(w, "configuration is valid: %s, %d campaigns\n", store, len(campaigns))
	for _, c := range campaigns {
		_, errLine := fmt.Fprintf(w, "  %s  %s  %s to %s\n", c.ID, c.Title.In(campaign.DefaultLanguage),
			c.OpensAt.Format(time.DateTime), c.ClosesAt.Format(time.DateTime))
		err = errors.Join(err, errLine)
	}
	return err
}

// viewerTokenCmd makes a token for an office's screen.
type viewerTokenCmd struct {
	configFlags

	Campaign string        `help:"Campaign." required:"" placeholder:"ID"`
	Scope    string        `help:"Region or unit whose subtree may be seen; the whole campaign when left out." placeholder:"ID"`
	For      time.Duration `help:"How long the token is good." default:"12h"`
	Demo     bool          `help:"The campaign is one of the demonstration's."`
}

// Run implements the command.
func (v viewerTokenCmd) Run(e env) error {
	if v.For <= 0 || v.For > token.MaxViewer {
		return fmt.Errorf("%w: --for %v is not between 0 and %v", errUsage, v.For, token.MaxViewer)
	}
	cfg, err := v.load(map[string]any{"demo": v.Demo})
	if err != nil {
		return err
	}
	if err := v.check(e.ctx, cfg); err != nil {
		return err
	}
	if cfg, err = cfg.WithSecrets(); err != nil {
		return err
	}
	keys, err := sessionKeys(cfg)
	if err != nil {
		return err
	}
	tokens, err := newTokens(cfg, keys, time.Now)
	if err != nil {
		return err
	}
	raw, err := tokens.SignViewer(v.Campaign, v.Scope, v.For)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, raw)
	return err
}

// check makes sure that the campaign and the scope exist: a token for a typing
// mistake would open nothing, and nobody would know why.
func (v viewerTokenCmd) check(ctx context.Context, cfg configs.Config) error {
	book, err := lookingCatalog(ctx, cfg)
	if err != nil {
		return err
	}
	c, err := book.Campaign(v.Campaign)
	if err != nil {
		return fmt.Errorf("campaign %s is neither in the catalog nor in %s nor, with --demo, one of the demonstration's", v.Campaign, cfg.CampaignsDir())
	}
	if _, ok := c.Tree.Node(v.Scope); v.Scope != "" && !ok {
		return fmt.Errorf("campaign %s has no region or unit %s", v.Campaign, v.Scope)
	}
	return nil
}
