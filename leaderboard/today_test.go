package leaderboard

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
)

func TestByNode(t *testing.T) {
	t.Parallel()
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r", Kind: campaign.Region, Name: campaign.Text{"zh-CN": "区"}},
		{ID: "u1", Kind: campaign.Unit, Name: campaign.Text{"zh-CN": "一"}, Parent: "r"},
		{ID: "u2", Kind: campaign.Unit, Name: campaign.Text{"zh-CN": "二"}, Parent: "r"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := byNode(tree, map[BucketCell]int64{
		{1, Cell{"u1", Participants}}: 3, {2, Cell{"u1", Participants}}: 1, {2, Cell{"u2", Signatures}}: 5, {2, Cell{"u2", Score}}: 99,
	})
	want := map[string]Window{"u1": {Participants: 4}, "u2": {Signatures: 5}, "r": {Participants: 4, Signatures: 5}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRowRanks(t *testing.T) {
	t.Parallel()
	row := func(id string, roster, participants, signatures int64) Row {
		return Row{ID: id, Kind: campaign.Region, Roster: roster, Counts: Counts{Participants: participants, Signatures: signatures}}
	}
	c := &campaign.Campaign{}
	rows := []Row{row("a", 100, 50, 1), row("b", 100, 40, 9), row("none", 0, 7, 2), row(campaign.Unassigned, 0, 1000, 1000)}
	for name, tc := range map[string]struct {
		rows   []Row
		today  map[string]Window
		metric UnitMetric
		want   map[string]RowRank
	}{
		"a rose above b today":   {rows, map[string]Window{"a": {Participants: 20}}, ByParticipation, map[string]RowRank{"a": {1, 2}, "b": {2, 1}}},
		"the day is not known":   {rows, nil, ByParticipation, map[string]RowRank{"a": {1, 0}, "b": {2, 0}}},
		"more taken out than in": {rows, map[string]Window{"a": {Participants: 70}, "b": {Participants: -5}}, ByParticipation, map[string]RowRank{"a": {1, 0}, "b": {2, 1}}},
		"the day is the first":   {rows, map[string]Window{"a": {Participants: 50}, "b": {Participants: 40}}, ByParticipation, map[string]RowRank{"a": {1, 0}, "b": {2, 0}}},
		"nobody has a roster": {
			[]Row{row("a", 0, 5, 1), row("b", 0, 4, 9)},
			map[string]Window{"b": {Signatures: 8}},
			BySignatures,
			map[string]RowRank{"b": {1, 1}, "a": {2, 1}},
		},
		"no rows": {nil, nil, BySignatures, map[string]RowRank{}},
	} {
		metric, got := RowRanks(c, tc.rows, Counts{}, tc.today)
		if d := cmp.Diff(tc.want, got); d != "" || metric != tc.metric {
			t.Errorf("%s: by %s, %s", name, metric, d)
		}
	}
	if rows[0].Participants != 50 {
		t.Error("the rows were changed")
	}
}

// TestAudience: a screen before the public sees as deep as its office, and no order or
// figure that the public does not see.
func TestAudience(t *testing.T) {
	t.Parallel()
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r", Kind: campaign.Region, Name: campaign.Text{"zh-CN": "区"}},
		{ID: "u1", Kind: campaign.Unit, Name: campaign.Text{"zh-CN": "一"}, Parent: "r"},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	for _, mode := range []campaign.RankingMode{campaign.RankNone, campaign.ProgressOnly, campaign.Tiers, campaign.TopN} {
		for _, frozen := range []bool{false, true} {
			c := &campaign.Campaign{ID: "c", Tree: tree, Ranking: mode, TopN: 3, PublicBreakdown: campaign.BreakdownNone}
			if frozen {
				c.Freeze.At = now.Add(-1)
			}
			public := Look(c, now, Viewer{}, "r")
			audience := Look(c, now, Viewer{Office: true, Audience: true, Campaign: "c", Scope: "r"}, "r")
			if d := cmp.Diff(public, audience); d != "" {
				t.Errorf("%s, frozen %t: %s", mode, frozen, d)
			}
			rows := Breakdown(tree, RollUp(tree, nil), "r", "zh-CN")
			if err := mayLook(c, "r", rows, Viewer{Office: true, Audience: true, Campaign: "c", Scope: "r"}); err != nil {
				t.Errorf("%s: the breakdown is refused: %v", mode, err)
			}
			if err := mayLook(c, "", rows, Viewer{Office: true, Audience: true, Campaign: "c", Scope: "r"}); err == nil {
				t.Errorf("%s: the breakdown above the scope is shown", mode)
			}
		}
	}
}
