package quiz_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/quiz"
)

func ruling(rule quiz.Rule, question string, right ...int) quiz.Ruling {
	r := quiz.Ruling{Challenge: "c", Question: question, Rule: rule}
	if len(right) > 0 {
		r.Key = key(right...)
	}
	return r
}

func TestGradeRuled(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"), question("m", multiple(0, 2, 3)), question("j", judge(0)))
	right := quiz.Choices{key(1), key(0, 2, 3), key(0)}
	for name, tc := range map[string]struct {
		how     quiz.Marking
		choices quiz.Choices
		rulings quiz.Rulings
		score   int
		correct int
	}{
		"none":                            {quiz.AllOrNothing, right, nil, 15, 3},
		"given to who was wrong":          {quiz.AllOrNothing, quiz.Choices{key(0), 0, 0}, quiz.Rulings{ruling(quiz.GiveAll, "s")}, 5, 1},
		"given to who left it out":        {quiz.AllOrNothing, quiz.Choices{0, 0, 0}, quiz.Rulings{ruling(quiz.GiveAll, "s")}, 5, 1},
		"given to who was right":          {quiz.AllOrNothing, right, quiz.Rulings{ruling(quiz.GiveAll, "s")}, 15, 3},
		"of no question here":             {quiz.AllOrNothing, quiz.Choices{0, 0, 0}, quiz.Rulings{ruling(quiz.GiveAll, "other")}, 0, 0},
		"both, the old one":               {quiz.AllOrNothing, quiz.Choices{key(1), 0, 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "s", 2)}, 5, 1},
		"both, the new one":               {quiz.AllOrNothing, quiz.Choices{key(2), 0, 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "s", 2)}, 5, 1},
		"both, a third one":               {quiz.AllOrNothing, quiz.Choices{key(3), 0, 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "s", 2)}, 0, 0},
		"both, left out":                  {quiz.AllOrNothing, quiz.Choices{0, 0, 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "s", 2)}, 0, 0},
		"both, a part of the new one":     {quiz.Partial, quiz.Choices{0, key(1), 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "m", 0, 1)}, 2, 0},
		"both, a part of the old one":     {quiz.Partial, quiz.Choices{0, key(3), 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "m", 0, 1)}, 2, 0},
		"both, part of old, all of new":   {quiz.Partial, quiz.Choices{0, key(0, 2), 0}, quiz.Rulings{ruling(quiz.AcceptBoth, "m", 0, 2)}, 5, 1},
		"dropped, all right":              {quiz.AllOrNothing, right, quiz.Rulings{ruling(quiz.Drop, "s")}, 15, 2},
		"dropped, only this one wrong":    {quiz.AllOrNothing, quiz.Choices{0, key(0, 2, 3), key(0)}, quiz.Rulings{ruling(quiz.Drop, "s")}, 15, 2},
		"dropped, only this one right":    {quiz.AllOrNothing, quiz.Choices{key(1), 0, 0}, quiz.Rulings{ruling(quiz.Drop, "s")}, 0, 0},
		"dropped, half of the rest right": {quiz.AllOrNothing, quiz.Choices{key(1), 0, key(0)}, quiz.Rulings{ruling(quiz.Drop, "s")}, 8, 1}, // 5 × 15 ÷ 10 = 7.5
		"dropped, all of it": {
			quiz.AllOrNothing, quiz.Choices{0, 0, 0}, quiz.Rulings{ruling(quiz.Drop, "s"), ruling(quiz.Drop, "m"), ruling(quiz.Drop, "j")}, 15, 0,
		},
		"one dropped and one given": {
			quiz.AllOrNothing, quiz.Choices{0, 0, key(1)}, quiz.Rulings{ruling(quiz.Drop, "s"), ruling(quiz.GiveAll, "m")}, 8, 1,
		},
		"the later one decides": {
			quiz.AllOrNothing, quiz.Choices{0, 0, 0}, quiz.Rulings{ruling(quiz.Drop, "s"), ruling(quiz.GiveAll, "s")}, 5, 1,
		},
	} {
		want := quiz.Mark{Score: tc.score, MaxScore: 15, Correct: tc.correct, Questions: 3}
		got, err := p.GradeRuled(b, tc.how, tc.choices, tc.rulings)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
	if _, err := p.GradeRuled(b, quiz.AllOrNothing, right[:2], nil); err == nil {
		t.Error("two choices for three questions are marked")
	}
	p.Items[0].Question = 9
	if _, err := p.GradeRuled(b, quiz.AllOrNothing, right, nil); err == nil {
		t.Error("a question that the bank has not is marked")
	}
}

// TestRulingsAreFair is what the rules promise, whatever the paper: giving and accepting
// lower nobody, everything right stays full, nobody becomes full by rounding, and whoever
// knew more of the rest does not fall behind.
func TestRulingsAreFair(t *testing.T) {
	t.Parallel()
	b, r := mixed(t)
	rapid.Check(t, func(t *rapid.T) {
		p, err := quiz.Draw(b, r, "public", today, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Items {
			p.Items[i].Points = rapid.IntRange(1, 60).Draw(t, "points")
		}
		how := rapid.SampledFrom([]quiz.Marking{quiz.AllOrNothing, quiz.Partial}).Draw(t, "how")
		choices := genChoices(t, p, b)
		at := rapid.IntRange(0, len(p.Items)-1).Draw(t, "contested")
		q := &b.Questions[p.Items[at].Question]
		one := quiz.Ruling{Challenge: "c", Question: q.ID, Rule: rapid.SampledFrom([]quiz.Rule{quiz.GiveAll, quiz.AcceptBoth, quiz.Drop}).Draw(t, "rule")}
		one.Key = quiz.Choice(rapid.IntRange(1, 1<<len(q.Options)-1).Draw(t, "key"))
		before, err := p.Grade(b, how, choices)
		if err != nil {
			t.Fatal(err)
		}
		after, err := p.GradeRuled(b, how, choices, quiz.Rulings{one})
		if err != nil {
			t.Fatal(err)
		}
		if after.MaxScore != before.MaxScore || after.Questions != before.Questions || after.Score < 0 || after.Score > after.MaxScore {
			t.Fatalf("%+v became %+v", before, after)
		}
		if one.Rule != quiz.Drop && (after.Score < before.Score || after.Correct < before.Correct) {
			t.Errorf("%s lowers %+v to %+v", one.Rule, before, after)
		}
		if before.Score == before.MaxScore && after.Score != after.MaxScore {
			t.Errorf("%s takes the full score %+v: %+v", one.Rule, before, after)
		}
		if !p.Affects(b, how, choices, at, nil, &one) && after != before {
			t.Errorf("%s does not affect %+v and makes it %+v", one.Rule, before, after)
		}
		if one.Rule != quiz.Drop {
			return
		}
		worth := after.MaxScore
		// By the rule itself: the rest of the paper, as if the question had never been.
		rest := quiz.Paper{Bank: p.Bank, Items: append(append([]quiz.Item{}, p.Items[:at]...), p.Items[at+1:]...)}
		m, err := rest.Grade(b, how, append(append(quiz.Choices{}, choices[:at]...), choices[at+1:]...))
		if err != nil {
			t.Fatal(err)
		}
		if m.MaxScore == 0 { // a paper of one question: nothing is left of it
			return
		}
		if after.Correct != m.Correct || after.Score*m.MaxScore < m.Score*worth || (after.Score-1)*m.MaxScore >= m.Score*worth && after.Score > 0 {
			t.Errorf("the rest is %+v, and of %d points that becomes %+v", m, worth, after)
		}
		if m.Score < m.MaxScore && after.Score == after.MaxScore {
			t.Errorf("%+v becomes full by rounding", m)
		}
	})
}

func TestRulingCheck(t *testing.T) {
	t.Parallel()
	single, many := question("s"), question("m", multiple(0, 2))
	for name, tc := range map[string]struct {
		q    quiz.Question
		r    quiz.Ruling
		fine bool
	}{
		"give":                       {single, ruling(quiz.GiveAll, "s"), true},
		"give with a key":            {single, ruling(quiz.GiveAll, "s", 0), true},
		"give with two keys":         {single, ruling(quiz.GiveAll, "s", 0, 2), false},
		"drop":                       {single, ruling(quiz.Drop, "s"), true},
		"both":                       {single, ruling(quiz.AcceptBoth, "s", 0), true},
		"both without another":       {single, ruling(quiz.AcceptBoth, "s"), false},
		"both with the same":         {single, ruling(quiz.AcceptBoth, "s", 1), false},
		"both with one that is none": {single, ruling(quiz.AcceptBoth, "s", 9), false},
		"many, both":                 {many, ruling(quiz.AcceptBoth, "m", 0, 1), true},
		"many, a single one":         {many, ruling(quiz.AcceptBoth, "m", 0), false},
		"no rule":                    {single, ruling("", "s"), false},
	} {
		if err := tc.r.Check(&tc.q); (err == nil) != tc.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSame says when two questions are one, as fingerprints do.
func TestSame(t *testing.T) {
	t.Parallel()
	base := question("s")
	for name, tc := range map[string]struct {
		change func(*quiz.Question)
		same   bool
	}{
		"nothing":     {func(*quiz.Question) {}, true},
		"explanation": {func(q *quiz.Question) { q.Explanation += "x" }, true},
		"end":         {func(q *quiz.Question) { q.ValidTo = "2099-01-01" }, true},
		"pinned":      {func(q *quiz.Question) { q.Options[0].Pinned = !q.Options[0].Pinned }, true},
		"id":          {func(q *quiz.Question) { q.ID += "x" }, false},
		"stem":        {func(q *quiz.Question) { q.Stem += "x" }, false},
		"key":         {func(q *quiz.Question) { q.Key = key(0) }, false},
		"option":      {func(q *quiz.Question) { q.Options[0].Text += "x" }, false},
		"one less":    {func(q *quiz.Question) { q.Options = q.Options[:len(q.Options)-1] }, false},
		"kind":        {func(q *quiz.Question) { q.Kind = quiz.Multiple }, false},
	} {
		other := base
		other.Options = append([]quiz.Option{}, base.Options...)
		tc.change(&other)
		if base.Same(&other) != tc.same || (base.Fingerprint() == other.Fingerprint()) != tc.same {
			t.Errorf("%s: same %v, fingerprints %s and %s", name, base.Same(&other), base.Fingerprint(), other.Fingerprint())
		}
	}
	p, b := one(t, question("a"), question("s"))
	if at, had := p.Had(b, &base); !had || at != 1 {
		t.Errorf("the question is at %d, %v", at, had)
	}
	base.Stem = "another"
	if _, had := p.Had(b, &base); had {
		t.Error("another question is on the paper")
	}
}

// FuzzGradeRuled feeds any stored text of answers and any ruling: nothing panics, and a
// mark stays within the paper.
func FuzzGradeRuled(f *testing.F) {
	f.Add("1.d.1.", "s", "drop", uint16(2))
	f.Add("0.0.0.", "m", "accept_both", uint16(5))
	f.Fuzz(func(t *testing.T, text, question, rule string, right uint16) {
		p, b := one(t, someQuestions()...)
		choices, err := quiz.ParseChoices(text)
		if err != nil {
			return
		}
		m, err := p.GradeRuled(b, quiz.Partial, choices, quiz.Rulings{{Question: question, Rule: quiz.Rule(rule), Key: quiz.Choice(right)}})
		if err == nil && (m.Score < 0 || m.Score > m.MaxScore || m.Correct > m.Questions) {
			t.Errorf("%q by %s of %s: %+v", text, rule, question, m)
		}
	})
}

func someQuestions() []quiz.Question {
	return []quiz.Question{question("s"), question("m", multiple(0, 2, 3)), question("j", judge(0))}
}
