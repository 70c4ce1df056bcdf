package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/redistest"
)

// TestAnOfficeRunsACampaign prepares one on one server and takes part in it on
// another: what the office does reaches both within about a second, and no act is
// taken that it has ruled out.
func TestAnOfficeRunsACampaign(t *testing.T) {
	t.Parallel()
	cfg := on(t, redistest.Start(t, redistest.Durable(), redistest.TCP()).Addr(), "k")
	a, b := start(t, cfg), start(t, another(t, cfg))
	o := officeCommands{t, cfg}
	file := filepath.Join(t.TempDir(), "qingyuan.yaml")
	text := fmt.Sprintf("redis: {addrs: [%q]}\ndatabase: {url: %q}\nsecrets: {master: %q}\n",
		cfg.Redis.Addrs[0], cfg.Database.URL.Reveal(), cfg.Secrets.Master.Reveal())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	once := printed(o.run(exitDone, "", "operator", "create", "--login", "desk", "--role", "campaign_operator", "--config", file))
	office := a.officeOf(t, "desk", once)

	const id = "town-2026"
	at := func(d time.Duration) string { return time.Now().Add(d).In(configs.Zone()).Format("2006-01-02 15:04") }
	office.want(201, "POST", "/admin/campaigns", map[string]any{"from": map[string]any{
		"template": demoCampaign, "id": id, "title": "全民禁毒承诺", "opens_at": at(-time.Hour), "closes_at": at(24 * time.Hour), "prefix": "TOWN26",
	}})
	one := "/admin/campaigns/" + id
	why := map[string]string{"reason": "工作需要"}
	office.want(400, "POST", one+"/publish", why) // there are no units yet
	office.want(200, "POST", one+"/tree/start", map[string]any{"code": "140702"})
	unit := office.want(201, "POST", one+"/tree/nodes", map[string]any{"parent": "140702", "kind": "unit", "name": "锦纶社区", "roster": 30}).
		object("node").text("id")
	if got := office.want(409, "POST", one+"/publish", why); got.text("code") != "bank.unreviewed" {
		t.Errorf("questions that nobody has reviewed: %v", got)
	}
	office.want(200, "PATCH", one, map[string]any{"set": map[string]any{"quiz": nil}})
	for _, s := range []*server{a, b} {
		s.want(404, "GET", "/campaigns/"+id, nil) // a draft is nobody's business
	}
	office.want(200, "GET", one+"/preview", nil)
	office.want(200, "POST", one+"/publish", why)
	state := func(want string) {
		t.Helper()
		for _, s := range []*server{a, b} {
			s.eventually("both servers to say "+want, func() bool {
				status, r, err := s.call("GET", "/campaigns/"+id, nil)
				return err == nil && status == 200 && r.text("state") == want
			})
		}
	}
	state("open")

	detail := b.want(200, "GET", "/campaigns/"+id, nil)
	enrol := map[string]any{
		"unit": unit, "name": "张三", "group": detail.list("groups")[0].text("id"),
		"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	}
	version := detail.object("pledge").text("version")
	sign := map[string]any{"version": version, "method": "typed", "name": "张三"}
	first, second := b.as("first"), b.as("second")
	b.eventually("the campaign to be open in redis", func() bool {
		status, _, err := first.call("PUT", "/campaigns/"+id+"/enrolment", enrol)
		return err == nil && status == http.StatusOK
	})
	office.want(200, "POST", one+"/pause", why)
	state("paused")
	refused := func(p api, code, method, path string, body any) {
		t.Helper()
		if got := p.want(403, method, "/campaigns/"+id+path, body); got.text("code") != code {
			t.Errorf("%s %s = %v, want %s", method, path, got, code)
		}
	}
	refused(first, "campaign.paused", "POST", "/signatures", sign)
	refused(second, "campaign.paused", "PUT", "/enrolment", enrol)
	office.want(200, "POST", one+"/resume", why)
	state("open")
	first.want(201, "POST", "/campaigns/"+id+"/signatures", sign)
	second.want(200, "PUT", "/campaigns/"+id+"/enrolment", enrol)

	office.want(409, "PATCH", one+"/tree/nodes/"+unit, map[string]any{"parent": ""})
	office.want(200, "PATCH", one+"/tree/nodes/"+unit, map[string]any{"retired": true, "reason": "撤销"})
	b.eventually("the retired unit to be offered to nobody", func() bool {
		return len(b.want(200, "GET", "/campaigns/"+id+"/units?parent=140702", nil).list("items")) == 0
	})
	if got := b.as("third").want(400, "PUT", "/campaigns/"+id+"/enrolment", enrol); got.text("code") != "enrolment.unit_unknown" {
		t.Errorf("enrolling in a retired unit: %v", got)
	}
	office.want(200, "POST", one+"/close", why)
	state("closed")
	refused(second, "campaign.closed", "POST", "/signatures", sign)
	office.want(200, "POST", one+"/reopen", why)
	state("open")
	second.want(201, "POST", "/campaigns/"+id+"/signatures", sign)
	b.wantCounts(id, map[string]float64{"enrolled": 2, "signatures": 2})
	log := o.run(exitDone, "", "campaign", "show", id, "--versions", "--config", file)
	for _, kind := range []string{"created", "edited", "tree.started", "tree.added", "published", "paused", "resumed", "tree.changed", "closed", "reopened"} {
		if !strings.Contains(log, kind) {
			t.Errorf("the versions do not tell of %s:\n%s", kind, log)
		}
	}
	requireLedger(t, cfg)
}

// TestTreeByCommands is the clerk's way: begin with a code, take a table in, give it
// out, and nothing changes.
func TestTreeByCommands(t *testing.T) {
	t.Parallel()
	dir, desk := shortDir(t), t.TempDir()
	o := officeCommands{t, configs.Config{Data: configs.Data{Dir: dir}}}
	o.run(exitFailed, "", "campaign", "apply", "testdata/known/campaign.yaml") // its questions are unreviewed
	o.run(exitDone, "", "campaign", "apply", "testdata/known/campaign.yaml", "--draft")
	tree := func(want int, args ...string) string {
		t.Helper()
		return o.run(want, "", append(append([]string{"tree"}, args...), "--campaign", knownCampaign)...)
	}
	tree(exitDone, "start-from", "140700", "--levels", "1")
	tree(exitFailed, "start-from", "999999")
	table := filepath.Join(desk, "units.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("上级,名称,人数\n140703,太谷中学,900\n140703,太谷二中,许多\n")
	if out := tree(exitFailed, "import", table); !strings.Contains(out, "第 3 行") || !strings.Contains(out, "可新增 1") || !strings.Contains(out, "尚未写入") {
		t.Errorf("a bad row: %s", out)
	}
	if out := tree(exitDone, "import", table, "--mode", "valid", "--json"); !strings.Contains(out, `"added":1`) || !strings.Contains(out, `"applied":true`) {
		t.Errorf("the good row: %s", out)
	}
	for _, ext := range []string{".csv", ".xlsx"} {
		out := filepath.Join(desk, "out"+ext)
		tree(exitDone, "export", out)
		tree(exitFailed, "export", out) // it is there
		if said := tree(exitDone, "import", out, "--json"); !strings.Contains(said, `"added":0,"changed":0`) || !strings.Contains(said, `"applied":false`) {
			t.Errorf("what was exported changes something: %s", said)
		}
	}
	units := func() string {
		t.Helper()
		out := filepath.Join(t.TempDir(), "units.csv")
		tree(exitDone, "export", out)
		raw, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	tree(exitDone, "change", "known-unit", "--name", "测试学校", "--roster", "25", "--parent", "140703", "--reason", "更名")
	if got := units(); !strings.Contains(got, "测试学校") || strings.Contains(got, "测试单位") || !regexp.MustCompile(`(?m)^.*known-unit.*140703.*25.*$|^.*140703.*known-unit.*25.*$`).MatchString(got) {
		t.Errorf("after the change:\n%s", got)
	}
	tree(exitDone, "change", "known-unit", "--retire")
	retired := units()
	tree(exitDone, "change", "known-unit", "--retire=false")
	if back := units(); back == retired {
		t.Errorf("retired and offered again are the same:\n%s", back)
	}
	for _, wrong := range [][]string{
		{"nowhere", "--name", "无"}, {"known-unit", "--parent", "nowhere"}, {"140703", "--roster", "3"}, {"known-unit", "--roster=-1"}, {"known-unit", "--name", ""},
	} {
		tree(exitFailed, append([]string{"change"}, wrong...)...)
	}
	tree(exitDone, "change", "known-unit", "--parent", "140702", "--name", "测试单位", "--roster", "10")
	tree(exitUsage, "export", filepath.Join(desk, "out.pdf"))
	tree(exitFailed, "export", filepath.Join(desk, "part.csv"), "--parent", "nowhere")
	if out := o.run(exitDone, "", "campaign", "list", "--json"); !strings.Contains(out, `"state":"draft"`) || !strings.Contains(out, `"units":2`) {
		t.Errorf("%s", out)
	}
	o.run(exitFailed, "", "campaign", "pause", knownCampaign)
	o.run(exitUsage, "", "campaign", "reopen", knownCampaign, "--until", "soon")
}
