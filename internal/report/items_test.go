package report_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/report"
	"qingyuan/internal/sheet"
	"qingyuan/quiz"
)

func newBank(t *testing.T) *quiz.Bank {
	t.Helper()
	options := []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}
	question := func(id, topic string) quiz.Question {
		return quiz.Question{ID: id, Kind: quiz.Single, Topic: topic, Stem: id, Options: options, Key: 1}
	}
	b, err := quiz.NewBank("b", []quiz.Question{question("q1", "law"), question("q2", "law"), question("q3", "harm")})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sat is an attempt with all three questions, 10 points each.
func sat(b *quiz.Bank, at time.Time, used time.Duration, choices ...quiz.Choice) quiz.Attempt {
	a := quiz.Attempt{Number: 1, State: quiz.StateSubmitted, Paper: quiz.Paper{Bank: b.Digest}}
	a.Result = quiz.Result{Choices: choices, Used: used, SubmittedAt: at, Mark: quiz.Mark{MaxScore: 30}}
	for i, c := range choices {
		a.Paper.Items = append(a.Paper.Items, quiz.Item{Question: i, Points: 10})
		if c == 1 {
			a.Result.Score += 10
		}
	}
	return a
}

func newItems(t *testing.T, b *quiz.Bank, attempts ...quiz.Attempt) *report.Items {
	t.Helper()
	return ruledItems(t, b, nil, attempts...)
}

func ruledItems(t *testing.T, b *quiz.Bank, rulings []quiz.Ruled, attempts ...quiz.Attempt) *report.Items {
	t.Helper()
	s := report.NewItems(newCampaign(t), func(digest string) (*quiz.Bank, error) {
		if digest != b.Digest {
			return nil, errors.New("no such version")
		}
		return b, nil
	}, rulings)
	for i := range attempts {
		p := person("p", "yc1", "student", false)
		p.Attempts = attempts[i : i+1]
		if err := s.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestItems(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	void := sat(b, opening, time.Minute, 1, 1, 1)
	void.State = quiz.StateInvalidated
	s := newItems(t, b,
		sat(b, opening, 30*time.Second, 1, 1, 2),
		sat(b, opening, 60*time.Second, 1, 1, 2),
		sat(b, opening, 90*time.Second, 2, 2, 1),
		sat(b, opening, 120*time.Second, 4, 0, 1),
		void,
	)
	all := s.All()
	if len(all) != 3 {
		t.Fatalf("%d questions", len(all))
	}
	q1, q2, q3 := all[0], all[1], all[2]
	if q1.Shown != 4 || q1.Right != 2 || q1.Chosen != [quiz.MaxOptions]int64{2, 1, 1} || q2.Blank != 1 {
		t.Errorf("q1 %+v, q2 %+v", q1, q2)
	}
	if f, ok := q1.Facility(); !ok || f != 0.5 {
		t.Errorf("facility %v %v", f, ok)
	}
	// Right on q1 goes with 50 % of the rest, wrong with 50 %: no connection. On q3
	// the right ones have nothing of the rest, the wrong ones all of it.
	if d, ok := q1.Discrimination(); ok && math.Abs(d) > 1e-9 {
		t.Errorf("discrimination of q1 %v %v", d, ok)
	}
	if d, ok := q3.Discrimination(); !ok || math.Abs(d+1) > 1e-9 {
		t.Errorf("discrimination of q3 %v %v", d, ok)
	}
	if p, ok := q1.Pace(); !ok || p != 20*time.Second {
		t.Errorf("pace %v %v", p, ok)
	}
	want := []report.Topic{{"harm", "student", 4, 2}, {"law", "student", 8, 4}}
	if diff := cmp.Diff(want, s.Topics()); diff != "" {
		t.Error(diff)
	}
	rows := table(t, func(w sheet.Writer) error {
		return report.WriteItems(w, s, func(id string) string { return id })
	})
	if got := rows[1]; got[0] != "q1" || got[4] != "A" || got[7] != "50.00%" || got[11] != "A 50.0%  B 25.0%  C 25.0%" {
		t.Errorf("row %q", got)
	}
}

// TestItemsMarkedAgain: a question that was given to everybody does not make the rest of
// a paper better than all of it.
func TestItemsMarkedAgain(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	given := sat(b, opening, time.Minute, 2, 1, 1)
	given.Result.Score = given.Result.MaxScore
	q1 := newItems(t, b, sat(b, opening, time.Minute, 1, 1, 1), given).All()[0]
	if d, ok := q1.Discrimination(); ok {
		t.Errorf("both know the rest wholly, and the question tells them apart by %v", d)
	}
	if f, ok := q1.Facility(); !ok || f != 0.5 {
		t.Errorf("facility %v", f)
	}
}

// TestItemsAsRuled: questions that were contested count as the rulings have it, and one
// that counts for nobody is neither easy nor hard.
func TestItemsAsRuled(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	on := func(i int, rule quiz.Rule, key quiz.Choice) []quiz.Ruled {
		q := &b.Questions[i]
		return []quiz.Ruled{{Fingerprint: q.Fingerprint(), Ruling: quiz.Ruling{Challenge: "c", Question: q.ID, Rule: rule, Key: key}}}
	}
	var attempts []quiz.Attempt
	for range 20 { // q1: half right; q2: right; q3: a quarter right
		attempts = append(attempts,
			sat(b, opening, time.Minute, 1, 1, 1), sat(b, opening, time.Minute, 1, 1, 2),
			sat(b, opening, time.Minute, 2, 1, 4), sat(b, opening, time.Minute, 4, 1, 0))
	}
	otherBank := on(0, quiz.GiveAll, 0)
	otherBank[0].Fingerprint = "of another wording"
	for name, tt := range map[string]struct {
		rulings []quiz.Ruled
		right   int64 // of 80, on q1
		counted int64
		says    string
		law     report.Topic // q1 and q2
		missed  string
	}{
		"nothing":         {nil, 40, 80, "", report.Topic{Topic: "law", Group: "student", Shown: 160, Right: 120}, "q3 q1"},
		"another wording": {otherBank, 40, 80, "", report.Topic{Topic: "law", Group: "student", Shown: 160, Right: 120}, "q3 q1"},
		"both keys":       {on(0, quiz.AcceptBoth, 2), 60, 80, "B 也算对", report.Topic{Topic: "law", Group: "student", Shown: 160, Right: 140}, "q3 q1"},
		"given to all":    {on(0, quiz.GiveAll, 0), 80, 80, "全部给分", report.Topic{Topic: "law", Group: "student", Shown: 160, Right: 160}, "q3"},
		"dropped":         {on(0, quiz.Drop, 0), 0, 0, "不计分", report.Topic{Topic: "law", Group: "student", Shown: 80, Right: 80}, "q3"},
	} {
		s := ruledItems(t, b, tt.rulings, attempts...)
		q1 := s.All()[0]
		f, ok := q1.Facility()
		if q1.Shown != 80 || q1.Right != tt.right || q1.Counted() != tt.counted || ok != (tt.counted > 0) || f != float64(tt.right)/80 {
			t.Errorf("%s: shown %d, right %d, counted %d, facility %v %v", name, q1.Shown, q1.Right, q1.Counted(), f, ok)
		}
		if q1.Chosen[0] != 40 || q1.Chosen[2] != 20 {
			t.Errorf("%s: a ruling changes what was chosen: %v", name, q1.Chosen)
		}
		if _, ok := q1.Discrimination(); ok != (tt.right > 0 && tt.right < 80) {
			t.Errorf("%s: discrimination %v", name, ok)
		}
		if got := s.Topics()[1]; got != tt.law {
			t.Errorf("%s: %+v, want %+v", name, got, tt.law)
		}
		var missed []string
		for _, i := range s.MostMissed(9) {
			missed = append(missed, i.Question.ID)
		}
		if got := strings.Join(missed, " "); got != tt.missed {
			t.Errorf("%s: missed most %s, want %s", name, got, tt.missed)
		}
		rows := table(t, func(w sheet.Writer) error { return report.WriteItems(w, s, func(id string) string { return id }) })
		if rows[1][13] != tt.says || (rows[1][7] == "") != (tt.counted == 0) {
			t.Errorf("%s: row %q", name, rows[1])
		}
	}
}

func TestItemsOfAnUnknownVersion(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	s := newItems(t, b)
	p := person("p", "yc1", "student", false)
	lost := sat(b, opening, time.Minute, 1, 1, 1)
	lost.Paper.Bank = "lost"
	p.Attempts = []quiz.Attempt{lost}
	if err := s.Add(p); err == nil {
		t.Error("statistics of a paper that nobody can read")
	}
}

// sitting is an hour of a question's story: so many attempts that took so long, so many of
// them right on q1.
type sitting struct {
	n, right int
	used     time.Duration
}

// story is what becomes of a question from the opening on, hour by hour.
func story(b *quiz.Bank, hours ...sitting) []quiz.Attempt {
	var out []quiz.Attempt
	for h, s := range hours {
		for i := range s.n {
			choice := quiz.Choice(2)
			if i < s.right {
				choice = 1
			}
			at := opening.Add(time.Duration(h)*time.Hour + time.Duration(i)*time.Second)
			out = append(out, sat(b, at, s.used, choice, 2, 2))
		}
	}
	return out
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	const slow, fast = time.Minute, 20 * time.Second
	opens := opening.In(newCampaign(t).Zone)
	hour := func(n int) string { return opens.Add(time.Duration(n) * time.Hour).Format("2006-01-02 15:00") }
	for name, c := range map[string]struct {
		hours []sitting
		since string
	}{
		"a slow hour, then a quick one":    {[]sitting{{60, 20, slow}, {60, 57, fast}}, hour(1)},
		"one evening, from its third hour": {[]sitting{{100, 40, slow}, {100, 42, slow}, {100, 90, fast}, {100, 95, fast}}, hour(2)},
		"after a night":                    {[]sitting{{100, 40, slow}, 12: {100, 95, fast}}, hour(12)},
		"known, but not faster":            {[]sitting{{100, 40, slow}, {100, 42, slow}, {100, 90, slow}, {100, 95, slow}}, ""},
		"faster, but not known":            {[]sitting{{100, 40, slow}, {100, 42, slow}, {100, 41, fast}, {100, 43, fast}}, ""},
		"forgotten, and faster":            {[]sitting{{100, 95, slow}, {100, 40, fast}}, ""},
		"too few before":                   {[]sitting{{29, 3, slow}, {100, 95, fast}}, ""},
		"too few since":                    {[]sitting{{100, 10, slow}, {29, 29, fast}}, ""},
		"just enough":                      {[]sitting{{30, 3, slow}, {30, 29, fast}}, hour(1)},
		"a rise that chance makes":         {[]sitting{{30, 12, slow}, {30, 17, fast}}, ""},
		"a rise that does not matter":      {[]sitting{{1000, 400, slow}, {1000, 520, fast}}, ""},
		"one hour":                         {[]sitting{{200, 190, fast}}, ""},
	} {
		b := newBank(t)
		leaks := newItems(t, b, story(b, c.hours...)...).Leaks()
		since := ""
		for _, l := range leaks {
			if l.Question.ID != "q1" { // nobody ever knew the others
				t.Errorf("%s: %s is one", name, l.Question.ID)
			}
			since = l.Since.Format("2006-01-02 15:04")
		}
		if since != c.since || len(leaks) > 1 {
			t.Errorf("%s: since %q, want %q", name, since, c.since)
		}
	}
}

// TestLeaksAreTold shows what a table says of leaks: the surest stands first, though
// another one rose higher.
func TestLeaksAreTold(t *testing.T) {
	t.Parallel()
	b := newBank(t)
	var attempts []quiz.Attempt
	answer := func(hour, q1, q2 int, used time.Duration) {
		for i := range 100 {
			choices := []quiz.Choice{2, 2, 2}
			if i < q1 {
				choices[0] = 1
			}
			if i < q2 {
				choices[1] = 1
			}
			attempts = append(attempts, sat(b, opening.Add(time.Duration(hour)*time.Hour), used, choices...))
		}
	}
	answer(0, 40, 65, 30*time.Second)
	answer(1, 80, 100, 12*time.Second)
	s := newItems(t, b, attempts...)
	rows := table(t, func(w sheet.Writer) error { return report.WriteItems(w, s, func(id string) string { return id }) })
	head := slices.IndexFunc(rows, func(row []string) bool { return len(row) > 2 && row[2] == "起始时间" })
	if head < 0 || len(rows) < head+3 {
		t.Fatalf("the table is %q", rows)
	}
	want := [][]string{
		{"q2", "q2", "2026-06-26 21:00", "65", "100", "10", "4"},
		{"q1", "q1", "2026-06-26 21:00", "40", "80", "10", "4"},
	}
	if diff := cmp.Diff(want, rows[head+1:head+3]); diff != "" {
		t.Error(diff)
	}
}
