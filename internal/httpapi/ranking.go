package httpapi

import (
	"cmp"
	"slices"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

// unitMetric is what units or regions are ordered by.
type unitMetric string

// The metrics. Participation is persons over roster, pass is persons who passed
// over persons with a score. Composite comes later.
const (
	byParticipation unitMetric = "participation"
	byAverage       unitMetric = "average"
	byPass          unitMetric = "pass"
	bySignatures    unitMetric = "signatures"
)

// Fewer persons than both of these say nothing about a unit: its average would
// be luck, and could be had by sending in the best pupil alone.
const (
	leastPersons = 10
	leastShare   = 30 // per cent of the roster
)

// ratio is an exact fraction, so that equal units share a place whatever
// rounding would make of them.
type ratio struct{ num, den int64 }

func (r ratio) compare(o ratio) int { return cmp.Compare(r.num*o.den, o.num*r.den) }

// ranked is one line of a board of units.
type ranked struct {
	leaderboard.Row
	value ratio
}

// measure returns what the metric says of a row, and whether enough persons
// stand behind it to be ranked.
func (m unitMetric) measure(r leaderboard.Row) (ratio, bool) {
	enough := r.Scored >= max(leastPersons, (r.Roster*leastShare+99)/100)
	switch m {
	case byParticipation:
		return ratio{r.Participants, r.Roster}, r.Roster > 0
	case byAverage:
		return ratio{r.Score, r.Scored}, enough
	case byPass:
		return ratio{r.Passed, r.Scored}, enough
	case bySignatures:
		return ratio{r.Signatures, 1}, true
	default:
		return ratio{0, 1}, false
	}
}

// rank orders rows by the metric, best first; equal ones keep the order of the
// tree.
func rank(rows []leaderboard.Row, m unitMetric) (in []ranked, out []leaderboard.Row) {
	for _, r := range rows {
		if v, ok := m.measure(r); ok {
			in = append(in, ranked{r, v})
		} else {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(in, func(a, b ranked) int { return b.value.compare(a.value) })
	return in, out
}

// allowed tells whether the campaign lets the metric be ranked: where points are
// not to be compared, progress still may be, and under "none" nothing is
// (国办函〔2026〕12号).
func (m unitMetric) allowed(c *campaign.Campaign) error {
	progress := m == byParticipation || m == bySignatures
	switch {
	case c.Ranking == campaign.RankNone, c.Ranking == campaign.ProgressOnly && !progress:
		return errUnitsUnranked
	default:
		return nil
	}
}

func readMetric(k *call) (unitMetric, error) {
	m := unitMetric(k.Query("metric", string(byParticipation)))
	switch m {
	case byParticipation, byAverage, byPass, bySignatures:
		return m, nil
	default:
		return "", fault.InvalidField("metric", "应为 participation、average、pass 或 signatures")
	}
}

// unitsBelow lists every unit below parent with its figures. Whether the viewer
// may look is asked anew of each level.
func (s *Server) unitsBelow(k *call, c *campaign.Campaign, parent string) ([]leaderboard.Row, error) {
	_, rows, err := s.Boards.Breakdown(c.ID, parent, published(c, k.lang()), k.viewer)
	if err != nil {
		return nil, err
	}
	var units []leaderboard.Row
	for _, r := range rows {
		switch {
		case r.ID == campaign.Unassigned:
		case r.Kind == campaign.Unit:
			units = append(units, r)
		default:
			below, err := s.unitsBelow(k, c, r.ID)
			if err != nil {
				return nil, err
			}
			units = append(units, below...)
		}
	}
	return units, nil
}

// regionsBelow lists the regions directly below parent with their figures.
func (s *Server) regionsBelow(k *call, c *campaign.Campaign, parent string) ([]leaderboard.Row, error) {
	_, rows, err := s.Boards.Breakdown(c.ID, parent, published(c, k.lang()), k.viewer)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(rows, func(r leaderboard.Row) bool { return r.Kind != campaign.Region }), nil
}
