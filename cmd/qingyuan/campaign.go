package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/banks"
	"qingyuan/internal/catalog"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// campaignCmds prepare and run campaigns.
type campaignCmds struct {
	Apply      applyCmd        `cmd:"" help:"Check a campaign file and put it into the catalog; running servers take it up within a second."`
	List       campaignListCmd `cmd:"" help:"List the campaigns of the catalog."`
	Show       campaignShowCmd `cmd:"" help:"Print a campaign file of the catalog, or the list of its versions."`
	Publish    publishCmd      `cmd:"" help:"Show a draft to the public; it opens and closes by the clock from then on."`
	Pause      pauseCmd        `cmd:"" help:"Refuse new acts; attempts that are open go on."`
	Resume     resumeCmd       `cmd:"" help:"Take a pause back."`
	StopClocks stopClocksCmd   `cmd:"" name:"stop-clocks" help:"Let the clocks of running attempts stand; deadlines move by that time."`
	RunClocks  runClocksCmd    `cmd:"" name:"run-clocks" help:"Let them run again."`
	Extend     extendCmd       `cmd:"" help:"Move the close of an open campaign to a later moment."`
	Banner     bannerCmd       `cmd:"" help:"Show everybody a short text, or take it down."`
	GiveBack   giveBackCmd     `cmd:"" name:"give-back" help:"Give those one attempt more whose sitting was hit."`
	Close      closeCmd        `cmd:"" help:"End a campaign now."`
	Reopen     reopenCmd       `cmd:"" help:"Let a closed campaign go on; all numbers stay."`
	Anonymise  anonymiseCmd    `cmd:"" help:"Take away what a campaign that is over keeps of people, by its own rule; every figure stays."`
	Archive    archiveCmd      `cmd:"" help:"Make a closed campaign read-only for good, and move it out of Redis into the database."`
	Unarchive  unarchiveCmd    `cmd:"" help:"Bring an archived campaign back into Redis; it stays read-only."`
}

// officeFlags are those of commands that work in the name of the console.
type officeFlags struct {
	configFlags

	Reason string `help:"Why, for the audit log." placeholder:"TEXT"`
	JSON   bool   `help:"Print one JSON object." name:"json"`
}

func (f officeFlags) act() catalog.Act {
	name := "console"
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return catalog.Act{Actor: operator.Console(name), Reason: f.Reason}
}

// onCatalog runs a command's work on the catalog in SQL, beside running servers or
// before the first start.
func (f officeFlags) onCatalog(e env, work func(context.Context, *catalog.Store) error) error {
	return f.onDatabase(e, func(cfg configs.Config, db *sqldb.DB) error {
		k, err := openCatalog(e.ctx, cfg, nil, db, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		k.Store().Merged = append(k.Store().Merged, rostersFollow(cfg, db))
		return told(e, work(e.ctx, k.Store()))
	})
}

// onDatabase runs a command's work on the database alone, which is made where there is
// none yet.
func (f configFlags) onDatabase(e env, work func(configs.Config, *sqldb.DB) error) (err error) {
	cfg, err := f.load(nil)
	if err != nil {
		return err
	}
	if err := makeDatabaseFolder(cfg); err != nil {
		return err
	}
	db, err := sqldb.Open(e.ctx, cfg.DatabaseTarget())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return work(cfg, db)
}

// told prints the parts of a refusal, one a line, before the refusal itself.
func told(e env, err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || len(f.Fields) == 0 {
		return err
	}
	for _, field := range f.Fields {
		fmt.Fprintf(e.stderr, "%s: %s\n", field.Name, field.Reason)
	}
	return err
}

// applyCmd puts a campaign into the catalog.
type applyCmd struct {
	officeFlags

	File       string `arg:"" help:"Campaign file (YAML)." type:"existingfile"`
	Draft      bool   `help:"Do not publish a new campaign yet."`
	Unreviewed bool   `help:"Publish it although no reviewer has signed its questions; the audit log says so."`
	Files      bool   `help:"Put it into the folder of campaigns instead, for those who keep campaigns in files."`
}

// Run implements the command.
func (a applyCmd) Run(e env) error {
	if a.Files {
		return a.install(e)
	}
	return a.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		b, err := configs.LoadBundleOfParts(a.File, s.Kept(ctx))
		if err != nil {
			return fmt.Errorf("apply %s: %w", a.File, err)
		}
		act := a.act()
		act.Unreviewed = a.Unreviewed
		out, err := s.ApplyBundle(ctx, act, b, !a.Draft)
		if err != nil {
			return err
		}
		return a.tell(e, out, "running servers take it up within a second")
	})
}

func (a applyCmd) install(e env) error {
	cfg, err := a.load(nil)
	if err != nil {
		return err
	}
	if err := a.pictured(e); err != nil {
		return err
	}
	d, err := catalog.Apply(cfg.CampaignsDir(), a.File, time.Now())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "campaign %s is in %s; a running server takes it up within a second\n", d.Campaign.ID, cfg.CampaignsDir())
	return err
}

// pictured refuses a campaign in files whose questions show pictures that nobody has taken
// in; the catalog does the same for its own.
func (a applyCmd) pictured(e env) error {
	b, err := configs.LoadBundle(a.File)
	if err != nil {
		return fmt.Errorf("apply %s: %w", a.File, err)
	}
	if b.Bank == nil {
		return nil
	}
	return a.onDatabase(e, func(_ configs.Config, db *sqldb.DB) error {
		gone, err := (&banks.Service{DB: db}).Lacks(e.ctx, b.Bank)
		if err != nil || len(gone) == 0 {
			return err
		}
		return told(e, catalog.ErrInvalid.WithFields(gone...))
	})
}

// outcomeLine is what a command prints with --json.
type outcomeLine struct {
	Campaign string             `json:"campaign"`
	Version  int64              `json:"version"`
	State    string             `json:"state"`
	Changed  bool               `json:"changed"`
	OpensAt  string             `json:"opens_at"`
	ClosesAt string             `json:"closes_at"`
	Units    int64              `json:"units"`
	Roster   int64              `json:"roster"`
	Nodes    catalog.NodeCounts `json:"nodes"`
}

func lineOf(out catalog.Outcome) outcomeLine {
	c := out.Definition.Campaign
	l := outcomeLine{
		Campaign: c.ID, Version: out.Version, State: catalog.StateOf(out.Entry, c, time.Now()), Changed: out.Changed,
		OpensAt: c.OpensAt.Format(time.RFC3339), ClosesAt: c.ClosesAt.Format(time.RFC3339), Nodes: out.Nodes,
	}
	for _, n := range c.Tree.Children("") {
		l.Units += n.Units
		l.Roster += n.Roster
	}
	return l
}

func (f officeFlags) tell(e env, out catalog.Outcome, more string) error {
	l := lineOf(out)
	if f.JSON {
		return json.NewEncoder(e.stdout).Encode(l)
	}
	if !out.Changed {
		more = "nothing changed"
	}
	if more != "" {
		more = "; " + more
	}
	_, err := fmt.Fprintf(e.stdout, "campaign %s is %s at version %d, from %s to %s, %d units%s\n",
		l.Campaign, l.State, l.Version, l.OpensAt, l.ClosesAt, l.Units, more)
	return err
}

// campaignListCmd lists the catalog.
type campaignListCmd struct{ officeFlags }

// Run implements the command.
func (l campaignListCmd) Run(e env) error {
	return l.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		entries, err := s.Entries(ctx)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			d, err := s.Definition(ctx, entry)
			if err != nil {
				return err
			}
			if err := l.tell(e, catalog.Outcome{Entry: entry, Definition: d, Changed: true}, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// campaignShowCmd prints a campaign.
type campaignShowCmd struct {
	officeFlags

	Campaign string `arg:"" help:"Campaign."`
	At       int64  `help:"Version; the current one when left out." placeholder:"N"`
	Versions bool   `help:"List the versions instead."`
}

// Run implements the command.
func (c campaignShowCmd) Run(e env) error {
	return c.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		entry, err := s.Entry(ctx, c.Campaign)
		if c.At != 0 && err == nil {
			entry, err = s.Version(ctx, c.Campaign, c.At)
		}
		if err != nil {
			return err
		}
		if c.Versions {
			return c.versions(ctx, e.stdout, s)
		}
		if c.JSON {
			d, err := s.Definition(ctx, entry)
			if err != nil {
				return err
			}
			return c.tell(e, catalog.Outcome{Entry: entry, Definition: d, Changed: true}, "")
		}
		text, err := s.Text(ctx, entry)
		if err != nil {
			return err
		}
		_, err = e.stdout.Write(text)
		return err
	})
}

func (c campaignShowCmd) versions(ctx context.Context, w io.Writer, s *catalog.Store) error {
	list, err := s.Versions(ctx, c.Campaign, 0, 1<<20)
	if err != nil {
		return err
	}
	for _, v := range list {
		if c.JSON {
			err = json.NewEncoder(w).Encode(map[string]any{
				"version": v.Version, "at": v.At.In(configs.Zone()).Format(time.RFC3339), "by": v.Login, "kind": v.Kind, "reason": v.Reason, "state": v.Stage,
			})
		} else {
			_, err = fmt.Fprintf(w, "%4d  %s  %-14s %-12s %s\n", v.Version, v.At.In(configs.Zone()).Format(time.DateTime), v.Kind, v.Login, v.Reason)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// steerFlags choose the campaign that an act is about.
type steerFlags struct {
	officeFlags

	Campaign string `arg:"" help:"Campaign."`
}

// steer does one act and tells what came of it.
func (f steerFlags) steer(e env, do func(ctx context.Context, s *catalog.Store, act catalog.Act) (catalog.Outcome, error)) error {
	return f.onCatalog(e, func(ctx context.Context, s *catalog.Store) error {
		out, err := do(ctx, s, f.act())
		if err != nil {
			return err
		}
		return f.tell(e, out, "")
	})
}

type (
	publishCmd struct{ steerFlags }
	pauseCmd   struct{ steerFlags }
	resumeCmd  struct{ steerFlags }
	closeCmd   struct{ steerFlags }
	reopenCmd  struct {
		steerFlags

		Until string `help:"New end, such as \"2026-07-10 00:00\"; the one it had when left out." placeholder:"TIME"`
	}
)

// Run implements the command.
func (c publishCmd) Run(e env) error {
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Publish(ctx, a, c.Campaign)
	})
}

// Run implements the command.
func (c pauseCmd) Run(e env) error {
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Pause(ctx, a, c.Campaign)
	})
}

// Run implements the command.
func (c resumeCmd) Run(e env) error {
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Resume(ctx, a, c.Campaign)
	})
}

// Run implements the command.
func (c closeCmd) Run(e env) error {
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Close(ctx, a, c.Campaign)
	})
}

// Run implements the command.
func (c reopenCmd) Run(e env) error {
	until, err := localTime(c.Until)
	if err != nil {
		return err
	}
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Reopen(ctx, a, c.Campaign, until)
	})
}

// localTime reads a time of the campaigns' zone; "" is none.
func localTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", time.DateTime, time.RFC3339} {
		if at, err := time.ParseInLocation(layout, text, configs.Zone()); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: %q is not a time such as \"2026-07-10 00:00\"", errUsage, text)
}
