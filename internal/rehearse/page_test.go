package rehearse

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"

	"qingyuan/internal/simulate"
)

// worst is a rehearsal on which almost every rule has something to say.
func worst() Measured {
	m := well()
	m.Load.Errors = map[string]int64{"internal": 3}
	m.SyncBusy.P99MS, m.DiskFree, m.Elsewhere = 300, 1<<30, []string{"Redis", "PostgreSQL"}
	m.Load.Arrivals.Held, m.Load.Arrivals.LateP99MS, m.Load.Arrivals.PeakPerSecond = 100, 900, 50
	m.Load.Waiting = simulate.Waiting{People: 900, P99MS: 300_000}
	during(func(s *Sample) { s.Busy, s.Server, s.Redis, s.FreeBytes = 15.9, 14, 0.97, 1<<28 })(&m)
	for len(m.Load.Timeline) < 120 {
		s := m.Load.Timeline[len(m.Load.Timeline)-1]
		s.Second, s.P99MS, s.Limited, s.Unavailable = s.Second+8, 9000, 5, 5000
		m.Load.Timeline = append(m.Load.Timeline, s)
	}
	return m
}

// lines of a page of A4 at eleven points, and how many half-width letters fit on
// one of them.
const (
	linesOfA4 = 56
	widthOfA4 = 96
)

func TestReportFitsOnOnePage(t *testing.T) {
	t.Parallel()
	for _, m := range []Measured{well(), worst()} {
		r := NewReport(m)
		for _, lang := range []string{Chinese, English} {
			var b bytes.Buffer
			if err := r.WritePage(&b, lang); err != nil {
				t.Fatal(err)
			}
			if n := printed(b.String()); n > linesOfA4 {
				t.Errorf("%s in %s takes %d lines of %d:\n%s", r.Verdict, lang, n, linesOfA4, b.String())
			}
			if strings.Contains(b.String(), "%!") {
				t.Errorf("written wrongly:\n%s", b.String())
			}
		}
	}
}

// printed counts lines as a printer breaks them.
func printed(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		width := 0
		for _, r := range line {
			width++
			if unicode.Is(unicode.Han, r) {
				width++
			}
		}
		if strings.TrimSpace(line) != "" { // an empty line is a gap, not a line
			n += max(1, (width+widthOfA4-1)/widthOfA4)
		}
	}
	return n
}

func TestPageSaysWhatMatters(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		m    Measured
		lang string
		want []string
	}{
		"held, in Chinese":  {well(), Chinese, []string{"撑住了", "每秒 1200 人", "120000 / 0", "没有。", "| 8–16 | 1200 | 340 | 0 | 0 |"}},
		"held, in English":  {well(), English, []string{"It held.", "1200 people a second", "Nothing."}},
		"broke, in Chinese": {worst(), Chinese, []string{"没有撑住", "**必须**", "见 --json"}},
	}
	for name, tt := range tests {
		r := NewReport(tt.m)
		var b bytes.Buffer
		if err := r.WritePage(&b, tt.lang); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: the page lacks %q:\n%s", name, want, b.String())
			}
		}
		if tt.lang == English && strings.ContainsFunc(b.String(), func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s: Chinese on an English page:\n%s", name, b.String())
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestPageThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := NewReport(well())
	if r.WritePage(full{}, Chinese) == nil {
		t.Error("no error")
	}
}
