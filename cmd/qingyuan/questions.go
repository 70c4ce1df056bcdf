package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/banks"
	"qingyuan/internal/catalog"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// questionCmds are what operators do with the banks of the office, from the console
// of the server.
type questionCmds struct {
	Create   questionsCreateCmd   `cmd:"" help:"Make an empty bank."`
	List     questionsListCmd     `cmd:"" help:"List the banks, or the questions of one."`
	Import   questionsImportCmd   `cmd:"" help:"Take files of questions into a bank, as drafts."`
	Submit   questionsSubmitCmd   `cmd:"" help:"Ask for the review of drafts whose form is complete."`
	Review   questionsReviewCmd   `cmd:"" help:"Sign questions off, send them back, or withdraw them."`
	Publish  questionsPublishCmd  `cmd:"" help:"Make a version that campaigns may draw from, and print how they name it."`
	Expiring questionsExpiringCmd `cmd:"" help:"List the questions whose last day comes within a month."`
	Export   questionsExportCmd   `cmd:"" help:"Write a bank as XLSX, CSV, GIFT, Moodle XML or YAML."`
}

// bankFlags are those of commands on a bank of the office.
type bankFlags struct {
	configFlags

	As     string `help:"Who you are, for the audit log: whoever writes a question does not sign it." placeholder:"NAME"`
	Reason string `help:"Why, for the audit log." placeholder:"TEXT"`
	JSON   bool   `help:"Print JSON." name:"json"`
}

// onBanks runs a command's work beside running servers, or before the first start.
func (f bankFlags) onBanks(e env, work func(context.Context, *banks.Service, operator.Actor) error) error {
	by := console()
	if f.As != "" {
		by = operator.Console(f.As)
	}
	return f.onDatabase(e, func(cfg configs.Config, db *sqldb.DB) error {
		store, err := catalog.NewStore(db, time.Now)
		if err != nil {
			return err
		}
		s := &banks.Service{DB: db, Now: time.Now, Zone: configs.Zone(), Campaign: campaignsOf(e.ctx, cfg, db), Drawing: store}
		store.Banks = s
		return told(e, work(e.ctx, s, by))
	})
}

// print prints one value as JSON, or a line.
func (f bankFlags) print(e env, v any, line string, args ...any) error {
	if f.JSON {
		return json.NewEncoder(e.stdout).Encode(v)
	}
	_, err := fmt.Fprintf(e.stdout, line+"\n", args...)
	return err
}

type questionsCreateCmd struct {
	bankFlags

	Bank     string `arg:"" help:"Id: small letters, digits and hyphens."`
	Name     string `help:"What the bank is called." required:""`
	Campaign string `help:"The campaign it is kept for; all without." placeholder:"ID"`
	Scope    string `help:"The region or unit whose office keeps it." placeholder:"ID"`
}

// Run implements the command.
func (c questionsCreateCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		b, err := s.Create(ctx, by, banks.Bank{ID: c.Bank, Name: c.Name, Office: operator.Place{Campaign: c.Campaign, Scope: c.Scope}}, c.Reason)
		if err != nil {
			return err
		}
		return c.print(e, map[string]any{"bank": b.ID}, "bank %s is made", b.ID)
	})
}

type questionsListCmd struct {
	bankFlags

	Bank  string `arg:"" optional:"" help:"Bank whose questions are listed."`
	State string `help:"Only questions in this state (${enum})." enum:",draft,submitted,reviewed,withdrawn" default:""`
}

// Run implements the command.
func (c questionsListCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		if c.Bank == "" {
			return c.banks(ctx, e, s, by)
		}
		return eachQuestion(ctx, s, by, c.Bank, bankbook.State(c.State), func(q banks.Entry) error {
			line := map[string]any{"id": q.Question.ID, "version": q.Number, "state": q.State, "in_force": q.InForce, "stem": q.Question.Stem}
			return c.print(e, line, "%s\t%d\t%s\t%s", q.Question.ID, q.Number, q.State, strings.Join(strings.Fields(q.Question.Stem), " "))
		})
	})
}

func (c questionsListCmd) banks(ctx context.Context, e env, s *banks.Service, by operator.Actor) error {
	all, err := s.Banks(ctx, by)
	if err != nil {
		return err
	}
	for _, b := range all {
		line := map[string]any{"bank": b.ID, "name": b.Name, "questions": b.Questions, "in_force": b.InForce, "by_state": b.ByState, "published": b.Published}
		if err := c.print(e, line, "%s\t%s\t%d questions, %d in force", b.ID, b.Name, b.Questions, b.InForce); err != nil {
			return err
		}
	}
	return nil
}

// eachQuestion walks through a bank, page by page.
func eachQuestion(ctx context.Context, s *banks.Service, by operator.Actor, bank string, state bankbook.State, do func(banks.Entry) error) error {
	f := banks.Filter{State: state}
	for {
		page, next, err := s.Questions(ctx, by, bank, f)
		if err != nil {
			return err
		}
		for _, q := range page {
			if err := do(q); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		f.After = next
	}
}

type questionsImportCmd struct {
	bankFlags

	Bank    string   `arg:"" help:"Bank to add to."`
	Files   []string `arg:"" name:"file" help:"Files of questions, in any form that 'bank check' reads." type:"existingfile"`
	Answers string   `help:"A second file that holds the keys, by number." type:"existingfile" placeholder:"FILE"`
	DryRun  bool     `help:"Say what would be done, and write nothing." name:"dry-run"`

	Topic      string   `help:"Topic of questions that name none."`
	Basis      string   `help:"Legal basis of questions that name none." placeholder:"LAW"`
	Difficulty int      `help:"Difficulty of questions that name none: 1 to 3."`
	Audience   []string `help:"Whom questions are for that do not say; all by default."`
	ValidFrom  string   `help:"First day of questions without dates." placeholder:"DATE"`
	ValidTo    string   `help:"Last day of questions without dates." placeholder:"DATE"`
}

// Run implements the command. It ends with 1 where a file was refused as a whole.
func (c questionsImportCmd) Run(e env) error {
	if c.Answers != "" && len(c.Files) != 1 {
		return fmt.Errorf("%w: --answers goes with one file", errUsage)
	}
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		for _, name := range c.Files {
			if err := c.one(ctx, e, s, by, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c questionsImportCmd) one(ctx context.Context, e env, s *banks.Service, by operator.Actor, name string) error {
	in := banks.Import{DryRun: c.DryRun, Reason: c.Reason, Defaults: bankbook.Defaults{
		Topic: c.Topic, Basis: c.Basis, Difficulty: c.Difficulty, Audience: c.Audience, ValidFrom: c.ValidFrom, ValidTo: c.ValidTo,
	}}
	raw, err := readBounded(name)
	if err != nil {
		return err
	}
	in.File = bankfile.File{Name: name, Raw: raw}
	if c.Answers != "" {
		if raw, err = readBounded(c.Answers); err != nil {
			return err
		}
		in.Answers = &bankfile.File{Name: c.Answers, Raw: raw}
	}
	out, err := s.Import(ctx, by, c.Bank, in)
	if err != nil {
		return err
	}
	for _, r := range out.Refused {
		fmt.Fprintf(e.stderr, "%s:%d: %s: %s\n", r.File, r.Line, r.Code, r.Reason)
	}
	line := map[string]any{
		"file": name, "dry_run": c.DryRun, "found": out.Found(), "imported": len(out.Report.Imported), "revised": out.Revised(), "refused": len(out.Refused), "skipped": len(out.Skipped),
	}
	return c.print(e, line, "%s: %d found, %d imported, %d refused, %d skipped; %d of the imported change questions that were there",
		name, out.Found(), len(out.Report.Imported), len(out.Refused), len(out.Skipped), out.Revised())
}

// pickFlags choose questions: by their ids, or all in the state that the act begins at.
type pickFlags struct {
	Bank string   `arg:"" help:"Bank of the questions."`
	IDs  []string `arg:"" optional:"" name:"question" help:"Ids of questions."`
	All  bool     `help:"All questions in the state that is asked for."`
}

// picked returns the chosen questions at their newest versions.
func (p pickFlags) picked(ctx context.Context, s *banks.Service, by operator.Actor, state bankbook.State) ([]banks.Entry, error) {
	if p.All == (len(p.IDs) > 0) {
		return nil, fmt.Errorf("%w: name questions, or --all", errUsage)
	}
	if p.All {
		var out []banks.Entry
		return out, eachQuestion(ctx, s, by, p.Bank, state, func(q banks.Entry) error { out = append(out, q); return nil })
	}
	out := make([]banks.Entry, len(p.IDs))
	for i, id := range p.IDs {
		h, err := s.Question(ctx, by, p.Bank, id)
		if err != nil {
			return nil, err
		}
		out[i].Version = h.Latest()
		if v, ok := h.InForce(); ok {
			out[i].InForce = v.Number
		}
	}
	return out, nil
}

// inParts runs an act on many questions, as many at once as are allowed.
func inParts(all []banks.Pick, act func([]banks.Pick) ([]bankbook.Version, error)) (int, error) {
	const most = 500
	done := 0
	for len(all) > 0 {
		n := min(most, len(all))
		got, err := act(all[:n])
		if err != nil {
			return done, err
		}
		done, all = done+len(got), all[n:]
	}
	return done, nil
}

type questionsSubmitCmd struct {
	bankFlags
	pickFlags
}

// Run implements the command. With --all, drafts that lack something are listed and
// left as they are.
func (c questionsSubmitCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		all, err := c.picked(ctx, s, by, bankbook.Draft)
		if err != nil {
			return err
		}
		var picks []banks.Pick
		for _, q := range all {
			missing := bankbook.Missing(q.Question)
			if len(missing) > 0 && c.All {
				for _, m := range missing {
					fmt.Fprintf(e.stderr, "%s.%s: %s\n", q.Question.ID, m.Name, m.Reason)
				}
				continue
			}
			picks = append(picks, banks.Pick{ID: q.Question.ID, Version: q.Number})
		}
		done, err := inParts(picks, func(part []banks.Pick) ([]bankbook.Version, error) { return s.Submit(ctx, by, c.Bank, part) })
		if err != nil {
			return err
		}
		return c.print(e, map[string]any{"submitted": done, "incomplete": len(all) - len(picks)}, "%d submitted, %d incomplete", done, len(all)-len(picks))
	})
}

type questionsReviewCmd struct {
	bankFlags

	Decision string `arg:"" help:"What is decided: ${enum}." enum:"sign-off,send-back,withdraw"`
	pickFlags
}

// Run implements the command. With --all, what has ended is listed and not signed.
func (c questionsReviewCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		act, from := s.SignOff, bankbook.Submitted
		switch c.Decision {
		case "send-back":
			act = s.SendBack
		case "withdraw":
			act, from = s.Withdraw, bankbook.Reviewed
		}
		all, err := c.picked(ctx, s, by, from)
		if err != nil {
			return err
		}
		var picks []banks.Pick
		for _, q := range all {
			p := banks.Pick{ID: q.Question.ID, Version: q.Number}
			if c.Decision == "withdraw" {
				p.Version = cmp.Or(q.InForce, q.Number)
			}
			if c.ended(q) {
				fmt.Fprintf(e.stderr, "%s: 有效期已于 %s 结束，未审核\n", p.ID, q.Question.ValidTo)
				continue
			}
			picks = append(picks, p)
		}
		done, err := inParts(picks, func(part []banks.Pick) ([]bankbook.Version, error) { return act(ctx, by, c.Bank, part, c.Reason) })
		if err != nil {
			return err
		}
		return c.print(e, map[string]any{"decision": c.Decision, "questions": done}, "%s: %d questions", c.Decision, done)
	})
}

// ended tells whether signing all passes over a question, because it holds no more.
func (c questionsReviewCmd) ended(q banks.Entry) bool {
	day := time.Now().In(configs.Zone()).Format(time.DateOnly)
	return c.All && c.Decision == "sign-off" && q.Question.ValidTo != "" && q.Question.ValidTo < day
}

type questionsPublishCmd struct {
	bankFlags

	Bank string `arg:"" help:"Bank to publish."`
}

// Run implements the command.
func (c questionsPublishCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		p, err := s.Publish(ctx, by, c.Bank, c.Reason)
		if err != nil {
			return err
		}
		return c.print(e, map[string]any{"ref": p.Ref, "version": p.Version, "questions": p.Questions, "digest": p.Digest}, "%s: %d questions", p.Ref, p.Questions)
	})
}

type questionsExpiringCmd struct {
	bankFlags

	Bank string `arg:"" help:"Bank to look at."`
}

// Run implements the command.
func (c questionsExpiringCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) error {
		all, err := s.Expiring(ctx, by, c.Bank)
		if err != nil {
			return err
		}
		for _, v := range all {
			line := map[string]any{"id": v.Question.ID, "valid_to": v.Question.ValidTo, "stem": v.Question.Stem}
			if err := c.print(e, line, "%s\t%s\t%s", v.Question.ValidTo, v.Question.ID, strings.Join(strings.Fields(v.Question.Stem), " ")); err != nil {
				return err
			}
		}
		return nil
	})
}

type questionsExportCmd struct {
	bankFlags

	Bank   string `arg:"" help:"Bank to write."`
	Format string `help:"Form of the file (${enum})." enum:"xlsx,csv,gift,moodle,yaml" default:"xlsx"`
	All    bool   `help:"The newest versions, signed or not, instead of those in force."`
	Out    string `help:"File to write." short:"o" required:"" type:"path" placeholder:"FILE"`
}

// Run implements the command. The file is for the owner's eyes only: it has the keys.
func (c questionsExportCmd) Run(e env) error {
	return c.onBanks(e, func(ctx context.Context, s *banks.Service, by operator.Actor) (err error) {
		f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("write %s: %w", c.Out, err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		return s.Export(ctx, by, c.Bank, bankfile.Format(c.Format), c.All, f)
	})
}
