package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qingyuan/configs"
)

// stemOfDemo finds the question of the demonstration's bank that says so.
func stemOfDemo(t *testing.T, stem string) (id string) {
	t.Helper()
	all, err := configs.Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Campaign.ID != demoCampaign {
			continue
		}
		for _, q := range d.Bank.Questions {
			if q.Stem == stem {
				return q.ID
			}
		}
	}
	t.Fatalf("no question says %q", stem)
	return ""
}

// TestTheOfficeDecidesOnAQuestion goes the whole way in the running program: a report on an
// open paper, the decision from the console beside the server, drawing without the question
// at once, the marking after a second person, what the participant is told, and the undo.
func TestTheOfficeDecidesOnAQuestion(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	o := officeCommands{t, cfg}
	s := start(t, cfg)
	path := "/campaigns/" + demoCampaign
	p := s.as("one")
	p.enrol(demoCampaign)
	paper := p.want(201, "POST", path+"/attempts", map[string]any{})
	attempt, question := paper.text("attempt"), paper.list("questions")[0]
	report := map[string]any{"question": question.text("id"), "kind": "wrong_key", "text": "已修订"}
	kept := p.want(201, "POST", path+"/attempts/"+attempt+"/reports", report)
	if again := p.want(200, "POST", path+"/attempts/"+attempt+"/reports", report); again.text("id") != kept.text("id") {
		t.Errorf("reported again: %v", again)
	}
	receipt := p.want(200, "POST", path+"/attempts/"+attempt+"/submission", map[string]any{"answers": map[string]any{}})
	if receipt.num("score") != 0 {
		t.Fatalf("an empty paper has %v points", receipt.num("score"))
	}

	hire := func(login string) api {
		return s.officeOf(t, login, printed(o.run(exitDone, "", "operator", "create", "--login", login, "--role", "campaign_operator", "--campaign", demoCampaign)))
	}
	clerk, head := hire("clerk"), hire("head")
	id := stemOfDemo(t, question.text("stem"))
	reported := clerk.want(200, "GET", "/admin"+path+"/question-reports", nil).list("items")
	if len(reported) != 1 || reported[0].text("question") != id || reported[0].num("persons") != 1 {
		t.Fatalf("reported is %v", reported)
	}
	var made struct {
		ID   string
		List struct {
			State string
			Items int
		}
	}
	out := o.stdout("challenge", "decide", id, "--campaign", demoCampaign, "--decision", "withdraw", "--rule", "give_all", "--reason", "题目内容已修订", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || made.List.State != "ready" || made.List.Items != 1 {
		t.Fatalf("decided: %s, %v", out, err)
	}
	one := "/admin" + path + "/challenges/" + made.ID
	shown := clerk.want(200, "GET", one, nil)
	if e := shown.object("effect"); e.num("had") != 1 || e.num("raised") != 1 || e.num("open") != 0 {
		t.Errorf("the effect is %v", e)
	}
	asked := clerk.want(202, "POST", one+"/run", nil).text("approval")
	head.want(200, "POST", "/admin/approvals/"+asked+"/approve", map[string]string{"reason": "同意"})
	batch := func() result { return clerk.want(200, "GET", one, nil).object("batch") }
	s.eventually("the marking", func() bool { return batch().text("state") == "done" })
	s.eventually("what the participant is told", func() bool {
		seen := p.want(200, "GET", path+"/attempts/"+attempt, nil)
		if seen.num("score") != 0 {
			t.Fatalf("the receipt was changed: %v", seen)
		}
		remarked, told := seen["remarked"].(map[string]any)
		return told && remarked["score"].(float64) > 0 && remarked["reason"] == "题目内容已修订"
	})
	if best := p.want(200, "GET", path+"/me", nil).object("best"); best.num("score") <= 0 {
		t.Errorf("the home page says %v", best)
	}
	for _, name := range []string{"two", "three", "four"} { // none of them draws it
		q := s.as(name)
		q.enrol(demoCampaign)
		for _, drawn := range q.want(201, "POST", path+"/attempts", map[string]any{}).list("questions") {
			if drawn.text("stem") == question.text("stem") {
				t.Error("a question is drawn that was withdrawn")
			}
		}
	}
	o.run(exitDone, "", "verify")

	statistics := func() string {
		file := filepath.Join(t.TempDir(), "items.csv")
		o.run(exitDone, "", "export", "items", "--campaign", demoCampaign, "-o", file)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if !strings.Contains(statistics(), "全部给分") {
		t.Error("the statistics of questions do not know of the ruling")
	}

	asked = clerk.want(202, "POST", one+"/undo", map[string]string{"reason": "核实有误"}).text("approval")
	head.want(200, "POST", "/admin/approvals/"+asked+"/approve", map[string]string{"reason": "同意"})
	s.eventually("the undo", func() bool { return batch().text("state") == "undone" })
	s.eventually("the marks to be back", func() bool {
		seen := p.want(200, "GET", path+"/attempts/"+attempt, nil)
		return seen["remarked"] == nil && seen.num("score") == 0
	})
	o.run(exitDone, "", "verify")
	if strings.Contains(statistics(), "全部给分") {
		t.Error("the statistics of questions go by a ruling that was undone")
	}
	if out := o.run(exitDone, "", "challenge", "list", "--campaign", demoCampaign); !strings.Contains(out, made.ID) || !strings.Contains(out, "1 persons") {
		t.Errorf("the list says %s", out)
	}
	o.run(exitFailed, "", "challenge", "preview", made.ID, "--campaign", demoCampaign)
}
