package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// TestTheOfficeRemovesCheating goes the whole way in the running program: a list by
// conditions, a second person, what participants see and say, a stop by nobody, and the
// undo from the console, after which everything is as it was.
func TestTheOfficeRemovesCheating(t *testing.T) {
	t.Parallel()
	cfg := sealing(t)
	o := officeCommands{t, cfg}
	s := start(t, cfg)
	path := "/campaigns/" + demoCampaign
	var serials, attempts []string
	var people []api
	for _, name := range []string{"one", "two", "three"} {
		p := s.as(name)
		p.enrol(demoCampaign)
		version := p.want(200, "GET", path+"/pledge", nil).text("version")
		signed := p.want(201, "POST", path+"/signatures", map[string]any{"version": version, "method": "typed", "name": "张三"})
		paper := p.want(201, "POST", path+"/attempts", map[string]any{})
		p.want(200, "POST", path+"/attempts/"+paper.text("attempt")+"/submission", firstOptions(paper))
		people, serials, attempts = append(people, p), append(serials, signed.text("serial")), append(attempts, paper.text("attempt"))
	}
	all := map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3}
	s.wantCounts(demoCampaign, all)
	s.awaitSealed(3, 3)

	hire := func(login string) api {
		return s.officeOf(t, login, printed(o.run(exitDone, "", "operator", "create", "--login", login, "--role", "campaign_operator", "--campaign", demoCampaign)))
	}
	clerk, head := hire("clerk"), hire("head")
	office := "/admin" + path + "/corrections"
	clerk.want(400, "POST", office, map[string]any{"conditions": map[string]any{"attempts": true}, "reason": "刷分"})
	var batch result
	s.eventually("the ledger to hold all", func() bool {
		made := clerk.want(201, "POST", office, map[string]any{
			"conditions": map[string]any{"attempts": true, "signatures": true, "from": "2020-01-01T00:00:00+08:00"}, "reason": "经核实为批量刷分",
		})
		s.eventually("the list", func() bool {
			batch = clerk.want(200, "GET", office+"/"+made.text("id"), nil)
			return batch.text("state") != "collecting"
		})
		return batch.num("items") == 6
	})
	sample := batch.object("summary").list("sample")
	if len(sample) != 6 || sample[0].text("name") != "张*" {
		t.Errorf("the sample is %v", sample)
	}
	one := office + "/" + batch.text("id")
	asked := clerk.want(202, "POST", one+"/run", nil).text("approval")
	clerk.want(409, "POST", "/admin/approvals/"+asked+"/approve", map[string]string{"reason": "自己"})
	head.want(200, "POST", "/admin/approvals/"+asked+"/approve", map[string]string{"reason": "同意"})
	state := func() string { return clerk.want(200, "GET", one, nil).text("state") }
	s.eventually("the run", func() bool { return state() == "done" })
	s.eventually("the counts to follow", func() bool {
		c := s.want(200, "GET", path+"/counts", nil)
		return c.num("participants") == 0 && c.num("attempts") == 0 && c.num("signatures") == 0 && c.num("enrolled") == 3
	})
	o.run(exitDone, "", "verify")

	p := people[0]
	seen := p.want(200, "GET", path+"/attempts/"+attempts[0], nil)
	if seen.text("state") != "invalidated" || seen.object("invalidated").text("reason") != "经核实为批量刷分" {
		t.Errorf("the participant sees %v", seen)
	}
	if public := s.want(200, "GET", "/signatures/"+serials[0], nil); public.text("state") != "invalidated" {
		t.Errorf("the certificate says %v", public)
	}
	if own := p.want(200, "GET", path+"/me", nil).object("signature"); own.text("state") != "invalidated" {
		t.Errorf("the home page says %v", own)
	}
	appeal := p.want(201, "POST", path+"/appeals", map[string]string{"object": "attempt:" + attempts[0], "text": "本人作答，请核实"})
	p.want(200, "POST", path+"/appeals", map[string]string{"object": "attempt:" + attempts[0], "text": "本人作答"})
	p.want(201, "POST", path+"/appeals", map[string]string{"object": "signature", "text": "本人签署"})
	p.want(404, "POST", path+"/appeals", map[string]string{"object": "attempt:" + attempts[1], "text": "别人的"})
	uphold := clerk.want(202, "POST", "/admin"+path+"/appeals/"+appeal.text("id")+"/uphold", map[string]string{"answer": "抱歉，已恢复"}).text("approval")
	head.want(200, "POST", "/admin/approvals/"+uphold+"/approve", map[string]string{"reason": "同意"})
	s.eventually("the appeal to be upheld", func() bool {
		mine := p.want(200, "GET", path+"/appeals", nil).list("items")
		return len(mine) == 2 && mine[1].text("state") == "upheld" && mine[1].text("answer") == "抱歉，已恢复"
	})
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 3, "participants": 1, "attempts": 1, "signatures": 0})
	s.awaitSealed(1, 0) // what is announced is what the log's leaves come to

	o.undoes(s, batch.text("id"))
	s.wantCounts(demoCampaign, all)
	s.awaitSealed(3, 3)
	if out := mustRun(t, "verify", "--data", cfg.Data.Dir); !strings.Contains(out, "worked out again from the ledger: it holds") {
		t.Errorf("after the undo verify says %s", out)
	}
	if public := s.want(200, "GET", "/signatures/"+serials[2], nil); public.text("state") != "valid" {
		t.Errorf("after the undo the certificate says %v", public)
	}
	o.run(exitDone, "", "verify")
	if out := o.run(exitDone, "", "correct", "list", "--campaign", demoCampaign); !strings.Contains(out, batch.text("id")) || !strings.Contains(out, "undone") {
		t.Errorf("the list says %s", out)
	}
}

// undoes asks for the undo as the console, and approves it as somebody with an account.
func (o officeCommands) undoes(s *server, batch string) {
	o.Helper()
	approve := o.second(s, "third", demoCampaign)
	if out := approve(o.asked("correct", "undo", batch, "--campaign", demoCampaign, "--reason", "核实有误")); !strings.Contains(out, "undone") {
		o.Errorf("%s", out)
	}
}

// asked runs a command that asks for a second person, and returns the approval.
func (o officeCommands) asked(args ...string) string {
	o.Helper()
	var asked struct{ Approval string }
	if err := json.Unmarshal([]byte(o.stdout(append(args, "--json")...)), &asked); err != nil || asked.Approval == "" {
		o.Fatal(asked, err)
	}
	return asked.Approval
}

// second makes an account, and returns what approves once as its owner, by the command.
func (o officeCommands) second(s *server, login, campaign string) (approve func(approval string) string) {
	o.Helper()
	const password = "Correct-Horse-77"
	once := printed(o.run(exitDone, "", "operator", "create", "--login", login, "--role", "campaign_operator", "--campaign", campaign))
	a := s.api
	a.token = a.want(201, "POST", "/admin/sessions", map[string]string{"login": login, "password": once}).text("token")
	a.want(204, "POST", "/admin/me/password", map[string]string{"old_password": once, "password": password})
	secret := a.want(200, "POST", "/admin/me/totp", map[string]string{"password": password}).text("secret")
	code := func(later time.Duration) string {
		c, err := totp.GenerateCode(secret, time.Now().Add(later))
		if err != nil {
			o.Fatal(err)
		}
		return c
	}
	a.want(200, "POST", "/admin/me/totp/confirm", map[string]string{"code": code(0)})
	return func(approval string) string {
		o.Helper()
		return o.run(exitDone, password+"\n", "correct", "approve", approval, "--campaign", campaign,
			"--login", login, "--code", code(30*time.Second), "--password-stdin")
	}
}
