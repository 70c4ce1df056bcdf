package configs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
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
	passing := []string{"%s", "%v"} // reasons of others, which come as they are
	found := 0
	for _, name := range files {
		reader := strings.HasPrefix(name, "campaign") || slices.Contains([]string{"strict.go", "scalars.go", "bankfile.go"}, name)
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
	if found < 40 {
		t.Errorf("found %d forms: does the test still find them?", found)
	}
}

// badForm returns the form of a call v.bad("…").
func badForm(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "", false
	}
	fn, ok := call.Fun.(*ast.SelectorExpr)
	lit, isLit := call.Args[0].(*ast.BasicLit)
	if !ok || fn.Sel.Name != "bad" || !isLit {
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
	for _, s := range got {
		if strings.Contains(s, "%!") {
			t.Errorf("a form and its Chinese disagree: %s", s)
		}
	}
}
