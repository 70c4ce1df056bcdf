package catalog

import (
	"strings"
	"testing"
	"time"
)

func TestCheckChange(t *testing.T) {
	tests := map[string]struct {
		old, new string
		// always: refused before the opening too; else only from it on.
		want   string
		always bool
	}{
		"shards":          {"shards: 2", "shards: 4", "shards: 2 cannot become 4", true},
		"prefix":          {"TOWN26", "CITY26", "pledge.prefix: TOWN26 cannot become CITY26", true},
		"earlier":         {"2026-06-01", "2026-05-15", "opens_at: cannot become earlier", true},
		"later":           {"2026-06-01", "2026-06-05", "opens_at: cannot change", false},
		"no pledge":       {town[strings.Index(town, "pledge:"):strings.Index(town, "tree:")], "", "pledge: cannot come or go", false},
		"no quiz":         {town[strings.Index(town, "quiz:"):strings.Index(town, "pledge:")], "", "quiz: cannot come or go", false},
		"worth":           {"points: 100", "points: 80", "quiz.strata: a paper was worth 100 points", false},
		"group":           {", {id: driver, name: 驾驶员}", "", "groups: driver cannot go", false},
		"consent":         {"text: 告知}", "text: 新告知}", "consent_notice.text: changes need a new version", false},
		"pledge text":     {"我承诺。", "我保证。", "pledge.versions: 1 was published", false},
		"unit gone":       {"units: [c 丙 5]", "units: [d 丙 5]", "tree: unit c cannot go", false},
		"unit moved":      {"units: [a 甲 3, b 乙 4]", "units: [b 乙 4], children: [{id: s, name: 街, units: [a 甲 3]}]", `tree: unit a cannot move from "r1" to "s"`, false},
		"region moved":    {"  - {id: r2, name: 二区, units: [c 丙 5]}", "  - {id: r0, name: 市, children: [{id: r2, name: 二区, units: [c 丙 5]}]}", "tree: region r2 cannot move", false},
		"new group":       {"{id: driver, name: 驾驶员}", "{id: driver, name: 司机}, {id: courier, name: 寄递, audience: public}", "", false},
		"new consent":     {`{version: "1", text: 告知}`, `{version: "2", text: 新告知}`, "", false},
		"new pledge":      {"text: 我承诺。}]", `text: 我承诺。}, {version: "2", title: 承诺书, text: 我保证。}]`, "", false},
		"new unit":        {"b 乙 4", "b 乙 40, z 新 1", "", false},
		"later close":     {"2026-07-01", "2026-08-01", "", false},
		"marking":         {"pass_score: 60", "pass_score: 60, marking: partial", "quiz.marking: all_or_nothing cannot become partial", false},
		"pass":            {"pass_score: 60", "pass_score: 70", "quiz.pass_score: 60 cannot become 70", false},
		"limits":          {"pass_score: 60", "pass_score: 60, attempts_per_day: 1", "", false},
		"paused":          {"shards: 2", "shards: 2\npaused: true", "", false},
		"other questions": {"strata: [{count: 1, points: 100}]", "strata: [{count: 1, points: 100, kinds: [judge]}]", "", false},
	}
	old := load(t, town)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			next := load(t, replace(t, town, tt.old, tt.new))
			for at, refused := range map[time.Time]bool{before(): tt.always, during(): tt.want != ""} {
				err := CheckChange(old, next, at)
				if (err != nil) != refused || refused && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("at %s: %v, want %q", at.Format(time.DateOnly), err, tt.want)
				}
			}
		})
	}
}

// TestCheckChangeAlwaysOpen shows that a demonstration counts as opened.
func TestCheckChangeAlwaysOpen(t *testing.T) {
	old, next := load(t, town), load(t, replace(t, town, "points: 100", "points: 80"))
	old.Campaign.AlwaysOpen = true
	if CheckChange(old, next, before()) == nil {
		t.Error("a campaign that is always open changed what its papers are worth")
	}
}

// TestRetentionMayShorten: what is known of people may go earlier than they were told, and
// later only where they are told anew.
func TestRetentionMayShorten(t *testing.T) {
	t.Parallel()
	const rule = "retention: {personal: 180, messages: 180, rosters: 180, origins: 30, flags: 180, papers: 180}\n"
	ruled := strings.Replace(town, "shards: 2", rule+"shards: 2", 1)
	tests := map[string]struct{ old, new, want string }{
		"shorter":                     {"personal: 180", "personal: 0", ""},
		"longer":                      {"personal: 180", "personal: 181", "retention.personal: people were told 180 days"},
		"for good":                    {rule, "", "retention.papers: people were told 180 days"},
		"longer, with another notice": {rule, `retention: {personal: 365, messages: 365, rosters: 365, origins: 365, flags: 365, papers: 365}` + "\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(ruled, tt.old, tt.new, 1)
			if strings.HasSuffix(name, "another notice") {
				text = strings.Replace(text, `{version: "1", text: 告知}`, `{version: "2", text: 新告知}`, 1)
			}
			err := CheckChange(load(t, ruled), load(t, text), onDay(10, 0))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if err := CheckChange(load(t, town), load(t, ruled), onDay(10, 0)); err != nil {
		t.Errorf("a first rule: %v", err)
	}
}

// TestPromisedPrizesStay: once a campaign has opened there may be more to win, and nothing
// less or other than what was published.
func TestPromisedPrizesStay(t *testing.T) {
	t.Parallel()
	const plan = `prizes:
  rules: {version: "1", text: 规则}
  qualify: {passed: true}
  chances: {per_day: 1, in_all: 5}
  claim_days: 30
  instant: [{id: tea, kind: voucher, name: 茶, stock: 10, value_fen: 1500, odds: 20000, daily: 2}]
  draws: [{id: final, name: 抽奖, entrants_at: 2026-06-20 20:00, source: 双色球第 1 期, prizes: [{id: bike, kind: goods, name: 车, stock: 1, value_fen: 80000}]}]
`
	promised := strings.Replace(town, "tree:", plan+"tree:", 1)
	const bag = ", {id: bag, kind: goods, name: 包, stock: 1, value_fen: 100, odds: 1}]\n  draws"
	for name, tt := range map[string]struct{ old, new, want string }{
		"more":          {"stock: 10", "stock: 11", ""},
		"more a day":    {"daily: 2", "daily: 3", ""},
		"all at once":   {", daily: 2", "", ""},
		"another prize": {"daily: 2}]\n  draws", "daily: 2}" + bag, "prizes.instant: prizes cannot come or go"},
		"longer":        {"claim_days: 30", "claim_days: 31", ""},
		"more chances":  {"in_all: 5", "in_all: 6", ""},
		"other rules":   {`version: "1", text: 规则`, `version: "2", text: 新规则`, ""},
		"same version":  {"text: 规则", "text: 新规则", "prizes.rules.text: changes need a new version"},
		"less":          {"stock: 10", "stock: 9", "prizes.instant: tea: 10 were promised, and there would be 9"},
		"less a day":    {"daily: 2", "daily: 1", "prizes.instant: tea: less would be released"},
		"odds":          {"odds: 20000", "odds: 20001", "prizes.instant: tea: the odds were published"},
		"value":         {"value_fen: 1500", "value_fen: 1499", "prizes.instant: tea: kind, name, value and tax"},
		"another first": {"id: tea", "id: cup", "prizes.instant: prizes cannot come or go"},
		"who qualifies": {"passed: true", "signed: true", "prizes.qualify: cannot change"},
		"sooner":        {"claim_days: 30", "claim_days: 29", "prizes.claim_days: 30 days were promised"},
		"the source":    {"双色球第 1 期", "双色球第 2 期", "prizes.draws: final was announced and cannot change"},
		"another draw":  {"id: final", "id: second", "prizes.draws: second was not announced"},
		"none at all":   {plan, "", "prizes: cannot come or go"},
		"reviewed":      {"claim_days: 30", "claim_days: 30\n  review_days: 5", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := CheckChange(load(t, promised), load(t, replace(t, promised, tt.old, tt.new)), during())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if err := CheckChange(load(t, promised), load(t, town), before()); err != nil {
		t.Errorf("before the opening: %v", err)
	}
	noticed := replace(t, promised, "text: 告知", "text: 微信、网络地址、风险")
	asking := replace(t, noticed, "claim_days: 30", "claim_days: 30\n  wechat_risk_from: 3")
	if err := CheckChange(load(t, noticed), load(t, asking), during()); err == nil || !strings.Contains(err.Error(), "prizes.wechat_risk_from: people took part without agreeing to it") {
		t.Errorf("WeChat is asked from now on: %v", err)
	}
	if err := CheckChange(load(t, asking), load(t, noticed), during()); err != nil {
		t.Errorf("WeChat is asked no more: %v", err)
	}
}
