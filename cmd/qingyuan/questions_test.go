package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestQuestionsByCommand takes questions from a file to a campaign by commands alone:
// one person at the console writes, another signs.
func TestQuestionsByCommand(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	do := func(want int, args ...string) (string, string) {
		t.Helper()
		status, out, errs := command(t, append([]string{"questions"}, append(args, "--data", data)...)...)
		if status != want {
			t.Fatalf("questions %s = %d\n%s%s", strings.Join(args, " "), status, out, errs)
		}
		return out, errs
	}
	file := inFile(t, "题库.csv", "题号,题型,题干,选项A,选项B,答案,解析\nlaw-1,单选题,国际禁毒日是？,6月26日,6月27日,A,联合国大会确定。\n"+
		"law-2,判断题,大麻是毒品。,,,正确,点名列举。\nlaw-3,判断题,没有解析。,,,正确,\nlaw-4,单选题,没有答案？,甲,乙,,x\n")
	old := inFile(t, "旧题.csv", "题型,题干,答案,解析,有效期起,有效期止\n判断题,旧法的题。,正确,说明,2008-06-01,2020-12-31\n")
	do(exitDone, "create", "law", "--name", "法律题库", "--as", "wang")
	out, errs := do(exitDone, "import", "law", file, "--as", "wang", "--topic", "law", "--basis", "某通知", "--difficulty", "1", "--valid-from", "2008-06-01")
	if !strings.Contains(out, "4 found, 3 imported, 1 refused, 0 skipped") || !strings.Contains(errs, ":5: key_missing") {
		t.Errorf("%s%s", out, errs)
	}
	if out, _ = do(exitDone, "import", "law", file, "--as", "wang", "--json"); !strings.Contains(out, `"imported":0`) || !strings.Contains(out, `"skipped":3`) {
		t.Errorf("again: %s", out)
	}
	do(exitDone, "import", "law", old, "--as", "wang", "--topic", "law", "--basis", "旧法", "--difficulty", "1")
	do(exitFailed, "publish", "law")
	out, errs = do(exitDone, "submit", "law", "--all", "--as", "wang")
	if !strings.Contains(out, "3 submitted, 1 incomplete") || !strings.Contains(errs, "law-3.explanation") {
		t.Errorf("%s%s", out, errs)
	}
	if _, errs = do(exitFailed, "review", "sign-off", "law", "--all", "--as", "wang"); !strings.Contains(errs, "law-1") {
		t.Errorf("signed by whoever wrote it: %s", errs)
	}
	do(exitUsage, "review", "sign-off", "law", "--as", "zhao")
	if out, errs = do(exitDone, "review", "sign-off", "law", "--all", "--as", "zhao"); !strings.Contains(out, "2 questions") || !strings.Contains(errs, "2020-12-31") {
		t.Errorf("%s%s", out, errs)
	}
	out, _ = do(exitDone, "publish", "law", "--json", "--as", "zhao")
	var p struct {
		Ref       string
		Questions int
	}
	if err := json.Unmarshal([]byte(out), &p); err != nil || p.Ref != "bank:law/1" || p.Questions != 2 {
		t.Errorf("%s %v", out, err)
	}
	if out, _ = do(exitDone, "list", "law", "--state", "reviewed"); strings.Count(out, "\n") != 2 || !strings.HasPrefix(out, "law-1\t1\treviewed\t") {
		t.Errorf("list: %s", out)
	}
	if out, _ = do(exitDone, "list"); !strings.Contains(out, "4 questions, 2 in force") {
		t.Errorf("list: %s", out)
	}
	to := filepath.Join(t.TempDir(), "out.xlsx")
	do(exitDone, "export", "law", "-o", to)
	if raw, err := os.ReadFile(to); err != nil || !strings.HasPrefix(string(raw), "PK") {
		t.Errorf("export: %v", err)
	}
	do(exitFailed, "export", "law", "-o", to) // nothing is written over
	do(exitDone, "review", "withdraw", "law", "law-1", "--reason", "法律修订", "--as", "zhao")
	if out, _ = do(exitDone, "publish", "law"); !strings.Contains(out, "bank:law/2: 1 questions") {
		t.Errorf("published: %s", out)
	}
	if out, _ = do(exitDone, "expiring", "law"); out != "" {
		t.Errorf("expiring: %s", out)
	}
}
