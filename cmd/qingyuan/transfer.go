package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/transfer"
)

// transferCmds decide who belongs to which unit.
type transferCmds struct {
	List   transferListCmd   `cmd:"" help:"List who asks to belong to another unit."`
	Grant  transferGrantCmd  `cmd:"" help:"Let somebody belong to the unit that they asked for, with everything that counts."`
	Refuse transferRefuseCmd `cmd:"" help:"Leave somebody where they are, and tell them why."`
}

// transferFlags choose the campaign.
type transferFlags struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
}

// onTransfers runs a command's work on the requests of the campaign, beside a running
// server or without one.
func (f transferFlags) onTransfers(e env, work func(s *transfer.Service) error) error {
	return f.onWorkbench(e, func(w *workbench) error {
		opened, err := w.chosen(e.ctx, f.Campaign)
		if err != nil {
			return err
		}
		if err := w.takeUp(e.ctx, opened[0], time.Now()); err != nil {
			return err
		}
		rosters, err := newRosters(w.cfg, w.db, time.Now)
		if err != nil {
			return err
		}
		return work(newTransfers(w.services, w.db, w.catalog, rosters, w.log, time.Now))
	})
}

// transferListCmd lists requests.
type transferListCmd struct {
	transferFlags

	State string `help:"pending, granting, granted, refused or withdrawn." placeholder:"STATE"`
	Limit int    `help:"How many at most." default:"200"`
	JSON  bool   `help:"Print JSON, one request a line." name:"json"`
}

// Run implements the command.
func (c transferListCmd) Run(e env) error {
	if c.State != "" && !transfer.State(c.State).Known() {
		return told(e, fault.InvalidField("state", "没有这个状态"))
	}
	return c.onTransfers(e, func(s *transfer.Service) error {
		all, err := s.List(e.ctx, console(), c.Campaign, transfer.State(c.State), "", c.Limit)
		if err != nil {
			return told(e, err)
		}
		if c.JSON {
			return printTransfers(e, all)
		}
		t := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "transfer\tstate\tparticipant\tfrom\tto\tasked\tdecided by")
		for _, r := range all {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.State, r.Participant, r.From, r.To, r.CreatedAt.In(configs.Zone()).Format(time.RFC3339), r.Login)
		}
		return t.Flush()
	})
}

func printTransfers(e env, all []*transfer.Request) error {
	enc := json.NewEncoder(e.stdout)
	for _, r := range all {
		err := enc.Encode(map[string]any{
			"id": r.ID, "state": r.State, "participant": r.Participant, "from_unit": r.From, "to_unit": r.To,
			"created_at": r.CreatedAt, "login": r.Login,
		})
		if err != nil {
			return fmt.Errorf("print the transfers: %w", err)
		}
	}
	return nil
}

// transferGrantCmd grants a request.
type transferGrantCmd struct {
	transferFlags

	Transfer string `arg:"" help:"Request, as list names it."`
	Reason   string `help:"What the participant is told, in Chinese; it goes into the audit log."`
}

// Run implements the command.
func (c transferGrantCmd) Run(e env) error {
	return c.decide(e, c.Transfer, func(s *transfer.Service, r *transfer.Request) error {
		return s.Grant(e.ctx, console(), r, c.Reason)
	})
}

// transferRefuseCmd refuses a request.
type transferRefuseCmd struct {
	transferFlags

	Transfer string `arg:"" help:"Request, as list names it."`
	Reason   string `help:"What the participant is told, in Chinese; it goes into the audit log." required:""`
}

// Run implements the command.
func (c transferRefuseCmd) Run(e env) error {
	return c.decide(e, c.Transfer, func(s *transfer.Service, r *transfer.Request) error {
		return s.Refuse(e.ctx, console(), r, c.Reason)
	})
}

// decide does something to a request and says how it stands then.
func (f transferFlags) decide(e env, id string, do func(*transfer.Service, *transfer.Request) error) error {
	return f.onTransfers(e, func(s *transfer.Service) error {
		r, err := s.Find(e.ctx, console(), f.Campaign, id)
		if err == nil {
			err = do(s, r)
		}
		if err != nil {
			return told(e, err)
		}
		_, err = fmt.Fprintf(e.stdout, "transfer %s is %s\n", r.ID, r.State)
		return err
	})
}
