package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"qingyuan/configs"
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
	if again := s.want(200, "POST", "/sessions/roster", entry("００1", "王 芳")); who(again) != who(first) || who(again) == "" {
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
	mustRun(t, "verify", "--data", cfg.Data.Dir) // and with that, the ledger has everything

	// The roster says where Zhao belongs; somebody who came otherwise may ask.
	ask := map[string]string{"unit": other, "reason": "调动"}
	if code := zhao.want(409, "POST", demoPath+"/transfers", ask).text("code"); code != "transfer.roster_bound" {
		t.Errorf("code %s", code)
	}
	s.as("anybody").want(201, "POST", demoPath+"/transfers", map[string]string{"unit": unit, "reason": "调动"})
}

// TestRostersFollowAMerge merges a unit into another one, before anybody has come and
// afterwards: its people sign in there, are the participants they were, and are on the
// list of those to remind.
func TestRostersFollowAMerge(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	o := officeCommands{t, cfg}
	office := s.officeOf(t, "desk", printed(o.run(exitDone, "", "operator", "create", "--login", "desk", "--role", "campaign_operator")))
	at := func(d time.Duration) string { return time.Now().Add(d).In(configs.Zone()).Format("2006-01-02 15:04") }
	why := map[string]string{"reason": "撤并"}
	prepare := func(id, prefix string, opens time.Duration, roster string) string {
		one := "/admin/campaigns/" + id
		office.want(201, "POST", "/admin/campaigns", map[string]any{"from": map[string]any{
			"template": demoCampaign, "id": id, "title": id, "opens_at": at(opens), "closes_at": at(24 * time.Hour), "prefix": prefix,
		}})
		office.want(200, "PATCH", one, map[string]any{"set": map[string]any{"quiz": nil}})
		for _, unit := range []string{"a", "b"} {
			office.want(201, "POST", one+"/tree/nodes", map[string]any{"id": unit, "kind": "unit", "name": "单位" + unit, "roster": 1})
		}
		office.finished(office.sendFile(one+"/rosters/imports", "单位编号,编号,姓名,人群\n"+roster))
		return one
	}
	signIn := func(id, unit, number, name string) (int, string) {
		status, r, err := s.call("POST", "/sessions/roster", map[string]string{"campaign": id, "unit": unit, "number": number, "name": name})
		if err != nil {
			t.Fatal(err)
		}
		if status != 200 {
			return status, ""
		}
		return status, r.object("participant").text("id")
	}

	served := func(id string) { // tries to sign in are counted
		s.eventually("campaign "+id, func() bool {
			status, _, err := s.call("GET", "/campaigns/"+id+"/counts", nil)
			return err == nil && status == 200
		})
	}

	// Merged while people come by their rosters already.
	later := prepare("later", "LATER", time.Hour, "a,001,王芳\nb,002,李强\nb,001,赵云\n")
	office.want(200, "POST", later+"/publish", why)
	served("later")
	_, wang := signIn("later", "a", "001", "王芳")
	li := s.as("li").want(200, "POST", "/sessions/link", map[string]string{"campaign": "later", "unit": "b", "number": "002", "name": "李强"})
	into := map[string]any{"units": []string{"a"}, "reason": "撤并"}
	if code := office.want(409, "POST", later+"/tree/nodes/b/merge", into).text("code"); code != "roster.merge_conflict" {
		t.Errorf("two people of one number: %s", code)
	}
	if _, same := signIn("later", "a", "001", "王芳"); same != wang {
		t.Errorf("a merge that was refused makes %s of %s", same, wang)
	}
	office.finished(office.sendFile(later+"/rosters/imports?replace=true", "单位编号,编号,姓名\nb,002,李强\n"))
	if n := office.want(200, "POST", later+"/tree/nodes/b/merge", into).object("node").num("roster"); n != 2 {
		t.Errorf("%v persons belong to the unit", n)
	}
	s.eventually("the servers to follow", func() bool {
		return len(s.want(200, "GET", "/campaigns/later/units", nil).list("items")) == 1
	})
	if _, now := signIn("later", "b", "001", "王芳"); now != wang {
		t.Errorf("after the merge Wang is %s, was %s", now, wang)
	}
	if _, now := signIn("later", "b", "002", "李强"); now != li.object("participant").text("id") {
		t.Errorf("Li is %s, was %v", now, li)
	}
	if status, _ := signIn("later", "a", "001", "王芳"); status != 401 {
		t.Errorf("by the unit that is gone: %d", status)
	}

	// Merged before anybody came, by the command; then they take part.
	const id, group = "now", "student"
	now := prepare(id, "NOW", -time.Hour, "a,001,王芳,"+group+"\na,003,孙丽\nb,002,李强\n")
	o.run(exitDone, "", "tree", "merge", "a", "--into", "b", "--campaign", id, "--reason", "撤并")
	office.want(200, "POST", now+"/publish", why)
	served(id)
	o.run(exitDone, "", "operator", "create", "--login", "keeper", "--role", "campaign_operator", "--campaign", id, "--scope", "b")
	detail := s.want(200, "GET", "/campaigns/"+id, nil)
	sun := s.api
	sun.token = s.want(200, "POST", "/sessions/roster", map[string]string{"campaign": id, "unit": "b", "number": "003", "name": "孙丽"}).text("access_token")
	s.eventually("the campaign to be open", func() bool {
		status, _, err := sun.call("PUT", "/campaigns/"+id+"/enrolment", map[string]any{
			"unit": "b", "name": "孙丽", "group": detail.list("groups")[0].text("id"),
			"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
		})
		return err == nil && status == 200
	})
	sun.want(201, "POST", "/campaigns/"+id+"/signatures", map[string]any{
		"version": detail.object("pledge").text("version"), "method": "typed", "name": "孙丽",
	})
	once := printed(o.run(exitDone, "", "operator", "reset", "keeper", "--reason", "测试"))
	keeper := s.officeOf(t, "keeper", once)
	left := map[string]bool{}
	for _, p := range keeper.want(200, "GET", now+"/rosters/b/not-yet", nil).list("items") {
		left[p.text("name")] = true
	}
	if len(left) != 2 || !left["王芳"] || !left["李强"] {
		t.Errorf("still to remind: %v", left)
	}
	if of := keeper.want(200, "GET", now+"/rosters/b/not-yet?group="+group, nil); of.num("total") != 1 || of.list("items")[0].text("name") != "王芳" {
		t.Errorf("still to remind of one group: %s", of)
	}
	screen := s.api
	screen.token = printed(o.run(exitDone, "", "viewer-token", "--campaign", id))
	s.eventually("the rate to follow", func() bool {
		for _, row := range screen.want(200, "GET", "/campaigns/"+id+"/counts/breakdown?parent=", nil).list("items") {
			if row.text("id") == "b" {
				return row.num("roster") == 3 && row.num("participants") == 1
			}
		}
		return false
	})
	requireLedger(t, cfg)
}

// TestOnePersonByTwoDoors takes part by the roster and as somebody else as well: the office
// hears of it, takes one of them out with a second person, and the person is joined and
// counts once.
func TestOnePersonByTwoDoors(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	o := officeCommands{t, cfg}
	unit := onRoster(t, s, cfg.Data.Dir)
	entry := map[string]string{"campaign": demoCampaign, "unit": unit, "number": "001", "name": "王芳"}
	who := func(r result) string { return r.object("participant").text("id") }
	came := s.want(200, "POST", "/sessions/roster", entry)
	byRoster := s.api
	byRoster.token = came.text("access_token")
	other := s.as("wang")
	for _, p := range []api{byRoster, other} {
		p.enrol(demoCampaign)
		paper := p.want(201, "POST", demoPath+"/attempts", map[string]any{})
		p.want(200, "POST", demoPath+"/attempts/"+paper.text("attempt")+"/submission", firstOptions(paper))
	}
	s.wantCounts(demoCampaign, map[string]float64{"participants": 2, "attempts": 2})
	mustRun(t, "verify", "--data", cfg.Data.Dir) // and with that, the ledger has everything
	for range 2 {
		if code := other.want(409, "POST", "/sessions/link", entry).text("code"); code != "session.link_conflict" {
			t.Fatalf("code %s", code)
		}
	}

	hire := func(login string) api {
		return s.officeOf(t, login, printed(o.run(exitDone, "", "operator", "create", "--login", login, "--role", "campaign_operator", "--campaign", demoCampaign)))
	}
	clerk, head := hire("clerk"), hire("head")
	office := "/admin/campaigns/" + demoCampaign
	flags := clerk.want(200, "GET", office+"/flags?rule=same_person", nil).list("items")
	if len(flags) != 1 || flags[0].list("evidence")[0].text("participant") != who(came) || flags[0].text("unit") == "" {
		t.Fatalf("the office hears %v", flags)
	}
	flag := flags[0].text("id")
	clerk.want(200, "POST", office+"/flags/"+flag+"/decision", map[string]string{"state": "confirmed", "reason": "同一人，保留微信记录"})
	batch := office + "/corrections/" + clerk.want(201, "POST", office+"/corrections", map[string]any{
		"conditions": map[string]any{"attempts": true, "signatures": true, "flags": []string{flag}}, "reason": "同一人重复参加，只计一次",
	}).text("id")
	state := func(want string) func() bool {
		return func() bool { return clerk.want(200, "GET", batch, nil).text("state") == want }
	}
	s.eventually("the list", state("ready"))
	if n := clerk.want(200, "GET", batch, nil).num("items"); n != 1 {
		t.Fatalf("%v acts are on the list", n)
	}
	asked := clerk.want(202, "POST", batch+"/run", nil).text("approval")
	head.want(200, "POST", "/admin/approvals/"+asked+"/approve", map[string]string{"reason": "同意"})
	s.eventually("the run", state("done"))
	s.eventually("the person to count once", func() bool {
		c := s.want(200, "GET", demoPath+"/counts", nil)
		return c.num("participants") == 1 && c.num("attempts") == 1
	})
	mustRun(t, "verify", "--data", cfg.Data.Dir)

	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 2})
	linked := other.want(200, "POST", "/sessions/link", entry)
	now := s.want(200, "POST", "/sessions/roster", entry)
	if who(linked) != who(now) || who(now) == who(came) {
		t.Errorf("linked %s, by the roster %s, before %s", who(linked), who(now), who(came))
	}
	once := func() bool {
		c := s.want(200, "GET", demoPath+"/counts", nil)
		return c.num("enrolled") == 1 && c.num("participants") == 1 && c.num("attempts") == 1
	}
	s.eventually("the person to be enrolled once", once)
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	if err := privateRedis(t, cfg.Data.Dir).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	unready(s, "shard has lost its state")
	mustRun(t, "rebuild", "--data", cfg.Data.Dir)
	s.awaitReady()
	s.eventually("the rebuilt counts", once)
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}

// TestWhatARosterImportTells holds what a clerk reads of it: nothing is told as written where
// a faulty row kept everything back.
func TestWhatARosterImportTells(t *testing.T) {
	t.Parallel()
	refused := roster.Outcome{Found: 3, Written: 2, Refused: 1, Units: 1, Errors: []roster.RowError{{Row: 4, Reason: "没有这个单位"}}}
	written := refused
	written.Applied = true
	for name, test := range map[string]struct {
		out  roster.Outcome
		cmd  rosterImportCmd
		want string
		err  error
	}{
		"kept back": {refused, rosterImportCmd{All: true}, "共 3 行，可写入 2，未变 0，拒绝 1，移除 0，涉及 1 个单位；没有改动\n", errReported},
		"a dry run": {refused, rosterImportCmd{DryRun: true}, "共 3 行，可写入 2，未变 0，拒绝 1，移除 0，涉及 1 个单位；没有改动\n", nil},
		"written":   {written, rosterImportCmd{}, "共 3 行，写入 2，未变 0，拒绝 1，移除 0，涉及 1 个单位\n", nil},
	} {
		var stdout, stderr bytes.Buffer
		err := test.cmd.tell(env{ctx: t.Context(), stdout: &stdout, stderr: &stderr}, test.out)
		if !errors.Is(err, test.err) || stdout.String() != test.want || stderr.String() != "第 4 行：没有这个单位\n" {
			t.Errorf("%s: %v, %q, %q", name, err, stdout.String(), stderr.String())
		}
	}
}
