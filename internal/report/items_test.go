package report_test

import (
	"errors"
	"math"
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

// days makes a question's story: n attempts a day, so many of them right, each of a
// length.
func days(b *quiz.Bank, n int, right []int, used []time.Duration) []quiz.Attempt {
	var out []quiz.Attempt
	for day := range right {
		for i := range n {
			choice := quiz.Choice(2)
			if i < right[day] {
				choice = 1
			}
			out = append(out, sat(b, opening.AddDate(0, 0, day), used[day], choice, 2, 2))
		}
	}
	return out
}

func TestLeaks(t *testing.T) {
	t.Parallel()
	slow, fast := time.Minute, 20*time.Second
	for name, c := range map[string]struct {
		n     int
		right []int
		used  []time.Duration
		since string
	}{
		"known and fast from the third day": {100, []int{40, 42, 90, 95}, []time.Duration{slow, slow, fast, fast}, "2026-06-28"},
		"known, but not faster":             {100, []int{40, 42, 90, 95}, []time.Duration{slow, slow, slow, slow}, ""},
		"faster, but not known":             {100, []int{40, 42, 41, 43}, []time.Duration{slow, slow, fast, fast}, ""},
		"too few to tell":                   {10, []int{4, 4, 9, 10}, []time.Duration{slow, slow, fast, fast}, ""},
		"one day":                           {200, []int{190}, []time.Duration{fast}, ""},
	} {
		b := newBank(t)
		leaks := newItems(t, b, days(b, c.n, c.right, c.used)...).Leaks()
		var since string
		for _, l := range leaks {
			if l.Question.ID == "q1" {
				since = l.Since
			}
		}
		if since != c.since {
			t.Errorf("%s: since %q, want %q", name, since, c.since)
		}
	}
}
