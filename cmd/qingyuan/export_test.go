package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// TestExport takes every table out beside a running server and holds it against the
// live counts: what an office sends upwards is what its screen shows.
func TestExport(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	people := gathering(t, s)
	if err := bench(t, cfg).drainAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	export := func(what, name string, more ...string) exported {
		t.Helper()
		args := append([]string{"export", what, "--data", cfg.Data.Dir, "--campaign", demoCampaign, "--json", "-o", filepath.Join(dir, name)}, more...)
		var done exported
		if err := json.Unmarshal([]byte(mustRun(t, args...)), &done); err != nil {
			t.Fatal(err)
		}
		return done
	}
	for _, what := range []string{"participants", "attempts", "signatures"} {
		if done := export(what, what+".csv"); done.Rows != int64(len(people)) || len(done.SHA256) != 64 {
			t.Errorf("%s: %+v, want a row for each of %d", what, done, len(people))
		}
		text := csvText(t, filepath.Join(dir, what+".csv"))
		if !strings.Contains(text, "张*") || strings.Contains(text, "张三") {
			t.Errorf("%s: names are not masked:\n%s", what, text)
		}
	}
	export("participants", "named.csv", "--names")
	if text := csvText(t, filepath.Join(dir, "named.csv")); !strings.Contains(text, "张三") {
		t.Errorf("full names were asked for:\n%s", text)
	}
	if done := export("participants", "before.csv", "--as-of", "2020-01-01 08:00"); done.Rows != 0 {
		t.Errorf("%d people had come before there was a campaign", done.Rows)
	}

	export("official", "official.xlsx")
	f, err := excelize.OpenFile(filepath.Join(dir, "official.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows(f.GetSheetName(0))
	if err != nil {
		t.Fatal(err)
	}
	total := rows[len(rows)-1]
	counts := s.want(200, "GET", demoPath+"/counts", nil)
	const participants, enrolled, attempts, signatures = 4, 7, 8, 9
	for column, figure := range map[int]string{
		participants: "participants", enrolled: "enrolled", attempts: "attempts", signatures: "signatures",
	} {
		want, err := json.Marshal(counts[figure])
		if err != nil || total[column] != string(want) {
			t.Errorf("the table says %s %s, the screen %s", figure, total[column], want)
		}
	}
	if done := export("items", "items.xlsx"); done.Rows < 20 {
		t.Errorf("statistics of %d questions", done.Rows)
	}

	status, _, text := command(t, "export", "participants", "--data", cfg.Data.Dir, "--campaign", demoCampaign, "-o", filepath.Join(dir, "named.csv"))
	if status != exitFailed || !strings.Contains(text, "exists") {
		t.Errorf("writing over a file = %d %s", status, text)
	}
	if status, _, _ := command(t, "export", "participants", "--data", cfg.Data.Dir, "--campaign", demoCampaign, "-o", filepath.Join(dir, "x.doc")); status != exitUsage {
		t.Errorf("a format that nobody writes = %d", status)
	}
	var n int
	err = bench(t, cfg).db.QueryRowContext(t.Context(), "SELECT count(*) FROM audit WHERE action = 'export'").Scan(&n)
	if err != nil || n != 7 {
		t.Errorf("%d exports in the audit log, %v", n, err)
	}
}

func csvText(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(string(raw)))
	r.FieldsPerRecord = -1
	if _, err := r.ReadAll(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(raw)
}

// TestReport makes what an office tells of its campaign, and announces figures that a
// later correction makes another.
func TestReport(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	gathering(t, s)
	if err := bench(t, cfg).drainAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	common := []string{"--data", cfg.Data.Dir, "--campaign", demoCampaign}
	run := func(args ...string) string {
		t.Helper()
		return mustRun(t, append(append([]string{"report"}, args...), common...)...)
	}
	run("workbook", "-o", filepath.Join(dir, "r.xlsx"))
	f, err := excelize.OpenFile(filepath.Join(dir, "r.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := f.GetCellValue("概况", "B3"); err != nil || got != "3" {
		t.Errorf("participants %q, %v", got, err)
	}
	run("print", "-o", filepath.Join(dir, "r.pdf"))
	if raw, err := os.ReadFile(filepath.Join(dir, "r.pdf")); err != nil || !strings.HasPrefix(string(raw), "%PDF-") {
		t.Errorf("no PDF: %v", err)
	}
	if text := run("brief"); !strings.Contains(text, "累计参与3人（较昨日+3）") {
		t.Errorf("brief: %s", text)
	}
	var n struct {
		ID        string
		Corrected []any
	}
	if err := json.Unmarshal([]byte(run("announce", "--as-of", "2026-01-01 08:00")), &n); err != nil || n.ID == "" {
		t.Errorf("announced %+v, %v", n, err)
	}
	id := n.ID
	if err := json.Unmarshal([]byte(run("announced")), &n); err != nil || n.ID != id || len(n.Corrected) != 0 {
		t.Errorf("announced %+v, %v", n, err)
	}
	if status, _, _ := command(t, append([]string{"report", "announce"}, common...)...); status != exitUsage {
		t.Errorf("announcing no instant = %d", status)
	}
}
