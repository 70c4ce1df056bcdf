package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	// All of its questions are on every paper, so that none can be spared.
	status, _, errs := command(t, data("questions", "review", "withdraw", "known", "k4", "--reason", "法律修订")...)
	if status != exitFailed || !strings.Contains(errs, "quiz.strata") {
		t.Errorf("a question is withdrawn without which there is no paper = %d %s", status, errs)
	}
}

// TestAWithdrawnQuestionIsDrawnNoMore withdraws a question from the bank that a running
// campaign draws from: no paper has it from then on.
func TestAWithdrawnQuestionIsDrawnNoMore(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	data := func(args ...string) []string { return append(args, "--data", cfg.Data.Dir) }
	const question = `  - {id: %[1]s, kind: single, topic: law, audience: [all], difficulty: 1, stem: %[1]s？, options: [甲, 乙], key: A,` +
		` explanation: 说明, basis: 某法, valid_from: 2008-06-01}` + "\n"
	folder := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mustRun(t, data("questions", "create", "few", "--name", "题库", "--as", "王编辑")...)
	mustRun(t, data("questions", "import", "few", write("few.yaml", "questions:\n"+fmt.Sprintf(question, "one")+fmt.Sprintf(question, "two")), "--as", "王编辑")...)
	mustRun(t, data("questions", "submit", "few", "--all", "--as", "王编辑")...)
	mustRun(t, data("questions", "review", "sign-off", "few", "--all", "--as", "李审核")...)
	mustRun(t, data("questions", "publish", "few")...)
	text, err := os.ReadFile("testdata/known/campaign.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	from := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  strata:") })
	lines = slices.Replace(lines, from, from+4, "  strata: [{count: 1, points: 100}]")
	file := write("campaign.yaml", strings.NewReplacer("id: known-2026", "id: few", "bank: questions.yaml", "bank: bank:few/1", "KN26", "FEW26").
		Replace(strings.Join(lines, "\n")))
	mustRun(t, data("campaign", "apply", file)...)
	s.eventually("the campaign", func() bool {
		status, _, err := s.call("GET", "/campaigns/few/counts", nil)
		return err == nil && status == 200
	})
	people := 0
	drawn := func() string {
		p := s.as(fmt.Sprint("person", people))
		people++
		p.enrol("few")
		return p.want(201, "POST", "/campaigns/few/attempts", map[string]any{}).list("questions")[0].text("stem")
	}
	mustRun(t, data("questions", "review", "withdraw", "few", "one", "--reason", "法律修订", "--as", "李审核")...)
	if status, _, errs := command(t, data("questions", "review", "withdraw", "few", "two", "--reason", "法律修订", "--as", "李审核")...); status != exitFailed || !strings.Contains(errs, "quiz.strata") {
		t.Errorf("the last question is withdrawn = %d %s", status, errs)
	}
	s.eventually("papers without the question", func() bool {
		for range 24 {
			if drawn() != "two？" {
				return false
			}
		}
		return true
	})
	mustRun(t, data("verify")...)
}
