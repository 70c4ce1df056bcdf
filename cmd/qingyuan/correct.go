package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/correction"
	"qingyuan/internal/operator"
)

// correctCmds take out what should never have counted. The console asks, and somebody
// with an account approves: here with password and code, or in the office.
type correctCmds struct {
	Preview correctPreviewCmd `cmd:"" help:"Find acts by conditions, freeze the list and show it. Nothing is corrected."`
	Run     correctRunCmd     `cmd:"" help:"Ask a second person to let a list be corrected."`
	Approve correctApproveCmd `cmd:"" help:"Approve what was asked for, as somebody with an account, and wait until it is done."`
	Undo    correctUndoCmd    `cmd:"" help:"Ask a second person to let everything count again that a batch has taken out."`
	Cancel  correctCancelCmd  `cmd:"" help:"Stop a batch where it is; what was done stays done."`
	Resume  correctResumeCmd  `cmd:"" help:"Go on with a batch, or with its undo, after a stop."`
	List    correctListCmd    `cmd:"" help:"List the batches of a campaign."`
}

// correctFlags choose the campaign.
type correctFlags struct {
	configFlags

	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
	JSON     bool   `help:"Print JSON." name:"json"`
}

// onCorrections runs a command's work on the corrections of the campaign, beside a
// running server or without one.
func (f correctFlags) onCorrections(e env, work func(d *correctDesk) error) error {
	return f.onWorkbench(e, func(w *workbench) error {
		opened, err := w.chosen(e.ctx, f.Campaign)
		if err != nil {
			return err
		}
		if err := w.takeUp(e.ctx, opened[0], time.Now()); err != nil {
			return err
		}
		o, err := newOffice(w.cfg, w.db, w.catalog.Campaign, w.log, time.Now)
		if err != nil {
			return err
		}
		o.corrections = newCorrections(w.services, o, w.db, w.catalog, time.Now)
		o.challenges = newChallenges(w.services, o, w.db, w.catalog, time.Now)
		origins := newOrigins(w.db, w.catalog.Campaigns, w.log, time.Now)
		if err := origins.Refresh(e.ctx); err != nil {
			return err
		}
		o.corrections.Origins = origins
		o.corrections.Prizes = newPrizeDesk(w.cfg, w.services, w.db, w.catalog, w.log, time.Now).Uphold
		o.corrections.Register(o.jobs)
		for _, k := range o.corrections.Kinds() {
			o.approvals.Register(k)
		}
		return work(&correctDesk{env: e, flags: f, bench: w, office: o, who: console()})
	})
}

// correctPreviewCmd makes a list.
type correctPreviewCmd struct {
	correctFlags

	Attempts     bool          `help:"Attempts."`
	Signatures   bool          `help:"Signatures."`
	Reason       string        `help:"What the participants are told, in Chinese." required:""`
	Scope        string        `help:"Region or unit, with everything below." placeholder:"ID"`
	From         time.Time     `help:"Accepted at this moment or later (RFC 3339)." placeholder:"TIME"`
	To           time.Time     `help:"Accepted before this moment (RFC 3339)." placeholder:"TIME"`
	MinScore     *int64        `help:"Attempts with this score or more." name:"min-score"`
	MaxScore     *int64        `help:"Attempts with this score or less." name:"max-score"`
	MinUsed      time.Duration `help:"Attempts that took this long or longer." name:"min-used"`
	MaxUsed      time.Duration `help:"Attempts that took this long or less." name:"max-used"`
	Participants string        `help:"File with ids of participants, one a line." type:"existingfile" placeholder:"FILE"`
	Regular      int           `help:"Participants with so many attempts in a row at regular spacing." placeholder:"N"`
	Tolerance    time.Duration `help:"By how much the spacing may differ." default:"1s"`
	Name         string        `help:"Masked name, ? for any one character." placeholder:"张*"`
	SameAnswers  int           `help:"Attempts with the wrong answers of at least so many others." name:"same-answers" placeholder:"N"`
	Address      string        `help:"Address, or network: only a mark of it is kept." placeholder:"CIDR"`
	Device       string        `help:"What the client calls its device: only a mark of it is kept." placeholder:"ID"`
	Flag         []string      `help:"Confirmed flags: the acts that they are about." placeholder:"ID"`
}

// Run implements the command.
func (c correctPreviewCmd) Run(e env) error {
	conditions, err := c.conditions()
	if err != nil {
		return err
	}
	return c.onCorrections(e, func(d *correctDesk) error {
		if err := d.bench.drainAll(d.ctx); err != nil { // what nobody has archived is not found
			return err
		}
		b, err := d.office.corrections.Create(d.ctx, d.who, correction.Draft{Campaign: c.Campaign, Conditions: conditions, Reason: c.Reason})
		if err != nil {
			return told(e, err)
		}
		if b, err = d.work(b.ID, correction.Ready, correction.Failed); err != nil {
			return err
		}
		return d.show(b)
	})
}

// conditions are what the flags say.
func (c correctPreviewCmd) conditions() (correction.Conditions, error) {
	out := correction.Conditions{
		Attempts: c.Attempts, Signatures: c.Signatures, Scope: c.Scope, From: c.From, To: c.To, Name: c.Name, SameAnswers: c.SameAnswers,
		Address: c.Address, Device: c.Device, Flags: c.Flag,
	}
	if c.MinScore != nil || c.MaxScore != nil {
		out.Score = &correction.Range{Min: c.MinScore, Max: c.MaxScore}
	}
	if c.MinUsed > 0 || c.MaxUsed > 0 {
		out.UsedMS = &correction.Range{}
		if c.MinUsed > 0 {
			out.UsedMS.Min = new(c.MinUsed.Milliseconds())
		}
		if c.MaxUsed > 0 {
			out.UsedMS.Max = new(c.MaxUsed.Milliseconds())
		}
	}
	if c.Regular > 0 {
		out.Regular = &correction.Regular{Attempts: c.Regular, ToleranceMS: c.Tolerance.Milliseconds()}
	}
	var err error
	out.Participants, err = linesOf(c.Participants)
	return out, err
}

// linesOf reads the lines of a file that are not empty; "" is no file.
func linesOf(file string) (lines []string, err error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file) //nolint:gosec // G304: the file that was named on the command line
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if line := strings.TrimSpace(s.Text()); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, s.Err()
}

// correctRunCmd asks for a run.
type correctRunCmd struct {
	correctFlags

	Batch string `arg:"" help:"Batch, as preview has named it."`
}

// Run implements the command.
func (c correctRunCmd) Run(e env) error {
	return c.onCorrections(e, func(d *correctDesk) error {
		b, err := d.find(c.Batch)
		if err != nil {
			return told(e, err)
		}
		id, err := d.office.corrections.AskRun(d.ctx, d.who, b)
		return d.asked(id, err)
	})
}

// correctUndoCmd asks for an undo.
type correctUndoCmd struct {
	correctFlags

	Batch  string `arg:"" help:"Batch."`
	Reason string `help:"Why, for the office." required:""`
}

// Run implements the command.
func (c correctUndoCmd) Run(e env) error {
	return c.onCorrections(e, func(d *correctDesk) error {
		b, err := d.find(c.Batch)
		if err != nil {
			return told(e, err)
		}
		id, err := d.office.corrections.AskUndo(d.ctx, d.who, b, c.Reason)
		return d.asked(id, err)
	})
}

// correctApproveCmd approves as somebody with an account.
type correctApproveCmd struct {
	correctFlags

	Approval string `arg:"" help:"Approval, as run and undo have named it."`
	Login    string `help:"Login of the second person." required:""`
	Code     string `help:"Their code of the second factor." required:""`
	Reason   string `help:"Why." default:"同意"`
	Stdin    bool   `help:"Read the password from standard input, one line." name:"password-stdin"`
}

// Run implements the command.
func (c correctApproveCmd) Run(e env) error {
	return c.onCorrections(e, func(d *correctDesk) error {
		password, err := passwordFlags{PasswordStdin: c.Stdin, AskPassword: !c.Stdin}.chosen(e)
		if err != nil {
			return err
		}
		opened, err := d.office.accounts.SignIn(e.ctx, operator.SignIn{Login: c.Login, Password: password, Code: c.Code})
		if err != nil {
			return told(e, err)
		}
		defer func() { _ = d.office.accounts.EndSession(e.ctx, opened.Actor, opened.Actor.Session) }()
		a, err := d.office.approvals.Approve(e.ctx, opened.Actor, c.Approval, c.Reason)
		if err != nil {
			return told(e, err)
		}
		if err := d.bench.drainAll(e.ctx); err != nil { // a list of attempts to mark again is checked against the ledger
			return err
		}
		var of struct{ Batch string }
		if err := json.Unmarshal(a.Params, &of); err != nil {
			return fmt.Errorf("what approval %s is about: %w", c.Approval, err)
		}
		if err := d.carryOut(opened.Actor, a.ID); err != nil {
			return err
		}
		return d.finish(of.Batch)
	})
}

// correctCancelCmd stops a batch.
type correctCancelCmd struct {
	correctFlags

	Batch string `arg:"" help:"Batch."`
}

// Run implements the command.
func (c correctCancelCmd) Run(e env) error {
	return c.onCorrections(e, func(d *correctDesk) error {
		return d.lead(c.Batch, d.office.corrections.Cancel, correction.Discarded)
	})
}

// correctResumeCmd goes on with a batch.
type correctResumeCmd struct {
	correctFlags

	Batch string `arg:"" help:"Batch."`
}

// Run implements the command.
func (c correctResumeCmd) Run(e env) error {
	return c.onCorrections(e, func(d *correctDesk) error {
		return d.lead(c.Batch, d.office.corrections.GoOn)
	})
}

// correctListCmd lists batches.
type correctListCmd struct{ correctFlags }

// mostListed is how many batches are listed.
const mostListed = 1000

// Run implements the command.
func (c correctListCmd) Run(e env) error {
	return c.onCorrections(e, func(d *correctDesk) error {
		all, err := d.office.corrections.List(d.ctx, d.who, c.Campaign, 0, mostListed)
		if err != nil {
			return told(e, err)
		}
		for _, b := range all {
			if c.JSON {
				err = d.show(b)
			} else {
				_, err = fmt.Fprintf(d.stdout, "%s  %s  %-12s %8d  %s  %s\n", b.CreatedAt.In(configs.Zone()).Format(time.DateTime), b.ID, b.State, b.Items, b.Login, b.Reason)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
