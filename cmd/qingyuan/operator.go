package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/sqldb"
)

// operatorCmds keep accounts. They need the database alone, so that they work while
// Redis is away, beside running servers or without one.
type operatorCmds struct {
	Create  operatorCreateCmd  `cmd:"" help:"Make an account and print the password of its first sign-in."`
	List    operatorListCmd    `cmd:"" help:"List all accounts."`
	Reset   operatorResetCmd   `cmd:"" help:"Give an account a new first password, unlock it and end its sessions."`
	Disable operatorDisableCmd `cmd:"" help:"Keep an account from signing in; its sessions end at once."`
	Enable  operatorEnableCmd  `cmd:"" help:"Let a disabled account sign in again."`
	Grant   operatorGrantCmd   `cmd:"" help:"Give an account a role."`
	Revoke  operatorRevokeCmd  `cmd:"" help:"Take a role from an account."`
	Mark    operatorMarkCmd    `cmd:"" help:"Say by what the holder of an account is known among those who take part: they win nothing."`
}

// onOffice runs a command's work on the accounts, as the console.
func (f configFlags) onOffice(e env, work func(o *backOffice, by operator.Actor) error) (err error) {
	cfg, err := f.load(nil)
	if err != nil {
		return err
	}
	if cfg, err = existing(cfg); err != nil {
		return err
	}
	db, err := sqldb.Open(e.ctx, cfg.DatabaseTarget())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	o, err := newOffice(cfg, db, campaignsOf(e.ctx, cfg, db), toolLogger(cfg, e), time.Now)
	if err != nil {
		return err
	}
	return work(o, console())
}

// console is whoever runs this command, by the name that the system knows.
func console() operator.Actor {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return operator.Console(name)
}

// campaignsOf finds campaigns, drafts and those of the demonstration too, once one is asked
// for.
func campaignsOf(ctx context.Context, cfg configs.Config, db *sqldb.DB) func(string) (*campaign.Campaign, error) {
	return func(id string) (*campaign.Campaign, error) {
		book, err := openCatalog(ctx, cfg, nil, db, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		c, err := preparedIn(ctx, book)(id)
		if err == nil {
			return c, nil
		}
		demo, demoErr := configs.Demo()
		if demoErr != nil {
			return nil, demoErr
		}
		for _, d := range demo {
			if d.Campaign.ID == id {
				return d.Campaign, nil
			}
		}
		return nil, err
	}
}

// passwordFlags say where a first password comes from.
type passwordFlags struct {
	AskPassword   bool `help:"Ask for the first password at the terminal instead of making one." name:"ask-password" xor:"password"`
	PasswordStdin bool `help:"Read the first password from standard input, one line." name:"password-stdin" xor:"password"`
}

// chosen returns the password that somebody chose, "" for none.
func (p passwordFlags) chosen(e env) (string, error) {
	switch {
	case p.AskPassword:
		return askPassword(e)
	case p.PasswordStdin:
		raw, err := io.ReadAll(io.LimitReader(e.stdin, 4096))
		line, _, _ := strings.Cut(string(raw), "\n")
		line = strings.TrimSuffix(line, "\r")
		if err == nil && line == "" {
			err = fmt.Errorf("%w: there is no password on standard input", errUsage)
		}
		return line, err
	}
	return "", nil
}

// askPassword asks twice, and shows nothing of what is typed.
func askPassword(e env) (string, error) {
	in, ok := e.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", fmt.Errorf("%w: this is no terminal: use --password-stdin", errUsage)
	}
	var typed [2]string
	for i, prompt := range []string{"first password: ", "once more: "} {
		fmt.Fprint(e.stderr, prompt)
		raw, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(e.stderr)
		if err != nil {
			return "", err
		}
		typed[i] = string(raw)
	}
	if typed[0] != typed[1] {
		return "", fmt.Errorf("%w: the two are not the same", errUsage)
	}
	return typed[0], nil
}

// grantFlags say which role, and where.
type grantFlags struct {
	Role     string `help:"${enum}." required:"" enum:"system,campaign_operator,question_editor,question_reviewer,office_viewer,auditor"`
	Campaign string `help:"Campaign; every one when left out." placeholder:"ID"`
	Scope    string `help:"Region, its GB/T 2260 code, or unit; everything when left out." placeholder:"ID"`
}

func (g grantFlags) grant() operator.Grant {
	return operator.Grant{Role: operator.Role(g.Role), Campaign: g.Campaign, Scope: g.Scope}
}

type operatorCreateCmd struct {
	configFlags
	grantFlags
	passwordFlags
	markFlags

	Login string `help:"What they sign in with." required:"" placeholder:"NAME"`
	Name  string `help:"How they are called; the login when left out." placeholder:"NAME"`
}

// Run makes an account that has one role.
func (c operatorCreateCmd) Run(e env) error {
	chosen, err := c.chosen(e)
	if err != nil {
		return err
	}
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		name := c.Name
		if name == "" {
			name = c.Login
		}
		known, err := c.known()
		if err != nil {
			return err
		}
		also, err := o.staff.Also(e.ctx, by, known, "")
		if err != nil {
			return explained(err)
		}
		made, once, err := o.accounts.Create(e.ctx, by, operator.Newcomer{
			Login: c.Login, Name: name, Home: operator.Place{Campaign: c.grantFlags.Campaign, Scope: c.Scope}, Password: chosen,
			Also: also,
		})
		if err != nil {
			return explained(err)
		}
		if _, err := o.accounts.Grant(e.ctx, by, made.ID, c.grant(), ""); err != nil {
			return fmt.Errorf("the account %s is there, and has no role yet: %w", made.Login, explained(err))
		}
		return tellPassword(e.stdout, made.Login, once, chosen)
	})
}

// tellPassword shows a password once, unless whoever reads has chosen it.
func tellPassword(w io.Writer, login, once, chosen string) error {
	if chosen != "" {
		_, err := fmt.Fprintf(w, "%s may sign in, and has to choose another password then\n", login)
		return err
	}
	_, err := fmt.Fprintf(w, "%s may sign in within 7 days, with this password, which is shown only here:\n%s\n", login, once)
	return err
}

// byLogin runs work on the account of a login.
func byLogin(e env, o *backOffice, login string, work func(a operator.Account) error) error {
	a, err := o.accounts.ByLogin(e.ctx, login)
	if err == nil {
		err = work(a)
	}
	return explained(err)
}

// explained adds what a person reads to the code that a program reads.
func explained(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	parts := []string{f.Text}
	for _, field := range f.Fields {
		parts = append(parts, field.Name+"："+field.Reason)
	}
	return fmt.Errorf("%s (%w)", strings.Join(parts, "；"), err)
}

type loginFlag struct {
	Login  string `arg:"" help:"Login of the account."`
	Reason string `help:"Why, for the audit log." placeholder:"TEXT"`
}

type operatorResetCmd struct {
	configFlags
	loginFlag
	passwordFlags

	TwoFactor bool `help:"Take the second factor away as well, for whoever has lost the phone." name:"two-factor"`
}

// Run gives an account a new first password.
func (c operatorResetCmd) Run(e env) error {
	chosen, err := c.chosen(e)
	if err != nil {
		return err
	}
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		return byLogin(e, o, c.Login, func(a operator.Account) error {
			once, err := o.accounts.Reset(e.ctx, by, a.ID, operator.Reset{Password: true, TwoFactor: c.TwoFactor, Chosen: chosen, Reason: c.Reason})
			if err != nil {
				return err
			}
			return tellPassword(e.stdout, a.Login, once, chosen)
		})
	})
}

type operatorDisableCmd struct {
	configFlags
	loginFlag
}

// Run disables an account.
func (c operatorDisableCmd) Run(e env) error { return c.disable(e, c.loginFlag, true) }

type operatorEnableCmd struct {
	configFlags
	loginFlag
}

// Run lets a disabled account sign in again.
func (c operatorEnableCmd) Run(e env) error { return c.disable(e, c.loginFlag, false) }

func (f configFlags) disable(e env, who loginFlag, off bool) error {
	return f.onOffice(e, func(o *backOffice, by operator.Actor) error {
		return byLogin(e, o, who.Login, func(a operator.Account) error {
			_, err := o.accounts.Change(e.ctx, by, a.ID, operator.Change{Disabled: &off, Reason: who.Reason})
			return err
		})
	})
}

type operatorGrantCmd struct {
	configFlags
	loginFlag
	grantFlags
}

// Run gives a role.
func (c operatorGrantCmd) Run(e env) error {
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		return byLogin(e, o, c.Login, func(a operator.Account) error {
			_, err := o.accounts.Grant(e.ctx, by, a.ID, c.grant(), c.Reason)
			return err
		})
	})
}

type operatorRevokeCmd struct {
	configFlags
	loginFlag
	grantFlags
}

// Run takes a role.
func (c operatorRevokeCmd) Run(e env) error {
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		return byLogin(e, o, c.Login, func(a operator.Account) error {
			_, err := o.accounts.Revoke(e.ctx, by, a.ID, c.grant(), c.Reason)
			return err
		})
	})
}

// markFlags say by what somebody is known among those who take part.
type markFlags struct {
	Phone []string `help:"A phone number that they may take part with; kept as a keyed hash, for good." placeholder:"NUMBER"`
	Line  []string `help:"Their line on a roster: CAMPAIGN/UNIT/NUMBER." placeholder:"LINE"`
}

// known reads the flags.
func (m markFlags) known() (prizes.Known, error) {
	k := prizes.Known{Phones: m.Phone}
	for _, l := range m.Line {
		part := strings.SplitN(l, "/", 3) //nolint:mnd // As the help says.
		if len(part) < 3 {
			return k, fmt.Errorf("%w: --line is CAMPAIGN/UNIT/NUMBER", errUsage)
		}
		k.People = append(k.People, prizes.RosterLine{Campaign: part[0], Line: prizes.Line{Unit: part[1], Number: part[2]}})
	}
	return k, nil
}

type operatorMarkCmd struct {
	configFlags
	loginFlag
	markFlags
}

// Run marks an account.
func (c operatorMarkCmd) Run(e env) error {
	known, err := c.known()
	if err != nil {
		return err
	}
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		return byLogin(e, o, c.Login, func(a operator.Account) error {
			told, err := o.staff.Mark(e.ctx, by, a.ID, known, c.Reason)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.stdout, "%s is known by %d phone numbers and %d lines of rosters, and wins nothing\n", a.Login, told.Phones, told.People)
			return err
		})
	})
}

type operatorListCmd struct {
	configFlags

	JSON bool `help:"Print one JSON object." name:"json"`
}

// listedOperator is an account as a script reads it.
type listedOperator struct {
	Login     string           `json:"login"`
	Name      string           `json:"name"`
	Grants    []operator.Grant `json:"grants"`
	Disabled  bool             `json:"disabled"`
	TwoFactor bool             `json:"two_factor"`
}

// everyAccount is more than any office has.
const everyAccount = 1 << 20

// Run lists all accounts.
func (c operatorListCmd) Run(e env) error {
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		all, err := o.accounts.Accounts(e.ctx, by, "", everyAccount)
		if err != nil {
			return err
		}
		if c.JSON {
			out := []listedOperator{}
			for _, a := range all {
				out = append(out, listedOperator{a.Login, a.Name, a.Grants, a.Disabled, a.TwoFactor})
			}
			enc := json.NewEncoder(e.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(map[string]any{"operators": out})
		}
		return tellOperators(e.stdout, all)
	})
}

func tellOperators(w io.Writer, all []operator.Account) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "LOGIN\tNAME\tROLES\tSECOND FACTOR\tSTATE")
	for _, a := range all {
		var roles []string
		for _, g := range a.Grants {
			roles = append(roles, strings.TrimRight(fmt.Sprintf("%s@%s/%s", g.Role, g.Campaign, g.Scope), "@/"))
		}
		state, second := "in use", "no"
		if a.Disabled {
			state = "disabled"
		} else if a.MustChange {
			state = "first sign-in to come"
		}
		if a.TwoFactor {
			second = "yes"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", a.Login, a.Name, strings.Join(roles, " "), second, state)
	}
	return t.Flush()
}
