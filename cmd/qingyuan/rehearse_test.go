package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"qingyuan/configs"
	"qingyuan/internal/rehearse"
)

// The whole of it, small: a server of its own comes and goes, the real folder
// stays as it was, and a page is left.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config.yaml")
	// What is real is foreign to a rehearsal: it would fail on either of these.
	settings := "redis: {addrs: [\"127.0.0.1:1\"], pool_size: 32}\nsecrets: {master: \"" + strings.Repeat("k", 32) + "\"}\n" +
		"database: {url: \"postgres://nobody:x@127.0.0.1:1/none\"}\nqueue: {admit_per_second: 1000}\n"
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "page.md")
	cmd := exec.CommandContext(t.Context(), binary(t), "rehearse", "--config", config, "--data", data,
		"--people", "60", "--peak-minutes", "0.02", "--processes", "2", "--json", "-o", page)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s\n%s", err, stderr.String(), stdout.String())
	}
	var report rehearse.Report
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	m := report.Measured
	if report.Verdict == rehearse.Broke || m.Load.Participants.Done != 60 || !m.Load.Passed || !m.Own {
		t.Errorf("verdict %s, participants %+v", report.Verdict, m.Load.Participants)
	}
	if !slices.Equal(m.Elsewhere, []string{"Redis", "PostgreSQL"}) || m.SyncAlone.Count == 0 || m.DiskTaken <= 0 {
		t.Errorf("elsewhere %v, sync %+v, %d bytes", m.Elsewhere, m.SyncAlone, m.DiskTaken)
	}
	if !slices.ContainsFunc(m.Samples, func(s rehearse.Sample) bool { return s.Pace > 0 && s.Pace <= 1 }) {
		t.Errorf("no sample has the pace of the line: %+v", m.Samples)
	}
	text, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(text), "# 开放前演练") {
		t.Errorf("the page: %v\n%s", err, text)
	}
	if left := names(t, dir); !slices.Equal(left, []string{"config.yaml", "data", "page.md"}) || len(names(t, data)) != 0 {
		t.Errorf("left behind: %v, in the data folder %v", left, names(t, data))
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// Every key is either foreign to a rehearsal or reaches its server as it is.
func TestStageTakesWhatMatters(t *testing.T) {
	t.Parallel()
	settings := map[string]any{}
	if err := yaml.Unmarshal(must(t, "../../configs/example.yaml"), &settings); err != nil {
		t.Fatal(err)
	}
	raw, err := stageSettings("../../configs/example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]any{}
	if err := yaml.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	for _, key := range configs.Keys() {
		if has(kept, key.Name) == isForeign(key.Name) {
			t.Errorf("%s: kept %t, foreign %t", key.Name, has(kept, key.Name), isForeign(key.Name))
		}
	}
	for _, secret := range []string{"secrets.master", "redis.password", "database.url", "data.dir", "redis.addrs", "wechat.mini_programs"} {
		if !isForeign(secret) {
			t.Errorf("%s reaches a rehearsal", secret)
		}
	}
	if none, err := stageSettings(""); err != nil || none != nil {
		t.Errorf("settings of no file: %q, %v", none, err)
	}
}

func must(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func has(settings map[string]any, key string) bool {
	section, rest, nested := strings.Cut(key, ".")
	v, ok := settings[section]
	if !nested || !ok {
		return ok
	}
	inner, _ := v.(map[string]any)
	return has(inner, rest)
}

func TestStageLiesBesideTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if got := besideData(filepath.Join(data, "not", "there")); got != filepath.Dir(dir) && got != dir {
		t.Errorf("beside a folder that is not there: %s", got)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := besideData(data); got != dir {
		t.Errorf("beside %s lies %s", data, got)
	}
}

func TestRehearsalsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"rehearse", "--peak-minutes", "0"},
		{"rehearse", "--expected", "0"},
		{"rehearse", "--target", "http://192.0.2.1", "--people", "5"},
	} {
		var stderr bytes.Buffer
		if code := run(env{ctx: context.Background(), stdout: &stderr, stderr: &stderr}, args); code != exitUsage {
			t.Errorf("%v ended with %d: %s", args, code, stderr.String())
		}
	}
}
