package leaderboard_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

func metrics() []leaderboard.Metric {
	return []leaderboard.Metric{
		leaderboard.Enrolled, leaderboard.Participants, leaderboard.Attempts, leaderboard.Signatures,
		leaderboard.Passed, leaderboard.Full, leaderboard.Scored, leaderboard.Score,
	}
}

// genTree draws a tree; ids that begin with u are units.
func genTree(t *rapid.T) *campaign.Tree {
	regions := []string{""}
	nodes := make([]campaign.Node, rapid.IntRange(0, 40).Draw(t, "nodes"))
	for i := range nodes {
		id := rapid.SampledFrom([]string{"r", "u"}).Draw(t, "kind") + strconv.Itoa(i)
		nodes[i] = node(id, rapid.SampledFrom(regions).Draw(t, "parent"))
		if nodes[i].Kind == campaign.Region {
			regions = append(regions, id)
		}
	}
	return tree(t, nodes...)
}

// genTally draws tallies of units of the tree, of regions, of units that left
// the tree, and of those without a unit.
func genTally(t *rapid.T, of *campaign.Tree) map[leaderboard.Cell]int64 {
	units := []string{campaign.Unassigned, "u-gone", "u-gone-too"}
	for n := range of.Nodes {
		units = append(units, n.ID)
	}
	cell := rapid.Custom(func(t *rapid.T) leaderboard.Cell {
		return leaderboard.Cell{
			Unit:   rapid.SampledFrom(units).Draw(t, "unit"),
			Metric: rapid.SampledFrom(append(metrics(), "of_a_newer_server")).Draw(t, "metric"),
		}
	})
	return rapid.MapOf(cell, rapid.Int64Range(-3, 1000)).Draw(t, "tally")
}

// TestEveryLevelAddsUp proves invariant 6: whatever the tree and the tallies, the
// rows of every level sum to their parent, and those of the top to the total.
func TestEveryLevelAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		of := genTree(t)
		tally := genTally(t, of)
		roll := leaderboard.RollUp(of, tally)
		parents := map[string]leaderboard.Counts{"": roll.Total}
		for n := range of.Nodes {
			if n.Kind == campaign.Region {
				parents[n.ID] = roll.Nodes[n.ID]
			}
		}
		for parent, want := range parents {
			var sum leaderboard.Counts
			for _, row := range leaderboard.Breakdown(of, roll, parent, "zh-CN") {
				sum = sum.Add(row.Counts)
			}
			if diff := cmp.Diff(want, sum); diff != "" {
				t.Errorf("the rows below %q (-parent +sum):\n%s", parent, diff)
			}
			if diff := cmp.Diff(want, leaderboard.SumOver(of, tally, parent)); diff != "" {
				t.Errorf("SumOver(%q) (-parent +sum):\n%s", parent, diff)
			}
		}
		checkTotal(t, roll.Total, tally)
	})
}

func checkTotal(t *rapid.T, total leaderboard.Counts, tally map[leaderboard.Cell]int64) {
	sum := map[leaderboard.Metric]int64{}
	for cell, n := range tally {
		sum[cell.Metric] += n
	}
	want := leaderboard.Counts{
		Enrolled: sum["enrolled"], Participants: sum["participants"], Attempts: sum["attempts"],
		Signatures: sum["signatures"], Passed: sum["passed"], Full: sum["full"], Scored: sum["scored"], Score: sum["score"],
		Active: total.Active, // no sum of cells
	}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Errorf("total (-sum of the cells +total):\n%s", diff)
	}
}

func TestBreakdown(t *testing.T) {
	t.Parallel()
	c := city(t)
	tally := map[leaderboard.Cell]int64{
		{Unit: "u1", Metric: "enrolled"}: 9, {Unit: "u1", Metric: "participants"}: 6, {Unit: "u1", Metric: "scored"}: 5,
		{Unit: "u2", Metric: "enrolled"}: 4, {Unit: "u2", Metric: "participants"}: 4, {Unit: "u2", Metric: "scored"}: 4,
		{Unit: "u5", Metric: "enrolled"}: 2, {Unit: "u-gone", Metric: "enrolled"}: 3,
		{Unit: campaign.Unassigned, Metric: "enrolled"}: 1,
	}
	roll := leaderboard.RollUp(c.Tree, tally)
	row := func(id string, kind campaign.NodeKind, roster int64, counts leaderboard.Counts, small bool) leaderboard.Row {
		return leaderboard.Row{ID: id, Name: "名称" + id, Kind: kind, Roster: roster, Units: roster / 10, Counts: counts, Small: small}
	}
	rest := row(campaign.Unassigned, campaign.Unit, 0, leaderboard.Counts{Enrolled: 4}, true)
	rest.Name = "未分配"
	for parent, want := range map[string][]leaderboard.Row{
		"": {row("city", campaign.Region, 50, leaderboard.Counts{Enrolled: 15, Participants: 10, Active: 2, Scored: 9}, false), rest},
		"city": {
			row("d1", campaign.Region, 20, leaderboard.Counts{Enrolled: 13, Participants: 10, Active: 2, Scored: 9}, false),
			row("d2", campaign.Region, 20, leaderboard.Counts{}, true),
			row("u5", campaign.Unit, 10, leaderboard.Counts{Enrolled: 2}, true),
		},
		"d1": {
			row("u1", campaign.Unit, 10, leaderboard.Counts{Enrolled: 9, Participants: 6, Active: 1, Scored: 5}, false),
			row("u2", campaign.Unit, 10, leaderboard.Counts{Enrolled: 4, Participants: 4, Active: 1, Scored: 4}, true),
		},
		"u1":      nil,
		"nowhere": nil,
	} {
		if diff := cmp.Diff(want, leaderboard.Breakdown(c.Tree, roll, parent, "zh-CN")); diff != "" {
			t.Errorf("below %q (-want +got):\n%s", parent, diff)
		}
	}
}

// TestFewPersonsAreNotShown: an average of fewer than five persons would tell
// about single ones, however many others have only signed.
func TestFewPersonsAreNotShown(t *testing.T) {
	t.Parallel()
	c := city(t)
	for _, tc := range []struct {
		participants, scored int64
		small                bool
	}{{0, 0, true}, {4, 4, true}, {5, 4, true}, {100, 1, true}, {5, 5, false}, {100, 100, false}} {
		roll := leaderboard.RollUp(c.Tree, map[leaderboard.Cell]int64{
			{Unit: "u5", Metric: "participants"}: tc.participants, {Unit: "u5", Metric: "scored"}: tc.scored,
			{Unit: campaign.Unassigned, Metric: "participants"}: tc.participants, {Unit: campaign.Unassigned, Metric: "scored"}: tc.scored,
		})
		for parent, last := range map[string]int{"": 1, "city": 2} {
			if row := leaderboard.Breakdown(c.Tree, roll, parent, "zh-CN")[last]; row.Small != tc.small {
				t.Errorf("%s, %d participants of whom %d have a score: small %t", row.ID, tc.participants, tc.scored, row.Small)
			}
		}
	}
}

func TestAverage(t *testing.T) {
	t.Parallel()
	if v, ok := (&leaderboard.Counts{Scored: 3, Score: 200}).Average(); !ok || v < 66.66 || v > 66.67 {
		t.Errorf("average of 200 points of 3 is %g, %t", v, ok)
	}
	if v, ok := (&leaderboard.Counts{Score: 10}).Average(); ok {
		t.Errorf("average of nobody is %g", v)
	}
}
