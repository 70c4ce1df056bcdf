package httpapi

import (
	"slices"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func readMetric(k *call) (leaderboard.UnitMetric, error) {
	m := leaderboard.UnitMetric(k.Query("metric", string(leaderboard.ByParticipation)))
	if !m.Known() {
		return "", fault.InvalidField("metric", "应为 participation、average、pass 或 signatures")
	}
	return m, nil
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
