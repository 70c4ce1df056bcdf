package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/report"
)

// reportCmds are what an office tells of its campaign.
type reportCmds struct {
	Workbook  workbookCmd  `cmd:"" help:"Write the campaign's report as an XLSX workbook with charts."`
	Print     printCmd     `cmd:"" help:"Write the campaign's report as a PDF to print."`
	Brief     briefCmd     `cmd:"" help:"Print a short text for chat groups: the figures against those of the day before."`
	Announce  announceCmd  `cmd:"" help:"Seal the figures as of an instant, with what they mean, and print them."`
	Announced announcedCmd `cmd:"" help:"List what was announced, and what was corrected since."`
}

// instantFlags choose a campaign and an instant.
type instantFlags struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
	AsOf     string `help:"Leave out what was accepted later: YYYY-MM-DD HH:MM in the campaign's zone; everything when left out." name:"as-of" placeholder:"TIME"`
}

// source returns what the ledger tells of the campaign.
func (f instantFlags) source(w *workbench) (*report.Source, error) {
	return exportCmd{Campaign: f.Campaign, AsOf: f.AsOf}.source(w)
}

// onSource runs a command's work on the campaign.
func (f instantFlags) onSource(e env, work func(*workbench, *report.Source) error) error {
	return f.onWorkbench(e, func(w *workbench) error {
		s, err := f.source(w)
		if err != nil {
			return err
		}
		return work(w, s)
	})
}

// document writes the campaign's report into a file that is not there yet.
func (f instantFlags) document(e env, name string, write func(*report.Summary, io.Writer) error) error {
	return f.onSource(e, func(w *workbench, s *report.Source) error {
		m, err := s.Summarise(e.ctx)
		if err != nil {
			return err
		}
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // Where the operator says.
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		sum := report.NewSum(file)
		if err := errors.Join(write(m, sum), file.Sync(), file.Close()); err != nil {
			return errors.Join(err, os.Remove(name))
		}
		if err := rememberReport(e.ctx, w, f.Campaign, sum.Hex()); err != nil {
			return errors.Join(err, os.Remove(name)) // nothing leaves unseen
		}
		_, err = fmt.Fprintf(e.stdout, "%s: sha256 %s\n", name, sum.Hex())
		return err
	})
}

func rememberReport(ctx context.Context, w *workbench, campaignID, sum string) error {
	after, err := json.Marshal(map[string]string{"sha256": sum})
	if err != nil {
		return err
	}
	r := consoleRecord("export", campaignID)
	r.Object, r.After = "export:report", after
	return audit.New(w.db).Append(ctx, r)
}

// consoleRecord is what the audit log says of an act at the console.
func consoleRecord(action, campaignID string) audit.Record {
	return audit.Record{At: time.Now(), Actor: "console", Login: "console", Action: action, Campaign: campaignID}
}

type workbookCmd struct {
	instantFlags

	Output string `help:"File to write; it must not be there yet." short:"o" required:"" type:"path" placeholder:"FILE"`
}

// Run implements the command.
func (c workbookCmd) Run(e env) error { return c.document(e, c.Output, (*report.Summary).Workbook) }

type printCmd struct {
	instantFlags

	Output string `help:"File to write; it must not be there yet." short:"o" required:"" type:"path" placeholder:"FILE"`
}

// Run implements the command.
func (c printCmd) Run(e env) error { return c.document(e, c.Output, (*report.Summary).PDF) }

type briefCmd struct{ instantFlags }

// Run implements the command.
func (c briefCmd) Run(e env) error {
	return c.onSource(e, func(_ *workbench, s *report.Source) error {
		text, err := s.Brief(e.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(e.stdout, text)
		return err
	})
}

type announceCmd struct{ instantFlags }

// Run implements the command.
func (c announceCmd) Run(e env) error {
	if c.AsOf == "" {
		return fmt.Errorf("%w: --as-of says which instant is announced", errUsage)
	}
	return c.onSource(e, func(w *workbench, s *report.Source) error {
		n, err := report.NewAnnouncements(w.db, time.Now).Seal(e.ctx, s, consoleRecord("figures.announce", c.Campaign))
		if err != nil {
			return err
		}
		return json.NewEncoder(e.stdout).Encode(n)
	})
}

type announcedCmd struct{ instantFlags }

// Run implements the command.
func (c announcedCmd) Run(e env) error {
	return c.onSource(e, func(w *workbench, s *report.Source) error {
		all, err := report.NewAnnouncements(w.db, time.Now).List(e.ctx, c.Campaign)
		if err != nil {
			return err
		}
		out := json.NewEncoder(e.stdout)
		for _, n := range all {
			since, err := s.Since(e.ctx, &n)
			if err != nil {
				return err
			}
			if err := out.Encode(struct {
				report.Announcement

				Corrected []report.Difference `json:"corrected"`
			}{n, since}); err != nil {
				return err
			}
		}
		return nil
	})
}
