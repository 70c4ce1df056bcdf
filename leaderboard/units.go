package leaderboard

import (
	"cmp"
	"slices"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// UnitMetric is what units or regions are ordered by.
type UnitMetric string

// The metrics of units. Participation is persons over roster, pass is persons
// who passed over persons with a score.
const (
	ByParticipation UnitMetric = "participation"
	ByAverage       UnitMetric = "average"
	ByPass          UnitMetric = "pass"
	BySignatures    UnitMetric = "signatures"
)

// ErrUnitsNotRanked is asked of a campaign whose rules forbid the comparison.
var ErrUnitsNotRanked = fault.New(fault.Forbidden, ErrNotRanked.Code, "本活动不公布单位和地区的这项排名")

// Fewer persons than both of these say nothing about a unit: its average would
// be luck, and could be had by sending in the best pupil alone.
const (
	leastPersons = 10
	leastShare   = 30 // per cent of the roster
)

// Ratio is an exact fraction, so that equal units share a place whatever
// rounding would make of them. Den is positive.
type Ratio struct{ Num, Den int64 }

// Compare orders by value.
func (r Ratio) Compare(o Ratio) int { return cmp.Compare(r.Num*o.Den, o.Num*r.Den) }

// Float returns the value for reading.
func (r Ratio) Float() float64 { return float64(r.Num) / float64(r.Den) }

// RankedRow is one line of a board of units or regions. Equal values share a
// rank and the next is skipped.
type RankedRow struct {
	Rank int64
	Row
	Value Ratio
}

// Known tells whether m is one of the metrics.
func (m UnitMetric) Known() bool {
	return slices.Contains([]UnitMetric{ByParticipation, ByAverage, ByPass, BySignatures}, m)
}

// Allowed returns ErrUnitsNotRanked where the campaign does not let the metric be
// ranked: where points are not to be compared, progress still may be, and under
// RankNone nothing is (国办函〔2026〕12号).
func (m UnitMetric) Allowed(c *campaign.Campaign) error {
	progress := m == ByParticipation || m == BySignatures
	if c.Ranking == campaign.RankNone || c.Ranking == campaign.ProgressOnly && !progress {
		return ErrUnitsNotRanked
	}
	return nil
}

// measure returns what the metric says of a row, and whether enough persons
// stand behind it to be ranked.
func (m UnitMetric) measure(r *Row) (Ratio, bool) {
	enough := r.Scored >= max(leastPersons, (r.Roster*leastShare+99)/100)
	switch m {
	case ByParticipation:
		return Ratio{r.Participants, r.Roster}, r.Roster > 0
	case ByAverage:
		return Ratio{r.Score, r.Scored}, enough
	case ByPass:
		return Ratio{r.Passed, r.Scored}, enough
	case BySignatures:
		return Ratio{r.Signatures, 1}, true
	default:
		return Ratio{0, 1}, false
	}
}

// RankRows orders rows by the metric, best first; equal ones keep the order of
// the tree. Rows with too few persons behind them are left unranked.
func RankRows(rows []Row, m UnitMetric) (in []RankedRow, unranked []Row) {
	for _, r := range rows {
		if v, ok := m.measure(&r); ok {
			in = append(in, RankedRow{Row: r, Value: v})
		} else {
			unranked = append(unranked, r)
		}
	}
	slices.SortStableFunc(in, func(a, b RankedRow) int { return b.Value.Compare(a.Value) })
	for i := range in {
		in[i].Rank = int64(i) + 1
		if i > 0 && in[i].Value.Compare(in[i-1].Value) == 0 {
			in[i].Rank = in[i-1].Rank
		}
	}
	return in, unranked
}
