package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/waittest"
)

// springFile is the campaign of the benches as a file: open at noon.
const springFile = `id: %s
title: 春季禁毒知识竞答
opens_at: 2026-06-01 12:00
closes_at: 2026-06-22 12:00
groups: [{id: public, name: 群众, audience: all}]
enrolment_fields: [{field: name, required: true}, {field: unit}]
consent_notice: {version: "1", text: 告知}
ranking_mode: none
pledge: {prefix: %s, versions: [{version: "1", title: 承诺书, text: 我承诺。}]}
tree:
  - {code: "140702", id: yuci, name: 榆次区, units: [no1 榆次一中 100, no2 榆次二中 40]}
  - {code: "140703", id: taigu, name: 太谷区, units: [tg1 太谷中学 9]}
`

// openCatalog gives a bench with operators the catalog, and workers for its jobs.
func openCatalog(t *testing.T, b *bench) {
	t.Helper()
	var err error
	if b.Campaigns, err = catalog.NewStore(b.office.db, func() time.Time { return b.Now() }); err != nil {
		t.Fatal(err)
	}
	q := &jobs.Queue{DB: b.office.db, Now: func() time.Time { return b.Now() }, Log: slog.New(slog.DiscardHandler), Every: 25 * time.Millisecond}
	b.Campaigns.Register(q)
	b.Jobs, b.Imports = q, catalog.Importer{Queue: q}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// keep puts a campaign into the catalog as a draft.
func (b *bench) keep(t *testing.T, id, prefix string) {
	t.Helper()
	act := catalog.Act{Actor: operator.Console("test")}
	if _, err := b.Campaigns.Create(t.Context(), act, fmt.Appendf(nil, springFile, id, prefix), nil, nil); err != nil {
		t.Fatal(err)
	}
}

// catalogArea is campaign spring in the catalog, with unit no1 in it.
func catalogArea() area {
	const all, one = "/api/v1/admin/campaigns", "/api/v1/admin/campaigns/:campaign"
	const tree, node = one + "/tree", one + "/tree/nodes/:node"
	steer := subject{whole: true, body: `{"reason":"工作需要"}`, ok: http.StatusConflict}
	whole := subject{whole: true}
	return area{
		open: func(t *testing.T, b *bench) {
			t.Helper()
			openCatalog(t, b)
			b.keep(t, "spring", "SPR")
		},
		subjects: map[string]subject{
			"GET " + all:                           {},
			"POST " + all:                          {whole: true, ok: http.StatusConflict, body: `{"text":` + quoted(fmt.Sprintf(springFile, "spring", "SPR")) + `}`},
			"GET /api/v1/admin/campaign-templates": {},
			"GET " + one:                           {},
			"PATCH " + one:                         {whole: true, body: `{"set":{"title":"标题%d"}}`},
			"GET " + one + "/versions":             {},
			"GET " + one + "/versions/:version":    {object: func(*testing.T, *bench) map[string]string { return map[string]string{"version": "1"} }, outside: http.StatusOK},
			"GET " + one + "/preview":              whole,
			"POST " + one + "/check":               whole,
			"POST " + one + "/publish":             {whole: true, body: `{"reason":"工作需要","version":99999}`, ok: http.StatusConflict},
			"POST " + one + "/pause":               steer,
			"POST " + one + "/resume":              steer,
			"POST " + one + "/close":               steer,
			"POST " + one + "/reopen":              steer,
			"POST " + one + "/clocks/stop":         steer,
			"POST " + one + "/clocks/run":          steer,
			"POST " + one + "/extend":              {whole: true, body: `{"reason":"工作需要","closes_at":"2026-06-23 12:00"}`, ok: http.StatusConflict},
			"PUT " + one + "/banner":               {whole: true, body: `{"reason":"告知","text":{"zh-CN":"请稍候"},"level":"info"}`, ok: http.StatusConflict},
			"DELETE " + one + "/banner":            {whole: true, query: "reason=x", ok: http.StatusConflict},
			"POST " + one + "/archive":             {whole: true, body: `{"reason":"工作需要","version":99999}`, ok: http.StatusConflict},
			"GET " + tree:                          {object: noParams, query: "parent=no1"},
			"GET " + tree + "/export":              {object: noParams, query: "parent=no1&format=csv"},
			"POST " + tree + "/imports":            {object: noParams, query: "parent=no1&dry_run=true", body: `编号`, ok: http.StatusAccepted},
			"POST " + tree + "/start":              {object: noParams, body: `{"code":"110101","parent":"no1"}`, ok: http.StatusBadRequest},
			"POST " + one + "/tree/nodes":          {object: noParams, body: `{"parent":"no1","kind":"unit","name":"新单位"}`, ok: http.StatusBadRequest},
			"PATCH " + node:                        {object: nodeNo1, body: `{"roster":%d}`},
			"DELETE " + node:                       {object: nodeNo1},
			"POST " + node + "/merge":              {object: nodeNo1, body: `{"units":["no1"]}`, ok: http.StatusBadRequest},
			"GET " + node + "/history":             {object: nodeNo1},
			"GET /api/v1/admin/divisions":          {},
			"GET /api/v1/admin/jobs":               {},
			"GET /api/v1/admin/jobs/:job":          {object: jobOfNo1, action: operator.EditTree},
			"POST /api/v1/admin/jobs/:job/cancel":  {object: jobOfNo1, action: operator.EditTree},
		},
	}
}

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func noParams(*testing.T, *bench) map[string]string { return nil }

// nodeNo1 is unit no1, anew where somebody has taken it out.
func nodeNo1(t *testing.T, b *bench) map[string]string {
	t.Helper()
	_, _, err := b.Campaigns.AddNode(t.Context(), catalog.Act{Actor: operator.Console("test")}, "spring",
		campaign.Node{ID: "no1", Kind: campaign.Unit, Parent: "yuci", Name: campaign.Text{"zh-CN": "榆次一中"}})
	if err != nil && !errors.Is(err, catalog.ErrTree) {
		t.Fatal(err)
	}
	return map[string]string{"node": "no1"}
}

// jobOfNo1 is one that waits for ever: nobody works on its kind.
func jobOfNo1(t *testing.T, b *bench) map[string]string {
	t.Helper()
	nodeNo1(t, b)
	id, err := b.Jobs.(*jobs.Queue).Submit(t.Context(), jobs.Request{
		Kind: "nobody's", Action: string(operator.EditTree), Campaign: "spring", Node: "no1", Actor: "somebody",
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"job": id}
}

// newCatalogBench is a bench with an office and the catalog, and an operator who may
// do everything in it.
func newCatalogBench(t *testing.T) (*bench, string) {
	t.Helper()
	b := newOfficeBench(t, func(b *bench) { openCatalog(t, b) })
	return b, b.operator(t, operator.Grant{Role: operator.CampaignOperator})
}

// call sends a request as an operator and wants a status.
func (b *bench) call(t *testing.T, status int, method, path, token, body string) answer {
	t.Helper()
	a := b.do(t, request(method, "/api/v1/admin"+path, token, body))
	if a.status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// TestListSaysWhereThereArePrizes shows that an office learns from the list and from each
// campaign whether there is anything to ask about prizes: a draft has none yet.
func TestListSaysWhereThereArePrizes(t *testing.T) {
	t.Parallel()
	b, who := newCatalogBench(t)
	b.keep(t, "town-2026", "TOWN")
	prizesOf := func() map[string]bool {
		out := map[string]bool{}
		for _, l := range decoded[list[deskLine]](t, b.call(t, 200, "GET", "/campaigns", who, "")).Items {
			out[l.ID] = l.Prizes
			if one := decoded[deskCampaign](t, b.call(t, 200, "GET", "/campaigns/"+l.ID, who, "")); one.Prizes != l.Prizes {
				t.Errorf("%s: prizes %v in the list, %v alone", l.ID, l.Prizes, one.Prizes)
			}
		}
		return out
	}
	if got := prizesOf(); len(got) < 2 || got["spring"] || got["town-2026"] {
		t.Errorf("without prizes: %v", got)
	}
	openPrizes(t, b)
	if got := prizesOf(); !got["spring"] || got["town-2026"] {
		t.Errorf("with prizes in spring: %v", got)
	}
}

// TestCampaignThroughTheOffice prepares a campaign, publishes it, and steers it to its
// end, over HTTP alone.
func TestCampaignThroughTheOffice(t *testing.T) {
	t.Parallel()
	b, who := newCatalogBench(t)
	frame, _, _ := strings.Cut(fmt.Sprintf(springFile, "town-2026", "TOWN"), "tree:")
	frame = strings.Replace(frame, "{field: unit}", "{field: unit, required: true}", 1)
	made := decoded[deskCampaign](t, b.call(t, 201, "POST", "/campaigns", who, `{"text":`+quoted(frame)+`,"reason":"年度计划"}`))
	if made.State != "draft" || made.Version != 1 || made.Units != 0 || made.Reason != "年度计划" {
		t.Errorf("made %+v", made)
	}
	const c = "/campaigns/town-2026"
	check := decoded[checkAnswer](t, b.call(t, 200, "POST", c+"/check", who, ""))
	if check.OK || check.Code != "catalog.invalid" || check.Faults[0].Name != "enrolment_fields" {
		t.Errorf("checked %+v", check)
	}
	b.call(t, 400, "POST", c+"/publish", who, `{"reason":"x"}`)
	b.call(t, 400, "POST", c+"/publish", who, `{}`)
	b.call(t, 200, "POST", c+"/tree/start", who, `{"code":"140700","levels":1}`)
	added := decoded[treeAnswer](t, b.call(t, 201, "POST", c+"/tree/nodes", who, `{"parent":"140702","kind":"unit","name":"榆次一中","roster":30}`))
	if added.Node == nil || added.Node.Roster != 30 {
		t.Errorf("added %+v", added)
	}
	top := decoded[list[deskNodeT]](t, b.call(t, 200, "GET", c+"/tree", who, ""))
	if len(top.Items) != 1 || top.Items[0].Code != "140700" || top.Items[0].Roster != 30 {
		t.Errorf("the top is %+v", top)
	}
	preview := decoded[previewAnswer](t, b.call(t, 200, "GET", c+"/preview", who, ""))
	if preview.Campaign.ID != "town-2026" || preview.Pledge == nil || len(preview.Paper) != 0 {
		t.Errorf("the preview is %+v", preview)
	}
	changed := decoded[deskCampaign](t, b.call(t, 200, "PATCH", c, who, `{"set":{"title":"全民禁毒"},"reason":"改名"}`))
	b.call(t, 409, "PATCH", c, who, fmt.Sprintf(`{"set":{"title":"晚到"},"version":%d}`, changed.Version-1))
	b.call(t, 400, "PATCH", c, who, `{"set":{"ranking_mode":"all"}}`)
	b.call(t, 400, "PATCH", c, who, `{}`)

	if got := decoded[deskLine](t, b.call(t, 200, "POST", c+"/publish", who, `{"reason":"经领导同意"}`)); got.State != "open" {
		t.Errorf("published it is %s", got.State)
	}
	for _, step := range []struct{ act, state string }{
		{"pause", "paused"}, {"resume", "open"}, {"close", "closed"}, {"reopen", "open"}, {"close", "closed"}, {"archive", "archived"},
	} {
		a := b.call(t, 200, "POST", c+"/"+step.act, who, `{"reason":"工作需要"}`)
		if got := decoded[deskLine](t, a); got.State != step.state {
			t.Errorf("after %s it is %s, want %s", step.act, got.State, step.state)
		}
		if step.act == "close" {
			at := b.Now().Add(time.Minute)
			b.Now = func() time.Time { return at }
		}
	}
	b.call(t, 409, "POST", c+"/resume", who, `{"reason":"晚了"}`)
	b.call(t, 409, "PATCH", c, who, `{"set":{"title":"晚了"}}`)

	versions := decoded[list[campaignVersionT]](t, b.call(t, 200, "GET", c+"/versions", who, ""))
	if len(versions.Items) != 11 || versions.Items[0].Kind != "archived" {
		t.Errorf("%d versions: %+v", len(versions.Items), versions.Items)
	}
	second := decoded[versionDetail](t, b.call(t, 200, "GET", c+"/versions/4?against=1", who, ""))
	if len(second.Fields) == 0 || second.Fields[0].Field != "title" || second.NodesInAll != 13 {
		t.Errorf("version 4 against 1: %d nodes, %+v", second.NodesInAll, second.Fields)
	}
	b.call(t, 404, "GET", c+"/versions/99", who, "")
	b.call(t, 404, "GET", c+"/versions/x", who, "")
	b.call(t, 404, "GET", "/campaigns/none", who, "")
}

type templateT struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

type divisionT struct {
	Code        string `json:"code"`
	Name        string `json:"name"`
	HasChildren bool   `json:"has_children"`
}

// TestFromATemplate begins campaigns as others.
func TestFromATemplate(t *testing.T) {
	t.Parallel()
	b, who := newCatalogBench(t)
	templates := decoded[list[templateT]](t, b.call(t, 200, "GET", "/campaign-templates", who, ""))
	if len(templates.Items) == 0 {
		t.Fatal("there are no templates")
	}
	from := func(template, id, prefix string, tree bool) string {
		return fmt.Sprintf(`{"from":{"template":%q,"id":%q,"title":"新活动","opens_at":"2027-06-01 08:00","closes_at":"2027-06-27 00:00","prefix":%q,"tree":%t}}`,
			template, id, prefix, tree)
	}
	for i, tpl := range templates.Items {
		id, prefix := "new-"+tpl.ID, fmt.Sprintf("NEW%d", i)
		made := decoded[deskCampaign](t, b.call(t, 201, "POST", "/campaigns", who, from(tpl.ID, id, prefix, true)))
		if made.State != "draft" || made.Units == 0 || made.Bank == nil || made.Title != "新活动" {
			t.Errorf("%s: %+v", tpl.ID, made)
		}
		preview := decoded[previewAnswer](t, b.call(t, 200, "GET", "/campaigns/"+id+"/preview", who, ""))
		if len(preview.Paper) != preview.Campaign.Quiz.Questions {
			t.Errorf("%s: a paper of %d questions", tpl.ID, len(preview.Paper))
		}
		b.call(t, 409, "POST", "/campaigns", who, from(tpl.ID, "again-"+tpl.ID, prefix, false)) // the prefix is taken
		copied := decoded[deskCampaign](t, b.call(t, 201, "POST", "/campaigns", who, from(id, "copy-"+tpl.ID, fmt.Sprintf("COPY%d", i), false)))
		if copied.Units != 0 || copied.Bank.Digest != made.Bank.Digest {
			t.Errorf("a copy without the tree: %+v", copied)
		}
	}
	b.call(t, 400, "POST", "/campaigns", who, `{"from":{"template":"none","id":"x-1","title":"x","opens_at":"2027-06-01 08:00","closes_at":"2027-06-27 00:00"}}`)
	b.call(t, 400, "POST", "/campaigns", who, `{"from":{"template":"none","id":"x-1","title":"x","opens_at":"soon","closes_at":"2027-06-27 00:00"}}`)
	b.call(t, 400, "POST", "/campaigns", who, `{"text":"id: x-1","definition":{"id":"x-1"}}`)
	b.call(t, 201, "POST", "/campaigns", who, `{"definition":{"id":"json-1","title":"JSON","opens_at":"2027-06-01 08:00","closes_at":"2027-06-27 00:00",
		"groups":[{"id":"public","name":"公众"}],"enrolment_fields":[{"field":"unit"}],"consent_notice":{"version":"1","text":"告知"},"ranking_mode":"none",
		"pledge":{"prefix":"JSON1","versions":[{"version":"1","title":"书","text":"文"}]}}}`)
}

// TestCountyOffice keeps to its own part: of the tree, of imports, of jobs.
func TestCountyOffice(t *testing.T) {
	t.Parallel()
	b, who := newCatalogBench(t)
	b.keep(t, "spring", "SPR")
	county := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "140702"})
	const c = "/campaigns/spring"
	top := decoded[list[deskNodeT]](t, b.call(t, 200, "GET", c+"/tree", county, ""))
	if len(top.Items) != 1 || top.Items[0].ID != "yuci" {
		t.Errorf("a county sees %+v at the top", top.Items)
	}
	b.call(t, 200, "GET", c+"/tree?parent=yuci", county, "")
	b.call(t, 404, "GET", c+"/tree?parent=taigu", county, "")
	for query, want := range map[string]string{"no1": "no1", "140702": "yuci", "tg1": "", "140703": ""} {
		found := decoded[list[deskNodeT]](t, b.call(t, 200, "GET", c+"/tree?q="+query, county, ""))
		if first := append(found.Items, deskNodeT{})[0].ID; first != want {
			t.Errorf("a county looks for %q and finds %+v, want %q", query, found.Items, want)
		}
	}
	b.call(t, 400, "GET", c+"/tree?q=no1&parent=yuci", county, "")
	for _, query := range []string{"?format=csv", "?format=csv&parent=yuci"} {
		part := b.call(t, 200, "GET", c+"/tree/export"+query, county, "").body
		if lines := strings.Split(strings.TrimSpace(part), "\n"); len(lines) != 4 || strings.Contains(part, "太谷") {
			t.Errorf("a county's part%s is\n%s", query, part)
		}
		job := b.importing(t, county, "", part)
		if r := reportOf(t, b.done(t, county, job)); r.Applied || r.Found != 3 || r.Unchanged != 3 {
			t.Errorf("a county's own part%s changes something: %+v", query, r)
		}
	}
	b.call(t, 404, "GET", c+"/tree/export?parent=taigu", county, "")
	strange := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Scope: "999999"})
	if all := decoded[list[deskNodeT]](t, b.call(t, 200, "GET", c+"/tree", strange, "")); len(all.Items) != 0 {
		t.Errorf("who has no part of the tree sees %+v", all.Items)
	}
	if part := b.call(t, 200, "GET", c+"/tree/export?format=csv", strange, "").body; strings.Count(part, "\n") != 1 {
		t.Errorf("who has no part of the tree takes\n%s", part)
	}
	b.call(t, 200, "PATCH", c+"/tree/nodes/no1", county, `{"name":"榆次第一中学","roster":120,"reason":"更正"}`)
	b.call(t, 404, "PATCH", c+"/tree/nodes/tg1", county, `{"roster":1}`)
	b.call(t, 404, "PATCH", c+"/tree/nodes/no1", county, `{"parent":"taigu"}`)
	b.call(t, 404, "POST", c+"/tree/nodes", county, `{"parent":"taigu","kind":"unit","name":"x"}`)
	b.call(t, 404, "POST", c+"/tree/nodes", county, `{"parent":"","kind":"unit","name":"x"}`)
	b.call(t, 404, "POST", c+"/tree/nodes/no1/merge", county, `{"units":["tg1"]}`)
	b.call(t, 404, "PATCH", c, county, `{"set":{"title":"x"}}`)
	b.call(t, 404, "POST", c+"/publish", county, `{"reason":"x"}`)
	b.call(t, 404, "POST", "/campaigns", county, `{"text":"id: other-1"}`)

	table := "编号,上级,名称,应参与人数\nno1,yuci,榆次第一中学,130\ntg1,taigu,太谷中学,99\nno3,,榆次三中,7\n"
	job := b.importing(t, county, "parent=yuci&mode=valid", table)
	report := reportOf(t, b.done(t, county, job))
	if report.Refused != 1 || report.Added != 1 || report.Changed != 1 || report.Faults[0].Line != 3 {
		t.Errorf("%+v", report)
	}
	b.call(t, 200, "GET", "/jobs/"+job, who, "") // who may do the same everywhere may see it
	other := b.operator(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "taigu"})
	b.call(t, 404, "GET", "/jobs/"+job, other, "")
	if jobs := decoded[list[jobT]](t, b.call(t, 200, "GET", "/jobs?campaign=spring", other, "")); len(jobs.Items) != 0 {
		t.Errorf("another county sees %+v", jobs.Items)
	}
	if jobs := decoded[list[jobT]](t, b.call(t, 200, "GET", "/jobs?campaign=spring", county, "")); len(jobs.Items) != 3 {
		t.Errorf("the county sees %+v", jobs.Items)
	}
	b.call(t, 409, "POST", "/jobs/"+job+"/cancel", county, "")
	b.call(t, 404, "POST", "/jobs/"+job+"/cancel", other, "")
}

// importing sends a table for campaign spring and returns the id of the job.
func (b *bench) importing(t *testing.T, token, query, table string) string {
	t.Helper()
	req := request("POST", "/api/v1/admin/campaigns/spring/tree/imports?"+query, token, table)
	req.Header.Set("Content-Type", "text/csv")
	a := b.do(t, req)
	if a.status != http.StatusAccepted {
		t.Fatalf("import: %d %s", a.status, a.body)
	}
	return decoded[importAnswer](t, a).Job
}

// done waits until a job has ended.
func (b *bench) done(t *testing.T, token, job string) jobT {
	t.Helper()
	var j jobT
	waittest.Until(t, "the job to end", func() bool {
		j = decoded[jobT](t, b.call(t, 200, "GET", "/jobs/"+job, token, ""))
		return j.State.Final()
	})
	return j
}

func reportOf(t *testing.T, j jobT) catalog.TreeReport {
	t.Helper()
	var r catalog.TreeReport
	if err := json.Unmarshal(j.Result, &r); err != nil || j.State != jobs.Done {
		t.Fatalf("job %+v: %v", j, err)
	}
	return r
}

// TestTreeThroughTheOffice imports, exports and changes a tree over HTTP.
func TestTreeThroughTheOffice(t *testing.T) {
	t.Parallel()
	b, who := newCatalogBench(t)
	b.keep(t, "spring", "SPR")
	const c = "/campaigns/spring"
	for _, format := range []string{"xlsx", "csv"} {
		file := b.call(t, 200, "GET", c+"/tree/export?format="+format, who, "")
		r := reportOf(t, b.done(t, who, b.importing(t, who, "", file.body)))
		if r.Applied || r.Unchanged != 5 || r.Found != 5 {
			t.Errorf("%s: what was exported changes something: %+v", format, r)
		}
	}
	dry := reportOf(t, b.done(t, who, b.importing(t, who, "dry_run=true", "上级,名称,人数\nyuci,三中,5\n")))
	if dry.Applied || dry.Added != 1 {
		t.Errorf("a dry run: %+v", dry)
	}
	failed := b.done(t, who, b.importing(t, who, "", "没有,表头\n1,2\n"))
	if failed.State != jobs.Failed || failed.Code != "file.invalid" || !strings.Contains(failed.Error, "表头") {
		t.Errorf("a file without a head: %+v", failed)
	}
	b.call(t, 400, "GET", c+"/tree/export?format=pdf", who, "")
	for _, query := range []string{"mode=some", "dry_run=maybe", "parent=" + strings.Repeat("x", 65), "reason=%00"} {
		req := request("POST", "/api/v1/admin"+c+"/tree/imports?"+query, who, "x")
		req.Header.Set("Content-Type", "text/csv")
		if a := b.do(t, req); a.status != 400 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	merged := decoded[treeAnswer](t, b.call(t, 200, "POST", c+"/tree/nodes/no1/merge", who, `{"units":["no2"],"reason":"撤并"}`))
	if merged.Node.Roster != 140 || merged.Removed != 1 {
		t.Errorf("merged: %+v", merged)
	}
	history := decoded[list[nodeHistoryT]](t, b.call(t, 200, "GET", c+"/tree/nodes/no2/history", who, ""))
	if len(history.Items) != 2 || history.Items[0].Into != "no1" || history.Items[0].Node != nil {
		t.Errorf("history: %+v", history)
	}
	b.call(t, 200, "DELETE", c+"/tree/nodes/tg1?reason=x", who, "")
	b.call(t, 200, "POST", c+"/publish", who, `{"reason":"x"}`)
	a := b.do(t, request("PATCH", "/api/v1/admin"+c+"/tree/nodes/no1", who, `{"parent":"taigu"}`))
	if p := a.problem(t); a.status != 409 || p.Code != "tree.fixed" {
		t.Errorf("moved while open: %d %s", a.status, a.body)
	}
	retired := decoded[treeAnswer](t, b.call(t, 200, "PATCH", c+"/tree/nodes/no1", who, `{"retired":true}`))
	if !retired.Node.Retired {
		t.Errorf("retired: %+v", retired)
	}
	divisions := decoded[list[divisionT]](t, b.call(t, 200, "GET", "/divisions?parent=140000", who, ""))
	if len(divisions.Items) != 11 || divisions.Items[0].Name != "太原市" || !divisions.Items[0].HasChildren {
		t.Errorf("divisions: %+v", divisions.Items)
	}
}

// TestRetiredUnitsAreNotOffered: nobody is shown a unit that takes nobody in.
func TestRetiredUnitsAreNotOffered(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) {
		var nodes []campaign.Node
		for n := range b.catalog.campaigns[0].Tree.Nodes {
			c := *n
			c.Retired = c.ID == "no2"
			nodes = append(nodes, c)
		}
		tree, err := campaign.NewTree(nodes)
		if err != nil {
			t.Fatal(err)
		}
		b.catalog.campaigns[0].Tree = tree
	})
	for path, want := range map[string]int{"/units?parent=yuci": 1, "/units?q=%E4%BA%8C%E4%B8%AD": 0} {
		a := b.get(t, "/api/v1/campaigns/spring"+path, "")
		if got := decoded[list[unitAnswer]](t, a); len(got.Items) != want || bytes.Contains([]byte(a.body), []byte("no2")) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}
