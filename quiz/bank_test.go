package quiz_test

import (
	"fmt"
	"strings"
	"testing"

	"qingyuan/quiz"
)

// question is one that Check finds no fault with; changes give it some.
func question(id string, changes ...func(*quiz.Question)) quiz.Question {
	q := quiz.Question{
		ID: id, Kind: quiz.Single, Topic: "law", Audience: []string{quiz.AllAudiences}, Difficulty: 1,
		Stem: "题干 " + id, Options: options("甲 "+id, "乙 "+id, "丙 "+id, "丁 "+id), Key: key(1),
		Explanation: "解析 " + id, Basis: "依据 " + id, ValidFrom: "2008-06-01",
	}
	for _, change := range changes {
		change(&q)
	}
	return q
}

func options(texts ...string) []quiz.Option {
	var out []quiz.Option
	for _, s := range texts {
		out = append(out, quiz.Option{Text: s})
	}
	return out
}

// key is the set of the given options.
func key(right ...int) quiz.Choice {
	var c quiz.Choice
	for _, i := range right {
		c = c.With(i)
	}
	return c
}

func multiple(right ...int) func(*quiz.Question) {
	return func(q *quiz.Question) { q.Kind, q.Key = quiz.Multiple, key(right...) }
}

func judge(right int) func(*quiz.Question) {
	return func(q *quiz.Question) { q.Kind, q.Options, q.Key = quiz.Judge, quiz.JudgeOptions(), key(right) }
}

func topic(name string) func(*quiz.Question) {
	return func(q *quiz.Question) { q.Topic = name }
}

func held(from, to string) func(*quiz.Question) {
	return func(q *quiz.Question) { q.ValidFrom, q.ValidTo = from, to }
}

func bankOf(t interface{ Fatal(args ...any) }, questions ...quiz.Question) *quiz.Bank {
	b, err := quiz.NewBank("antidrug", questions)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestQuestionsWithoutFault(t *testing.T) {
	t.Parallel()
	sixteen := make([]string, quiz.MaxOptions)
	for i := range sixteen {
		sixteen[i] = fmt.Sprint("选项", i)
	}
	for name, q := range map[string]quiz.Question{
		"single":              question("q"),
		"multiple":            question("q", multiple(0, 3)),
		"multiple, all right": question("q", multiple(0, 1, 2, 3)),
		"judge, right":        question("q", judge(0)),
		"judge, wrong":        question("q", judge(1)),
		"held for a day":      question("q", held("2026-01-01", "2026-01-01")),
		"sixteen options": question("q", func(q *quiz.Question) {
			q.Options, q.Key = options(sixteen...), key(15)
		}),
	} {
		if errs := q.Check(); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

func TestQuestionFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*quiz.Question)
		says   string
	}{
		"no id":                      {func(q *quiz.Question) { q.ID = "" }, "id is empty"},
		"no stem":                    {func(q *quiz.Question) { q.Stem = "" }, "stem is empty"},
		"no basis":                   {func(q *quiz.Question) { q.Basis = "" }, "basis is empty"},
		"no difficulty":              {func(q *quiz.Question) { q.Difficulty = 0 }, "difficulty 0"},
		"too difficult":              {func(q *quiz.Question) { q.Difficulty = 4 }, "difficulty 4"},
		"for nobody":                 {func(q *quiz.Question) { q.Audience = nil }, "audience is empty"},
		"no kind":                    {func(q *quiz.Question) { q.Kind = "" }, `kind ""`},
		"an unknown kind":            {func(q *quiz.Question) { q.Kind = "essay" }, `kind "essay"`},
		"no beginning":               {held("", ""), "valid_from"},
		"no such day":                {held("2026-02-30", ""), "valid_from"},
		"no such end":                {held("2026-01-01", "soon"), "valid_to"},
		"ends before it begins":      {held("2026-01-02", "2026-01-01"), "before valid_from"},
		"one option":                 {func(q *quiz.Question) { q.Options, q.Key = options("甲"), key(0) }, "1 options"},
		"seventeen options":          {func(q *quiz.Question) { q.Options = make([]quiz.Option, 17) }, "17 options"},
		"an empty option":            {func(q *quiz.Question) { q.Options[2].Text = "" }, "empty or stands twice"},
		"an option twice":            {func(q *quiz.Question) { q.Options[2] = q.Options[0] }, "empty or stands twice"},
		"single without a key":       {func(q *quiz.Question) { q.Key = 0 }, "not 0"},
		"single with two":            {func(q *quiz.Question) { q.Key = key(0, 1) }, "not 2"},
		"multiple with one":          {multiple(2), "not 1"},
		"a key beyond the options":   {func(q *quiz.Question) { q.Key = key(4) }, "option E"},
		"a judge question with both": {func(q *quiz.Question) { judge(0)(q); q.Key = key(0, 1) }, "not 2"},
		"a judge question of its own": {
			func(q *quiz.Question) { judge(0)(q); q.Options = options("对", "错") }, "正确",
		},
		"a judge question with a third": {
			func(q *quiz.Question) { judge(0)(q); q.Options = append(q.Options, quiz.Option{Text: "不知道"}) }, "正确",
		},
	} {
		q := question("q", tc.change)
		if errs := q.Check(); len(errs) == 0 || !strings.Contains(fmt.Sprint(errs), tc.says) {
			t.Errorf("%s: Check = %v, want one that says %q", name, errs, tc.says)
		}
	}
}

func TestCheckNamesAllFaults(t *testing.T) {
	t.Parallel()
	q := quiz.Question{}
	if errs := q.Check(); len(errs) < 7 {
		t.Errorf("an empty question has only these faults: %v", errs)
	}
}

func TestValidOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		from, to, day string
		want          bool
	}{
		{"2026-01-01", "", "2025-12-31", false},
		{"2026-01-01", "", "2026-01-01", true},
		{"2026-01-01", "", "2999-01-01", true},
		{"2008-06-01", "2025-12-31", "2025-12-31", true}, // both ends are included
		{"2008-06-01", "2025-12-31", "2026-01-01", false},
	} {
		q := question("q", held(tc.from, tc.to))
		if got := q.ValidOn(tc.day); got != tc.want {
			t.Errorf("%s to %q on %s: %t", tc.from, tc.to, tc.day, got)
		}
	}
}

func TestSuits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		audience []string
		ask      string
		want     bool
	}{
		{[]string{"all"}, "driver", true},
		{[]string{"student", "driver"}, "driver", true},
		{[]string{"student"}, "driver", false},
		{nil, "driver", false},
	} {
		q := question("q", func(q *quiz.Question) { q.Audience = tc.audience })
		if got := q.Suits(tc.ask); got != tc.want {
			t.Errorf("%v suits %s: %t", tc.audience, tc.ask, got)
		}
	}
}

// TestDigest shows that a digest names one version: any change, and another
// order too, makes another.
func TestDigest(t *testing.T) {
	t.Parallel()
	questions := func() []quiz.Question { return []quiz.Question{question("q1"), question("q2"), question("q3")} }
	first := bankOf(t, questions()...)
	if again := bankOf(t, questions()...); again.Digest != first.Digest || first.Digest == "" {
		t.Errorf("the same bank has the digests %q and %q", first.Digest, again.Digest)
	}
	for name, change := range map[string]func([]quiz.Question){
		"the order":       func(q []quiz.Question) { q[0], q[1] = q[1], q[0] },
		"a key":           func(q []quiz.Question) { q[2].Key = key(0) },
		"an explanation":  func(q []quiz.Question) { q[2].Explanation = "另一种" },
		"a pinned option": func(q []quiz.Question) { q[2].Options[3].Pinned = true },
		"a date":          func(q []quiz.Question) { q[2].ValidTo = "2030-01-01" },
	} {
		changed := questions()
		change(changed)
		if b := bankOf(t, changed...); b.Digest == first.Digest {
			t.Errorf("%s changed and the digest did not", name)
		}
	}
	if other, err := quiz.NewBank("other", questions()); err != nil || other.Digest == first.Digest {
		t.Errorf("another bank has the same digest, or %v", err)
	}
}

func TestChoiceIsASet(t *testing.T) {
	t.Parallel()
	var c quiz.Choice
	c = c.With(0).With(15).With(0)
	for i := range 20 {
		if got := c.Has(i); got != (i == 0 || i == 15) {
			t.Errorf("Has(%d) = %t", i, got)
		}
	}
}
