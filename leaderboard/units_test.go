package leaderboard_test

import (
	"errors"
	"fmt"
	"testing"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

func TestRankRows(t *testing.T) {
	t.Parallel()
	row := func(id string, roster int64, c leaderboard.Counts) leaderboard.Row {
		return leaderboard.Row{ID: id, Roster: roster, Counts: c}
	}
	for name, c := range map[string]struct {
		metric leaderboard.UnitMetric
		rows   []leaderboard.Row
		want   string // id and rank, then the unranked
	}{
		"equal fractions share a place": {
			leaderboard.ByParticipation,
			[]leaderboard.Row{
				row("a", 3, leaderboard.Counts{Participants: 1}), row("b", 2, leaderboard.Counts{Participants: 1}),
				row("c", 999, leaderboard.Counts{Participants: 333}), row("d", 5, leaderboard.Counts{}),
			},
			"[b1 a2 c2 d4] []",
		},
		"without a roster there is no rate": {
			leaderboard.ByParticipation,
			[]leaderboard.Row{row("a", 0, leaderboard.Counts{Participants: 9}), row("b", 1, leaderboard.Counts{})},
			"[b1] [a]",
		},
		"an average needs ten persons and a third of the roster": {
			leaderboard.ByAverage,
			[]leaderboard.Row{
				row("nine", 9, leaderboard.Counts{Scored: 9, Score: 900}), row("ten", 10, leaderboard.Counts{Scored: 10, Score: 500}),
				row("29of100", 100, leaderboard.Counts{Scored: 29, Score: 2900}), row("30of100", 100, leaderboard.Counts{Scored: 30, Score: 2400}),
			},
			"[30of1001 ten2] [nine 29of100]",
		},
		"who passed, of those with a score": {
			leaderboard.ByPass,
			[]leaderboard.Row{row("a", 10, leaderboard.Counts{Scored: 20, Passed: 10}), row("b", 10, leaderboard.Counts{Scored: 10, Passed: 6})},
			"[b1 a2] []",
		},
		"signatures are counted": {
			leaderboard.BySignatures,
			[]leaderboard.Row{row("a", 0, leaderboard.Counts{Signatures: 2}), row("b", 0, leaderboard.Counts{Signatures: 3})},
			"[b1 a2] []",
		},
	} {
		in, out := leaderboard.RankRows(c.rows, c.metric)
		ranked, rest := []string{}, []string{}
		for _, r := range in {
			ranked = append(ranked, fmt.Sprint(r.ID, r.Rank))
		}
		for _, r := range out {
			rest = append(rest, r.ID)
		}
		if got := fmt.Sprint(ranked, " ", rest); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestUnitsAreRankedAsTheCampaignSays is the table of 国办函〔2026〕12号: no
// comparison of points among public employees.
func TestUnitsAreRankedAsTheCampaignSays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode    campaign.RankingMode
		metric  leaderboard.UnitMetric
		allowed bool
	}{
		{campaign.TopN, leaderboard.ByAverage, true},
		{campaign.ProgressOnly, leaderboard.ByAverage, false},
		{campaign.ProgressOnly, leaderboard.ByPass, false},
		{campaign.ProgressOnly, leaderboard.ByParticipation, true},
		{campaign.ProgressOnly, leaderboard.BySignatures, true},
		{campaign.RankNone, leaderboard.ByParticipation, false},
	} {
		err := c.metric.Allowed(&campaign.Campaign{Ranking: c.mode})
		if (err == nil) != c.allowed || err != nil && !errors.Is(err, leaderboard.ErrNotRanked) {
			t.Errorf("%s under %s: %v, want allowed %t", c.metric, c.mode, err, c.allowed)
		}
	}
}
