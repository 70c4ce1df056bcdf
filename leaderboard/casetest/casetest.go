// Package casetest replays cases of boards from files: what was done, what was
// asked, and what the answer must be. The same cases are played on a plain sorted
// list, which is the rules at their shortest, and on a real store, so that both can
// only be right or wrong together. The format is described in
// leaderboard/testdata/CASES.md.
//
// What a file says and this package does not know is an error that names it, and so
// is a case without a single answer to check.
package casetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Case is one board, what happened on it, and what must be answered.
type Case struct {
	Name    string  `json:"name"`
	Rule    Rule    `json:"board_rule"`
	Ops     []Op    `json:"ops"`
	Queries []Query `json:"queries"`
	Source  string  `json:"source"`
	Note    string  `json:"note"`
}

// Rule says what kind of board it is.
type Rule struct {
	// Kind is "" for a board of participants, or one of units.
	Kind string `json:"kind"`

	// Of participants.
	Order    string    `json:"order"`
	Policy   string    `json:"policy"`
	Tie      Strings   `json:"tie"`
	Rank     string    `json:"rank"`
	Hidden   string    `json:"hidden"`
	Freeze   *Moment   `json:"freeze_at"`
	Unfreeze *Moment   `json:"unfreeze_at"`
	Attempts int       `json:"max_attempts"`
	Encoding *Encoding `json:"encoding"`
	Shards   int       `json:"shards"`
	ShardOf  string    `json:"shard_of"`
	Mode     string    `json:"ranking_mode"`
	TopN     int       `json:"top_n"`
	Tiers    []Tier    `json:"tiers"`

	// Of units.
	Score           string             `json:"score"`
	MinParticipants int64              `json:"min_participants"`
	MinShare        int64              `json:"min_share"`
	PriorMean       *Decimal           `json:"prior_mean"`
	PriorWeight     int64              `json:"prior_weight"`
	MinRoster       int64              `json:"min_roster"`
	Clamp           *Decimal           `json:"clamp"`
	Weights         map[string]Decimal `json:"weights"`
	Round           string             `json:"round"`
}

// Tier is one of the tiers that the best so many per cent have.
type Tier struct {
	ID    string `json:"id"`
	Share int64  `json:"share"`
}

// Op is something that happens.
type Op struct {
	Op      string   `json:"op"`
	Member  string   `json:"member"`
	Members []string `json:"members"`
	Score   *int64   `json:"score"`
	By      *int64   `json:"by"`
	UsedMS  int64    `json:"used_ms"`
	At      *Moment  `json:"at"`
	Shard   *int     `json:"shard"`
	Attempt int      `json:"attempt"`

	// Of fill: member prefix+i has mul*i+add points.
	Prefix string `json:"prefix"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Mul    int64  `json:"mul"`
	Add    int64  `json:"add"`

	// Of unit and region.
	Unit       string `json:"unit"`
	Region     string `json:"region"`
	N          int64  `json:"n"`
	Sum        int64  `json:"sum"`
	Roster     int64  `json:"roster"`
	Passed     int64  `json:"passed"`
	Full       int64  `json:"full"`
	Signatures int64  `json:"signatures"`
	// Parts are what a composite weighs: everything else that is said of a region.
	Parts map[string]Decimal `json:"-"`
}

// Query is something that is asked.
type Query struct {
	Q        string          `json:"q"`
	Member   string          `json:"member"`
	Members  []string        `json:"members"`
	Unit     string          `json:"unit"`
	Units    []string        `json:"units"`
	Page     int64           `json:"page"`
	Size     int64           `json:"size"`
	Percent  int64           `json:"percent"`
	Cap      *int64          `json:"cap"`
	Audience string          `json:"audience"`
	Now      *Moment         `json:"now"`
	Score    *int64          `json:"score"`
	Scores   []int64         `json:"scores"`
	UsedMS   int64           `json:"used_ms"`
	At       *Moment         `json:"at"`
	Value    *uint64         `json:"value"`
	Places   int             `json:"places"`
	Expect   json.RawMessage `json:"expect"`
}

// UnmarshalJSON reads an operation. Of a region everything that is not known is a
// part of its composite, and must be a number.
func (o *Op) UnmarshalJSON(raw []byte) error {
	type plain Op
	var head struct {
		Op string `json:"op"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	if head.Op != "region" {
		return strictly(raw, (*plain)(o))
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	o.Op, o.Parts = head.Op, map[string]Decimal{}
	for name, value := range all {
		switch name {
		case "op":
		case "region":
			if err := json.Unmarshal(value, &o.Region); err != nil {
				return err
			}
		default:
			var d Decimal
			if err := json.Unmarshal(value, &d); err != nil {
				return fmt.Errorf("%s of region %s: %w", name, all["region"], err)
			}
			o.Parts[name] = d
		}
	}
	return nil
}

// strictly decodes what must not have anything unknown in it.
func strictly(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end")
	}
	return nil
}

// Read reads a file of cases.
func Read(name string) ([]Case, error) {
	raw, err := os.ReadFile(name) //nolint:gosec // The file that the tester names.
	if err != nil {
		return nil, err
	}
	cases, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("cases of %s: %w", name, err)
	}
	return cases, nil
}

// Parse reads cases: a list of them, or an object with the list as "cases".
func Parse(raw []byte) ([]Case, error) {
	var cases []Case
	if raw = bytes.TrimSpace(raw); bytes.HasPrefix(raw, []byte("{")) {
		var file struct {
			Cases []Case `json:"cases"`
		}
		if err := strictly(raw, &file); err != nil {
			return nil, err
		}
		cases = file.Cases
	} else if err := strictly(raw, &cases); err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, errors.New("there is none")
	}
	for i := range cases {
		if err := cases[i].check(); err != nil {
			return nil, fmt.Errorf("case %q: %w", cases[i].Name, err)
		}
	}
	return cases, nil
}

// check refuses what would be played in another sense than was meant.
func (c *Case) check() error {
	if len(c.Queries) == 0 {
		return errors.New("it asks nothing")
	}
	for i := range c.Ops {
		if !slices.Contains(operations(), c.Ops[i].Op) {
			return fmt.Errorf("operation %q is not known", c.Ops[i].Op)
		}
	}
	for i := range c.Queries {
		q := &c.Queries[i]
		if len(q.Expect) == 0 {
			return fmt.Errorf("query %d, %q, expects nothing", i, q.Q)
		}
		if !c.Rule.ofUnits() && answers()[q.Q] == nil && q.Q != "encode" && q.Q != "decode" || c.Rule.ofUnits() && unitAnswers()[q.Q] == nil {
			return fmt.Errorf("query %q is not known of this kind of board", q.Q)
		}
	}
	return c.Rule.check()
}

func operations() []string {
	return []string{
		"submit", "fill", "incr", "hide", "unhide", "show", "remove", "invalidate", "withdraw", "restore", "unit", "region",
	}
}

func (r *Rule) ofUnits() bool { return r.Kind != "" && r.Kind != "participants" }

func (r *Rule) check() error {
	for name, value := range map[string]struct {
		is string
		of []string
	}{
		"kind":         {r.Kind, append([]string{"", "participants"}, unitKinds()...)},
		"order":        {r.Order, []string{"", "desc", "asc"}},
		"policy":       {r.Policy, []string{"", "last", "best", "sum", "sum_days"}},
		"rank":         {r.Rank, []string{"", "competition", "ordinal", "dense"}},
		"hidden":       {r.Hidden, []string{"", "removed"}},
		"shard_of":     {r.ShardOf, []string{"", "explicit", "hash"}},
		"ranking_mode": {r.Mode, []string{"", "none", "progress_only", "tiers", "top_n"}},
		"score":        {r.Score, []string{"", "sum/n", "sum/roster"}},
	} {
		if !slices.Contains(value.of, value.is) {
			return fmt.Errorf("rule %s %q is not known", name, value.is)
		}
	}
	for _, tie := range r.Tie {
		if !slices.Contains(ties(), tie) {
			return fmt.Errorf("rule tie %q is not known", tie)
		}
	}
	if r.Clamp != nil && r.Clamp.String() != "100" {
		return fmt.Errorf("rule clamp %s: participation is cut off at 100", r.Clamp)
	}
	return nil
}

func ties() []string {
	return []string{"used_asc", "used_desc", "at_asc", "at_desc", "member_asc", "member_desc", "roster_desc", "unit_asc"}
}
