package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/hiding"
)

// hideCmds take people off the public boards and put them back.
type hideCmds struct {
	List  hideListCmd  `cmd:"" help:"List whom an office has taken off the public boards, and why."`
	Begin hideBeginCmd `cmd:"" help:"Take a participant off the public boards. Nothing stops counting by it."`
	End   hideEndCmd   `cmd:"" help:"Put a participant back where they would be."`
}

// hideFlags choose the campaign.
type hideFlags struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

// onHidings runs a command's work on the hidings of the campaign, beside a running server
// or without one.
func (f hideFlags) onHidings(e env, work func(s *hiding.Service) error) error {
	return f.onWorkbench(e, func(w *workbench) error {
		opened, err := w.chosen(e.ctx, f.Campaign)
		if err != nil {
			return err
		}
		if err := w.takeUp(e.ctx, opened[0], time.Now()); err != nil {
			return err
		}
		return told(e, work(newHidings(w.services, w.db, w.catalog, time.Now)))
	})
}

// hideListCmd lists hidings.
type hideListCmd struct {
	hideFlags

	All   bool `help:"Also those that hold no longer."`
	Limit int  `help:"How many at most." default:"200"`
	JSON  bool `help:"Print JSON, one hiding a line." name:"json"`
}

// Run implements the command.
func (c hideListCmd) Run(e env) error {
	return c.onHidings(e, func(s *hiding.Service) error {
		all, err := s.List(e.ctx, console(), c.Campaign, c.All, "", c.Limit)
		if err != nil {
			return err
		}
		if c.JSON {
			return printHidings(e, all)
		}
		t := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "hiding\tparticipant\tunit\tsince\tby\tshown again\treason")
		for _, h := range all {
			shown := ""
			if !h.ShownAt.IsZero() {
				shown = h.ShownAt.In(configs.Zone()).Format(time.RFC3339)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", h.ID, h.Participant, h.Unit, h.At.In(configs.Zone()).Format(time.RFC3339), h.Login, shown, h.Reason)
		}
		return t.Flush()
	})
}

func printHidings(e env, all []*hiding.Hiding) error {
	enc := json.NewEncoder(e.stdout)
	for _, h := range all {
		line := map[string]any{"id": h.ID, "participant": h.Participant, "unit": h.Unit, "at": h.At, "login": h.Login, "reason": h.Reason, "shown_at": nil}
		if !h.ShownAt.IsZero() {
			line["shown_at"] = h.ShownAt
		}
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("print the hidings: %w", err)
		}
	}
	return nil
}

// hideBeginCmd hides somebody.
type hideBeginCmd struct {
	hideFlags

	Participant string `arg:"" help:"Participant, by the id that boards of operators and exports have."`
	Reason      string `help:"Why, in Chinese and without a name; it goes into the audit log." required:""`
}

// Run implements the command.
func (c hideBeginCmd) Run(e env) error {
	return c.onHidings(e, func(s *hiding.Service) error {
		h, fresh, err := s.Hide(e.ctx, console(), c.Campaign, c.Participant, c.Reason)
		if err != nil {
			return err
		}
		how := "is hidden"
		if !fresh {
			how = "was hidden already"
		}
		_, err = fmt.Fprintf(e.stdout, "participant %s %s (%s)\n", h.Participant, how, h.ID)
		return err
	})
}

// hideEndCmd shows somebody again.
type hideEndCmd struct {
	hideFlags

	Hiding string `arg:"" help:"Hiding, as list names it."`
	Reason string `help:"Why, in Chinese and without a name; it goes into the audit log." required:""`
}

// Run implements the command.
func (c hideEndCmd) Run(e env) error {
	return c.onHidings(e, func(s *hiding.Service) error {
		h, err := s.Find(e.ctx, console(), c.Campaign, c.Hiding)
		if err == nil {
			err = s.Show(e.ctx, console(), h, c.Reason)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "participant %s is shown again\n", h.Participant)
		return err
	})
}
