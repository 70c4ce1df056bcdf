package main

import (
	"testing"
	"time"
)

// TestFeedbackAndDuty goes from what a participant writes to the answer they read and to
// its erasure in the running program, and looks at the server as whoever is on duty does.
func TestFeedbackAndDuty(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	o := officeCommands{t, cfg}
	s := start(t, cfg)
	people := gathering(t, s)
	p := people[0]
	written := map[string]string{"kind": "complaint", "text": "第三题的答案似乎有误", "contact": "13800000000"}
	one := p.want(201, "POST", demoPath+"/feedback", written).text("id")
	if again := p.want(200, "POST", demoPath+"/feedback", written).text("id"); again != one {
		t.Errorf("a repeat is %s, the first %s", again, one)
	}
	clerk := s.officeOf(t, "clerk", printed(o.run(exitDone, "", "operator", "create", "--login", "clerk", "--role", "campaign_operator", "--campaign", demoCampaign)))
	inbox := "/admin" + demoPath + "/feedback"
	if waiting := clerk.want(200, "GET", inbox+"?state=received", nil).list("items"); len(waiting) != 1 || waiting[0].text("id") != one {
		t.Fatalf("the inbox holds %v", waiting)
	}
	if read := clerk.want(200, "GET", inbox+"/"+one, nil); read.text("text") != written["text"] || read.text("contact") != written["contact"] {
		t.Errorf("the clerk reads %v", read)
	}
	clerk.want(200, "POST", inbox+"/"+one+"/review", nil)
	clerk.want(200, "POST", inbox+"/"+one+"/answer", map[string]string{"answer": "感谢指出，已更正"})
	mine := p.want(200, "GET", demoPath+"/feedback", nil).list("items")
	if len(mine) != 1 || mine[0].text("state") != "answered" || mine[0].text("answer") != "感谢指出，已更正" {
		t.Errorf("the participant reads %v", mine)
	}
	wantDuty(t, s, clerk)

	mustRun(t, "reseal", "--data", cfg.Data.Dir)
	if read := clerk.want(200, "GET", inbox+"/"+one, nil); read.text("text") != written["text"] {
		t.Errorf("sealed anew, the clerk reads %v", read)
	}
	p.want(202, "DELETE", "/participants/me", nil)
	s.eventually("the message to be erased", func() bool {
		_, r, err := clerk.call("GET", inbox+"/"+one, nil)
		return err == nil && r["text"] == nil && r["contact"] == nil && r["answer"] == nil && r.text("state") == "answered"
	})
	o.run(exitDone, "", "verify")
}

// wantDuty looks until the server's own work shows in the view: what was acted, a refusal,
// a failed sign-in, and stores that answer.
func wantDuty(t *testing.T, s *server, clerk api) {
	t.Helper()
	s.want(401, "GET", demoPath+"/me", nil)
	s.want(401, "POST", "/admin/sessions", map[string]string{"login": "clerk", "password": "wrong"})
	view := clerk.want(200, "GET", "/admin/duty", nil)
	figures := map[string]result{}
	for _, f := range view.list("figures") {
		figures[f.text("id")] = f
		if (f.text("level") == "ok") != (f.text("hint") == "") {
			t.Errorf("%v", f)
		}
	}
	// Starts and submissions of three people, two of them whole.
	for id, least := range map[string]float64{
		"acts.starts": 3, "acts.submissions": 3, "acts.signatures": 3, "desk.failures": 1, "redis.used": 1, "jobs.running": 0, "approvals.open": 0,
	} {
		if f := figures[id]; f == nil || f["value"] == nil || f.num("value") < least {
			t.Errorf("%s is %v, want at least %v", id, f, least)
		}
	}
	if f := figures["redis.log"]; f == nil || f.num("value") != 0 {
		t.Errorf("the log of Redis: %v", f)
	}
	refused := false
	for _, r := range view.list("refusals") {
		refused = refused || r.text("code") == "auth.missing" && r.num("minute") >= 1
	}
	if !refused || view["ready"] != true {
		t.Errorf("the view is %v", view)
	}
	if at, err := time.Parse(time.RFC3339, view.text("as_of")); err != nil || at.IsZero() {
		t.Errorf("as of %v", view["as_of"])
	}
}
