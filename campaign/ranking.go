package campaign

import "time"

// RankingMode says how much of the order of participants anybody may see.
type RankingMode string

// The ranking modes. ProgressOnly is the default for campaigns among public
// employees: 国办函〔2026〕12号 forbids compulsory point rankings there.
const (
	RankNone     RankingMode = "none"
	ProgressOnly RankingMode = "progress_only" // own score and whether it passed
	Tiers        RankingMode = "tiers"         // gold, silver or bronze instead of a place
	TopN         RankingMode = "top_n"
)

// Policy says how a participant's accepted attempts make their place on a board.
type Policy string

// The policies.
const (
	// PolicyBest ranks the best attempt: score, then less time, then earlier.
	PolicyBest Policy = "best"
	// PolicySum ranks the points of all attempts together; whoever reached the
	// total first leads.
	PolicySum Policy = "sum"
	// PolicySumDays is PolicySum with the best attempt of each local day.
	PolicySumDays Policy = "sum_days"
)

// Sums tells whether the policy adds points up.
func (p Policy) Sums() bool { return p == PolicySum || p == PolicySumDays }

// Phase is a part of a campaign's window with boards of its own: [From, To).
// Phases do not overlap.
type Phase struct {
	// ID is stable: small letters, digits and hyphens.
	ID       string
	Title    Text
	From, To time.Time
}

// PhaseAt returns the phase that at lies in.
func (c *Campaign) PhaseAt(at time.Time) (Phase, bool) {
	for _, p := range c.Phases {
		if !at.Before(p.From) && at.Before(p.To) {
			return p, true
		}
	}
	return Phase{}, false
}

// Tier is what a participant is shown instead of a place under RankingMode
// Tiers.
type Tier struct {
	// ID is "gold", "silver" or "bronze".
	ID string
	// Share is which part of everybody on the board stands in this tier or a
	// better one, in per cent.
	Share int64
}

// Freeze is the stretch of time in which the public boards stand still:
// [At, Until). The zero Freeze is none; a zero Until never ends.
type Freeze struct{ At, Until time.Time }

// Active tells whether the boards stand still at now. An act of that time is
// shown to the public only once it is over.
func (f Freeze) Active(now time.Time) bool {
	return !f.At.IsZero() && !now.Before(f.At) && !f.Over(now)
}

// Over tells whether the boards move again at now.
func (f Freeze) Over(now time.Time) bool {
	return !f.At.IsZero() && !f.Until.IsZero() && !now.Before(f.Until)
}

// Weights say how much each part counts in the composite of units and regions, in
// hundredths of a per cent; together they are WholeWeight. The zero Weights are
// PresetWeights.
type Weights struct {
	// SchoolRate is that of units in which anybody took part, among all below.
	SchoolRate int64
	// StudentRate is that of persons who took part, among the roster.
	StudentRate int64
	// PassRate and FullRate are those of persons who passed, and who had everything
	// right, among those with a score.
	PassRate, FullRate int64
	// Average is that of best scores.
	Average int64
}

// WholeWeight is what Weights sum to: a hundred per cent.
const WholeWeight = 10_000

// PresetWeights are those of the national report of 2019: 35, 35, 10, 10 and 10
// per cent.
func PresetWeights() Weights {
	return Weights{SchoolRate: 3500, StudentRate: 3500, PassRate: 1000, FullRate: 1000, Average: 1000}
}

// Sum returns what the weights are together.
func (w Weights) Sum() int64 {
	return w.SchoolRate + w.StudentRate + w.PassRate + w.FullRate + w.Average
}

// Weighting returns the weights of the campaign's composite.
func (c *Campaign) Weighting() Weights {
	if c.Composite == (Weights{}) {
		return PresetWeights()
	}
	return c.Composite
}

// PresetTiers are the tiers of a campaign that names none: a tenth of everybody
// has gold, three tenths gold or silver, six tenths one of the three.
func PresetTiers() []Tier {
	return []Tier{{"gold", 10}, {"silver", 30}, {"bronze", 60}}
}
