package leaderboard_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// TestLook is the table of who sees what: it is decided here and nowhere else.
func TestLook(t *testing.T) {
	t.Parallel()
	c := city(t)
	c.Freeze = campaign.Freeze{At: base.Add(time.Hour), Until: base.Add(2 * time.Hour)}
	before, within, after := base, c.Freeze.At, c.Freeze.Until
	for _, tc := range []struct {
		mode   campaign.RankingMode
		now    time.Time
		viewer leaderboard.Viewer
		part   string
		want   string // view, depth, then what is told of oneself and of units
	}{
		{campaign.TopN, before, leaderboard.Viewer{}, "", "frozen 100 score place units true"},
		{campaign.TopN, within.Add(-1), leaderboard.Viewer{}, "d1", "frozen 100 score place units true"},
		{campaign.TopN, within, leaderboard.Viewer{}, "", "frozen 100 score units still"},
		{campaign.TopN, after.Add(-1), leaderboard.Viewer{}, "", "frozen 100 score units still"},
		{campaign.TopN, after, leaderboard.Viewer{}, "", "now 100 score place units true"},
		{campaign.TopN, within, office(""), "", "everybody 10000 score place units true"},
		{campaign.TopN, within, office("d1"), "u1", "everybody 10000 score place units true"},
		{campaign.TopN, within, office("d1"), "", "frozen 100 score units still"},
		{campaign.TopN, within, office("d1"), "d2", "frozen 100 score units still"},
		{campaign.TopN, within, leaderboard.Viewer{Office: true, Campaign: "other"}, "", "frozen 100 score units still"},
		{campaign.TopN, within, leaderboard.Viewer{Campaign: "antidrug"}, "", "frozen 100 score units still"},
		{campaign.Tiers, before, leaderboard.Viewer{}, "", "frozen 0 score tier units true"},
		{campaign.Tiers, within, leaderboard.Viewer{}, "", "frozen 0 score units still"},
		{campaign.Tiers, before, office(""), "", "everybody 10000 score place tier units true"},
		{campaign.ProgressOnly, before, leaderboard.Viewer{}, "", "frozen 0 score progress true"},
		{campaign.ProgressOnly, before, office(""), "", "everybody 10000 score place progress true"},
		{campaign.RankNone, before, leaderboard.Viewer{}, "", "frozen 0 true"},
		{campaign.RankNone, before, office(""), "", "everybody 10000 score place true"},
		{"", before, leaderboard.Viewer{}, "", "frozen 0 true"},
	} {
		c.Ranking = tc.mode
		if got := told(leaderboard.Look(c, tc.now, tc.viewer, tc.part)); got != tc.want {
			t.Errorf("%q, %+v of %q after %v: %s, want %s", tc.mode, tc.viewer, tc.part, tc.now.Sub(base), got, tc.want)
		}
	}
}

// told puts a sight into words.
func told(s leaderboard.Sight) string {
	out := fmt.Sprint([]string{"frozen", "now", "everybody"}[s.View], " ", s.Depth)
	for _, part := range []struct {
		name string
		is   bool
	}{
		{"score", s.Score},
		{"place", s.Place},
		{"tier", s.Tier},
		{"units", s.Units},
		{"progress", s.Progress && !s.Units},
		{"true", s.True},
		{"still", s.Frozen != nil},
	} {
		if part.is {
			out += " " + part.name
		}
	}
	return out
}

func TestPublicView(t *testing.T) {
	t.Parallel()
	c := &campaign.Campaign{}
	if v := leaderboard.PublicView(c, base); v != leaderboard.Frozen {
		t.Errorf("without a freeze: view %d", v)
	}
	c.Freeze.At = base
	if v := leaderboard.PublicView(c, never); v != leaderboard.Frozen {
		t.Errorf("of a freeze without an end: view %d", v)
	}
}

// TestTiers: shares are rounded up to whole people, and nobody who shares a place
// is left behind.
func TestTiers(t *testing.T) {
	t.Parallel()
	preset := campaign.PresetTiers()
	for _, tc := range []struct {
		above, of int64
		want      string
	}{
		{0, 1, "gold"},
		{0, 10, "gold"},
		{1, 10, "silver"},
		{2, 10, "silver"},
		{3, 10, "bronze"},
		{5, 10, "bronze"},
		{6, 10, ""},
		{1, 11, "gold"}, // a tenth of eleven is more than one
		{2, 11, "silver"},
		{99, 1000, "gold"},
		{100, 1000, "silver"},
		{999_999_999, 10_000_000_000, "gold"},
		{1_000_000_000, 10_000_000_000, "silver"},
		{0, 0, ""},
	} {
		if got := leaderboard.TierOf(preset, tc.above, tc.of); got != tc.want {
			t.Errorf("%d of %d above: %q, want %q", tc.above, tc.of, got, tc.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.Int64Range(1, 500).Draw(t, "of")
		gold := int64(0)
		for above := range of { // nobody shares a place
			if leaderboard.TierOf(preset, above, of) == "gold" {
				gold++
			}
		}
		if 100*gold < 10*of || 100*(gold-1) >= 10*of {
			t.Errorf("%d of %d have gold", gold, of)
		}
	})
}

func TestTopPercent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ percent, of, limit, want int64 }{
		{10, 100, 2000, 10},
		{100, 100, 3, 3},
		{1, 50, 9, 1},
		{50, 7, 9, 3},
		{50, 0, 9, 0},
	} {
		if got, err := leaderboard.TopPercent(tc.percent, tc.of, tc.limit); err != nil || got != tc.want {
			t.Errorf("%d %% of %d, at most %d: %d, %v; want %d", tc.percent, tc.of, tc.limit, got, err, tc.want)
		}
	}
	for _, percent := range []int64{-1, 0, 101} {
		if got, err := leaderboard.TopPercent(percent, 100, 100); err == nil {
			t.Errorf("%d %%: %d", percent, got)
		}
	}
}

func TestBeatPercent(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ below, of, want int64 }{{0, 0, 0}, {0, 5, 0}, {2, 3, 66}, {99, 100, 99}, {4, 4, 100}} {
		if got := leaderboard.BeatPercent(tc.below, tc.of); got != tc.want {
			t.Errorf("%d of %d below: %d %%, want %d", tc.below, tc.of, got, tc.want)
		}
	}
}

// TestScores compares the sums with a walk over everybody.
func TestScores(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.SliceOf(rapid.IntRange(0, 12)).Draw(t, "people")
		histogram := map[int]int64{99: 0} // nobody any more
		for _, score := range people {
			histogram[score]++
		}
		s := leaderboard.NewScores(histogram)
		score := rapid.IntRange(-1, 14).Draw(t, "score")
		var above, below, sum int64
		for _, other := range people {
			sum += int64(other)
			switch {
			case other > score:
				above++
			case other < score:
				below++
			}
		}
		n := int64(len(people))
		if s.Of() != n || s.Above(score) != above || s.Below(score) != below || s.Rank(score) != above+1 ||
			s.Beat(score) != leaderboard.BeatPercent(below, n) {
			t.Errorf("%d of %v: above %d, below %d, of %d", score, people, s.Above(score), s.Below(score), s.Of())
		}
		mean, ok := s.Mean()
		share, known := s.AtLeast(score)
		if ok != (n > 0) || known != ok || ok && (mean != leaderboard.Ratio{Num: sum, Den: n} || share != leaderboard.Ratio{Num: n - below, Den: n}) {
			t.Errorf("mean of %v: %v, %t; at least %d: %v", people, mean, ok, score, share)
		}
	})
}

// TestRates: what is told of people with a score is exact, and nothing of nobody.
func TestRates(t *testing.T) {
	t.Parallel()
	c := leaderboard.Counts{Scored: 3, Score: 200, Passed: 2, Full: 1}
	for name, of := range map[string]struct {
		rate func(*leaderboard.Counts) (leaderboard.Ratio, bool)
		want leaderboard.Ratio
	}{
		"mean":      {(*leaderboard.Counts).Mean, leaderboard.Ratio{Num: 200, Den: 3}},
		"pass rate": {(*leaderboard.Counts).PassRate, leaderboard.Ratio{Num: 2, Den: 3}},
		"full rate": {(*leaderboard.Counts).FullRate, leaderboard.Ratio{Num: 1, Den: 3}},
	} {
		if got, ok := of.rate(&c); !ok || got != of.want {
			t.Errorf("%s: %v, %t, want %v", name, got, ok, of.want)
		}
		if got, ok := of.rate(&leaderboard.Counts{Participants: 5}); ok {
			t.Errorf("%s of nobody: %v", name, got)
		}
	}
}
