package catalog

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqltest"
)

// TestWhatMayChange is the table of docs/OPERATIONS.md, tried at each moment of a
// campaign's life and on both paths: by a patch, and by the whole file.
func TestWhatMayChange(t *testing.T) {
	t.Parallel()
	const rich = "tiers: [{tier: gold, share: 10}]\nphases: [{id: one, title: 一, from: 2026-06-02 08:00, to: 2026-06-20 00:00}]\n" +
		"freeze_at: 2026-06-25 00:00\nunfreeze_at: 2026-06-28 00:00\n"
	text := strings.Replace(town, "ranking_mode: none\n", "ranking_mode: tiers\n"+rich, 1)
	moments := []struct {
		name string
		at   time.Time
	}{
		{"draft", before()},
		{"published", before()},
		{"open", during()},
		{"frozen", time.Date(2026, 6, 26, 0, 0, 0, 0, configs.Zone())},
	}
	const yes, no = true, false
	for name, c := range map[string]struct {
		patch string
		may   [4]bool // at the moments
	}{
		"title":            {`{"title":"新"}`, [4]bool{yes, yes, yes, yes}},
		"limits":           {`{"quiz":{"attempts_per_day":9}}`, [4]bool{yes, yes, yes, yes}},
		"review":           {`{"quiz":{"review":"after_close"}}`, [4]bool{yes, yes, yes, yes}},
		"breakdown":        {`{"public_breakdown":"units"}`, [4]bool{yes, yes, yes, yes}},
		"ranking mode":     {`{"ranking_mode":"progress_only","tiers":null}`, [4]bool{yes, yes, yes, yes}},
		"new group":        {`{"groups":[{"id":"public","name":"公众"},{"id":"driver","name":"驾驶员"},{"id":"courier","name":"快递员","audience":"all"}]}`, [4]bool{yes, yes, yes, yes}},
		"new notice":       {`{"consent_notice":{"version":"2","text":"新告知"}}`, [4]bool{yes, yes, yes, yes}},
		"new pledge":       {`{"pledge":{"versions":[{"version":"1","title":"承诺书","text":"我承诺。"},{"version":"2","title":"承诺书","text":"新"}]}}`, [4]bool{yes, yes, yes, yes}},
		"closes later":     {`{"closes_at":"2026-07-05 00:00"}`, [4]bool{yes, yes, yes, yes}},
		"closes in years":  {`{"closes_at":"2033-07-05 00:00"}`, [4]bool{yes, no, no, no}},
		"shards":           {`{"shards":4}`, [4]bool{yes, no, no, no}},
		"prefix":           {`{"pledge":{"prefix":"OTHER"}}`, [4]bool{yes, no, no, no}},
		"policy":           {`{"quiz":{"policy":"sum"}}`, [4]bool{yes, no, no, no}},
		"opens later":      {`{"opens_at":"2026-06-01 10:00"}`, [4]bool{yes, yes, no, no}},
		"opens earlier":    {`{"opens_at":"2026-05-20 08:00"}`, [4]bool{yes, no, no, no}},
		"no quiz":          {`{"quiz":null}`, [4]bool{yes, yes, no, no}},
		"no pledge":        {`{"pledge":null}`, [4]bool{yes, yes, no, no}},
		"points":           {`{"quiz":{"strata":[{"count":1,"points":90}]}}`, [4]bool{yes, yes, no, no}},
		"pass score":       {`{"quiz":{"pass_score":50}}`, [4]bool{yes, yes, no, no}},
		"group gone":       {`{"groups":[{"id":"public","name":"公众"}]}`, [4]bool{yes, yes, no, no}},
		"combined":         {`{"combined_boards":true}`, [4]bool{yes, yes, no, no}},
		"notice's text":    {`{"consent_notice":{"text":"改过"}}`, [4]bool{yes, yes, no, no}},
		"pledge's text":    {`{"pledge":{"versions":[{"version":"1","title":"承诺书","text":"改过"}]}}`, [4]bool{yes, yes, no, no}},
		"phase gone":       {`{"phases":null}`, [4]bool{yes, yes, no, no}},
		"phase ends later": {`{"phases":[{"id":"one","title":"一","from":"2026-06-02 08:00","to":"2026-06-21 00:00"}]}`, [4]bool{yes, yes, yes, no}},
		"new phase":        {`{"phases":[{"id":"one","title":"一","from":"2026-06-02 08:00","to":"2026-06-20 00:00"},{"id":"two","title":"二","from":"2026-06-29 00:00","to":"2026-06-30 00:00"}]}`, [4]bool{yes, yes, yes, yes}},
		"freeze":           {`{"freeze_at":"2026-06-24 00:00"}`, [4]bool{yes, yes, yes, no}},
		"thaw":             {`{"unfreeze_at":"2026-06-29 00:00"}`, [4]bool{yes, yes, yes, yes}},
		"tiers":            {`{"tiers":[{"tier":"gold","share":20}]}`, [4]bool{yes, yes, yes, no}},
		"composite":        {`{"composite":{"weights":{"school_rate":100}}}`, [4]bool{yes, yes, yes, no}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, m := range moments {
				d := newDesk(t, sqltest.SQLite(t))
				if _, err := d.ApplyBundle(t.Context(), by(""), bundleOf(t, text), m.name != "draft"); err != nil {
					t.Fatal(err)
				}
				d.at = m.at
				act := by("")
				act.DryRun = true
				_, err := d.Patch(t.Context(), act, "town-2026", []byte(c.patch))
				judge(t, m.name+", by a patch", err, c.may[i])
				entry, err := d.Entry(t.Context(), "town-2026")
				if err != nil {
					t.Fatal(err)
				}
				body, err := d.Text(t.Context(), entry)
				if err != nil {
					t.Fatal(err)
				}
				if body, err = configs.Patched(body, []byte(c.patch)); err != nil {
					t.Fatal(err)
				}
				_, err = d.Replace(t.Context(), act, "town-2026", body)
				judge(t, m.name+", by the whole file", err, c.may[i])
			}
		})
	}
}

// judge wants a change to be taken, or to be refused as one that comes too late, in
// Chinese.
func judge(t *testing.T, what string, err error, may bool) {
	t.Helper()
	if may {
		if err != nil {
			t.Errorf("%s: %v %v", what, err, fault.From(err).Fields)
		}
		return
	}
	want(t, what, err, ErrFixed, "")
	for _, f := range fault.From(err).Fields {
		if strings.Contains(f.Reason, "%!") || strings.Contains(f.Reason, "设置有误") || f.Name == "" {
			t.Errorf("%s: %s is said to be %q", what, f.Name, f.Reason)
		}
	}
}

// TestEveryChangeIsSaidInChinese looks for the forms in the checks themselves.
func TestEveryChangeIsSaidInChinese(t *testing.T) {
	t.Parallel()
	found := 0
	for _, name := range []string{"change.go", "boardchange.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 3 {
				return true
			}
			fn, ok := call.Fun.(*ast.SelectorExpr)
			lit, isLit := call.Args[2].(*ast.BasicLit)
			if !ok || fn.Sel.Name != "fixed" || !isLit {
				return true
			}
			form, err := strconv.Unquote(lit.Value)
			if found++; err != nil || chinese[form] == "" {
				t.Errorf("%s: %s has no Chinese", name, lit.Value)
			}
			return true
		})
	}
	if found < 25 {
		t.Errorf("found %d forms: does the test still find them?", found)
	}
}
