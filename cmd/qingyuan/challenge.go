package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/challenge"
	"qingyuan/internal/correction"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// challengeCmds decide on contested questions. What changes results is asked for here, and
// approved by somebody with an account: in the office, or with qingyuan correct approve.
type challengeCmds struct {
	List    challengeListCmd    `cmd:"" help:"List what participants reported, and the challenges."`
	Decide  challengeDecideCmd  `cmd:"" help:"Take a question up and decide on it: it leaves drawing at once, and the list of attempts to mark again is made. No result changes."`
	Preview challengePreviewCmd `cmd:"" help:"Make the list anew, and show what it comes to."`
	Run     challengeRunCmd     `cmd:"" help:"Ask a second person to let the attempts be marked again."`
	Undo    challengeUndoCmd    `cmd:"" help:"Ask a second person to give every attempt its marks back."`
}

// onChallenges is onCorrections with everything archived: the lists are made from the
// ledger.
func (f correctFlags) onChallenges(e env, work func(d *correctDesk, s *challenge.Service) error) error {
	return f.onCorrections(e, func(d *correctDesk) error {
		if err := d.bench.drainAll(d.ctx); err != nil {
			return err
		}
		if err := work(d, d.office.challenges); err != nil {
			return told(e, err)
		}
		return nil
	})
}

// challengeListCmd lists challenges and reports.
type challengeListCmd struct{ correctFlags }

// Run implements the command.
func (c challengeListCmd) Run(e env) error {
	return c.onChallenges(e, func(d *correctDesk, s *challenge.Service) error {
		all, err := s.List(d.ctx, d.who, c.Campaign, 0, mostListed)
		if err != nil {
			return err
		}
		reported, err := s.Gathered(d.ctx, d.who, c.Campaign)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(d.stdout).Encode(map[string]any{"challenges": briefs(all), "reported": reportedBriefs(reported)})
		}
		t := tabwriter.NewWriter(d.stdout, 0, 4, 2, ' ', 0)
		for _, o := range all {
			fmt.Fprintf(t, "challenge %s\t%s\t%s\t%s %s\t%s\n", o.ID, o.CreatedAt.In(configs.Zone()).Format(time.DateTime), o.Question, o.State, o.Rule, o.Reason)
		}
		for i := range reported {
			g := &reported[i]
			fmt.Fprintf(t, "reported %s\t%d reports\t%d persons\t%v\n", g.Question, g.Reports, g.Persons, g.Kinds)
		}
		return t.Flush()
	})
}

func briefs(all []*challenge.Challenge) []map[string]any {
	out := make([]map[string]any, len(all))
	for i, o := range all {
		out[i] = map[string]any{
			"id": o.ID, "question": o.Question, "state": o.State, "decision": o.Decision, "rule": o.Rule, "reason": o.Reason, "correction": o.Correction,
		}
	}
	return out
}

func reportedBriefs(all []challenge.Gathered) []map[string]any {
	out := make([]map[string]any, len(all))
	for i := range all {
		g := &all[i]
		out[i] = map[string]any{"question": g.Question, "fingerprint": g.Fingerprint, "reports": g.Reports, "persons": g.Persons, "kinds": g.Kinds}
	}
	return out
}

// challengeDecideCmd decides.
type challengeDecideCmd struct {
	correctFlags

	Question string `arg:"" help:"Question, by its id in the bank."`
	Decision string `help:"withdraw: nothing is right any more. correct: another key is." enum:"withdraw,correct" required:""`
	Key      string `help:"What is right by now, as letters: B or ACD. With --decision correct." placeholder:"LETTERS"`
	Rule     string `help:"How attempts are marked again: give_all, accept_both or drop; nothing leaves them as they are." enum:"give_all,accept_both,drop," default:""`
	Reason   string `help:"What the participants are told, in Chinese." required:""`
	Why      string `help:"Why it was taken up, for the office." default:"命令行受理"`
}

// Run implements the command.
func (c challengeDecideCmd) Run(e env) error {
	return c.onChallenges(e, func(d *correctDesk, s *challenge.Service) error {
		key, err := keyOfLetters(c.Key)
		if err != nil {
			return err
		}
		o, err := s.Take(d.ctx, d.who, challenge.Draft{Campaign: c.Campaign, Question: c.Question, Why: c.Why})
		if err != nil {
			return err
		}
		j := challenge.Judgement{Decision: challenge.Decision(c.Decision), Key: key, Rule: quiz.Rule(c.Rule), Reason: c.Reason}
		decided, err := s.Decide(d.ctx, d.who, o, j)
		if err != nil { // what nobody has decided on would stand in the way of the next try
			_, undone := s.Dismiss(d.ctx, d.who, o, "未能作出决定")
			if undone != nil {
				return undone
			}
			return err
		}
		return d.showChallenge(decided)
	})
}

// keyOfLetters reads a key as offices write it.
func keyOfLetters(text string) (quiz.Choice, error) {
	var key quiz.Choice
	for _, r := range strings.ToUpper(text) {
		i := int(r - 'A')
		if i < 0 || i >= quiz.MaxOptions {
			return 0, fault.InvalidField("key", "应为选项字母，如 A 或 ACD")
		}
		key = key.With(i)
	}
	return key, nil
}

// showChallenge waits for the list of a challenge and prints what it comes to.
func (d *correctDesk) showChallenge(o *challenge.Challenge) error {
	var b *correction.Batch
	if o.Correction != "" {
		var err error
		if b, err = d.work(o.Correction, correction.Ready, correction.Failed, correction.Discarded, correction.Done, correction.Stopped, correction.Undone, correction.UndoHalted); err != nil {
			return err
		}
	}
	if d.flags.JSON {
		out := briefs([]*challenge.Challenge{o})[0]
		if b != nil {
			out["list"] = map[string]any{"state": b.State, "items": b.Items, "hash": b.Hash, "effect": b.Summary.Effect, "code": b.Code, "error": b.Text}
		}
		return json.NewEncoder(d.stdout).Encode(out)
	}
	t := tabwriter.NewWriter(d.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "challenge\t%s\nquestion\t%s\nstate\t%s\ndecision\t%s\nrule\t%s\nreason\t%s\n", o.ID, o.Question, o.State, o.Decision, o.Rule, o.Reason)
	if b != nil {
		fmt.Fprintf(t, "list\t%s, %d attempts, %s\n", b.State, b.Items, b.Hash)
		if b.Code != "" {
			fmt.Fprintf(t, "stopped\t%s\n", b.Text)
		}
		if f := b.Summary.Effect; f != nil {
			fmt.Fprintf(t, "had the question\t%d attempts of %d persons, %d papers not handed in\nscores\t%d raised, %d lowered, %d the same\n",
				f.Had, f.Persons, f.Open, f.Raised, f.Lowered, f.Same)
			fmt.Fprintf(t, "passes\t%d gained, %d lost\nplaces\t%d moved\n", f.PassesGained, f.PassesLost, f.Moved)
		}
	}
	return t.Flush()
}

// challengeOne names a challenge.
type challengeOne struct {
	correctFlags

	Challenge string `arg:"" help:"Challenge, as decide has named it."`
}

// challengePreviewCmd makes a list anew.
type challengePreviewCmd struct{ challengeOne }

// Run implements the command.
func (c challengePreviewCmd) Run(e env) error {
	return c.onChallenges(e, func(d *correctDesk, s *challenge.Service) error {
		o, err := s.Find(d.ctx, d.who, c.Campaign, c.Challenge)
		if err == nil {
			o, err = s.Preview(d.ctx, d.who, o)
		}
		if err != nil {
			return err
		}
		return d.showChallenge(o)
	})
}

// challengeRunCmd asks for a run.
type challengeRunCmd struct{ challengeOne }

// Run implements the command.
func (c challengeRunCmd) Run(e env) error {
	return c.onChallenges(e, func(d *correctDesk, s *challenge.Service) error {
		o, err := s.Find(d.ctx, d.who, c.Campaign, c.Challenge)
		if err != nil {
			return err
		}
		id, err := s.AskRun(d.ctx, d.who, o)
		return d.asked(id, err)
	})
}

// challengeUndoCmd asks for an undo.
type challengeUndoCmd struct {
	challengeOne

	Reason string `help:"Why, for the office." required:""`
}

// Run implements the command.
func (c challengeUndoCmd) Run(e env) error {
	return c.onChallenges(e, func(d *correctDesk, s *challenge.Service) error {
		o, err := s.Find(d.ctx, d.who, c.Campaign, c.Challenge)
		if err != nil {
			return err
		}
		id, err := s.AskUndo(d.ctx, d.who, o, c.Reason)
		return d.asked(id, err)
	})
}
