package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		small, large int
		fault        string
	}{
		"10000,1000000":         {small: 10000, large: 1000000},
		"1000, 100000 ,10000":   {small: 1000, large: 100000},
		"":                      {fault: "no number"},
		"10000":                 {fault: "two different"},
		"5,5":                   {fault: "two different"},
		"10000,many":            {fault: `"many"`},
		"0,10":                  {fault: `"0"`},
		"10000,100000,1000000,": {fault: "no number"},
	} {
		small, large, err := parseSizes(text)
		if small != want.small || large != want.large || (err == nil) != (want.fault == "") || err != nil && !strings.Contains(err.Error(), want.fault) {
			t.Errorf("%q: %d, %d, %v", text, small, large, err)
		}
	}
}

// TestReportSizes: a submission is judged by what it is worth, everything else by what it
// takes.
func TestReportSizes(t *testing.T) {
	t.Parallel()
	const µs = time.Microsecond
	costing := func(server, redis time.Duration) []turn { return []turn{{server: server, redis: redis}} }
	r := &run{rows: []*row{
		{name: submitting, a: costing(60*µs, 50*µs), b: costing(60*µs, 40*µs)}, // worth 0.91
		{name: "sign the pledge", a: costing(60*µs, 50*µs), b: costing(60*µs, 40*µs)},
		{name: "my rank", a: costing(40*µs, 26*µs), b: costing(40*µs, 10*µs)},
	}}
	var b strings.Builder
	if err := r.reportSizes(&b, 10, 1000); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	for i, want := range [][]string{
		{"among 10", "among 1000"}, {"60.0 + 40.0", "60.0 + 50.0", "1.10", "worth ≥ 0.92", "MISSED"}, {"1.10", "≤ 1.30", "met"}, {"1.32", "MISSED"},
	} {
		for _, part := range want {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d has no %q: %s", i, part, lines[i])
			}
		}
	}
}

// TestAnybody: people of a campaign are asked for by chance, and where none is remembered
// those who came, several times.
func TestAnybody(t *testing.T) {
	t.Parallel()
	came := []person{{Access: "a"}, {Access: "b"}}
	r := &run{}
	if got := r.anybody(came); len(got) != 2*ownLooks || got[0].Access != "a" || got[3].Access != "b" {
		t.Errorf("nobody is remembered: %v", got)
	}
	r.crowd = []person{{Access: "c"}}
	if got := r.anybody(came); len(got) != 2*ownLooks || got[0].Access != "c" || got[5].Access != "c" {
		t.Errorf("one is remembered: %v", got)
	}
}
