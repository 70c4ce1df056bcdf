package leaderboard

import (
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Viewer is who asks. The zero Viewer is the public.
type Viewer struct {
	// Campaign and Scope bound an office viewer; Scope "" is the whole campaign.
	Campaign, Scope string
	Office          bool
	// Audience says that what an office sees is shown to an audience, on its big screen:
	// then figures are as deep as the office's, and stand still and are ordered as the
	// public's.
	Audience bool
}

// oversees tells whether the viewer is an office of a part of the campaign; part
// "" is everything.
func (v Viewer) oversees(c *campaign.Campaign, part string) bool {
	return v.Office && v.Campaign == c.ID && c.Tree.Within(part, v.Scope)
}

// Sight is what somebody may see of a campaign's order at one moment. Look alone
// decides it, for every route, frame and export.
type Sight struct {
	// View says with whose eyes boards of participants are read.
	View View
	// Depth is how many places of such a board are listed.
	Depth int64
	// Score, Place and Tier say what one is told of oneself.
	Score, Place, Tier bool
	// Units and Progress say which boards of units and regions there are: all, or
	// those of participation and signatures only.
	Units, Progress bool
	// True figures have everything that was accepted; others stand still with the
	// boards.
	True bool
	// Frozen is set while the boards stand still for this viewer.
	Frozen *campaign.Freeze
}

// officeDepth bounds what an office reads of a board, which nothing else does.
const officeDepth = 10_000

// Look returns what a viewer may see at now of a part of a campaign; part "" is
// everything. An office reads the boards of participants in every mode and while
// they stand still, but of its own part only; elsewhere it sees what the public
// sees. Which metrics of units are compared is the same for all.
func Look(c *campaign.Campaign, now time.Time, v Viewer, part string) Sight {
	if v.oversees(c, part) && !v.Audience {
		return Sight{View: Everybody, Depth: officeDepth, Score: true, Place: true, True: true}.mode(c)
	}
	s := Sight{View: PublicView(c, now), Place: c.Ranks(now), True: true}.mode(c)
	if c.Freeze.Active(now) {
		s.Frozen, s.Tier, s.True = &c.Freeze, false, false
	}
	return s
}

// mode adds what the ranking mode lets everybody see.
func (s Sight) mode(c *campaign.Campaign) Sight {
	switch c.Ranking {
	case campaign.TopN:
		s.Depth = max(s.Depth, int64(c.TopN))
		s.Score, s.Units, s.Progress = true, true, true
	case campaign.Tiers:
		s.Score, s.Tier, s.Units, s.Progress = true, true, true, true
	case campaign.ProgressOnly:
		s.Score, s.Progress = true, true
	case campaign.RankNone:
	}
	return s
}

// ranks returns ErrUnitsNotRanked where the viewer may not see the metric. Where
// points are not to be compared, progress still may be (国办函〔2026〕12号).
func (s Sight) ranks(m UnitMetric) error {
	if s.Units || s.Progress && m.Progress() {
		return nil
	}
	return ErrUnitsNotRanked
}

// PublicView returns with whose eyes the public reads boards at now.
func PublicView(c *campaign.Campaign, now time.Time) View {
	if c.Freeze.Over(now) {
		return Now
	}
	return Frozen
}

// TierOf returns in which tier somebody stands who has above of of people
// strictly above: the best one of which fewer than its share stand above them.
// So the share is rounded up to whole people, and whoever shares a place shares
// the better tier. It is "" below the last tier.
func TierOf(tiers []campaign.Tier, above, of int64) string {
	for _, t := range tiers {
		if 100*above < t.Share*of {
			return t.ID
		}
	}
	return ""
}

// BeatPercent is which part of everybody on a board stands strictly below, in
// per cent, rounded down; 0 of nobody.
func BeatPercent(below, of int64) int64 {
	if of == 0 {
		return 0
	}
	return 100 * below / of
}

var errPercent = fault.InvalidField("percent", "应为 1 到 100 的整数")

// TopPercent returns how many of of people are the top per cent: rounded down,
// but somebody where there is anybody, and at most limit.
func TopPercent(percent, of, limit int64) (int64, error) {
	if percent < 1 || percent > 100 {
		return 0, errPercent
	}
	return min(max(percent*of/100, 1), of, limit), nil
}

// window is a part of the campaign's time that a query asks for, "" for all.
func windowOf(c *campaign.Campaign, period string) (string, error) {
	if period == "" {
		return "", nil
	}
	for _, p := range c.Phases {
		if p.ID == period {
			return PhaseScope(period), nil
		}
	}
	day, err := time.ParseInLocation(time.DateOnly, period, c.Zone)
	if err != nil {
		return "", fault.InvalidField("period", "应为 all、YYYY-MM-DD 或活动阶段的编号")
	}
	if !c.AlwaysOpen && (day.Before(dayBegin(c, c.OpensAt)) || day.After(c.ClosesAt)) {
		return "", fault.InvalidField("period", fmt.Sprintf("日期应在 %s 至 %s 之间", c.Day(c.OpensAt), c.Day(c.ClosesAt)))
	}
	return DayScope(period), nil
}

// dayBegin returns the first moment of a local day.
func dayBegin(c *campaign.Campaign, at time.Time) time.Time {
	y, m, d := at.In(c.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, c.Zone)
}
