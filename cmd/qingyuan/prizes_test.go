package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay"
	"qingyuan/internal/wechattest"
	"qingyuan/leaderboard"
)

// TestEntrantsAreThoseOfTheMoment: what was done at the moment of a freeze or later makes
// nobody an entrant, and nothing is read of names.
func TestEntrantsAreThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	opens := time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)
	tree, err := campaign.NewTree([]campaign.Node{{ID: "u1", Kind: campaign.Unit, Name: campaign.Text{campaign.DefaultLanguage: "一"}}})
	if err != nil {
		t.Fatal(err)
	}
	c := &campaign.Campaign{ID: "c", Tree: tree, OpensAt: opens, ClosesAt: opens.AddDate(0, 1, 0), Zone: configs.Zone(), FullMarks: 100}
	layout, err := leaderboard.ChooseLayout(c.OpensAt, c.ClosesAt)
	if err != nil {
		t.Fatal(err)
	}
	rules := &replay.Rules{Campaign: c, Layout: layout, Now: time.Now}
	at := func(minutes int) time.Time { return opens.Add(time.Duration(minutes) * time.Minute) }
	seq := uint64(0)
	fact := func(minutes int, k event.Kind, body any) event.Fact {
		seq++
		return event.Fact{Position: event.Position{Epoch: 1, Seq: seq - 1}, Kind: k, Participant: "p", Unit: "u1", Group: "public", At: at(minutes), Body: body}
	}
	sat := func(from, number int, passed bool) []event.Fact {
		return []event.Fact{
			fact(from, event.KindStarted, event.Started{Number: number, Deadline: at(from + 10).UnixMilli(), Bank: "b", Seed: "1", Items: "0:100"}),
			fact(from+5, event.KindSubmitted, event.Submitted{
				Number: number, StartedAt: at(from).UnixMilli(), UsedMS: 300_000, Score: 60, MaxScore: 100, Passed: passed, ClosedBy: "participant", Bank: "b", Items: "0:100", Choices: "1",
			}),
		}
	}
	h := ledger.History{Participant: "p", Facts: []event.Fact{fact(0, event.KindEnrolled, event.Enrolled{Notice: "1"})}}
	h.Facts = append(h.Facts, sat(10, 1, false)...)
	h.Facts = append(h.Facts, sat(30, 2, true)...)
	h.Facts = append(h.Facts, fact(50, event.KindSigned, event.Signed{Version: "1", TextSHA256: "ab", Method: "typed"}))
	for minutes, want := range map[int]string{
		0: "nobody", 15: "0 signed false", 16: "1 signed false", 35: "1 signed false", 36: "2 signed false", 51: "2 signed true",
	} {
		got := "nobody"
		if acts := actsBy(rules, h, at(minutes)); acts != nil {
			got = fmt.Sprint(len(acts.Attempts), " signed ", acts.Signed)
			for i, a := range acts.Attempts {
				if a.First != (i == 0) || a.Passed != (i == 1) {
					t.Errorf("by %d: attempt %d is %+v", minutes, i, a)
				}
			}
		}
		if got != want {
			t.Errorf("by %d: %s, want %s", minutes, got, want)
		}
	}
}

// lottery is a campaign in which every chance wins a voucher, of which there are two.
const lottery = `id: lottery
title: 抽奖
opens_at: %[1]s
closes_at: %[2]s
groups: [{id: public, name: 公众}]
enrolment_fields: []
consent_notice: {version: "1", text: 告知}
ranking_mode: none
shards: 4
pledge: {prefix: LOTTERY, versions: [{version: "1", title: 承诺, text: 我承诺。}]}
prizes:
  rules: {version: "1", text: 规则}
  chances: {in_all: 2}
  claim_days: 30
  instant: [{id: tea, kind: voucher, name: 茶, stock: 2, value_fen: 1500, odds: 1000000}]
  draws:
    - {id: final, name: 收官, entrants_at: %[2]s, reserves: 2, source: 双色球第 2026084 期, prizes: [{id: bike, kind: goods, name: 车, stock: 2, value_fen: 80000}]}
tree: []
`

// TestPrizesOfTheProgram: a voucher is won as long as there are codes, is handed to its
// winner, and the commands tell the same afterwards.
func TestPrizesOfTheProgram(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	folder := filepath.Join(cfg.CampaignsDir(), "lottery")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	text := fmt.Sprintf(lottery, at(-time.Hour), at(time.Hour))
	if err := os.WriteFile(filepath.Join(folder, "campaign.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	codes := filepath.Join(t.TempDir(), "codes.csv")
	if err := os.WriteFile(codes, []byte("兑换码\nSECRET-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	change := officeCommands{t, cfg}.applyFair()
	we := wechattest.Start(t)
	we.Register("wxapp", "app-secret")
	cfg.WeChat.BaseURL, cfg.WeChat.MiniPrograms = we.URL(), []configs.App{{AppID: "wxapp", Secret: configs.NewSecret("app-secret")}}
	s, o := start(t, cfg), officeCommands{t, cfg}
	const c = "/campaigns/lottery"
	people := []api{s.as("ann"), s.as("bob")}
	for _, p := range people {
		p.want(200, "PUT", c+"/enrolment", map[string]any{"group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false}})
	}
	spend := func(p api, number int) result {
		t.Helper()
		return p.want(200, "POST", c+"/prizes/chances", map[string]int{"number": number})
	}
	if got := spend(people[0], 1); got["won"] != false || got.text("why") != "gone" {
		t.Errorf("without a code: %v", got)
	}
	if out := o.run(exitDone, "", "prizes", "codes", codes, "--campaign", "lottery", "--prize", "tea"); !strings.Contains(out, "1 codes are new") {
		t.Errorf("codes: %s", out)
	}
	clerk := s.officeOf(t, "clerk", printed(o.run(exitDone, "", "operator", "create", "--login", "clerk", "--role", "campaign_operator", "--campaign", "lottery")))
	s.eventually("the server to know of the code", func() bool {
		return clerk.want(200, "GET", "/admin"+c+"/prizes", nil).list("items")[0].num("codes") == 1
	})
	won := spend(people[1], 1)
	if won["won"] != true || won.text("win") != "tea.1" {
		t.Errorf("with a code: %v", won)
	}
	if got := spend(people[0], 2); got["won"] != false || got.text("why") != "gone" {
		t.Errorf("without a second code: %v", got)
	}
	claim := map[string]any{"consent": map[string]any{"rules_version": "1"}}
	people[0].want(404, "POST", c+"/prizes/wins/tea.1/claim", claim)
	if got := people[1].want(200, "POST", c+"/prizes/wins/tea.1/claim", claim); got.text("code") != "SECRET-1" || got.text("state") != "sent" {
		t.Errorf("claimed: %v", got)
	}
	if out := o.run(exitDone, "", "prizes", "stock", "--campaign", "lottery", "--json"); !strings.Contains(out, `"stock":2,"released":2,"granted":1,"codes":1`) {
		t.Errorf("stock: %s", out)
	}
	table := filepath.Join(t.TempDir(), "chances.csv")
	if out := o.run(exitDone, "", "prizes", "audit", "--campaign", "lottery", "--csv", table); !strings.Contains(out, "3 chances rolled again") || !strings.Contains(out, "1 won, 0 do not follow") {
		t.Errorf("audit: %s", out)
	}
	raw, err := os.ReadFile(table)
	if err != nil || strings.Count(string(raw), "\n") != 4 || strings.Count(string(raw), "+08:00,") != 3 || !strings.Contains(string(raw), people[1].want(200, "GET", c+"/prizes/me", nil).text("ticket")) {
		t.Errorf("chances by ticket: %s, %v", raw, err)
	}
	o.run(exitDone, "", "verify", "--campaign", "lottery")

	// Chances and wins lie in the first shard, whichever their people are of: what is kept
	// of somebody is told in one piece all the same.
	for i := range 6 {
		p := s.as(fmt.Sprint("late", i))
		p.want(200, "PUT", c+"/enrolment", map[string]any{"group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false}})
		spend(p, 1)
		s.eventually("the ledger to have their chance", func() bool {
			all := p.want(200, "GET", "/participants/me", nil).list("campaigns")
			if len(all) > 1 {
				t.Fatalf("one campaign is told of in %d parts", len(all))
			}
			kinds := ""
			if len(all) == 0 {
				return false
			}
			for _, f := range all[0].list("facts") {
				kinds += f.text("kind") + " "
			}
			return kinds == "enrolled.1 chance.1 "
		})
	}
	head := s.officeOf(t, "head", printed(o.run(exitDone, "", "operator", "create", "--login", "head", "--role", "campaign_operator", "--campaign", "lottery")))
	drawsInPublic(t, s, cfg, clerk, head)
	for _, call := range we.Calls() {
		t.Errorf("WeChat was asked %s in a campaign that says nothing of it", call.Path)
	}
	s.looksAtWinners(t, o, we)
	s.tellsChanges(t, change)
}
