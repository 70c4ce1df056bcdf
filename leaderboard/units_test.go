package leaderboard_test

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// live are the rules of a campaign without particulars, in which everybody's mean
// is 75 of 100 points.
func live(m leaderboard.UnitMetric) leaderboard.UnitRules {
	return leaderboard.UnitRulesOf(&campaign.Campaign{FullMarks: 100}, m, leaderboard.Counts{Scored: 4, Score: 300})
}

func TestRankRows(t *testing.T) {
	t.Parallel()
	row := func(id string, roster int64, c leaderboard.Counts) leaderboard.Row {
		return leaderboard.Row{ID: id, Roster: roster, Units: 2, Counts: c}
	}
	for name, c := range map[string]struct {
		metric leaderboard.UnitMetric
		rows   []leaderboard.Row
		want   string // id and rank, then the unranked
	}{
		"equal fractions share a place, the larger roster first": {
			leaderboard.ByParticipation,
			[]leaderboard.Row{
				row("a", 3, leaderboard.Counts{Participants: 1}), row("b", 2, leaderboard.Counts{Participants: 1}),
				row("c", 999, leaderboard.Counts{Participants: 333}), row("d", 5, leaderboard.Counts{}),
			},
			"[b1 c2 a2 d4] []",
		},
		"what is above the roster is cut off": {
			leaderboard.ByParticipation,
			[]leaderboard.Row{
				row("z", 5880, leaderboard.Counts{Participants: 6062}), row("y", 13743, leaderboard.Counts{Participants: 13743}),
				row("x", 7086, leaderboard.Counts{Participants: 7034}),
			},
			"[y1 z1+ x3] []",
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
		"few persons are drawn to everybody's mean": {
			leaderboard.ByBayes, // (30×75+18400)/230 = 89.78, (30×75+500)/35 = 78.57, 75
			[]leaderboard.Row{
				row("s", 6, leaderboard.Counts{Scored: 5, Score: 500}), row("m", 3, leaderboard.Counts{Scored: 100, Score: 7500}),
				row("l", 250, leaderboard.Counts{Scored: 200, Score: 18400}), row("none", 250, leaderboard.Counts{}),
				row("few", 3, leaderboard.Counts{Scored: 4, Score: 400}),
			},
			"[l1 s2 m3] [none few]",
		},
		"whoever stays away has no points": {
			leaderboard.BySum,
			[]leaderboard.Row{
				row("a", 100, leaderboard.Counts{Scored: 5, Score: 100}), row("b", 10, leaderboard.Counts{Scored: 5, Score: 250}),
				row("none", 0, leaderboard.Counts{Scored: 5, Score: 250}), row("few", 10, leaderboard.Counts{Scored: 4, Score: 400}),
				row("nobody", 10, leaderboard.Counts{}),
			},
			"[b1 a2 nobody3] [none few]",
		},
		"who passed, of those with a score": {
			leaderboard.ByPass,
			[]leaderboard.Row{row("a", 10, leaderboard.Counts{Scored: 20, Passed: 10}), row("b", 10, leaderboard.Counts{Scored: 10, Passed: 6})},
			"[b1 a2] []",
		},
		"who had everything right, of those with a score": {
			leaderboard.ByFull,
			[]leaderboard.Row{row("a", 10, leaderboard.Counts{Scored: 20, Full: 10}), row("b", 10, leaderboard.Counts{Scored: 9, Full: 9})},
			"[a1] [b]",
		},
		"signatures are counted": {
			leaderboard.BySignatures,
			[]leaderboard.Row{row("a", 0, leaderboard.Counts{Signatures: 2}), row("b", 0, leaderboard.Counts{Signatures: 3})},
			"[b1 a2] []",
		},
		"the five parts together": {
			leaderboard.ByComposite, // 35+17.5+5+1+7.5 = 66, and 17.5+35+5+1+7.5 = 66 as well
			[]leaderboard.Row{
				row("a", 40, leaderboard.Counts{Active: 2, Participants: 20, Scored: 20, Passed: 10, Full: 2, Score: 1500}),
				row("b", 20, leaderboard.Counts{Active: 1, Participants: 20, Scored: 20, Passed: 10, Full: 2, Score: 1500}),
				row("c", 20, leaderboard.Counts{Active: 1, Participants: 20, Scored: 20, Passed: 10, Full: 2, Score: 1502}),
				row("few", 20, leaderboard.Counts{Active: 1, Participants: 20, Scored: 9, Passed: 9, Full: 9, Score: 900}),
				row("none", 0, leaderboard.Counts{Active: 1, Participants: 20, Scored: 20}),
			},
			"[c1 a2 b2] [few none]",
		},
		"nothing is made of a metric that nobody knows": {
			"fame", []leaderboard.Row{row("a", 10, leaderboard.Counts{Scored: 20})}, "[] [a]",
		},
	} {
		in, out := live(c.metric).Rank(c.rows)
		ranked, rest := []string{}, []string{}
		for _, r := range in {
			line := fmt.Sprint(r.ID, r.Rank)
			if r.OverRoster {
				line += "+"
			}
			ranked = append(ranked, line)
		}
		for _, r := range out {
			rest = append(rest, r.ID)
		}
		if got := fmt.Sprint(ranked, " ", rest); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestKnownMetrics(t *testing.T) {
	t.Parallel()
	for _, m := range leaderboard.UnitMetrics() {
		if !m.Known() {
			t.Errorf("%s is not known", m)
		}
	}
	if leaderboard.UnitMetric("fame").Known() {
		t.Error("fame is known")
	}
}

// TestRatiosCompareExactly: as fractions of whole numbers without a bound do.
func TestRatiosCompareExactly(t *testing.T) {
	t.Parallel()
	big64 := func(t *rapid.T, name string) int64 {
		return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 3), rapid.Just[int64](math.MinInt64), rapid.Just[int64](math.MaxInt64)).Draw(t, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := leaderboard.Ratio{Num: big64(t, "num"), Den: rapid.Int64Min(1).Draw(t, "den")}
		o := leaderboard.Ratio{Num: big64(t, "other num"), Den: rapid.Int64Min(1).Draw(t, "other den")}
		if want := big.NewRat(r.Num, r.Den).Cmp(big.NewRat(o.Num, o.Den)); r.Compare(o) != want || o.Compare(r) != -want {
			t.Errorf("%v against %v: %d and %d, want %d", r, o, r.Compare(o), o.Compare(r), want)
		}
	})
}

func TestRoundHalfUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		num, den int64
		places   int
		want     int64 // in the last place
	}{
		{1, 3, 2, 33},
		{2, 3, 2, 67},
		{1005, 1000, 2, 101}, // no double holds 1.005
		{10049, 10000, 2, 100},
		{5, 1000, 2, 1},
		{4999, 1000000, 2, 0},
		{0, 7, 2, 0},
		{100, 1, 2, 10000},
		{1, 2, 0, 1},
		{math.MaxInt64, math.MaxInt64 - 1, 4, 10000},
	} {
		if got := leaderboard.RoundHalfUp(big.NewRat(c.num, c.den), c.places); got.Num != c.want {
			t.Errorf("%d/%d to %d places: %v, want %d", c.num, c.den, c.places, got, c.want)
		}
	}
}
