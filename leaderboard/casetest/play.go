package casetest

import (
	"errors"
	"fmt"
	"strconv"
)

// kind is what an act does.
type kind uint8

const (
	submits kind = iota
	hides
	shows
	voids
	restores
)

// act is one step that every board can take: an operation may be many of them.
type act struct {
	kind     kind
	member   string
	score    int64
	used     int64 // ms
	at       Moment
	number   int // of the attempt, from 1
	shard    *int
	accepted bool
}

// sight is when and with whose eyes a board is read.
type sight struct {
	now    Moment
	frozen bool // the boards stand still for this audience
	admin  bool
}

// own is what a member is told of themself.
type own struct {
	Score  int64
	Shown  bool // their place is
	Beat   int64
	Tier   string
	Around []line
}

// board is what cases are played on.
type board interface {
	Page(s sight, offset, limit int64) (lines []line, total int64, err error)
	// Ranks leaves out whoever is not on the board.
	Ranks(s sight, members []string) (map[string]int64, error)
	// Own is false for whoever has no attempt that counts.
	Own(s sight, member string, window int64) (own, bool, error)
	Record(member string) (place, bool, error)
	ScoreRank(s sight, score int64) (int64, error)
}

// errNotShown is what the rules of a board keep from an audience.
var errNotShown = errors.New("not shown to this audience")

// script is everything that happened on a board until a moment, step by step.
type script struct {
	rule     *Rule
	acts     []act
	rejected int
	last     Moment // of the acts
	truth    *plain
}

// until plays operations as far as they had happened by a moment; those without a
// time always had.
func (c *Case) until(now *Moment) (*script, error) {
	s := &script{rule: &c.Rule, truth: newPlain(&c.Rule)}
	for i := range c.Ops {
		o := &c.Ops[i]
		if now != nil && o.At != nil && *o.At > *now {
			continue
		}
		acts, err := s.steps(o)
		if err != nil {
			return nil, fmt.Errorf("operation %d, %s: %w", i, o.Op, err)
		}
		for _, a := range acts {
			if err := s.take(a); err != nil {
				return nil, fmt.Errorf("operation %d, %s: %w", i, o.Op, err)
			}
		}
	}
	return s, nil
}

func (s *script) take(a act) error {
	var err error
	if a.accepted, err = s.truth.do(a); err != nil {
		return err
	}
	if !a.accepted {
		s.rejected++
	}
	s.acts, s.last = append(s.acts, a), max(s.last, a.at)
	return nil
}

// steps takes an operation apart.
func (s *script) steps(o *Op) ([]act, error) {
	members := o.Members
	if o.Member != "" {
		members = append(members, o.Member)
	}
	if o.Op == "fill" {
		return fill(o), nil
	}
	if len(members) == 0 {
		return nil, errors.New("it names no member")
	}
	var out []act
	for _, m := range members {
		steps, err := s.stepsOf(o, m)
		if err != nil {
			return nil, err
		}
		out = append(out, steps...)
	}
	return out, nil
}

func (s *script) stepsOf(o *Op, m string) ([]act, error) {
	a := act{member: m, used: o.UsedMS, at: o.At.or(0), shard: o.Shard, number: o.Attempt}
	switch o.Op {
	case "submit":
		if o.Score == nil {
			return nil, errors.New("it has no score")
		}
		a.score = *o.Score
	case "incr":
		return s.increase(o, a)
	case "hide":
		a.kind = hides
	case "unhide", "show":
		a.kind = shows
	case "restore":
		a.kind = restores
	case "invalidate", "withdraw":
		a.kind = voids
	case "remove":
		return s.remove(a), nil
	default:
		return nil, fmt.Errorf("%q does not happen on a board of participants", o.Op)
	}
	return []act{a}, nil
}

// increase adds points: as an attempt of their own to a sum, and otherwise as an
// attempt with that much more than the member has.
func (s *script) increase(o *Op, a act) ([]act, error) {
	by := o.By
	if by == nil {
		by = o.Score
	}
	if by == nil {
		return nil, errors.New("it has neither by nor score")
	}
	a.score = *by
	if !s.rule.sums() {
		at, _ := s.truth.place(s.truth.of(a.member), nil)
		a.score += at.score
	}
	return []act{a}, nil
}

// remove takes all of a member's attempts out of every figure, or one of them.
func (s *script) remove(a act) []act {
	a.kind = voids
	if a.number > 0 {
		return []act{a}
	}
	var out []act
	for i := range s.truth.of(a.member).attempts {
		a.number = i + 1
		out = append(out, a)
	}
	return out
}

func fill(o *Op) []act {
	var out []act
	for i := o.From; i <= o.To; i++ {
		out = append(out, act{
			member: o.Prefix + strconv.FormatInt(i, 10), score: o.Mul*i + o.Add, used: o.UsedMS, at: o.At.or(0), shard: o.Shard,
		})
	}
	return out
}

func (r *Rule) sums() bool { return r.Policy == "sum" || r.Policy == "sum_days" }

func (r *Rule) last() bool { return r.Policy == "" || r.Policy == "last" }

// lists tells whether the public is shown a list of participants.
func (r *Rule) lists() bool { return r.Mode == "" || r.Mode == "top_n" }

// tiers are those of the rule, or gold, silver and bronze.
func (r *Rule) tiers() []Tier {
	if len(r.Tiers) > 0 {
		return r.Tiers
	}
	return []Tier{{"gold", 10}, {"silver", 30}, {"bronze", 60}}
}

// frozen tells whether the boards stand still at now.
func (r *Rule) frozen(now Moment) bool {
	return r.Freeze != nil && now >= *r.Freeze && (r.Unfreeze == nil || now < *r.Unfreeze)
}
