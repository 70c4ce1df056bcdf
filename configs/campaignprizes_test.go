package configs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/prize"
)

// goodPrizes is a whole plan for goodCampaign.
const goodPrizes = `prizes:
  rules: {version: "1", text: 每人每天一次。}
  qualify: {passed: true, signed: true, min_score: 80, attempts: first_of_day, groups: [public], regions: [sub]}
  chances: {per_day: 1, in_all: 10, wins: 1}
  claim_days: 30
  instant:
    - {id: tea, kind: voucher, name: 茶饮券, stock: 100, value_fen: 1500, odds: 20000, daily: 10}
    - {id: bag, kind: goods, name: {zh-CN: 背包, bo: རྒྱབ་ཁུག}, stock: 5, value_fen: 5000000, odds: 100, tax: {percent: 20, paid_by: office}}
  draws:
    - id: final
      name: 收官抽奖
      entrants_at: 2026-06-30 20:00
      prizes: [{id: bike, kind: goods, name: 自行车, stock: 2, value_fen: 80000}]
      reserves: 4
      source: 中国福利彩票双色球第 2026077 期开奖号码
`

func withPrizes(text string) string {
	return strings.Replace(goodCampaign, "tree:\n", text+"tree:\n", 1)
}

func TestPrizePlan(t *testing.T) {
	t.Parallel()
	d, err := LoadDefinition(townFS(withPrizes(goodPrizes), goodBank), "town.yaml")
	if err != nil {
		t.Fatal(err)
	}
	name := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	want := &prize.Plan{
		Rules: prize.Rules{Version: "1", Text: name("每人每天一次。")},
		Qualify: prize.Qualify{
			Signed: true, Passed: true, MinScore: 80, Attempts: prize.FirstOfDay, Groups: []string{"public"}, Regions: []string{"sub"},
		},
		Chances: prize.Chances{PerDay: 1, InAll: 10, Wins: 1}, ClaimDays: 30,
		Instant: []prize.Prize{
			{ID: "tea", Kind: prize.Voucher, Name: name("茶饮券"), Stock: 100, Value: 1500, Tax: prize.Tax{PaidBy: prize.Winner}, Odds: 20000, Daily: 10},
			{
				ID: "bag", Kind: prize.Goods, Name: campaign.Text{"zh-CN": "背包", "bo": "རྒྱབ་ཁུག"}, Stock: 5, Value: prize.MaxValue,
				Tax: prize.Tax{Percent: 20, PaidBy: prize.Office}, Odds: 100,
			},
		},
		Draws: []prize.Draw{{
			ID: "final", Name: name("收官抽奖"), EntrantsAt: time.Date(2026, 6, 30, 20, 0, 0, 0, Zone()), Reserves: 4,
			Source: "中国福利彩票双色球第 2026077 期开奖号码",
			Prizes: []prize.Prize{{ID: "bike", Kind: prize.Goods, Name: name("自行车"), Stock: 2, Value: 80000, Tax: prize.Tax{PaidBy: prize.Winner}}},
		}},
	}
	if diff := cmp.Diff(want, d.Prizes); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if tax, net := d.Prizes.Instant[1].Withheld(); tax != 1_000_000 || net != prize.MaxValue {
		t.Errorf("tax %d, net %d", tax, net)
	}
}

// TestPrizeFaults: each fault is found at its field, and all of them at once.
func TestPrizeFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ old, new, want string }{
		"too dear":         {"value_fen: 5000000", "value_fen: 5000001", "prizes.instant.1.value_fen: want a whole number from 1 to 5000000"},
		"a draw's as well": {"value_fen: 80000", "value_fen: 5000001", "prizes.draws.0.prizes.0.value_fen: want a whole number"},
		"nothing":          {goodPrizes[strings.Index(goodPrizes, "  chances"):], "  claim_days: 3\n", "prizes: there is nothing to win"},
		"two of an id":     {"id: bike", "id: tea", `prizes.draws.0.prizes.0.id: "tea" stands twice`},
		"sure twice":       {"odds: 100,", "odds: 1000000,", "prizes.instant: the odds of all prizes sum to 1020000"},
		"daily":            {"daily: 10", "daily: 101", "prizes.instant.0.daily: 101 a day are more than the stock of 100"},
		"kind":             {"kind: voucher", "kind: cash", `prizes.instant.0.kind: "cash" is not one of`},
		"group":            {"groups: [public]", "groups: [driver]", `prizes.qualify.groups: there is no group "driver"`},
		"region":           {"regions: [sub]", "regions: [nowhere]", `prizes.qualify.regions: there is no region or unit "nowhere"`},
		"score":            {"min_score: 80", "min_score: 101", "prizes.qualify.min_score: 101 is more than the 100 points"},
		"late":             {"2026-06-30 20:00", "2026-07-02 20:00", "prizes.draws.0.entrants_at: 2026-07-02 20:00 is not within the campaign"},
		"no source":        {"      source: 中国福利彩票双色球第 2026077 期开奖号码\n", "", "prizes.draws.0.source: is missing"},
		"no rules":         {"  rules: {version: \"1\", text: 每人每天一次。}\n", "", "prizes.rules: is missing"},
		"no bound":         {"in_all: 10, ", "", "prizes.chances.in_all: is missing"},
		"unknown":          {"reserves: 4", "winner: me", "prizes.draws.0.winner: unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(goodPrizes, tt.old, tt.new, 1)
			_, err := LoadDefinition(townFS(withPrizes(text), goodBank), "town.yaml")
			wantFaults(t, err, []string{tt.want})
		})
	}
}

// TestPrizesAreReviewed: boards that tell places stand still until the days of the review
// are over, from a moment that the file names.
func TestPrizesAreReviewed(t *testing.T) {
	t.Parallel()
	load := func(extra, boards string) (Definition, error) {
		text := strings.Replace(withPrizes(goodPrizes+extra), "ranking_mode: top_n\ntop_n: 10\n", boards, 1)
		return LoadDefinition(townFS(text, goodBank), "town.yaml")
	}
	const ranked, frozen = "ranking_mode: top_n\ntop_n: 10\n", "freeze_at: 2026-06-30 20:00\n"
	for name, tt := range map[string]struct{ boards, want string }{
		"not frozen":     {ranked, "prizes.review_days: needs freeze_at"},
		"too short":      {ranked + frozen + "unfreeze_at: 2026-07-07 23:59\n", "prizes.review_days: the boards move again at 2026-07-07 23:59:00, and winners are reviewed until 2026-07-08 00:00:00"},
		"without an end": {ranked + frozen, ""},
		"longer":         {ranked + frozen + "unfreeze_at: 2026-07-20 00:00\n", ""},
		"no places":      {"ranking_mode: progress_only\n", ""},
	} {
		d, err := load("  review_days: 7\n", tt.boards)
		if tt.want != "" {
			wantFaults(t, err, []string{tt.want})
			continue
		}
		if err != nil || d.Prizes.ReviewDays != 7 {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if until := d.Campaign.Freeze.Until; name == "without an end" && !until.Equal(d.Campaign.ClosesAt.AddDate(0, 0, 7)) {
			t.Errorf("the boards move again at %s", until)
		}
	}
	if d, err := load("", ranked+frozen); err != nil || !d.Campaign.Freeze.Until.IsZero() {
		t.Errorf("without a review: %v", err)
	}
}

// TestWeChatIsAskedOnlyWithNotice: a notice that does not say what WeChat is told is not
// enough.
func TestWeChatIsAskedOnlyWithNotice(t *testing.T) {
	t.Parallel()
	load := func(notice string) error {
		text := strings.Replace(withPrizes(goodPrizes+"  wechat_risk_from: 3\n"), "text: 告知}", "text: "+notice+"}", 1)
		_, err := LoadDefinition(townFS(text, goodBank), "town.yaml")
		return err
	}
	wantFaults(t, load("告知"), []string{"prizes.wechat_risk_from: WeChat is told who claims a prize"})
	wantFaults(t, load("领奖时将您的微信标识提供给微信查询风险"), []string{"has no word of 网络地址"})
	if err := load("领奖时将您的微信标识和网络地址提供给微信，查询账号安全风险"); err != nil {
		t.Error(err)
	}
	text := strings.Replace(withPrizes(goodPrizes+"  wechat_risk_from: 5\n"), "text: 告知}", "text: 微信网络地址风险}", 1)
	_, err := LoadDefinition(townFS(text, goodBank), "town.yaml")
	wantFaults(t, err, []string{"prizes.wechat_risk_from: want a whole number from 1 to 4"})
}
