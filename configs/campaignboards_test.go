package configs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
)

// tiered replaces the ranking of goodCampaign, lines 13 and 14.
func tiered(lines string) string {
	return strings.Replace(goodCampaign, "ranking_mode: top_n\ntop_n: 10\n", lines, 1)
}

// ranked is a campaign with everything that boards can be asked for.
var ranked = tiered(`ranking_mode: tiers
tiers: [{tier: gold, share: 5}, {tier: silver, share: 20}]
phases:
  - {id: early, title: {zh-CN: 上半月, bo: དང་པོ།}, from: 2026-06-01 08:00, to: 2026-06-16 00:00}
  - {id: late, title: 下半月, from: 2026-06-16 00:00, to: 2026-07-01 00:00}
combined_boards: true
freeze_at: 2026-06-28 20:00
unfreeze_at: 2026-07-02 10:00
composite: {weights: {school_rate: 50, pass_rate: 12.5, average: 37.50}}
`)

func TestLoadBoards(t *testing.T) {
	t.Parallel()
	d, err := LoadDefinition(townFS(strings.Replace(ranked, "review:", "policy: sum_days\n  review:", 1), goodBank), "town.yaml")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 6, day, hour, 0, 0, 0, Zone()) }
	c := d.Campaign
	got := campaign.Campaign{
		Ranking: c.Ranking, TopN: c.TopN, Tiers: c.Tiers, Policy: c.Policy, Phases: c.Phases, Combined: c.Combined,
		Freeze: c.Freeze, Composite: c.Composite,
	}
	want := campaign.Campaign{
		Ranking: campaign.Tiers, Tiers: []campaign.Tier{{ID: "gold", Share: 5}, {ID: "silver", Share: 20}}, Policy: campaign.PolicySumDays,
		Phases: []campaign.Phase{
			{ID: "early", Title: campaign.Text{"zh-CN": "上半月", "bo": "དང་པོ།"}, From: at(1, 8), To: at(16, 0)},
			{ID: "late", Title: zh("下半月"), From: at(16, 0), To: at(31, 0)},
		},
		Combined: true, Freeze: campaign.Freeze{At: at(28, 20), Until: at(32, 10)},
		Composite: campaign.Weights{SchoolRate: 5000, PassRate: 1250, Average: 3750},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBoardsByDefault shows what a campaign that says nothing of boards gets.
func TestBoardsByDefault(t *testing.T) {
	t.Parallel()
	d, err := LoadDefinition(townFS(tiered("ranking_mode: tiers\n"), goodBank), "town.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := d.Campaign
	if diff := cmp.Diff(campaign.PresetTiers(), c.Tiers); diff != "" || c.Policy != campaign.PolicyBest || c.Combined ||
		len(c.Phases) > 0 || c.Freeze != (campaign.Freeze{}) || c.Weighting() != campaign.PresetWeights() {
		t.Errorf("%+v", c)
	}
}

func TestFaultyBoards(t *testing.T) {
	t.Parallel()
	const tree = "tree:\n"
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"tiers elsewhere":    {"ranking_mode: tiers", "ranking_mode: none", []string{"town.yaml:14: tiers: only goes with ranking_mode tiers"}},
		"top_n elsewhere":    {"ranking_mode: tiers", "ranking_mode: tiers\ntop_n: 5", []string{"town.yaml:14: top_n: only goes with ranking_mode top_n"}},
		"no tier":            {"[{tier: gold, share: 5}, {tier: silver, share: 20}]", "[]", []string{"town.yaml:14: tiers: at least one"}},
		"unknown tier":       {"tier: gold", "tier: iron", []string{`town.yaml:14: tiers.0.tier: "iron" is not one of gold, silver, bronze`}},
		"tier twice":         {"tier: silver", "tier: gold", []string{`town.yaml:14: tiers.1.tier: "gold" stands twice or below`}},
		"worst first":        {"tier: gold", "tier: bronze", []string{`town.yaml:14: tiers.1.tier: "silver" stands twice or below`}},
		"share":              {"share: 20", "share: 101", []string{"town.yaml:14: tiers.1.share: want a whole number from 1 to 100"}},
		"no more":            {"share: 20", "share: 5", []string{"town.yaml:14: tiers.1.share: 5 is not more than 5"}},
		"phase like a day":   {"id: early", "id: 2026-06-01", []string{"town.yaml:16: phases.0.id: \"2026-06-01\": want a small letter"}},
		"phase of all":       {"id: early", "id: all", []string{`town.yaml:16: phases.0.id: "all" means the whole time`}},
		"phase twice":        {"id: late", "id: early", []string{`town.yaml:17: phases.1.id: "early" stands twice`}},
		"phase turned round": {"to: 2026-06-16 00:00", "to: 2026-06-01 08:00", []string{"town.yaml:16: phases.0: ends at 2026-06-01 08:00:00 and begins at"}},
		"phase too early":    {"from: 2026-06-01 08:00", "from: 2026-06-01 07:59", []string{"town.yaml:16: phases.0: does not lie within"}},
		"phase too late":     {"to: 2026-07-01 00:00", "to: 2026-07-01 00:01", []string{"town.yaml:17: phases.1: does not lie within"}},
		"phases overlap":     {"to: 2026-06-16 00:00", "to: 2026-06-16 00:01", []string{"town.yaml:17: phases.1: overlaps with early"}},
		"many phases":        {"phases:\n", "phases:\n" + strings.Repeat("  - {id: a, title: 甲, from: 2026-06-02 08:00, to: 2026-06-03 00:00}\n", 64), []string{"phases: 66 phases, at most 64"}},
		"freeze too early":   {"freeze_at: 2026-06-28", "freeze_at: 2026-05-28", []string{"town.yaml:19: freeze_at: 2026-05-28 20:00:00 is not within"}},
		"freeze at the end":  {"freeze_at: 2026-06-28 20:00", "freeze_at: 2026-07-01 00:00", []string{"town.yaml:19: freeze_at: 2026-07-01 00:00:00 is not within"}},
		"no freeze":          {"freeze_at: 2026-06-28 20:00\nun", "un", []string{"town.yaml:19: unfreeze_at: only goes with freeze_at"}},
		"unfreeze":           {"unfreeze_at: 2026-07-02 10:00", "unfreeze_at: 2026-06-28 20:00", []string{"town.yaml:20: unfreeze_at: 2026-06-28 20:00:00 is not after freeze_at"}},
		"weights":            {"school_rate: 50", "school_rate: 49.75", []string{"town.yaml:21: composite.weights: sum to 399/4 per cent, not to 100"}},
		"unknown weight":     {"school_rate: 50", "schools: 50", []string{"town.yaml:21: composite.weights.schools: unknown field"}},
		"fine weight":        {"12.5", "12.505", []string{"town.yaml:21: composite.weights.pass_rate: want per cent from 0 to 100, with at most two decimals"}},
		"negative weight":    {"12.5", "-12.5", []string{"town.yaml:21: composite.weights.pass_rate: want per cent"}},
		"heavy weight":       {"12.5", "100.01", []string{"town.yaml:21: composite.weights.pass_rate: want per cent"}},
		"no weights":         {"{weights: {school_rate: 50, pass_rate: 12.5, average: 37.50}}", "{}", []string{"town.yaml:21: composite.weights: is missing"}},
		"policy":             {"review:", "policy: last\n  review:", []string{`quiz.policy: "last" is not one of best, sum, sum_days`}},
		"too many points":    {"attempts_per_day: 3", "attempts_per_day: 700\n  policy: sum", []string{"quiz.policy: 21000 attempts of 100 points may count, 2100000 together: a board holds sums up to 2097151"}},
		"too long for sums":  {"2026-07-01T00:00:00+08:00", "2040-07-01T00:00:00+08:00", []string{"!thirteen", "more than eight years"}},
		"combined":           {"combined_boards: true", "combined_boards: all", []string{"town.yaml:18: combined_boards: want true or false"}},
		"nothing else":       {tree, "boards: {}\n" + tree, []string{"boards: unknown field"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(ranked, tt.old, tt.new, 1)
			if text == ranked {
				t.Fatalf("ranked has no %q", tt.old)
			}
			_, err := LoadDefinition(townFS(text, goodBank), "town.yaml")
			wantFaults(t, err, tt.want)
		})
	}
}

// TestSumsFit tries campaigns of sums at the bounds of what a board holds.
func TestSumsFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ closes, quiz, want string }{
		"fourteen years":          {"2040-07-01 00:00", "policy: sum", "more than thirteen years after opens_at"},
		"thirteen years":          {"2039-06-01 08:00", "policy: sum", ""},
		"three hours, long after": {"2039-06-01 08:00", "policy: sum\n  time_limit: 3h", ""},
		"many a day":              {"2026-07-01 00:00", "policy: sum\n  attempts_per_day: 700", "2100000 together"},
		"but not in all":          {"2026-07-01 00:00", "policy: sum\n  attempts_per_day: 700\n  attempts_in_all: 900", ""},
		"one each day":            {"2026-07-01 00:00", "policy: sum_days\n  attempts_per_day: 700", ""},
		"nothing bounds it":       {"2026-07-01 00:00", "policy: sum", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer(
				"2026-07-01T00:00:00+08:00", c.closes, "  attempts_per_day: 3\n", "", "  time_limit: 10m\n", "",
				"  grace: 5s", "  "+c.quiz).Replace(goodCampaign)
			if !strings.Contains(c.quiz, "time_limit") {
				text = strings.Replace(text, "  review:", "  time_limit: 10m\n  review:", 1)
			}
			_, err := LoadDefinition(townFS(text, goodBank), "town.yaml")
			if c.want != "" {
				wantFaults(t, err, []string{c.want})
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
