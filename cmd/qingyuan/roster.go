package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
	"qingyuan/internal/roster"
)

// rosterCmds keep who belongs to the units of a campaign.
type rosterCmds struct {
	Import rosterImportCmd `cmd:"" help:"Read a table of persons (单位编号, 编号, 姓名, 人群) into the rosters of a campaign's units."`
	Sizes  rosterSizesCmd  `cmd:"" help:"Tell how many persons each unit's roster has."`
}

type rosterImportCmd struct {
	configFlags

	File     string `arg:"" help:"XLSX or CSV file." type:"existingfile"`
	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
	All      bool   `help:"Write nothing at all where a single row is faulty."`
	Replace  bool   `help:"Take those off the rosters of the file's units who are not in it."`
	DryRun   bool   `help:"Check the file and write nothing." name:"dry-run"`
	JSON     bool   `help:"Print one JSON object." name:"json"`
}

// Run implements the command.
func (c rosterImportCmd) Run(e env) error {
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("import a roster: %w", err)
	}
	return c.onWorkbench(e, func(w *workbench) error {
		definition, err := preparedOr(e.ctx, w.catalog.Store(), w.catalog.Campaign, c.Campaign)
		if err != nil {
			return fmt.Errorf("import a roster into %s: %w", c.Campaign, err)
		}
		all, err := newRosters(w.cfg, w.db, time.Now)
		if err != nil {
			return err
		}
		mode := roster.Mode{All: c.All, Replace: c.Replace, DryRun: c.DryRun}
		out, err := all.Import(e.ctx, definition, raw, mode, roster.Hands{
			May: func(string) bool { return true }, Write: w.db.WithTx, Tell: c.progress(e),
		})
		if err != nil {
			return err
		}
		if out.Applied {
			if err := c.remember(e, w, out); err != nil {
				return err
			}
			sizes, err := all.Sizes(e.ctx, c.Campaign)
			if err != nil {
				return err
			}
			if err := resize(e.ctx, w.catalog.Store(), operator.Console("console"), c.Campaign, sizes); err != nil {
				return err
			}
		}
		return c.tell(e, out)
	})
}

// progress shows a bar, or nothing for a script.
func (c rosterImportCmd) progress(e env) roster.Progress {
	show := bar(e.stderr, "roster")
	if c.JSON || show == nil {
		return nil
	}
	return func(done, total int64) error {
		show(done, total)
		return nil
	}
}

func (c rosterImportCmd) remember(e env, w *workbench, out roster.Outcome) error {
	out.Errors = nil // reasons name rows, and the log is for good
	after, err := json.Marshal(out)
	if err != nil {
		return err
	}
	r := consoleRecord("rosters.edit", c.Campaign)
	r.Object, r.After = "roster:import", after
	return audit.New(w.db).Append(e.ctx, r)
}

// tell ends with an error where nothing was written although that was asked for.
func (c rosterImportCmd) tell(e env, out roster.Outcome) error {
	if c.JSON {
		if err := json.NewEncoder(e.stdout).Encode(out); err != nil {
			return err
		}
	} else {
		for _, wrong := range out.Errors {
			fmt.Fprintf(e.stderr, "第 %d 行：%s\n", wrong.Row, wrong.Reason)
		}
		wrote, end := "写入", ""
		if !out.Applied {
			wrote, end = "可写入", "；没有改动"
		}
		fmt.Fprintf(e.stdout, "共 %d 行，%s %d，未变 %d，拒绝 %d，移除 %d，涉及 %d 个单位%s\n",
			out.Found, wrote, out.Written, out.Same, out.Refused, out.Removed, out.Units, end)
	}
	if !out.Applied && !c.DryRun {
		return errReported
	}
	return nil
}

type rosterSizesCmd struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

// Run implements the command.
func (c rosterSizesCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) error {
		all, err := newRosters(w.cfg, w.db, time.Now)
		if err != nil {
			return err
		}
		if _, err := campaignsOf(e.ctx, w.cfg, w.db)(c.Campaign); err != nil {
			return fmt.Errorf("sizes of campaign %s: %w", c.Campaign, err)
		}
		sizes, err := all.Sizes(e.ctx, c.Campaign)
		if err != nil {
			return err
		}
		return json.NewEncoder(e.stdout).Encode(sizes)
	})
}
