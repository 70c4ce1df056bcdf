package quiz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// one is a paper of the given questions, in order, each worth five points.
func one(t *testing.T, questions ...quiz.Question) (quiz.Paper, *quiz.Bank) {
	t.Helper()
	b := bankOf(t, questions...)
	p := quiz.Paper{Bank: b.Digest, Seed: 11}
	for i := range questions {
		p.Items = append(p.Items, quiz.Item{Question: i, Points: 5})
	}
	return p, b
}

func TestGrade(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"), question("m", multiple(0, 2, 3)), question("j", judge(0)))
	for name, tc := range map[string]struct {
		how     quiz.Marking
		choices quiz.Choices
		score   int
		correct int
	}{
		"faultless":                    {quiz.AllOrNothing, quiz.Choices{key(1), key(0, 2, 3), key(0)}, 15, 3},
		"faultless, partial":           {quiz.Partial, quiz.Choices{key(1), key(0, 2, 3), key(0)}, 15, 3},
		"nothing":                      {quiz.AllOrNothing, quiz.Choices{0, 0, 0}, 0, 0},
		"nothing, partial":             {quiz.Partial, quiz.Choices{0, 0, 0}, 0, 0},
		"all wrong":                    {quiz.Partial, quiz.Choices{key(0), key(1), key(1)}, 0, 0},
		"some of the right":            {quiz.AllOrNothing, quiz.Choices{0, key(0, 2), 0}, 0, 0},
		"some of the right, partial":   {quiz.Partial, quiz.Choices{0, key(0, 2), 0}, 2, 0},
		"one of the right, partial":    {quiz.Partial, quiz.Choices{0, key(3), 0}, 2, 0},
		"right and a wrong, partial":   {quiz.Partial, quiz.Choices{0, key(0, 1, 2), 0}, 0, 0},
		"right and a further, partial": {quiz.Partial, quiz.Choices{0, key(0, 1, 2, 3), 0}, 0, 0},
		"single with the wrong":        {quiz.Partial, quiz.Choices{key(2), 0, 0}, 0, 0},
		"single with both":             {quiz.Partial, quiz.Choices{key(1, 2), 0, 0}, 0, 0},
		"no rule is all or nothing":    {"", quiz.Choices{0, key(0, 2), key(0)}, 5, 1},
	} {
		want := quiz.Mark{Score: tc.score, MaxScore: 15, Correct: tc.correct, Questions: 3}
		got, err := p.Grade(b, tc.how, tc.choices)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestGradeAgain shows that marking depends on its arguments alone: a stored
// attempt can be marked again.
func TestGradeAgain(t *testing.T) {
	t.Parallel()
	b, r := mixed(t)
	rapid.Check(t, func(t *rapid.T) {
		p, err := quiz.Draw(b, r, "public", today, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		how := rapid.SampledFrom([]quiz.Marking{quiz.AllOrNothing, quiz.Partial}).Draw(t, "how")
		choices := genChoices(t, p, b)
		first, err := p.Grade(b, how, choices)
		again, errAgain := p.Grade(b, how, slices.Clone(choices))
		if err != nil || errAgain != nil || first != again {
			t.Errorf("marked twice: %+v, %v and %+v, %v", first, err, again, errAgain)
		}
		if first.MaxScore != r.MaxScore() || first.Score < 0 || first.Score > first.MaxScore || first.Correct > first.Questions {
			t.Errorf("mark %+v of a paper worth %d", first, r.MaxScore())
		}
	})
}

func TestGradeWantsAChoiceForEachItem(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"), question("j", judge(0)))
	for _, n := range []int{0, 1, 3} {
		if m, err := p.Grade(b, quiz.AllOrNothing, make(quiz.Choices, n)); err == nil {
			t.Errorf("%d choices for two items are marked %+v", n, m)
		}
	}
}

// genChoices draws choices that a participant could make on the paper.
func genChoices(t *rapid.T, p quiz.Paper, b *quiz.Bank) quiz.Choices {
	out := make(quiz.Choices, len(p.Items))
	for i, item := range p.Items {
		q := &b.Questions[item.Question]
		n := len(q.Options)
		if q.Kind == quiz.Multiple {
			out[i] = quiz.Choice(rapid.IntRange(0, 1<<n-1).Draw(t, "set"))
		} else if o := rapid.IntRange(-1, n-1).Draw(t, "option"); o >= 0 {
			out[i] = key(o)
		}
	}
	return out
}

func TestReadIsTheInverseOfWrite(t *testing.T) {
	t.Parallel()
	b, r := mixed(t)
	rapid.Check(t, func(t *rapid.T) {
		p, err := quiz.Draw(b, r, "public", today, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		choices := genChoices(t, p, b)
		answers, err := p.Write(b, choices)
		if err != nil {
			t.Fatal(err)
		}
		for id, chosen := range answers {
			answers[id] = rapid.Permutation(chosen).Draw(t, "order")
		}
		got, err := p.Read(b, answers)
		if diff := cmp.Diff(choices, got); err != nil || diff != "" {
			t.Errorf("%v (-written +read):\n%s", err, diff)
		}
	})
}

func TestReadTakesWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"), question("m", multiple(0, 2)))
	sheet := sheetOf(t, p, b)
	for name, answers := range map[string]quiz.Answers{
		"nothing at all":   nil,
		"an empty map":     {},
		"an empty list":    {sheet.Questions[0].ID: {}},
		"a list of no one": {sheet.Questions[1].ID: nil},
	} {
		got, err := p.Read(b, answers)
		if diff := cmp.Diff(quiz.Choices{0, 0}, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestReadNamesEveryFault(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"), question("m", multiple(0, 2)), question("j", judge(0)))
	q := sheetOf(t, p, b).Questions
	other := sheetOf(t, quiz.Paper{Bank: p.Bank, Seed: 12, Items: p.Items}, b).Questions
	single, double, verdict := q[0].Options, q[1].Options, q[2].Options
	field := func(id string) string { return "answers." + id }
	for name, tc := range map[string]struct {
		answers quiz.Answers
		want    []string
	}{
		"a question of another attempt":   {quiz.Answers{other[0].ID: {single[0].ID}}, []string{"answers"}},
		"an option of another attempt":    {quiz.Answers{q[0].ID: {other[0].Options[0].ID}}, []string{field(q[0].ID)}},
		"an option of another question":   {quiz.Answers{q[0].ID: {double[0].ID}}, []string{field(q[0].ID)}},
		"a letter":                        {quiz.Answers{q[0].ID: {"A"}}, []string{field(q[0].ID)}},
		"an empty option":                 {quiz.Answers{q[0].ID: {""}}, []string{field(q[0].ID)}},
		"two for a single":                {quiz.Answers{q[0].ID: {single[0].ID, single[1].ID}}, []string{field(q[0].ID)}},
		"both for a judge question":       {quiz.Answers{q[2].ID: {verdict[0].ID, verdict[1].ID}}, []string{field(q[2].ID)}},
		"one twice":                       {quiz.Answers{q[1].ID: {double[0].ID, double[0].ID}}, []string{field(q[1].ID)}},
		"one twice for a single":          {quiz.Answers{q[0].ID: {single[0].ID, single[0].ID}}, []string{field(q[0].ID)}},
		"all of that at once, every name": {quiz.Answers{q[0].ID: {"A"}, q[1].ID: {"B"}, q[2].ID: {verdict[0].ID}, "x": {}}, []string{field(q[0].ID), field(q[1].ID), "answers"}},
	} {
		_, err := p.Read(b, tc.answers)
		f := fault.From(err)
		var got []string
		for _, field := range f.Fields {
			got = append(got, field.Name)
			if field.Reason == "" {
				t.Errorf("%s: %s has no reason", name, field.Name)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || f.Kind != fault.Invalid {
			t.Errorf("%s: Read = %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestChoicesTravel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quiz.Choices{
		"":          {},
		"0.":        {0},
		"1.2.0.":    {1, 2, 0},
		"1ekf.z.":   {65535, 35},
		"0.0.0.0.":  {0, 0, 0, 0},
		"10.10.10.": {36, 36, 36},
	} {
		got, err := quiz.ParseChoices(text)
		if err != nil || !slices.Equal(got, want) || want.String() != text {
			t.Errorf("ParseChoices(%q) = %v, %v; want %v, which is written %q", text, got, err, want, want.String())
		}
	}
	for _, bad := range []string{"1", ".", "1.2", "-1.", "+1.", " 1.", "1..", "1ekg.", "1|2.", "1_0."} {
		if got, err := quiz.ParseChoices(bad); err == nil {
			t.Errorf("ParseChoices(%q) = %v", bad, got)
		}
	}
}

func TestEmptyChoices(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		choices quiz.Choices
		want    bool
	}{{nil, true}, {quiz.Choices{}, true}, {quiz.Choices{0, 0}, true}, {quiz.Choices{0, 1}, false}} {
		if got := tc.choices.Empty(); got != tc.want {
			t.Errorf("%v is empty: %t", tc.choices, got)
		}
	}
}

func FuzzParseChoices(f *testing.F) {
	for _, s := range []string{"", "1.2.0.", "1ekf.", ".", "A.", "zzzz."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := quiz.ParseChoices(s)
		if err != nil {
			return
		}
		again, err := quiz.ParseChoices(c.String())
		if err != nil || !slices.Equal(c, again) {
			t.Errorf("ParseChoices(%q) = %v, and read again %v, %v", s, c, again, err)
		}
	})
}

func TestItemsTravel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]quiz.Item{
		"5:0":           {{Question: 0, Points: 5}},
		"5:0.z.10":      {{0, 5}, {35, 5}, {36, 5}},
		"5:0.1;a:2;5:3": {{0, 5}, {1, 5}, {2, 10}, {3, 5}},
		"1kv:7":         {{7, 2047}},
	} {
		got, err := quiz.ParseItems(text)
		p := quiz.Paper{Items: want}
		if diff := cmp.Diff(want, got); err != nil || diff != "" || p.EncodeItems() != text {
			t.Errorf("ParseItems(%q): %v, written %q (-want +got):\n%s", text, err, p.EncodeItems(), diff)
		}
	}
	for _, bad := range []string{"", "5", "5:", ":1", "5:1;", "5:1.", "5:.1", "-5:1", "5:-1", "5:1;;5:2", "zzz:1", "5:zzzzzzz"} {
		if got, err := quiz.ParseItems(bad); err == nil {
			t.Errorf("ParseItems(%q) = %v", bad, got)
		}
	}
}

func FuzzParseItems(f *testing.F) {
	for _, s := range []string{"", "5:0.z.10", "5:0.1;a:2;5:3", "0:0", "A:B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		items, err := quiz.ParseItems(s)
		if err != nil {
			return
		}
		p := quiz.Paper{Items: items}
		again, err := quiz.ParseItems(p.EncodeItems())
		if err != nil || !slices.Equal(items, again) {
			t.Errorf("ParseItems(%q) = %v, and read again %v, %v", s, items, again, err)
		}
	})
}

// FuzzRead shows that whatever a participant hands in is either read or refused
// as their mistake.
func FuzzRead(f *testing.F) {
	q := []quiz.Question{question("s"), question("m", multiple(0, 2)), question("j", judge(0))}
	b := bankOf(f, q...)
	p := quiz.Paper{Bank: b.Digest, Seed: 1, Items: []quiz.Item{{0, 1}, {1, 1}, {2, 1}}}
	sheet, err := p.Sheet(b)
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range sheet.Questions {
		f.Add(q.ID, q.Options[0].ID, q.Options[1].ID)
	}
	f.Add("x", "", "A")
	f.Fuzz(func(t *testing.T, question, first, second string) {
		choices, err := p.Read(b, quiz.Answers{question: {first, second}})
		if err != nil {
			if fault.From(err).Kind != fault.Invalid {
				t.Errorf("Read = %v, want a fault of the request", err)
			}
			return
		}
		if m, err := p.Grade(b, quiz.Partial, choices); err != nil || m.Score > m.MaxScore {
			t.Errorf("what was read is marked %+v, %v", m, err)
		}
	})
}

// TestFaultsNameNoOption shows that a refusal repeats only ids of this attempt,
// never what somebody sent.
func TestFaultsNameNoOption(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"))
	id := sheetOf(t, p, b).Questions[0].ID
	_, err := p.Read(b, quiz.Answers{id: {"<script>"}, "<b>": {}})
	if text := fmt.Sprintf("%+v", fault.From(err).Fields); strings.Contains(text, "<") {
		t.Errorf("the fault repeats the request: %s", text)
	}
}
