package configs

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// goodCampaign is a whole campaign; the tables change one thing at a time.
const goodCampaign = `id: town-2026
title: {zh-CN: 全民禁毒, bo: དུག་རྫས་བཀག་འགོག}
opens_at: 2026-06-01 08:00
closes_at: 2026-07-01T00:00:00+08:00
groups:
  - {id: public, name: 公众}
  - {id: student, name: 学生}
  - {id: under14, name: 儿童, audience: student, guardian: true}
enrolment_fields:
  - {field: unit, required: true}
  - {field: name}
consent_notice: {version: "1", text: 告知}
ranking_mode: top_n
top_n: 10
public_breakdown: regions
shards: 4
quiz:
  bank: bank
  strata:
    - {count: 1, points: 60, kinds: [single], topics: [law]}
    - {count: 1, points: 40, difficulties: [1, 2]}
  time_limit: 10m
  grace: 5s
  attempts_per_day: 3
  pass_score: 60
  review: after_close
pledge:
  prefix: TOWN26
  versions:
    - {version: "1", title: 承诺书, text: 我承诺。, methods: [typed]}
    - {version: "2", title: 承诺书, text: 我郑重承诺。}
tree:
  - code: "140702"
    name: 榆次区
    children:
      - {id: a, name: 甲单位, roster: 30}
      - id: sub
        name: 学校
        units:
          - b 乙 班 12
          - c 丙班
`

// goodBank suits goodCampaign: law-2 replaces law-1 in the middle of the window.
const goodBank = `questions:
  - {id: law-1, kind: single, topic: law, audience: [all], difficulty: 1, stem: 旧, options: [甲, 乙], key: A,
     explanation: 说明, basis: 旧法, valid_from: 2008-06-01, valid_to: 2026-06-15}
  - {id: law-2, kind: single, topic: law, audience: [all], difficulty: 2, stem: 新, options: [甲, 乙, 以上都对], key: C,
     pinned: [C], explanation: 说明, basis: 新法, valid_from: 2026-06-16, fact: F1}
  - {id: harm-1, kind: judge, topic: harm, audience: [student], difficulty: 1, stem: 是, key: true,
     explanation: 说明, basis: 指南, valid_from: 2020-01-01, media: [{url: /m/1.png, alt: 图}]}
  - {id: harm-2, kind: multiple, topic: harm, audience: [public], difficulty: 2, stem: 几, options: [甲, 乙, 丙], key: AC,
     explanation: 说明, basis: 指南, valid_from: 2020-01-01}
`

func townFS(campaignText, bankText string) fstest.MapFS {
	return fstest.MapFS{
		"town.yaml":         {Data: []byte(campaignText)},
		"bank/10-a.yaml":    {Data: []byte(bankText)},
		"bank/README.md":    {Data: []byte("no question")},
		"bank/.hidden.yaml": {Data: []byte("- no question")},
	}
}

func TestLoadDefinition(t *testing.T) {
	d, err := LoadDefinition(townFS(goodCampaign, goodBank), "town.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := d.Campaign
	want := &campaign.Campaign{
		ID: "town-2026", Title: campaign.Text{"zh-CN": "全民禁毒", "bo": "དུག་རྫས་བཀག་འགོག"},
		OpensAt: time.Date(2026, 6, 1, 8, 0, 0, 0, Zone()), ClosesAt: time.Date(2026, 7, 1, 0, 0, 0, 0, Zone()), Zone: c.Zone,
		Groups: []campaign.Group{
			{ID: "public", Name: zh("公众"), Audience: "public"},
			{ID: "student", Name: zh("学生"), Audience: "student"},
			{ID: "under14", Name: zh("儿童"), Audience: "student", Guardian: true},
		},
		Fields:  []campaign.Field{{Name: "unit", Required: true}, {Name: "name"}},
		Consent: campaign.Consent{Version: "1", Text: zh("告知")},
		Ranking: campaign.TopN, TopN: 10, Policy: campaign.PolicyBest, FullMarks: 100, Composite: campaign.PresetWeights(),
		PublicBreakdown: campaign.BreakdownRegions, Shards: 4, Tree: c.Tree,
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	sameTree := cmp.Comparer(func(a, b *campaign.Tree) bool { return a == b })
	if diff := cmp.Diff(want, c, sameZone, sameTree); diff != "" {
		t.Errorf("campaign (-want +got):\n%s", diff)
	}
	wantRules := &quiz.Rules{
		Strata: []quiz.Stratum{
			{Count: 1, Points: 60, Kinds: []quiz.Kind{quiz.Single}, Topics: []string{"law"}},
			{Count: 1, Points: 40, Difficulties: []int{1, 2}},
		},
		TimeLimit: 10 * time.Minute, Grace: 5 * time.Second, AttemptsPerDay: 3, PassScore: 60,
		Marking: quiz.AllOrNothing, Review: quiz.ReviewAfterClose,
	}
	if diff := cmp.Diff(wantRules, d.Quiz); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	wantVersions := []pledge.Version{
		{Version: "1", Title: zh("承诺书"), Text: zh("我承诺。"), Methods: []pledge.Method{pledge.Typed}},
		{Version: "2", Title: zh("承诺书"), Text: zh("我郑重承诺。"), Methods: []pledge.Method{pledge.Typed, pledge.Drawn}},
	}
	if diff := cmp.Diff(wantVersions, d.Pledge.Versions); diff != "" || d.Pledge.Prefix != "TOWN26" || d.Pledge.Campaign != c {
		t.Errorf("pledge %s (-want +got):\n%s", d.Pledge.Prefix, diff)
	}
	if d.Bank.ID != "bank" || len(d.Bank.Questions) != 4 || d.Digest == "" {
		t.Errorf("bank %s has %d questions, definition digest %q", d.Bank.ID, len(d.Bank.Questions), d.Digest)
	}
}

func TestLoadTree(t *testing.T) {
	d, err := LoadDefinition(townFS(goodCampaign, goodBank), "town.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for n := range d.Campaign.Tree.Nodes {
		got = append(got, fmt.Sprintf("%s %s %s %q %d in %q", n.ID, n.Kind, n.Code, n.Name.In("zh-CN"), n.Roster, n.Parent))
	}
	want := []string{
		`140702 region 140702 "榆次区" 42 in ""`,
		`a unit  "甲单位" 30 in "140702"`,
		`sub region  "学校" 12 in "140702"`,
		`b unit  "乙 班" 12 in "sub"`,
		`c unit  "丙班" 0 in "sub"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func zh(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }

// TestDigest shows that a definition is named by its file and its bank.
func TestDigest(t *testing.T) {
	load := func(campaignText, bankText string) string {
		d, err := LoadDefinition(townFS(campaignText, bankText), "town.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return d.Digest
	}
	first := load(goodCampaign, goodBank)
	if again := load(goodCampaign, goodBank); again != first {
		t.Error("the same files have two digests")
	}
	if load(goodCampaign+"# note\n", goodBank) == first || load(goodCampaign, strings.Replace(goodBank, "说明", "解释", 1)) == first {
		t.Error("changed files have the old digest")
	}
}

func TestFaultyCampaigns(t *testing.T) {
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"empty file":         {goodCampaign, "", []string{"town.yaml: holds no campaign"}},
		"only a comment":     {goodCampaign, "# later\n", []string{"town.yaml: holds no campaign"}},
		"no mapping":         {goodCampaign, "- a\n", []string{"town.yaml:1: want names with values"}},
		"no YAML":            {"title: {", "title: }", []string{"town.yaml:"}},
		"unknown top":        {"shards: 4", "shard: 4", []string{"town.yaml:16: shard: unknown field"}},
		"unknown below":      {"time_limit: 10m", "time_limit: 10m\n  retries: 3", []string{"town.yaml:23: quiz.retries: unknown field"}},
		"twice":              {"shards: 4", "shards: 4\nshards: 4", []string{"town.yaml:17: shards: stands twice"}},
		"alias":              {"title: {zh-CN: 全民禁毒, bo: དུག་རྫས་བཀག་འགོག}", "title: &t 全民禁毒\nparent: *t", []string{"town.yaml:3: parent: unknown field"}},
		"missing":            {"id: town-2026\n", "", []string{"town.yaml:1: id: is missing"}},
		"id":                 {"town-2026", "Town_2026", []string{`town.yaml:1: id: "Town_2026": want 2 to 40 small letters`}},
		"no default text":    {"{zh-CN: 全民禁毒, ", "{", []string{"town.yaml:2: title: has no text in zh-CN"}},
		"language":           {"bo: དུག་རྫས་བཀག་འགོག", "xx-: 1", []string{"is not a language tag"}},
		"bare date":          {"2026-07-01T00:00:00+08:00", "2026-07-01", []string{`town.yaml:4: closes_at: "2026-07-01" is not a time such as`}},
		"window":             {"2026-07-01T00:00:00+08:00", "2026-06-01 08:00", []string{"town.yaml:4: closes_at: 2026-06-01 08:00:00 is not after opens_at"}},
		"window too long":    {"2026-07-01T00:00:00+08:00", "2046-06-01 08:00", []string{"town.yaml:4: closes_at: 2046-06-01 08:00:00 is more than eight years after opens_at"}},
		"groups":             {"  - {id: public, name: 公众}\n", "  - {id: student, name: 公众}\n", []string{`town.yaml:7: groups.1.id: "student" stands twice`}},
		"group id":           {"{id: public,", "{id: 公众,", []string{"town.yaml:6: groups.0.id"}},
		"guardian":           {", guardian: true", "", []string{"town.yaml:8: groups.2: guardian: true goes with the group under14"}},
		"guardian elsewhere": {"{id: public, name: 公众}", "{id: public, name: 公众, guardian: true}", []string{"town.yaml:6: groups.0: guardian: true goes with"}},
		"no under14":         {"  - {id: under14, name: 儿童, audience: student, guardian: true}\n", "", []string{"town.yaml:7: groups.1: a campaign for pupils needs the group under14"}},
		"audience":           {"audience: student,", "audience: pupil,", []string{`town.yaml:8: groups.2.audience: no question of the bank is for "pupil"`}},
		"field":              {"{field: name}", "{field: idcard}", []string{`town.yaml:11: enrolment_fields.1.field: "idcard" is not one of name, phone, unit`}},
		"field twice":        {"{field: name}", "{field: unit}", []string{"town.yaml:11: enrolment_fields.1.field: \"unit\" stands twice"}},
		"consent":            {`{version: "1", text: 告知}`, `{text: ""}`, []string{"town.yaml:12: consent_notice.version: is missing", "town.yaml:12: consent_notice.text: is empty"}},
		"mode":               {"ranking_mode: top_n", "ranking_mode: all", []string{`town.yaml:13: ranking_mode: "all" is not one of none, progress_only, tiers, top_n`}},
		"top_n alone":        {"ranking_mode: top_n", "ranking_mode: none", []string{"town.yaml:14: top_n: only goes with ranking_mode top_n"}},
		"top_n missing":      {"top_n: 10\n", "", []string{"town.yaml:1: top_n: is missing"}},
		"breakdown":          {"public_breakdown: regions", "public_breakdown: all", []string{"town.yaml:15: public_breakdown:"}},
		"shards":             {"shards: 4", "shards: 6", []string{"town.yaml:16: shards: 6 is not a power of two"}},
		"many shards":        {"shards: 4", "shards: 128", []string{"town.yaml:16: shards: want a whole number from 1 to 64"}},
		"shards as text":     {"shards: 4", `shards: "4"`, []string{"town.yaml:16: shards: want a whole number"}},
		"neither":            {goodCampaign[strings.Index(goodCampaign, "quiz:"):strings.Index(goodCampaign, "tree:")], "", []string{"town.yaml:1: has neither a quiz nor a pledge"}},
		"bank outside":       {"bank: bank", "bank: ../bank", []string{`town.yaml:18: quiz.bank: "../bank" is not a path relative`}},
		"bank absolute":      {"bank: bank", "bank: /bank", []string{"town.yaml:18: quiz.bank:"}},
		"no bank":            {"bank: bank", "bank: banks", []string{"town.yaml:18: quiz.bank:"}},
		"stratum":            {"count: 1, points: 60", "count: 0, points: 60", []string{"town.yaml:20: quiz.strata.0: count and points must be positive"}},
		"points":             {"points: 60", "points: 2047", []string{"town.yaml:19: quiz.strata: worth 2087 points, at most 2047"}},
		"kind":               {"kinds: [single]", "kinds: [essay]", []string{`town.yaml:20: quiz.strata.0.kinds.0: "essay" is not one of`}},
		"kind twice":         {"kinds: [single]", "kinds: [single, single]", []string{"quiz.strata.0.kinds.1: \"single\" stands twice"}},
		"topic":              {"topics: [law]", "topics: [laws]", []string{`town.yaml:20: quiz.strata.0.topics: no question of the bank has the topic "laws"`}},
		"time limit":         {"time_limit: 10m", "time_limit: 5s", []string{"town.yaml:22: quiz.time_limit: 5s is not between"}},
		"no unit":            {"time_limit: 10m", "time_limit: 600", []string{`town.yaml:22: quiz.time_limit: "600" is not a duration`}},
		"pass score":         {"pass_score: 60", "pass_score: 101", []string{"town.yaml:25: quiz.pass_score: 101 is more than"}},
		"attempts":           {"attempts_per_day: 3", "attempts_in_all: 5000", []string{"not between 0 and 1000"}},
		"review":             {"after_close", "always", []string{`town.yaml:26: quiz.review: "always" is not one of`}},
		"prefix":             {"TOWN26", "town", []string{`town.yaml:28: pledge.prefix: "town": want 2 to 8 capital letters`}},
		"pledge text":        {"text: 我承诺。", "text: ''", []string{"town.yaml:30: pledge.versions.0.text: is empty"}},
		"pledge in bo only":  {"text: 我承诺。", "text: {bo: ངས།}", []string{"town.yaml:30: pledge.versions.0.text: has no text in zh-CN"}},
		"pledge version":     {`version: "2"`, `version: "1"`, []string{`town.yaml:31: pledge.versions.1.version: "1" stands twice`}},
		"method":             {"[typed]", "[stamped]", []string{"town.yaml:30: pledge.versions.0.methods.0"}},
		"code":               {`"140702"`, `"14070"`, []string{`town.yaml:33: tree.0.code: "14070": want the 6 or 12 digits`}},
		"node twice":         {"id: sub", "id: a", []string{`town.yaml:37: tree.0.children.1: "a" is taken by town.yaml:36`}},
		"unit twice":         {"- c 丙班", "- b 丙班", []string{`town.yaml:41: tree.0.children.1.units.1: "b" is taken by town.yaml:40`}},
		"reserved":           {"id: a,", "id: unassigned,", []string{`town.yaml:36: tree.0.children.0: "unassigned" is reserved`}},
		"separator":          {"id: a,", `id: "a|b",`, []string{"town.yaml:36: tree.0.children.0.id:"}},
		"short form":         {"- c 丙班", "- c", []string{"town.yaml:41: tree.0.children.1.units.1:"}},
		"roster of a region": {"        name: 学校\n", "        name: 学校\n        roster: 5\n", []string{"town.yaml:39: tree.0.children.1.roster: a region has the sum"}},
		"no tree":            {goodCampaign[strings.Index(goodCampaign, "tree:"):], "tree: []\n", []string{"town.yaml:9: enrolment_fields: a unit is required", "!town.yaml: tree"}},
		"supply": {"- {count: 1, points: 40, difficulties: [1, 2]}", "- {count: 2, points: 20, topics: [harm, law]}", []string{
			"town.yaml:21: quiz.strata.1.count: group public on 2026-06-01: 2 questions wanted, 1 to be had",
			"group under14 on 2026-06-01: 2 questions wanted, 1 to be had",
		}},
		"all at once": {"id: town-2026\n", "id: X\nextra: 1\nopens_at: soon\n", []string{
			"town.yaml:1: id:", "town.yaml:2: extra: unknown field", "town.yaml:3: opens_at:", "town.yaml:5: opens_at: stands twice",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goodCampaign, tt.old, tt.new, 1)
			if text == goodCampaign {
				t.Fatalf("goodCampaign has no %q", tt.old)
			}
			_, err := LoadDefinition(townFS(text, goodBank), "town.yaml")
			wantFaults(t, err, tt.want)
		})
	}
}

// TestLongCampaignLeavesLittleTime asks for attempts that are longer than the
// boards of so long a campaign can tell apart.
func TestLongCampaignLeavesLittleTime(t *testing.T) {
	long := strings.Replace(goodCampaign, "2026-07-01T00:00:00+08:00", "2029-07-01T00:00:00+08:00", 1)
	slow := strings.NewReplacer("time_limit: 10m", "time_limit: 3h")
	if _, err := LoadDefinition(townFS(slow.Replace(goodCampaign), goodBank), "town.yaml"); err != nil {
		t.Errorf("three hours in a short campaign: %v", err)
	}
	if _, err := LoadDefinition(townFS(long, goodBank), "town.yaml"); err != nil {
		t.Errorf("ten minutes in a long campaign: %v", err)
	}
	_, err := LoadDefinition(townFS(slow.Replace(long), goodBank), "town.yaml")
	wantFaults(t, err, []string{"town.yaml:4: closes_at:", "at most 1h49m0s, and quiz.time_limit is 3h0m0s"})
}

// wantFaults wants each text in the error; one that begins with ! must not be
// in it.
func wantFaults(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, w := range want {
		absent, not := strings.CutPrefix(w, "!")
		if strings.Contains(err.Error(), absent) == not {
			t.Errorf("want %q in:\n%v", w, err)
		}
	}
}

// TestSupplyByDay shows that a gap in the middle of the window is found, on its
// first day.
func TestSupplyByDay(t *testing.T) {
	gap := strings.Replace(goodBank, "valid_from: 2026-06-16", "valid_from: 2026-06-20", 1)
	_, err := LoadDefinition(townFS(goodCampaign, gap), "town.yaml")
	wantFaults(t, err, []string{
		"town.yaml:20: quiz.strata.0.count: group public on 2026-06-16: 1 questions wanted, 0 to be had",
		"group student on 2026-06-16", "group under14 on 2026-06-16",
	})
}

// TestSupplyAlwaysOpen shows that a campaign without an end is checked from its
// day on, and not by its window.
func TestSupplyAlwaysOpen(t *testing.T) {
	ends := strings.Replace(goodBank, "valid_from: 2026-06-16", "valid_from: 2026-06-16, valid_to: 2027-01-31", 1)
	load := func(day string) error {
		at, err := time.ParseInLocation(time.DateOnly, day, Zone())
		if err != nil {
			t.Fatal(err)
		}
		_, err = newLoader(townFS(goodCampaign, ends)).definition("town.yaml", at)
		return err
	}
	if err := load("2026-05-01"); err == nil || !strings.Contains(err.Error(), "on 2027-02-01") {
		t.Errorf("open for ever with a bank that ends: %v", err)
	}
	if _, err := LoadDefinition(townFS(goodCampaign, ends), "town.yaml"); err != nil {
		t.Errorf("the bank ends after the window: %v", err)
	}
}

// FuzzLoadDefinition wants no panic, and no definition that would not draw.
func FuzzLoadDefinition(f *testing.F) {
	f.Add(goodCampaign, goodBank)
	f.Add("id: &a [*a]", "questions: [{}]")
	f.Add("tree: [{children: [{children: []}]}]", "questions:\n- key: A")
	f.Fuzz(func(t *testing.T, campaignText, bankText string) {
		d, err := LoadDefinition(townFS(campaignText, bankText), "town.yaml")
		if err != nil || d.Quiz == nil {
			return
		}
		for _, g := range d.Campaign.Groups {
			if _, err := quiz.Draw(d.Bank, d.Quiz, g.Audience, d.Campaign.Day(d.Campaign.OpensAt), 1); err != nil {
				t.Errorf("an accepted campaign does not draw: %v", err)
			}
		}
	})
}
