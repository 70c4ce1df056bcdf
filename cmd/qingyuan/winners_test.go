package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/wechattest"
)

// fair is a campaign in which every chance wins a bag, and WeChat is asked about winners.
const fair = `id: fair
title: 市集
opens_at: %s
closes_at: %s
groups: [{id: public, name: 公众}]
enrolment_fields: []
consent_notice: {version: "1", text: 领奖时将您的微信标识和网络地址提供给微信，查询账号安全风险。}
ranking_mode: none
shards: 2
pledge: {prefix: FAIR, versions: [{version: "1", title: 承诺, text: 我承诺。}]}
prizes:
  rules: {version: "1", text: 规则}
  chances: {in_all: 1}
  claim_days: 30
  wechat_risk_from: 3
  instant: [{id: bag, kind: goods, name: 包, stock: 9, value_fen: 1500, odds: 1000000}]
tree: []
`

// applyFair puts the fair into the catalog, and returns how to put it there again with a
// part of its file changed.
func (o officeCommands) applyFair() (change func(was, is string)) {
	o.Helper()
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	text := fmt.Sprintf(fair, at(-time.Hour), at(time.Hour))
	change = func(was, is string) {
		o.Helper()
		file := filepath.Join(o.TempDir(), "fair.yaml")
		if err := os.WriteFile(file, []byte(strings.Replace(text, was, is, 1)), 0o600); err != nil {
			o.Fatal(err)
		}
		o.run(exitDone, "", "campaign", "apply", file)
	}
	change("", "")
	return change
}

// tellsChanges: what becomes of prizes while a campaign is open is shown to everybody, and
// is in the audit log.
func (s *server) tellsChanges(t *testing.T, change func(was, is string)) {
	t.Helper()
	const c = "/campaigns/fair/prizes"
	if shown := s.want(200, "GET", c, nil); len(shown.list("changes")) != 0 || shown.num("wechat_risk_from") != 3 {
		t.Errorf("before any change: %v", shown)
	}
	change("stock: 9", "stock: 12")
	s.eventually("the change to be shown", func() bool {
		shown := s.want(200, "GET", c, nil)
		if shown.object("instant").list("prizes")[0].num("stock") != 12 {
			return false
		}
		changes := shown.list("changes")
		if len(changes) != 1 || len(changes[0].list("fields")) != 1 {
			t.Fatalf("shown: %v", changes)
		}
		field := changes[0].list("fields")[0]
		if !strings.HasPrefix(field.text("field"), "prizes.") || !strings.Contains(field.text("before"), "9") || !strings.Contains(field.text("after"), "12") {
			t.Errorf("shown: %v", field)
		}
		return true
	})
}

// looksAtWinners has people come by WeChat, win and claim: one whom it holds to be risky
// waits until an appeal is upheld; one who was refused gets the prize by another.
func (s *server) looksAtWinners(t *testing.T, o officeCommands, we *wechattest.Server) {
	t.Helper()
	const c, office = "/campaigns/fair", "/admin/campaigns/fair"
	we.Risk("openid-risky", 3)
	we.Risk("openid-calm", 2)
	wins := map[string]string{}
	person := func(name string) api {
		p := s.through(we, "openid-"+name)
		p.want(200, "PUT", c+"/enrolment", map[string]any{"group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false}})
		wins[name] = p.want(200, "POST", c+"/prizes/chances", map[string]int{"number": 1}).text("win")
		return p
	}
	claim := func(p api, name string) result {
		t.Helper()
		return p.want(200, "POST", c+"/prizes/wins/"+wins[name]+"/claim", map[string]any{
			"consent": map[string]any{"rules_version": "1", "personal": true}, "contact": map[string]string{"name": "王芳", "phone": "13800000000", "address": "迎宾街一号"},
		})
	}
	risky, calm := person("risky"), person("calm")
	if got := claim(risky, "risky"); got.text("state") != "claimed" || got["under_review"] != true {
		t.Errorf("risky: %v", got)
	}
	s.eventually("WeChat to hold one of them to be calm", func() bool {
		got := claim(calm, "calm")
		return got.text("state") == "claimed" && got["under_review"] == false
	})
	hire := func(login string) api {
		return s.officeOf(t, login, printed(o.run(exitDone, "", "operator", "create", "--login", login, "--role", "campaign_operator", "--campaign", "fair")))
	}
	clerk, head := hire("fair-clerk"), hire("fair-head")
	s.eventually("the other to be reviewed", func() bool {
		flagged := clerk.want(200, "GET", office+"/prizes/wins?flagged=true", nil).list("items")
		return len(flagged) == 1 && flagged[0].text("win") == wins["risky"] && fmt.Sprint(flagged[0]["flags"]) == "[wechat_risk]"
	})
	asked := 0
	for _, call := range we.Calls() {
		if call.Path == "/wxa/getuserriskrank" {
			if asked++; !strings.Contains(call.Body, `"client_ip":"127.0.0.1"`) || !strings.Contains(call.Body, "openid-") {
				t.Errorf("WeChat was asked %s", call.Body)
			}
		}
	}
	if asked != 2 {
		t.Errorf("WeChat was asked %d times about two claims", asked)
	}
	approve := func(id string) {
		t.Helper()
		head.want(200, "POST", "/admin/approvals/"+id+"/approve", map[string]string{"reason": "同意"})
	}
	own := func(p api) result { return p.want(200, "GET", c+"/prizes/me", nil).list("wins")[0] }
	appeal := func(p api, name string) {
		t.Helper()
		object := "prize:" + wins[name]
		made := p.want(201, "POST", c+"/appeals", map[string]string{"object": object, "text": "请核实，本人参加"})
		if again := p.want(200, "POST", c+"/appeals", map[string]string{"object": object, "text": "再说一遍"}); again.text("id") != made.text("id") || again.text("object") != object {
			t.Errorf("appealed twice: %v", again)
		}
		if seen := clerk.want(200, "GET", office+"/appeals/"+made.text("id"), nil); seen.text("kind") != "prize" || seen.text("win") != wins[name] {
			t.Errorf("the office sees %v", seen)
		}
		approve(clerk.want(202, "POST", office+"/appeals/"+made.text("id")+"/uphold", map[string]string{"answer": "核实无误"}).text("approval"))
		s.eventually("the appeal to be upheld", func() bool {
			mine := p.want(200, "GET", c+"/appeals", nil).list("items")
			return mine[0].text("state") == "upheld" && mine[0].text("answer") == "核实无误"
		})
	}
	calm.want(409, "POST", c+"/appeals", map[string]string{"object": "prize:" + wins["calm"], "text": "没有理由"})
	calm.want(404, "POST", c+"/appeals", map[string]string{"object": "prize:" + wins["risky"], "text": "别人的"})
	appeal(risky, "risky")
	if got := own(risky); got["under_review"] != false || got.text("state") != "claimed" {
		t.Errorf("after the appeal: %v", got)
	}
	approve(clerk.want(202, "POST", office+"/prizes/wins/"+wins["calm"]+"/refuse", map[string]string{"told": "同一设备", "reason": "核实"}).text("approval"))
	s.eventually("the refusal", func() bool { return own(calm).text("state") == "refused" })
	appeal(calm, "calm")
	if got := own(calm); got.text("state") != "won" {
		t.Errorf("after the appeal: %v", got)
	}
	o.run(exitDone, "", "verify", "--campaign", "fair")
}
