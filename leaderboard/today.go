package leaderboard

import (
	"context"
	"fmt"

	"qingyuan/campaign"
)

// Today sums what was accepted on the running local day by unit, and by every region
// above it. Participants are those whose first act it was. It is at most a second old.
func (s *Service) Today(ctx context.Context, campaignID string) (map[string]Window, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	return s.today.get(ctx, campaignID, s.Now(), func(ctx context.Context) (map[string]Window, error) {
		now := s.Now()
		cells, err := s.Store.Hours(ctx, c.ID, hourOf(dayBegin(c, now)), hourOf(now))
		if err != nil {
			return nil, fmt.Errorf("today's hours of %s: %w", c.ID, err)
		}
		return byNode(c.Tree, cells), nil
	})
}

func byNode(t *campaign.Tree, cells map[BucketCell]int64) map[string]Window {
	out := map[string]Window{}
	for cell, n := range cells {
		for _, id := range append(t.Regions(cell.Unit), cell.Unit) {
			w := out[id]
			w.add(cell.Metric, n)
			out[id] = w
		}
	}
	return out
}

// Part is a node of the tree, "" for everything, with its figures as a viewer sees them.
func (s *Snapshot) Part(id, lang string, v Viewer) Row {
	return parentRow(s.Campaign.Tree, s.seen(Look(s.Campaign, s.AsOf, v, id)).Roll, id, lang)
}

// RowRank is the place of a row among its like.
type RowRank struct {
	Rank int64
	// Before is the place when the local day began, 0 where that is not known or nobody
	// had come: those who have nothing share a place that is none to fall from.
	Before int64
}

// RowRanks ranks rows by how far they have come: by participation where rosters are
// known, else by signatures. Rows that cannot be ranked are left out. today is what Today
// returns; nil where that is not known.
func RowRanks(c *campaign.Campaign, rows []Row, total Counts, today map[string]Window) (UnitMetric, map[string]RowRank) {
	metric := BySignatures
	for _, r := range rows {
		if r.Roster > 0 {
			metric = ByParticipation
		}
	}
	rules := UnitRulesOf(c, metric, total)
	out := map[string]RowRank{}
	now, _ := rules.Rank(named(rows))
	for _, r := range now {
		out[r.ID] = RowRank{Rank: r.Rank}
	}
	if today == nil {
		return metric, out
	}
	before, _ := rules.Rank(asOfMidnight(named(rows), today))
	for _, r := range before {
		if r.Value.Num == 0 {
			continue
		}
		rank := out[r.ID]
		rank.Before = r.Rank
		out[r.ID] = rank
	}
	return metric, out
}

// named leaves out the row of those without a unit, which competes with nobody.
func named(rows []Row) []Row {
	var out []Row
	for _, r := range rows {
		if r.ID != campaign.Unassigned {
			out = append(out, r)
		}
	}
	return out
}

// asOfMidnight takes today's acts out of rows. A correction of today may have taken out
// more than today brought.
func asOfMidnight(rows []Row, today map[string]Window) []Row {
	for i := range rows {
		w := today[rows[i].ID]
		rows[i].Participants = max(rows[i].Participants-w.Participants, 0)
		rows[i].Signatures = max(rows[i].Signatures-w.Signatures, 0)
	}
	return rows
}
