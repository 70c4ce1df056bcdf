package quiz

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"qingyuan/internal/event"
)

// Rule says how the attempts are marked that had a contested question.
type Rule string

// The rules. All of them leave what a paper is worth as it is, so that the score to
// pass and the places of everybody else mean what they meant.
const (
	// GiveAll gives the question's points to everybody who had it.
	GiveAll Rule = "give_all"
	// AcceptBoth marks by the old key and by the new one, and gives the better of the
	// two.
	AcceptBoth Rule = "accept_both"
	// Drop lets the question count for nobody. What the rest of the paper gave is
	// raised to what the whole is worth: rest × worth ÷ worth of the rest, rounded up.
	Drop Rule = "drop"
)

// Known tells whether there is such a rule.
func (r Rule) Known() bool { return r == GiveAll || r == AcceptBoth || r == Drop }

// Ruling is what was decided of a contested question.
type Ruling struct {
	// Challenge names the decision.
	Challenge string
	// Question is the id of the question in its bank.
	Question string
	Rule     Rule
	// Key is what is right by now; 0 where nothing is: the question was withdrawn.
	Key Choice
}

// Check returns what is wrong with a ruling on a question, nil for nothing.
func (r *Ruling) Check(q *Question) error {
	switch {
	case !r.Rule.Known():
		return fmt.Errorf("rule %q is not give_all, accept_both or drop", r.Rule)
	case r.Rule == AcceptBoth && (r.Key == 0 || r.Key == q.Key):
		return fmt.Errorf("question %s: accept_both needs a key besides the old one", q.ID)
	case r.Key == 0:
		return nil
	}
	fixed := *q
	fixed.Key = r.Key
	for _, err := range fixed.checkOptions() {
		return fmt.Errorf("question %s with its new key: %w", q.ID, err)
	}
	return nil
}

// Ruled is a ruling in force in a campaign.
type Ruled struct {
	Ruling

	// Fingerprint says which question it is, whatever the version of its bank.
	Fingerprint string
	// Reason is told to the participants: Chinese, ready to be shown.
	Reason string
}

// RulingsOn chooses those that are on questions of a paper.
func (p *Paper) RulingsOn(b *Bank, all []Ruled) []Ruled {
	var out []Ruled
	for i := range all {
		for _, item := range p.Items {
			if item.Question >= len(b.Questions) {
				continue
			}
			if q := &b.Questions[item.Question]; q.ID == all[i].Question && q.Fingerprint() == all[i].Fingerprint {
				out = append(out, all[i])
				break
			}
		}
	}
	return out
}

// RulingOn returns the one of those in force that decides on a question, nil for none. Of
// two it is the later one.
func RulingOn(q *Question, all []Ruled) *Ruling {
	mark := ""
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Question != q.ID {
			continue
		}
		if mark == "" {
			mark = q.Fingerprint()
		}
		if all[i].Fingerprint == mark {
			return &all[i].Ruling
		}
	}
	return nil
}

// Right tells whether a choice is right on a question as the ruling has it, nil for none.
// counts is false where the question counts for nobody.
func (r *Ruling) Right(q *Question, choice Choice) (right, counts bool) {
	switch {
	case r == nil:
		return choice == q.Key, true
	case r.Rule == Drop:
		return false, false
	default:
		return r.Rule == GiveAll || choice == q.Key || choice == r.Key, true
	}
}

// Rulings are those by which an attempt is marked, in the order of their decisions. Of
// two on one question the later one decides.
type Rulings []Ruling

// on returns the ruling on a question, or nil.
func (r Rulings) on(question string) *Ruling {
	for i := len(r) - 1; i >= 0; i-- {
		if r[i].Question == question {
			return &r[i]
		}
	}
	return nil
}

func rulingsOf(ruled []Ruled) Rulings {
	var out Rulings
	for i := range ruled {
		out = append(out, ruled[i].Ruling)
	}
	return out
}

// itemMark is what one question of a paper gives.
type itemMark struct {
	points, of int
	right      bool
}

// worth marks one choice by a key.
func (it Item) worth(choice, key Choice, how Marking) itemMark {
	m := itemMark{of: it.Points}
	switch {
	case choice == key:
		m.points, m.right = it.Points, true
	case how == Partial && choice != 0 && choice&^key == 0:
		m.points = it.Points / 2
	}
	return m
}

// ruled marks one choice by a ruling, nil for none.
func (it Item) ruled(choice Choice, q *Question, how Marking, r *Ruling) itemMark {
	m := it.worth(choice, q.Key, how)
	switch {
	case r == nil:
		return m
	case r.Rule == GiveAll:
		return itemMark{points: it.Points, of: it.Points, right: true}
	case r.Rule == Drop:
		return itemMark{}
	}
	if other := it.worth(choice, r.Key, how); other.points > m.points || other.right {
		return other
	}
	return m
}

// GradeRuled marks choices as Grade does, but for the questions that were ruled on. It
// depends on its arguments alone. A paper of which nothing is left is worth all of it.
func (p *Paper) GradeRuled(b *Bank, how Marking, choices Choices, rulings Rulings) (Mark, error) {
	if len(choices) != len(p.Items) || b.Digest != p.Bank {
		return Mark{}, fmt.Errorf("grade: %d choices from bank %s for %d items drawn from %s",
			len(choices), b.Digest, len(p.Items), p.Bank)
	}
	m := Mark{Questions: len(p.Items)}
	left := 0
	for i, item := range p.Items {
		if item.Question >= len(b.Questions) {
			return Mark{}, fmt.Errorf("grade: bank %s has no question %d", b.Digest, item.Question)
		}
		q := &b.Questions[item.Question]
		one := item.ruled(choices[i], q, how, rulings.on(q.ID))
		m.MaxScore += item.Points
		m.Score += one.points
		left += one.of
		if one.right {
			m.Correct++
		}
	}
	switch left {
	case m.MaxScore:
	case 0:
		m.Score = m.MaxScore
	default:
		m.Score = (m.Score*m.MaxScore + left - 1) / left
	}
	return m, nil
}

// Had tells whether the paper has a question, and at which place.
func (p *Paper) Had(b *Bank, q *Question) (place int, had bool) {
	for i, item := range p.Items {
		if item.Question < len(b.Questions) && b.Questions[item.Question].Same(q) {
			return i, true
		}
	}
	return 0, false
}

// Affects tells whether a ruling marks the question at a place of the paper otherwise
// than it was marked by the rulings before. One that is dropped always is: the rest of
// the paper weighs more without it.
func (p *Paper) Affects(b *Bank, how Marking, choices Choices, place int, before Rulings, r *Ruling) bool {
	item := p.Items[place]
	q := &b.Questions[item.Question]
	return item.ruled(choices[place], q, how, before.on(q.ID)) != item.ruled(choices[place], q, how, r)
}

// Same tells whether two questions are one as far as it can be contested: the same id,
// wording, options and key. What was explained otherwise, or holds for longer, is the
// same.
func (q *Question) Same(o *Question) bool {
	if q.ID != o.ID || q.Kind != o.Kind || q.Stem != o.Stem || q.Key != o.Key || len(q.Options) != len(o.Options) {
		return false
	}
	for i := range q.Options {
		if q.Options[i].Text != o.Options[i].Text {
			return false
		}
	}
	return true
}

// Fingerprint is equal for the same questions: see Same.
func (q *Question) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %d", q.ID, q.Kind, q.Stem, q.Key)
	for i := range q.Options {
		fmt.Fprintf(h, " %q", q.Options[i].Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Facts are rulings as facts hold them.
func (r Rulings) Facts() []event.Ruling {
	var out []event.Ruling
	for _, one := range r {
		out = append(out, event.Ruling{Challenge: one.Challenge, Question: one.Question, Rule: string(one.Rule), Key: uint16(one.Key)})
	}
	return out
}

// RulingsOf reads rulings as facts hold them.
func RulingsOf(facts []event.Ruling) Rulings {
	var out Rulings
	for _, one := range facts {
		out = append(out, Ruling{Challenge: one.Challenge, Question: one.Question, Rule: Rule(one.Rule), Key: Choice(one.Key)})
	}
	return out
}
