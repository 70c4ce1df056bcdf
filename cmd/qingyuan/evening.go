package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/grant"
)

// What campaigns are steered with on an evening on which something goes wrong.
type (
	stopClocksCmd struct {
		steerFlags

		Until string `help:"When they run again by themselves, such as \"2026-06-26 20:30\"; a day later at most." placeholder:"TIME"`
		Pause bool   `help:"Pause the campaign as well."`
	}
	runClocksCmd struct {
		steerFlags

		Resume bool `help:"Take the pause back as well."`
	}
	extendCmd struct {
		steerFlags

		Until string `help:"New end, such as \"2026-07-10 00:00\"." required:"" placeholder:"TIME"`
	}
	bannerCmd struct {
		steerFlags

		Text   string            `help:"Text in Chinese, at most 200 signs." placeholder:"TEXT"`
		Also   map[string]string `help:"The same in other languages." placeholder:"LANG=TEXT" mapsep:"none"`
		Level  string            `help:"How it is meant." enum:"info,warning" default:"info"`
		From   string            `help:"From when on; at once when left out." placeholder:"TIME"`
		Until  string            `help:"Until when; until it is removed when left out." placeholder:"TIME"`
		Remove bool              `help:"Take it down."`
	}
)

// Run implements the command.
func (c stopClocksCmd) Run(e env) error {
	until, err := localTime(c.Until)
	if err != nil {
		return err
	}
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.StopClocks(ctx, a, c.Campaign, until, c.Pause)
	})
}

// Run implements the command.
func (c runClocksCmd) Run(e env) error {
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.RunClocks(ctx, a, c.Campaign, c.Resume)
	})
}

// Run implements the command.
func (c extendCmd) Run(e env) error {
	until, err := localTime(c.Until)
	if err != nil {
		return err
	}
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Extend(ctx, a, c.Campaign, until)
	})
}

// Run implements the command.
func (c bannerCmd) Run(e env) error {
	if c.Remove == (c.Text != "") {
		return fmt.Errorf("%w: either --text or --remove", errUsage)
	}
	var b *campaign.Banner
	if !c.Remove {
		b = &campaign.Banner{Text: campaign.Text{campaign.DefaultLanguage: c.Text}, Level: campaign.BannerLevel(c.Level)}
		maps.Copy(b.Text, c.Also)
		var errFrom, errUntil error
		b.From, errFrom = localTime(c.From)
		b.Until, errUntil = localTime(c.Until)
		if err := errors.Join(errFrom, errUntil); err != nil {
			return err
		}
	}
	return c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.SetBanner(ctx, a, c.Campaign, b)
	})
}

// giveBackCmd gives attempts back to those who were hit.
type giveBackCmd struct {
	correctFlags

	From   string `help:"From when on attempts were hit, such as \"2026-06-26 20:00\"." required:"" placeholder:"TIME"`
	To     string `help:"Until when." required:"" placeholder:"TIME"`
	Unit   string `help:"Region or unit; everybody when left out." placeholder:"ID"`
	Reason string `help:"Why, for the audit log." required:"" placeholder:"TEXT"`
	DryRun bool   `help:"Tell how many were hit, and give nothing."`
}

// Run implements the command.
func (c giveBackCmd) Run(e env) error {
	from, errFrom := localTime(c.From)
	to, errTo := localTime(c.To)
	if err := errors.Join(errFrom, errTo); err != nil {
		return err
	}
	return c.onCorrections(e, func(d *correctDesk) error {
		grants := newGrants(d.bench.services, d.office, d.bench.db, d.bench.catalog, time.Now)
		grants.Register(d.office.jobs)
		g, err := grants.Create(d.ctx, d.who, grant.Draft{Campaign: c.Campaign, From: from, To: to, Unit: c.Unit, Reason: c.Reason})
		if err == nil {
			g, err = d.grant(grants, g.ID, grant.Collecting)
		}
		if err != nil {
			return told(e, err)
		}
		if c.DryRun {
			err = grants.Cancel(d.ctx, d.who, g)
		} else if err = grants.Run(d.ctx, d.who, g); err == nil {
			g, err = d.grant(grants, g.ID, grant.Running)
		}
		if err != nil {
			return told(e, err)
		}
		return c.tell(e, g)
	})
}

// grant works on jobs until a grant is not in the state any more.
func (d *correctDesk) grant(grants *grant.Service, id string, while grant.State) (g *grant.Grant, err error) {
	show := d.progress(id)
	err = d.working(func() (bool, error) {
		if g, err = grants.Find(d.ctx, d.who, d.flags.Campaign, id); err != nil {
			return false, err
		}
		show(g.Next, g.Items)
		switch g.State {
		case while:
			return false, nil
		case grant.Failed, grant.Stopped:
			return false, fmt.Errorf("grant %s is %s: %s", g.ID, g.State, g.Text)
		default:
			return true, nil
		}
	})
	return g, err
}

func (c giveBackCmd) tell(e env, g *grant.Grant) error {
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{
			"id": g.ID, "state": g.State, "items": g.Items, "ended": g.Summary, "given": g.Given, "finished": g.Kept, "gone": g.Lost,
		})
	}
	_, err := fmt.Fprintf(e.stdout, "grant %s is %s: %d were hit (%d open, %d expired, %d handed in by the deadline); %d have one attempt more, %d had handed in themselves\n",
		g.ID, g.State, g.Items, g.Summary.Open, g.Summary.Expired, g.Summary.Deadline, g.Given, g.Kept)
	return err
}
