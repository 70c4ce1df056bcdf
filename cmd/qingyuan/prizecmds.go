package main

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/prize"
)

// prizeCmds keep and check the prizes of a campaign.
type prizeCmds struct {
	Codes prizeCodesCmd `cmd:"" help:"Add the codes of a voucher from the first column of a table."`
	Stock prizeStockCmd `cmd:"" help:"Tell what there is of each prize, and what was won."`
	Audit prizeAuditCmd `cmd:"" help:"Roll every chance of the ledger again and write them down by ticket; exit 1 where one does not follow."`
}

// prizeFlags choose the campaign.
type prizeFlags struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

type prizeCodesCmd struct {
	prizeFlags

	File   string `arg:"" help:"XLSX or CSV file." type:"existingfile"`
	Prize  string `help:"Prize." required:"" placeholder:"ID"`
	DryRun bool   `help:"Check the list, and add nothing."`
}

// Run implements the command.
func (c prizeCodesCmd) Run(e env) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("add codes: %w", err)
	}
	return c.onWorkbench(e, func(w *workbench) error {
		desk := newPrizeDesk(w.cfg, w.services, w.db, w.catalog, w.log, time.Now)
		got, err := desk.AddCodes(e.ctx, console(), c.Campaign, c.Prize, raw, c.DryRun)
		if err != nil {
			return told(e, err)
		}
		text := "%d codes are new, %d there are of %s\n"
		if c.DryRun {
			text = "%d codes would be new, %d there would be of %s\n"
		}
		_, err = fmt.Fprintf(e.stdout, text, got.Added, got.Codes, c.Prize)
		return err
	})
}

type prizeStockCmd struct {
	prizeFlags

	JSON bool `help:"Print one JSON object." name:"json"`
}

// stockLine is what there is of a prize.
type stockLine struct {
	Prize    string `json:"prize"`
	Stock    int    `json:"stock"`
	Released int    `json:"released"`
	Granted  int    `json:"granted"`
	Codes    int    `json:"codes,omitempty"`
}

// Run implements the command.
func (c prizeStockCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) error {
		lines, err := c.lines(e, w)
		if err != nil {
			return told(e, err)
		}
		if c.JSON {
			return json.NewEncoder(e.stdout).Encode(map[string]any{"campaign": c.Campaign, "prizes": lines})
		}
		t := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "prize\tstock\treleased\tgranted\tcodes")
		for _, l := range lines {
			fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\n", l.Prize, l.Stock, l.Released, l.Granted, l.Codes)
		}
		return t.Flush()
	})
}

func (c prizeStockCmd) lines(e env, w *workbench) ([]stockLine, error) {
	o, err := w.catalog.Prizes(c.Campaign)
	if err != nil {
		return nil, err
	}
	opened, err := w.chosen(e.ctx, c.Campaign)
	if err != nil {
		return nil, err
	}
	if err := w.takeUp(e.ctx, opened[0], time.Now()); err != nil {
		return nil, err
	}
	granted, err := w.services.prizes.Granted(e.ctx, c.Campaign)
	if err != nil {
		return nil, err
	}
	desk := newPrizeDesk(w.cfg, w.services, w.db, w.catalog, w.log, time.Now)
	if err := desk.Refresh(e.ctx); err != nil {
		return nil, err
	}
	var out []stockLine
	add := func(list []prize.Prize) {
		for i := range list {
			p := &list[i]
			out = append(out, stockLine{p.ID, p.Stock, p.Released(o.Campaign, time.Now()), granted[p.ID], desk.Codes(c.Campaign, p.ID)})
		}
	}
	add(o.Plan.Instant)
	for i := range o.Plan.Draws {
		add(o.Plan.Draws[i].Prizes)
	}
	return out, nil
}

type prizeAuditCmd struct {
	prizeFlags

	CSV string `help:"File for every chance by ticket; it names nobody and may be published once the secret is told." type:"path" placeholder:"FILE"`
}

// Run implements the command.
func (c prizeAuditCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) (err error) {
		offer, err := w.catalog.Prizes(c.Campaign)
		if err != nil {
			return told(e, err)
		}
		if err := w.drain(e.ctx, ledger.Shard{Campaign: c.Campaign}); err != nil {
			w.log.WarnContext(e.ctx, "the stream was not taken up", "err", err)
		}
		a := chanceAudit{prizes: w.services.prizes, campaign: c.Campaign, zone: offer.Campaign.Zone}
		if c.CSV != "" {
			f, err := os.Create(c.CSV)
			if err != nil {
				return fmt.Errorf("write the chances: %w", err)
			}
			defer f.Close()
			a.out = csv.NewWriter(f)
			_ = a.out.Write([]string{"ticket", "chance", "at", "rolled", "item", "why"}) // Error tells below
		}
		shard := ledger.Shard{Campaign: c.Campaign}
		at, err := w.ledger.Cursor(e.ctx, shard, event.Facts)
		if err != nil {
			return err
		}
		for h, err := range w.ledger.Histories(e.ctx, shard, ledger.Heads{Facts: at}) {
			if err != nil {
				return err
			}
			a.history(h)
		}
		if a.out != nil {
			a.out.Flush()
			if err := a.out.Error(); err != nil {
				return fmt.Errorf("write the chances: %w", err)
			}
		}
		secret := w.services.prizes.Keys.Instant(c.Campaign).Hash()
		fmt.Fprintf(e.stdout, "%d chances rolled again by the secret with SHA-256 %s: %d fell on a prize, %d won, %d do not follow\n",
			a.chances, hex.EncodeToString(secret[:]), a.fell, a.won, a.wrong)
		if a.wrong > 0 {
			return errReported
		}
		return nil
	})
}

// chanceAudit rolls chances again.
type chanceAudit struct {
	prizes                    *prize.Service
	campaign                  string
	zone                      *time.Location // of the times that are written
	out                       *csv.Writer    // nil for none
	chances, fell, won, wrong int
}

func (a *chanceAudit) history(h ledger.History) {
	for i := range h.Facts {
		f := &h.Facts[i]
		switch body := f.Body.(type) {
		case event.Chance:
			a.chance(h.Participant, f.At, body.Number, body.Rolled, "", body.Why)
		case event.Won:
			if body.Draw == "" {
				a.won++
				a.chance(h.Participant, f.At, body.Number, body.Prize, strconv.Itoa(body.Item), "")
			}
		}
	}
}

func (a *chanceAudit) chance(participant string, at time.Time, number int, rolled, item, why string) {
	a.chances++
	if rolled != "" {
		a.fell++
	}
	if a.prizes.Rolled(a.campaign, participant, number) != rolled {
		a.wrong++
	}
	if a.out != nil {
		_ = a.out.Write([]string{a.prizes.Ticket(a.campaign, participant), strconv.Itoa(number), at.In(a.zone).Format(time.RFC3339), rolled, item, why}) // Error tells at the end
	}
}
