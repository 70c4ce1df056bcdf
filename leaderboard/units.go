package leaderboard

import (
	"cmp"
	"math/big"
	"slices"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// UnitMetric is what units or regions are ordered by.
type UnitMetric string

// The metrics of units. Those that are a part of something are told as such, from
// 0 to 1; averages in points; the composite from 0 to 100.
const (
	// ByParticipation is persons who took part over the roster, at most the whole.
	ByParticipation UnitMetric = "participation"
	// ByAverage is the mean of best scores.
	ByAverage UnitMetric = "average"
	// ByBayes is that mean as if PriorWeight more persons had the mean of everybody,
	// so that few persons prove little.
	ByBayes UnitMetric = "bayes"
	// BySum is the sum of best scores over the roster: whoever stays away has none.
	BySum UnitMetric = "sum"
	// ByPass and ByFull are persons who passed, and who had everything right, over
	// persons with a score.
	ByPass UnitMetric = "pass"
	ByFull UnitMetric = "full"
	// BySignatures is persons who signed.
	BySignatures UnitMetric = "signatures"
	// ByComposite weighs the units that took part, participation, pass rate, full-mark
	// rate and average together, in per cent.
	ByComposite UnitMetric = "composite"
)

// UnitMetrics lists the metrics.
func UnitMetrics() []UnitMetric {
	return []UnitMetric{ByParticipation, ByAverage, ByBayes, BySum, ByPass, ByFull, BySignatures, ByComposite}
}

// Known tells whether m is one of the metrics.
func (m UnitMetric) Known() bool { return slices.Contains(UnitMetrics(), m) }

// Progress tells whether the metric compares how far units have come and not how
// well they did.
func (m UnitMetric) Progress() bool { return m == ByParticipation || m == BySignatures }

// ErrUnitsNotRanked is asked of a campaign whose rules forbid the comparison.
var ErrUnitsNotRanked = fault.New(fault.Forbidden, ErrNotRanked.Code, "本活动不公布单位和地区的这项排名")

// Fewer persons than both of these say nothing about a unit: its average would
// be luck, and could be had by sending in the best pupil alone.
const (
	leastPersons = 10
	leastShare   = 30 // per cent of the roster
	// priorWeight is how many persons of the mean of everybody ByBayes adds.
	priorWeight = 30
	// compositePlaces is how far composites are rounded, half up, before they are
	// compared: as they are published.
	compositePlaces = 2
)

// UnitRules are what a board of units or regions is made by.
type UnitRules struct {
	Metric UnitMetric
	// LeastPersons and LeastShare, per cent of the roster, are how many persons with
	// a score must stand behind what is made of scores.
	LeastPersons, LeastShare int64
	// Discreet is how many persons with a score, where there are any, hide what a
	// single one of them has.
	Discreet int64
	// LeastRoster is which roster participation needs at least.
	LeastRoster int64
	// Prior is the mean that PriorWeight persons more are taken to have.
	Prior       Ratio
	PriorWeight int64
	Weights     campaign.Weights
	// FullMarks is the highest score of one attempt: an average's hundred per cent.
	FullMarks int64
}

// UnitRulesOf returns the rules of a campaign's board when everybody's counts are
// total.
func UnitRulesOf(c *campaign.Campaign, m UnitMetric, total Counts) UnitRules {
	r := UnitRules{
		Metric: m, LeastPersons: leastPersons, LeastShare: leastShare, Discreet: MinPersons, LeastRoster: 1,
		Prior: Ratio{0, 1}, PriorWeight: priorWeight, Weights: c.Weighting(), FullMarks: int64(c.FullMarks),
	}
	if mean, ok := total.Mean(); ok {
		r.Prior = mean
	}
	return r
}

// RankedRow is one line of a board of units or regions. Equal values share a
// rank and the next is skipped.
type RankedRow struct {
	Rank int64
	Row
	Value Ratio
	// OverRoster says that more persons took part than the roster has; the value is
	// cut off at the whole.
	OverRoster bool
}

// Rank orders rows, best first. Equal values share a rank; among them the larger
// roster is listed first, and then they keep the order of the tree. Rows with too
// few persons behind them are left unranked.
func (u UnitRules) Rank(rows []Row) (in []RankedRow, unranked []Row) {
	for _, r := range rows {
		if v, ok := u.measure(&r); ok {
			in = append(in, RankedRow{Row: r, Value: v, OverRoster: r.Roster > 0 && r.Participants > r.Roster})
		} else {
			unranked = append(unranked, r)
		}
	}
	slices.SortStableFunc(in, func(a, b RankedRow) int {
		return cmp.Or(b.Value.Compare(a.Value), cmp.Compare(b.Roster, a.Roster))
	})
	for i := range in {
		in[i].Rank = int64(i) + 1
		if i > 0 && in[i].Value.Compare(in[i-1].Value) == 0 {
			in[i].Rank = in[i-1].Rank
		}
	}
	return in, unranked
}

// measure returns what the metric says of a row, and whether enough persons
// stand behind it to be ranked.
func (u UnitRules) measure(r *Row) (Ratio, bool) {
	switch u.Metric {
	case ByParticipation:
		return participation(r), r.Roster >= max(u.LeastRoster, 1)
	case ByAverage:
		return Ratio{r.Score, r.Scored}, u.enough(r)
	case ByBayes:
		return Ratio{
			u.PriorWeight*u.Prior.Num + r.Score*u.Prior.Den, (u.PriorWeight + r.Scored) * u.Prior.Den,
		}, r.Scored > 0 && r.Scored >= u.Discreet
	case BySum:
		return Ratio{r.Score, r.Roster}, r.Roster > 0 && (r.Scored == 0 || r.Scored >= u.Discreet)
	case ByPass:
		return Ratio{r.Passed, r.Scored}, u.enough(r)
	case ByFull:
		return Ratio{r.Full, r.Scored}, u.enough(r)
	case BySignatures:
		return Ratio{r.Signatures, 1}, true
	case ByComposite:
		return u.composite(r)
	default:
		return Ratio{0, 1}, false
	}
}

// enough tells whether so many persons have a score that their mean says
// something.
func (u UnitRules) enough(r *Row) bool {
	return r.Scored > 0 && r.Scored >= u.LeastPersons && 100*r.Scored >= u.LeastShare*r.Roster
}

// participation is cut off at the whole: a roster that was counted too low must
// not put its unit before others.
func participation(r *Row) Ratio {
	if r.Roster == 0 {
		return Ratio{0, 1}
	}
	return Ratio{min(r.Participants, r.Roster), r.Roster}
}

// composite weighs the five parts of the national report, each in per cent, and
// rounds what comes of it as it is published.
func (u UnitRules) composite(r *Row) (Ratio, bool) {
	if r.Roster == 0 || r.Units == 0 || u.FullMarks == 0 || !u.enough(r) {
		return Ratio{0, 1}, false
	}
	parts := []Ratio{
		{r.Active, r.Units},
		participation(r),
		{r.Passed, r.Scored},
		{r.Full, r.Scored},
		{r.Score, r.Scored * u.FullMarks},
	}
	weights := []int64{
		u.Weights.SchoolRate, u.Weights.StudentRate, u.Weights.PassRate, u.Weights.FullRate, u.Weights.Average,
	}
	var values, times []*big.Rat
	for i, p := range parts {
		values = append(values, p.rat())
		times = append(times, big.NewRat(100*weights[i], campaign.WholeWeight))
	}
	return RoundHalfUp(Weighted(values, times), compositePlaces), true
}
