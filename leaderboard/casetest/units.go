package casetest

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// unitKinds are the boards of units that a file may name.
func unitKinds() []string {
	out := []string{"composite"}
	for kind := range metrics() {
		out = append(out, kind)
	}
	return out
}

func metrics() map[string]leaderboard.UnitMetric {
	return map[string]leaderboard.UnitMetric{
		"participation": leaderboard.ByParticipation, "participation_rate": leaderboard.ByParticipation,
		"unit_average": leaderboard.ByAverage, "unit_bayes": leaderboard.ByBayes,
		"unit_sum": leaderboard.BySum, "sum_over_roster": leaderboard.BySum, "unit_sum_over_roster": leaderboard.BySum,
		"pass_rate": leaderboard.ByPass, "full_rate": leaderboard.ByFull,
		"signatures": leaderboard.BySignatures, "unit_signatures": leaderboard.BySignatures,
	}
}

// unitLine is one line of a board of units.
type unitLine struct {
	name   string
	rank   int64
	value  *big.Rat
	roster int64
	over   bool
}

// unitBoard is a board of units as the rules make it.
type unitBoard struct {
	rule     *Rule
	lines    []unitLine
	unranked []string
}

// unitRows are what the operations say of units, as rows of a breakdown.
func (c *Case) unitRows() ([]leaderboard.Row, error) {
	var out []leaderboard.Row
	for i := range c.Ops {
		o := &c.Ops[i]
		if o.Op != "unit" {
			return nil, fmt.Errorf("%q does not happen on a board of units", o.Op)
		}
		out = append(out, leaderboard.Row{
			ID: o.Unit, Name: o.Unit, Kind: campaign.Unit, Roster: o.Roster, Units: 1, Counts: leaderboard.Counts{
				Participants: o.N, Scored: o.N, Score: o.Sum, Passed: o.Passed, Full: o.Full, Signatures: o.Signatures,
			},
		})
	}
	return out, nil
}

// rules are those of the product with the numbers of the case.
func (r *Rule) rules(rows []leaderboard.Row) (leaderboard.UnitRules, error) {
	var total leaderboard.Counts
	for _, row := range rows {
		total = total.Add(row.Counts)
	}
	m := metrics()[r.Kind]
	if r.Score == "sum/roster" {
		m = leaderboard.BySum
	}
	u := leaderboard.UnitRulesOf(&campaign.Campaign{}, m, total)
	u.LeastPersons, u.LeastShare, u.LeastRoster, u.PriorWeight = r.MinParticipants, r.MinShare, r.MinRoster, r.PriorWeight
	u.Discreet = 0 // the cases have no persons whose results could be told
	if p := r.PriorMean; p != nil {
		if !p.Num().IsInt64() || !p.Denom().IsInt64() {
			return u, fmt.Errorf("prior_mean %s is too long", p)
		}
		u.Prior = leaderboard.Ratio{Num: p.Num().Int64(), Den: p.Denom().Int64()}
	}
	return u, nil
}

// rankUnits makes the board of a case from rows.
func (c *Case) rankUnits(rows []leaderboard.Row) (*unitBoard, error) {
	if c.Rule.Kind == "composite" {
		return c.composite()
	}
	u, err := c.Rule.rules(rows)
	if err != nil {
		return nil, err
	}
	in, out := u.Rank(rows)
	b := &unitBoard{rule: &c.Rule}
	percent := u.Metric == leaderboard.ByParticipation || u.Metric == leaderboard.ByPass || u.Metric == leaderboard.ByFull
	for _, r := range in {
		v := big.NewRat(r.Value.Num, r.Value.Den)
		if percent {
			v.Mul(v, big.NewRat(100, 1))
		}
		b.lines = append(b.lines, unitLine{r.Name, r.Rank, v, r.Roster, r.OverRoster})
	}
	for _, r := range out {
		b.unranked = append(b.unranked, r.Name)
	}
	b.byName()
	return b, nil
}

// byName lists equals by their names, where the rule says so.
func (b *unitBoard) byName() {
	if !slices.Contains(b.rule.Tie, "unit_asc") {
		return
	}
	slices.SortStableFunc(b.lines, func(x, y unitLine) int {
		return cmp.Or(y.value.Cmp(x.value), cmp.Compare(y.roster, x.roster), cmp.Compare(x.name, y.name))
	})
}

// as lists those equals whose order the rule leaves open in the order of the
// names.
func (b *unitBoard) as(names []string) *unitBoard {
	if slices.Contains(b.rule.Tie, "unit_asc") {
		return b
	}
	out := &unitBoard{b.rule, slices.Clone(b.lines), b.unranked}
	roster := func(l unitLine) int64 {
		if slices.Contains(b.rule.Tie, "roster_desc") {
			return l.roster
		}
		return 0
	}
	slices.SortStableFunc(out.lines, func(x, y unitLine) int {
		return cmp.Or(y.value.Cmp(x.value), cmp.Compare(roster(y), roster(x)),
			cmp.Compare(slices.Index(names, x.name), slices.Index(names, y.name)))
	})
	return out
}

// composite weighs what the case says of regions.
func (c *Case) composite() (*unitBoard, error) {
	places, err := c.Rule.places()
	if err != nil {
		return nil, err
	}
	b := &unitBoard{rule: &c.Rule}
	for i := range c.Ops {
		o := &c.Ops[i]
		if o.Op != "region" {
			return nil, fmt.Errorf("%q does not happen on a composite board", o.Op)
		}
		var values, weights []*big.Rat
		for name, weight := range c.Rule.Weights {
			part, ok := o.Parts[name]
			if !ok {
				return nil, fmt.Errorf("region %s has no %s", o.Region, name)
			}
			values, weights = append(values, &part.Rat), append(weights, &weight.Rat)
		}
		v := leaderboard.RoundHalfUp(leaderboard.Weighted(values, weights), places)
		b.lines = append(b.lines, unitLine{name: o.Region, value: big.NewRat(v.Num, v.Den)})
	}
	if len(c.Rule.Weights) == 0 {
		return nil, errors.New("a composite has no weights")
	}
	b.rank()
	b.byName()
	return b, nil
}

// rank orders the lines and lets equals share a rank.
func (b *unitBoard) rank() {
	slices.SortStableFunc(b.lines, func(x, y unitLine) int { return y.value.Cmp(x.value) })
	for i := range b.lines {
		b.lines[i].rank = int64(i) + 1
		if i > 0 && b.lines[i].value.Cmp(b.lines[i-1].value) == 0 {
			b.lines[i].rank = b.lines[i-1].rank
		}
	}
}

// places reads "half_up_2".
func (r *Rule) places() (int, error) {
	if r.Round == "" {
		return 2, nil
	}
	n, ok := strings.CutPrefix(r.Round, "half_up_")
	places, err := strconv.Atoi(n)
	if !ok || err != nil || places < 0 {
		return 0, fmt.Errorf("rule round %q is not known", r.Round)
	}
	return places, nil
}

// unitAnswers finds what answers a query of a board of units.
func unitAnswers() map[string]func(*unitBoard, *Query) (any, error) {
	return map[string]func(*unitBoard, *Query) (any, error){
		"unit_board": func(b *unitBoard, _ *Query) (any, error) {
			return b.each(func(l unitLine) any { return []any{l.name, l.rank} }), nil
		},
		"unit_ranks": (*unitBoard).ranks, "unit_rank": (*unitBoard).ranks,
		"unit_scores": (*unitBoard).scores, "composite": (*unitBoard).scores,
		"unit_unranked": func(b *unitBoard, _ *Query) (any, error) { return sorted(b.unranked), nil },
		"flagged_over_roster": func(b *unitBoard, _ *Query) (any, error) {
			var out []string
			for _, l := range b.lines {
				if l.over {
					out = append(out, l.name)
				}
			}
			return sorted(out), nil
		},
		"unit_count": func(b *unitBoard, _ *Query) (any, error) { return len(b.lines), nil },
	}
}

// sorted is a list of which the order means nothing.
func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func (b *unitBoard) each(by func(unitLine) any) []any {
	out := make([]any, len(b.lines))
	for i, l := range b.lines {
		out[i] = by(l)
	}
	return out
}

func (b *unitBoard) scores(q *Query) (any, error) {
	places, err := b.rule.places()
	if q.Places > 0 {
		places = q.Places
	}
	return b.each(func(l unitLine) any {
		return []any{l.name, decimal(l.value, places)}
	}), err
}

// decimal writes a value rounded half up.
func decimal(v *big.Rat, places int) string { return v.FloatString(places) }

func (b *unitBoard) ranks(q *Query) (any, error) {
	rank := func(unit string) any {
		for _, l := range b.lines {
			if l.name == unit {
				return l.rank
			}
		}
		return nil
	}
	if q.Units == nil {
		return rank(cmp.Or(q.Unit, q.Member)), nil
	}
	out := make([]any, len(q.Units))
	for i, u := range q.Units {
		out[i] = rank(u)
	}
	return out, nil
}
