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
