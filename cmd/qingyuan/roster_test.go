package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"qingyuan/internal/roster"
)

// onRoster puts two persons on the roster of a unit of the demonstration, through the
// command, and returns the unit.
func onRoster(t *testing.T, s *server, dir string) string {
	t.Helper()
	unit := s.unit(demoCampaign, "")
	file := filepath.Join(t.TempDir(), "roster.csv")
	text := fmt.Sprintf("单位编号,编号,姓名\n%[1]s,001,王芳\n%[1]s,002,李强\n,003,无单位\n%[1]s,004,赵云\n", unit)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out roster.Outcome
	raw := mustRun(t, "roster", "import", file, "--data", dir, "--campaign", demoCampaign, "--json")
	if err := json.Unmarshal([]byte(raw), &out); err != nil || out.Written != 3 || out.Refused != 1 {
		t.Fatalf("import: %s, %v", raw, err)
	}
	return unit
}

// TestRosterSignIn lets somebody without WeChat take part, and joins them with the
// participant they are elsewhere: they count once.
func TestRosterSignIn(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	unit := onRoster(t, s, cfg.Data.Dir)
	entry := func(number, name string) map[string]string {
		return map[string]string{"campaign": demoCampaign, "unit": unit, "number": number, "name": name}
	}
	var other string
	for below := ""; other == ""; {
		for _, n := range s.want(200, "GET", demoPath+"/units?limit=50&parent="+below, nil).list("items") {
			if n.text("kind") == "unit" && n.text("id") != unit {
				other = n.text("id")
			} else if n.text("kind") == "region" {
				below = n.text("id")
			}
		}
	}
	who := func(r result) string { return r.object("participant").text("id") }

	s.want(401, "POST", "/sessions/roster", entry("001", "李强"))
	first := s.want(200, "POST", "/sessions/roster", entry("001", "王芳"))
	if again := s.want(200, "POST", "/sessions/roster", entry("００1", "王 芳")); who(again) != who(first) && who(again) == "" {
		t.Errorf("the same person is %s and %s", who(first), who(again))
	}

	// Li came by WeChat first, then finds the roster: the participant stays.
	li := s.as("li")
	li.enrol(demoCampaign)
	linked := li.want(200, "POST", "/sessions/link", entry("002", "李强"))
	byRoster := s.want(200, "POST", "/sessions/roster", entry("002", "李强"))
	byName := s.want(200, "POST", "/sessions/sandbox", map[string]string{"name": "li"})
	if who(linked) != who(byRoster) || who(linked) != who(byName) {
		t.Errorf("linked %s, by roster %s, by name %s", who(linked), who(byRoster), who(byName))
	}

	// Wang took part by the roster alone, and then comes by WeChat: what was done counts.
	wang := s.api
	wang.token = first.text("access_token")
	wang.enrol(demoCampaign)
	paper := wang.want(201, "POST", demoPath+"/attempts", map[string]any{})
	wang.want(200, "POST", demoPath+"/attempts/"+paper.text("attempt")+"/submission", firstOptions(paper))
	fresh := s.as("wang")
	linked = fresh.want(200, "POST", "/sessions/link", entry("001", "王芳"))
	byName = s.want(200, "POST", "/sessions/sandbox", map[string]string{"name": "wang"})
	if who(linked) != who(first) || who(byName) != who(first) {
		t.Errorf("linked %s, by name %s, want %s", who(linked), who(byName), who(first))
	}

	// Zhao is on the roster of one unit and cannot enrol in another.
	zhao := s.api
	zhao.token = s.want(200, "POST", "/sessions/roster", entry("004", "赵云")).text("access_token")
	detail := s.want(200, "GET", demoPath, nil)
	elsewhere := map[string]any{
		"unit": other, "name": "赵云", "group": detail.list("groups")[0].text("id"),
		"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	}
	if code := zhao.want(409, "PUT", demoPath+"/enrolment", elsewhere).text("code"); code != "enrolment.roster_unit" {
		t.Errorf("code %s", code)
	}
	elsewhere["unit"] = unit
	zhao.want(200, "PUT", demoPath+"/enrolment", elsewhere)
	s.as("anybody").want(200, "PUT", demoPath+"/enrolment", map[string]any{
		"unit": other, "name": "某人", "group": elsewhere["group"], "consent": elsewhere["consent"],
	})

	// However the number is written, its tries are counted together.
	refused := 0
	for i := range 12 {
		status, _, err := s.call("POST", "/sessions/roster", entry([]string{"９99", "999", " 999"}[i%3], "李强"))
		if err != nil || status != 401 && status != 429 {
			t.Fatalf("try %d: %d, %v", i, status, err)
		}
		if status == 429 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("twelve names were tried for one person")
	}

	// Who took part by both ways is left to an operator.
	both := s.as("both")
	both.enrol(demoCampaign)
	both.want(201, "POST", demoPath+"/attempts", map[string]any{})
	if code := both.want(409, "POST", "/sessions/link", entry("001", "王芳")).text("code"); code != "session.link_conflict" {
		t.Errorf("code %s", code)
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}
