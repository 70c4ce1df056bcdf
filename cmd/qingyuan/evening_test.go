package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
)

// moment reads a time of an answer.
func (r result) moment(t *testing.T, key string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, r.text(key))
	if err != nil {
		t.Fatalf("%s of %v: %v", key, r, err)
	}
	return at
}

// dressed writes the campaign with known answers under another id, changed.
func dressed(t testing.TB, id, prefix string, changes ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"campaign.yaml", "questions.yaml"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "known", name))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer(append([]string{"known-2026", id, "KN26", prefix}, changes...)...).Replace(string(raw))
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "campaign.yaml")
}

// TestTheBusiestEvening: people are under way when everything is stopped, the server is
// killed, clocks run again, and everybody hands in. Nothing is lost, no time is used
// that stood, the ledger agrees, and those who were hit get their attempt back.
func TestTheBusiestEvening(t *testing.T) {
	t.Parallel()
	const calm, rush = "calm-2026", "rush-2026"
	o := officeCommands{t, configs.Config{}}
	o.cfg.Data.Dir = shortDir(t)
	for _, file := range []string{
		dressed(t, calm, "CA26"),
		dressed(t, rush, "RU26", "time_limit: 10m", "time_limit: 10s\n  grace: 0s\n  attempts_in_all: 1"),
	} {
		o.run(exitDone, "", "campaign", "apply", "--unreviewed", file)
	}
	p := spawn(t, binary(t), o.cfg.Data.Dir)
	began := time.Now()

	start := func(name, campaign string) (api, result) {
		t.Helper()
		who := p.as(name)
		who.enrol(campaign)
		return who, who.want(201, "POST", "/campaigns/"+campaign+"/attempts", nil)
	}
	at := func(campaign string, paper result) string {
		return "/campaigns/" + campaign + "/attempts/" + paper.text("attempt")
	}
	idle, nothing := start("idle", rush)
	slow, kept := start("slow", rush)
	slow.want(200, "PUT", at(rush, kept)+"/answers", map[string]any{"revision": 1, "answers": firstOptions(kept)["answers"]})
	var people []api
	var papers []result
	for i := range 3 {
		who, paper := start(fmt.Sprint("calm-", i), calm)
		people, papers = append(people, who), append(papers, paper)
	}

	late := p.as("late")
	late.enrol(calm)

	const why = "--reason=机房断电"
	o.run(exitDone, "", "campaign", "banner", calm, "--text", "系统繁忙，计时已暂停", "--level", "warning", why)
	o.run(exitDone, "", "campaign", "stop-clocks", calm, "--pause", why)
	stands := func(want bool) func() bool {
		return func() bool {
			c := p.want(200, "GET", "/campaigns/"+calm, nil)
			return (c["clocks_stand"] == true) == want && (c.text("state") == "paused") == want
		}
	}
	p.eventually("the clocks to stand", stands(true))
	if r := late.want(403, "POST", "/campaigns/"+calm+"/attempts", nil); r.text("code") != "campaign.paused" {
		t.Errorf("somebody new: %v", r)
	}
	saved := people[0].want(200, "PUT", at(calm, papers[0])+"/answers", map[string]any{"revision": 1, "answers": firstOptions(papers[0])["answers"]})
	if saved["clocks_stand"] != true || !saved.moment(t, "deadline").After(papers[0].moment(t, "deadline")) {
		t.Errorf("keeping answers says %v", saved)
	}
	p.kill()
	p.start()
	home := people[0].want(200, "GET", "/campaigns/"+calm+"/me", nil)
	if home.object("open_attempt")["clocks_stand"] != true || home.object("banner").text("level") != "warning" {
		t.Errorf("the home page says %v", home)
	}
	p.eventually("the banner on the screen", func() bool {
		f := p.want(200, "GET", "/campaigns/"+calm+"/frame", nil)
		return f.object("banner").text("text") == "系统繁忙，计时已暂停"
	})
	hand := func(i int) result {
		t.Helper()
		return people[i].want(200, "POST", at(calm, papers[i])+"/submission", firstOptions(papers[i]))
	}
	receipts := []result{hand(0)} // also while they stand
	o.run(exitDone, "", "campaign", "run-clocks", calm, "--resume", why)
	p.eventually("the clocks to run", stands(false))
	receipts = append(receipts, hand(1), hand(2))

	once := printed(o.run(exitDone, "", "operator", "create", "--login", "desk", "--role", "campaign_operator"))
	office := p.officeOf(t, "desk", once)
	desk := office.want(200, "GET", "/admin/campaigns/"+calm, nil)
	if n := len(desk.list("stops")); n != 1 {
		t.Fatalf("stops %v", desk["stops"])
	}
	stop := desk.list("stops")[0]
	from, until := stop.moment(t, "from"), stop.moment(t, "until")
	for i, r := range receipts {
		started, handed := papers[i].moment(t, "started_at"), r.moment(t, "submitted_at")
		used := handed.Sub(started)
		if ends := earlier(until, handed); ends.After(from) {
			used -= ends.Sub(from)
		}
		if int64(r.num("used_ms")) != used.Milliseconds() || handed.Before(from) {
			t.Errorf("person %d: used %v ms from %s to %s, want %v; stopped from %s until %s", i, r.num("used_ms"), started, handed, used.Milliseconds(), from, until)
		}
	}
	p.wantCounts(calm, map[string]float64{"enrolled": 4, "participants": 3, "attempts": 3})
	o.run(exitDone, "", "campaign", "extend", calm, "--until", "2032-02-01 00:00", why)
	o.run(exitDone, "", "campaign", "banner", calm, "--remove", why)
	p.eventually("the new close, without the banner", func() bool {
		c := p.want(200, "GET", "/campaigns/"+calm, nil)
		return strings.HasPrefix(c.text("closes_at"), "2032-02-01") && c["banner"] == nil
	})

	p.eventually("the deadline to close what nobody handed in", func() bool {
		return idle.want(200, "GET", at(rush, nothing), nil).text("state") == "expired" &&
			slow.want(200, "GET", at(rush, kept), nil).text("closed_by") == "deadline"
	})
	left := func(who api) float64 {
		return who.want(200, "GET", "/campaigns/"+rush+"/me", nil).object("attempts_left").num("all")
	}
	for _, who := range []api{idle, slow} {
		if n := left(who); n != 0 {
			t.Errorf("%v left", n)
		}
		who.want(409, "POST", "/campaigns/"+rush+"/attempts", nil)
	}
	times := []string{"--from", began.Add(-time.Minute).Format(time.RFC3339), "--to", time.Now().Add(time.Minute).Format(time.RFC3339)}
	give := func(more ...string) (out struct{ Items, Given int }) {
		t.Helper()
		args := append([]string{"campaign", "give-back", "--campaign", rush, "--json", why}, times...)
		line := o.run(exitDone, "", append(args, more...)...)
		if err := json.NewDecoder(strings.NewReader(line)).Decode(&out); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return out
	}
	p.eventually("the ledger to have it", func() bool {
		r := office.want(201, "POST", "/admin/campaigns/"+rush+"/grants", map[string]string{"from": times[1], "to": times[3], "reason": "断电"})
		var g result
		p.eventually("the list", func() bool {
			g = office.want(200, "GET", "/admin/campaigns/"+rush+"/grants/"+r.text("id"), nil)
			return g.text("state") != "collecting"
		})
		return g.num("items") == 2 && g.object("ended").num("expired") == 1 && g.object("ended").num("deadline") == 1
	})
	if g := give("--dry-run"); g.Items != 2 || g.Given != 0 {
		t.Errorf("a dry run: %+v", g)
	}
	for range 2 { // hit twice, given twice
		if g := give(); g.Items != 2 || g.Given != 2 {
			t.Errorf("given back: %+v", g)
		}
	}
	for _, who := range []api{idle, slow} {
		if n := left(who); n != 2 {
			t.Errorf("%v left after it was given back twice", n)
		}
		paper := who.want(201, "POST", "/campaigns/"+rush+"/attempts", nil)
		if n := left(who); n != 1 || paper.num("number") != 2 {
			t.Errorf("attempt %v, and %v left", paper.num("number"), n)
		}
		who.want(200, "POST", at(rush, paper)+"/submission", firstOptions(paper))
	}
	p.wantCounts(rush, map[string]float64{"enrolled": 2, "participants": 2, "attempts": 3})
	o.run(exitDone, "", "verify")
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
