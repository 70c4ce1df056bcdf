package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/porttest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/wechattest"
)

// packets is a campaign in which every chance wins a red packet of five yuan.
const packets = `id: packets
title: 红包
opens_at: %s
closes_at: %s
groups: [{id: public, name: 公众}]
enrolment_fields: []
consent_notice: {version: "1", text: 告知}
ranking_mode: none
pledge: {prefix: PACKET, versions: [{version: "1", title: 承诺, text: 我承诺。}]}
prizes:
  rules: {version: "1", text: 规则}
  chances: {in_all: 1}
  claim_days: 30
  instant: [{id: packet, kind: red_packet, name: 红包, stock: 5, value_fen: 500, odds: 1000000}]
tree: []
`

// paying is the program in a process of its own, with a WeChat and a WeChat Pay beside it.
type paying struct {
	*process
	officeCommands

	we  *wechattest.Server
	pay *wechattest.Pay
}

// newPaying prepares the program, not started yet.
func newPaying(t *testing.T) *paying {
	t.Helper()
	x := &paying{officeCommands: officeCommands{t, demo(t)}, we: wechattest.Start(t), pay: wechattest.StartPay(t, time.Now)}
	x.we.Register(wechattest.PayApp, "app-secret")
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	x.run(exitDone, "", "campaign", "apply", saved(t, "packets.yaml", fmt.Appendf(nil, packets, at(-time.Hour), at(time.Hour))))
	key, public := x.pay.Files(t)
	config := fmt.Sprintf(`rounds: {every: 1s}
wechat:
  base_url: %s
  mini_programs: [{appid: %s, secret: app-secret}]
  pay: {appid: %[2]s, base_url: %[3]s, merchant: "%s", serial: %s, key_file: %s, public_key_id: %s, public_key_file: %s, scene: "%s"}
`, x.we.URL(), wechattest.PayApp, x.pay.URL(), wechattest.Merchant, wechattest.Serial, key, wechattest.PublicKeyID, public, wechattest.Scene)
	addr, ops := porttest.Addr(t), porttest.Addr(t)
	x.process = &process{
		api: api{t: t, base: "http://" + addr}, binary: binary(t), log: &bytes.Buffer{},
		args: []string{"serve", "--demo", "--data", x.cfg.Data.Dir, "--addr", addr, "--ops-addr", ops, "--config", saved(t, "config.yaml", []byte(config))},
	}
	t.Cleanup(func() {
		x.kill()
		if t.Failed() {
			t.Logf("the program's log:\n%s", x.log)
		}
	})
	return x
}

// TestRedPacketsAndTheirListThroughKills: a claim orders one transfer, whatever becomes of
// its answer and of the server; once it is confirmed the prize is sent, with the number
// of WeChat Pay. The list for the office is finished by whoever comes after a server that
// died over it, once, and what it came to is in the audit log once.
func TestRedPacketsAndTheirListThroughKills(t *testing.T) {
	t.Parallel()
	x := newPaying(t)
	x.start()
	winner, win := x.winner()
	claim := map[string]any{"consent": map[string]any{"rules_version": "1", "personal": true}, "contact": map[string]string{"name": "王芳"}}
	path := "/campaigns/packets/prizes/wins/" + win + "/claim"

	x.kill()
	x.startToDie("prizes.after_order")
	x.awaitReady()
	if status, got, err := winner.call("POST", path, claim); err == nil {
		t.Fatalf("the server that ordered lives: %d %v", status, got)
	}
	x.awaitDeath()
	x.start()
	for range 2 {
		x.eventually("the transfer to wait for its winner", func() bool {
			got := winner.want(200, "POST", path, claim)
			return got.text("state") == "claimed" && got.object("confirm").text("package") != "" && got.object("confirm").text("mch_id") == wechattest.Merchant
		})
	}
	x.kill()
	x.start()
	winner.want(200, "POST", path, claim)
	bills, _ := x.pay.Bills()
	if len(bills) != 1 {
		t.Fatalf("one claim ordered %v", bills)
	}
	for _, b := range bills {
		if b["openid"] != "openid-winner" || fmt.Sprint(b["transfer_amount"]) != "500" {
			t.Errorf("ordered %v", b)
		}
	}
	x.pay.Say("SUCCESS")
	x.eventually("the packet to be sent", func() bool {
		return winner.want(200, "GET", "/campaigns/packets/prizes/me", nil).list("wins")[0].text("state") == "sent"
	})
	if again, _ := x.pay.Bills(); len(again) != 1 {
		t.Errorf("one claim ordered %v", again)
	}
	x.listed(win)
	if out := x.run(exitDone, "", "verify", "--campaign", "packets"); !strings.Contains(out, "holds") {
		t.Errorf("verify says %s", out)
	}
}

// winner is somebody who came by the mini-program and has won a packet.
func (x *paying) winner() (api, string) {
	x.Helper()
	p := x.api
	code := x.we.Code(wechattest.PayApp, wechattest.Person{OpenID: "openid-winner"})
	p.token = p.want(200, "POST", "/sessions/wechat", map[string]string{"code": code, "appid": wechattest.PayApp}).text("access_token")
	p.want(200, "PUT", "/campaigns/packets/enrolment", map[string]any{"group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false}})
	return p, p.want(200, "POST", "/campaigns/packets/prizes/chances", map[string]int{"number": 1}).text("win")
}

// listed has the list made by servers that die over it: with the file made and nothing
// noted, and with all noted and the job not ended.
func (x *paying) listed(win string) {
	clerk := x.officeOf(x.T, "clerk", printed(x.run(exitDone, "", "operator", "create", "--login", "clerk", "--role", "campaign_operator", "--campaign", "packets")))
	const exports = "/admin/campaigns/packets/prizes/exports"
	x.kill()
	x.startToDie("prizes.before_note")
	x.awaitReady()
	job := clerk.want(202, "POST", exports, map[string]string{"format": "csv"}).text("job")
	x.awaitDeath()
	x.startToDie("prizes.after_note")
	x.awaitDeath()
	x.start()
	var done result
	x.eventually("the list", func() bool {
		done = clerk.want(200, "GET", "/admin/jobs/"+job, nil)
		return done.text("state") == "done"
	})
	status, _, list := clerk.fetch("/api/v1" + exports + "/" + job + "/file")
	sum := sha256.Sum256(list)
	told := done.object("result")
	if status != 200 || told.num("rows") != 1 || told.text("sha256") != hex.EncodeToString(sum[:]) {
		x.Errorf("the job says %v of a file with SHA-256 %x", told, sum)
	}
	if lines := strings.Split(strings.TrimSpace(string(list)), "\n"); len(lines) != 2 || !strings.Contains(lines[1], win+",") || !strings.Contains(lines[1], ",13300000") {
		x.Errorf("the list:\n%s", list)
	}
	db, err := sqldb.Open(x.Context(), x.cfg.DatabaseTarget())
	if err != nil {
		x.Fatal(err)
	}
	defer db.Close()
	var noted int
	err = db.QueryRowContext(x.Context(), `SELECT COUNT(*) FROM audit WHERE object = $1 AND after LIKE $2`, "prize:export:"+job, "%"+hex.EncodeToString(sum[:])+"%").Scan(&noted)
	if err != nil || noted != 1 {
		x.Errorf("the audit log has what was made %d times, %v", noted, err)
	}
}
