package configs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestEveryFaultIsSaidInChinese looks for the forms of reasons in the readers of
// campaign files: each must be in the table.
func TestEveryFaultIsSaidInChinese(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../quiz/rules.go", "../quiz/bank.go")
	passing := []string{"%s", "%v"} // reasons of others, which come as they are
	found := 0
	for _, name := range files {
		reader := strings.HasPrefix(name, "campaign") || slices.Contains([]string{"strict.go", "scalars.go", "bankfile.go"}, name) || strings.HasPrefix(name, "../quiz/")
		if !reader || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			form, ok := badForm(n)
			if !ok || slices.Contains(passing, form) {
				return true
			}
			found++
			if chinese[form] == "" {
				t.Errorf("%s: %q has no Chinese", name, form)
			}
			return true
		})
	}
	if found < 60 {
		t.Errorf("found %d forms: does the test still find them?", found)
	}
}

// badForm returns the form of a call v.bad("…") or errs.add(field, "…").
func badForm(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	at := map[string]int{"bad": 0, "add": 1}
	place, named := at[fn.Sel.Name]
	if !named || len(call.Args) <= place {
		return "", false
	}
	lit, isLit := call.Args[place].(*ast.BasicLit)
	if !isLit || lit.Kind != token.STRING {
		return "", false
	}
	form, err := strconv.Unquote(lit.Value)
	return form, err == nil
}

func TestChineseOfFaults(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("town-2026", "X", "shards: 4", "shards: 6", "review: after_close", "review: later", "time_limit: 10m", "time_limit: 5s").Replace(goodCampaign)
	_, err := LoadDefinition(townFS(text, goodBank), "town.yaml")
	got := map[string]string{}
	for _, f := range Faults(err) {
		got[f.Key] = f.Chinese()
	}
	for key, want := range map[string]string{
		"id":          "“X”不对，应为 2 至 40 个小写字母、数字和连字符",
		"shards":      "6 应为 2 的幂",
		"quiz.review": "“later”应为其中之一：after_submission, after_close, never",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	text = strings.NewReplacer("time_limit: 10m", "time_limit: 5s", "pass_score: 60", "pass_score: 2000").Replace(goodCampaign)
	bank := regexp.MustCompile(`valid_to: *"?[0-9-]+"?`).ReplaceAllString(goodBank, "valid_to: soon")
	_, err = LoadDefinition(townFS(text, bank), "town.yaml")
	var flaws []string
	for _, f := range Faults(err) {
		flaws = append(flaws, f.Key+" "+f.Chinese())
		got[f.Key] = f.Chinese()
	}
	slices.Sort(flaws)
	said := strings.Join(flaws, "\n")
	for _, want := range []string{"quiz.time_limit 5s 应在 10 秒到 3 小时之间", "quiz.pass_score 2000 分超过了整卷的", "valid_to “soon”不是日期"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	for _, s := range got {
		if strings.Contains(s, "%!") {
			t.Errorf("a form and its Chinese disagree: %s", s)
		}
	}
}
