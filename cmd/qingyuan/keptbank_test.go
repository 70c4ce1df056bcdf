package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestApplyNamesAKeptBank goes the whole way of questions by commands: written by one,
// signed by another, published, and named by a campaign file that has no bank beside it.
func TestApplyNamesAKeptBank(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	data := func(args ...string) []string { return append(args, "--data", dir) }
	mustRun(t, data("questions", "create", "known", "--name", "题库", "--as", "王编辑")...)
	mustRun(t, data("questions", "import", "known", "testdata/known/questions.yaml", "--as", "王编辑")...)
	mustRun(t, data("questions", "submit", "known", "--all", "--as", "王编辑")...)

	text, err := os.ReadFile("testdata/known/campaign.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "campaign.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "bank: questions.yaml", "bank: bank:known/1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := command(t, data("campaign", "apply", file)...); status != exitFailed || !strings.Contains(errs, "bank:known/1") {
		t.Errorf("a bank that nobody has published = %d %s", status, errs)
	}
	mustRun(t, data("questions", "review", "sign-off", "known", "--all", "--as", "李审核")...)
	mustRun(t, data("questions", "publish", "known")...)
	if out := mustRun(t, data("campaign", "apply", file)...); !strings.Contains(out, "version 1") {
		t.Errorf("apply: %s", out)
	}
	if out := mustRun(t, data("campaign", "apply", file)...); !strings.Contains(out, "nothing changed") {
		t.Errorf("apply again: %s", out)
	}
}
