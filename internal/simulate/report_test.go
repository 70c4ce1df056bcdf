package simulate

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
)

func sampleReport() Report {
	return Report{
		Target: "http://127.0.0.1", Campaign: "demo", Seed: 1<<53 - 1, Prefix: "sim-x",
		Participants: Participants{Asked: 10, Done: 9, Abandoned: 1, Failed: 1},
		Seconds:      2, PerSecond: 4.5, Requests: 90, RequestsPerSecond: 45, LostReplies: 3,
		Operations: []Operation{
			{Name: "submit", Done: 9, PerSecond: 4.5, P50MS: 1.25, P95MS: 2, P99MS: 3, MaxMS: 4, Retries: 2},
			{Name: "counts", Done: 3},
		},
		Errors: map[string]int64{"internal": 1}, Retries: map[string]int64{"network": 2, "rate.limited": 1},
		Outcomes:  []Outcome{{Kind: "attempts", Before: 1, After: 9, Moved: 8, Acknowledged: 9}},
		Audit:     Audit{Participants: 9},
		Breakdown: Breakdown{Withheld: "look_up: 403 board.not_published"},
		Problems: []Problem{
			{Kind: Missing, Participant: 4, Detail: "an acknowledged signature"},
			{Kind: CountsOff, Detail: "attempts moved by 8"},
		},
		ProblemCounts: map[string]int{Missing: 25, CountsOff: 1},
		Notes:         []string{"other traffic"},
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	rep := sampleReport()
	var b bytes.Buffer
	if err := rep.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	// Runs of spaces are the table's business.
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"demo: 9 of 10 participants in 2.0 s, 4.5 a second; 1 failed, 1 left their paper",
		"90 requests answered, 45 a second; 3 replies lost on purpose",
		"operation done per second p50 ms p95 ms p99 ms max ms retried",
		"submit 9 4 1.2 2.0 3.0 4.0 2", "counts 3 - 0.0",
		"errors: internal 1", "retried: network 2 rate.limited 1",
		"attempts 1 9 8 9 0 OFF", "breakdown: not shown to the public (look_up: 403 board.not_published)",
		"receipts of 9 participants were read again",
		"missing: 25 participant 4: an acknowledged signature and 5 more", "counts: 1 attempts moved by 8",
		"note: other traffic", "NOT OK: run it again with seed 9007199254740991",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestTableOfAGoodRun(t *testing.T) {
	t.Parallel()
	rep := sampleReport()
	rep.Errors, rep.Problems, rep.ProblemCounts, rep.Notes = nil, nil, nil, nil
	rep.Outcomes[0].OK, rep.Breakdown = true, Breakdown{Rows: 4, OK: true}
	var b bytes.Buffer
	if err := rep.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"errors: none", "ok", "4 rows add up", "OK: the counts moved by exactly"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
	rep.Interrupted = true
	b.Reset()
	if err := rep.WriteTable(&b); err != nil || !strings.Contains(b.String(), "INTERRUPTED") {
		t.Errorf("%v:\n%s", err, b.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestTableThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	rep := sampleReport()
	if rep.WriteTable(full{}) == nil {
		t.Error("no error")
	}
}

func TestOK(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rep  Report
		want bool
	}{
		"nothing wrong": {Report{}, true},
		"mended":        {Report{Retries: map[string]int64{"network": 1}}, true},
		"an error":      {Report{Errors: map[string]int64{"internal": 1}}, false},
		"a problem":     {Report{ProblemCounts: map[string]int{Missing: 1}}, false},
		"interrupted":   {Report{Interrupted: true}, false},
	}
	for name, tt := range tests {
		if got := tt.rep.OK(); got != tt.want {
			t.Errorf("%s: OK is %t", name, got)
		}
	}
}

// A script reads the JSON: names and the verdict are a promise. Nobody's name
// stands in it, not even an invented one.
func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{uncounted: true, reserial: true})
	c, _ := testConfig(s, 60)
	rep := mustRun(t, c)
	raw, err := json.Marshal(rep)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"target", "campaign", "seed", "prefix", "participants", "seconds", "participants_per_second", "requests",
		"requests_per_second", "operations", "lost_replies", "errors", "retries", "outcomes", "audit", "breakdown",
		"problems", "problem_counts", "notes", "interrupted", "ok",
	} {
		if _, ok := m[key]; !ok {
			t.Errorf("the JSON lacks %q", key)
		}
	}
	for _, key := range []string{"operations", "outcomes", "problems", "notes"} {
		if m[key] == nil {
			t.Errorf("%q is null where a script expects a list", key)
		}
	}
	if m["ok"] != false || m["seed"] != "1" {
		t.Errorf("ok %v, seed %v", m["ok"], m["seed"])
	}
	for token := range s.people {
		if bytes.Contains(raw, []byte(token+"\"")) || bytes.Contains(raw, []byte("QY-")) {
			t.Errorf("the report tells of %s or of a serial", token)
		}
	}
}

func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFindings()
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			f.add(Problem{Kind: Failed, Participant: n})
			f.add(Problem{Kind: Missing, Participant: n})
		})
	}
	wg.Wait()
	if len(f.listed) != 2*maxListed || f.counts[Failed] != 100 || f.counts[Missing] != 100 {
		t.Errorf("%d listed, counts %v", len(f.listed), f.counts)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	var tl tally
	for _, a := range []acts{
		{acknowledged, acknowledged, acknowledged, true},
		{acknowledged, acknowledged, unknown, false},
		{acknowledged, unknown, none, false},
		{acknowledged, none, none, false},
		{enrolment: unknown},
	} {
		tl.add(a)
	}
	yes, maybe := tl.read()
	if want := (figures{Enrolled: 4, Participants: 2, Attempts: 2, Signatures: 1, Passed: 1}); yes != want {
		t.Errorf("acknowledged %+v, want %+v", yes, want)
	}
	if want := (figures{Enrolled: 1, Participants: 1, Attempts: 1, Signatures: 1, Passed: 1}); maybe != want {
		t.Errorf("unknown %+v, want %+v", maybe, want)
	}
}

func TestSampleIsFair(t *testing.T) {
	t.Parallel()
	const rounds, of, most = 400, 50, 10
	seen := map[int]int{}
	for range rounds {
		s := sample{most: most}
		for n := range of {
			s.offer(keepsake{Number: n})
		}
		if len(s.kept) != most {
			t.Fatalf("%d kept, want %d", len(s.kept), most)
		}
		for _, k := range s.kept {
			seen[k.Number]++
		}
	}
	// 80 are expected, with a deviation of 8: five of those never happen.
	for n := range of {
		if seen[n] < 40 || seen[n] > 120 {
			t.Errorf("number %d was kept %d times of %d", n, seen[n], rounds)
		}
	}
}
