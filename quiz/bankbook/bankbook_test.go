package bankbook_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/internal/fault"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
)

var (
	wei  = bankbook.Person{ID: "w", Login: "wei"}
	lan  = bankbook.Person{ID: "l", Login: "lan"}
	noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

const today = "2026-06-01"

func whole() quiz.Question {
	return quiz.Question{
		ID: "law-1", Kind: quiz.Single, Topic: "law", Audience: []string{"all"}, Difficulty: 1, Stem: "《禁毒法》何时施行？",
		Options: []quiz.Option{{Text: "2008年6月1日"}, {Text: "2007年12月29日"}}, Key: 1, Explanation: "自2008年6月1日起施行。",
		Basis: "《禁毒法》第七十一条", ValidFrom: "2008-06-01",
	}
}

func draft(t *testing.T, change ...func(*quiz.Question)) bankbook.Version {
	t.Helper()
	q := whole()
	for _, c := range change {
		c(&q)
	}
	v, err := bankbook.New(q, 1, wei, noon, "题库.xlsx:2")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// signed takes a draft to its signature.
func signed(t *testing.T, v bankbook.Version) bankbook.Version {
	t.Helper()
	v, err := v.Submit()
	if err == nil {
		v, err = v.SignOff(lan, noon, today)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReview(t *testing.T) {
	t.Parallel()
	v := draft(t)
	if v.State != bankbook.Draft {
		t.Fatalf("a new version is %s", v.State)
	}
	if _, err := v.SignOff(lan, noon, today); !errors.Is(err, bankbook.ErrState) {
		t.Errorf("a draft is signed: %v", err)
	}
	v, err := v.Submit()
	if err != nil || v.State != bankbook.Submitted {
		t.Fatal(v.State, err)
	}
	if _, err := v.SignOff(wei, noon, today); !errors.Is(err, bankbook.ErrOwnWork) {
		t.Errorf("the editor signs: %v", err)
	}
	back, err := v.SendBack(lan, noon, "依据不对")
	if err != nil || back.State != bankbook.Draft || back.Reason != "依据不对" || back.Reviewer != lan {
		t.Errorf("sent back: %+v, %v", back, err)
	}
	if _, err := v.SendBack(lan, noon, " "); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("sent back without a reason: %v", err)
	}
	ok, err := v.SignOff(lan, noon, today)
	if err != nil || ok.State != bankbook.Reviewed || ok.Reviewer != lan || !ok.DecidedAt.Equal(noon) {
		t.Fatalf("signed: %+v, %v", ok, err)
	}
	if _, err := ok.Submit(); !errors.Is(err, bankbook.ErrState) {
		t.Errorf("submitted again: %v", err)
	}
	gone, err := ok.Withdraw(lan, noon, "法律修订")
	if err != nil || gone.State != bankbook.Withdrawn {
		t.Errorf("withdrawn: %+v, %v", gone, err)
	}
	if _, err := gone.Withdraw(lan, noon, "再来"); !errors.Is(err, bankbook.ErrState) {
		t.Errorf("withdrawn twice: %v", err)
	}
}

// TestForm leaves one thing out at a time.
func TestForm(t *testing.T) {
	t.Parallel()
	lack := map[string]func(*quiz.Question){
		"basis": func(q *quiz.Question) { q.Basis = "" }, "valid_from": func(q *quiz.Question) { q.ValidFrom = "" },
		"explanation": func(q *quiz.Question) { q.Explanation = "" }, "topic": func(q *quiz.Question) { q.Topic = "" },
		"difficulty": func(q *quiz.Question) { q.Difficulty = 0 }, "audience": func(q *quiz.Question) { q.Audience = nil },
	}
	for name, change := range lack {
		v := draft(t, change)
		if f := bankbook.Faults(v.Question); len(f) > 0 {
			t.Errorf("a draft without %s is refused: %+v", name, f)
		}
		_, err := v.Submit()
		if f := fault.From(err); !errors.Is(err, bankbook.ErrIncomplete) || len(f.Fields) != 1 || f.Fields[0].Name != "law-1."+name {
			t.Errorf("without %s: %v, %+v", name, err, f)
		}
	}
	senseless := map[string]func(*quiz.Question){
		"stem":       func(q *quiz.Question) { q.Stem = "" },
		"key":        func(q *quiz.Question) { q.Key = 4 },
		"options":    func(q *quiz.Question) { q.Options = q.Options[:1] },
		"options.1":  func(q *quiz.Question) { q.Options[1] = q.Options[0] },
		"kind":       func(q *quiz.Question) { q.Kind = "essay" },
		"valid_from": func(q *quiz.Question) { q.ValidFrom = "2026-02-30" },
		"valid_to":   func(q *quiz.Question) { q.ValidTo = "2008-05-31" },
		"topic":      func(q *quiz.Question) { q.Topic = "a\nb" },
		"audience":   func(q *quiz.Question) { q.Audience = []string{"学生"} },
		"difficulty": func(q *quiz.Question) { q.Difficulty = 4 },
		"media.0":    func(q *quiz.Question) { q.Media = []quiz.Media{{URL: "http://x.test/a.png", Alt: "图"}} },
		"basis":      func(q *quiz.Question) { q.Basis = "x\x00" },
	}
	for name, change := range senseless {
		q := whole()
		change(&q)
		f := bankbook.Faults(q)
		if !slices.ContainsFunc(f, func(f fault.Field) bool { return f.Name == name }) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	v := draft(t, func(q *quiz.Question) { q.ValidTo = "2026-05-31" })
	v, err := v.Submit()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.SignOff(lan, noon, today); !errors.Is(err, bankbook.ErrIncomplete) {
		t.Errorf("what holds no more is signed: %v", err)
	}
}

// TestCompleteIsDrawable wants what the form calls complete to be what quiz.Check
// calls faultless, whatever the question.
func TestCompleteIsDrawable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "甲", "乙", "正确", "错误", "2026-01-01", "2025-13-01", "law", "x y"})
		q := quiz.Question{
			ID: "a", Kind: rapid.SampledFrom([]quiz.Kind{quiz.Single, quiz.Multiple, quiz.Judge, ""}).Draw(t, "kind"),
			Topic: word.Draw(t, "topic"), Audience: []string{word.Draw(t, "audience")}, Difficulty: rapid.IntRange(-1, 4).Draw(t, "difficulty"),
			Stem: word.Draw(t, "stem"), Key: quiz.Choice(rapid.IntRange(0, 31).Draw(t, "key")), Explanation: word.Draw(t, "explanation"),
			Basis: word.Draw(t, "basis"), ValidFrom: word.Draw(t, "from"), ValidTo: word.Draw(t, "to"),
		}
		for range rapid.IntRange(0, 4).Draw(t, "options") {
			q.Options = append(q.Options, quiz.Option{Text: word.Draw(t, "option"), Pinned: rapid.Bool().Draw(t, "pinned")})
		}
		if missing := bankbook.Missing(q); len(missing) == 0 && len(q.Check()) > 0 {
			t.Fatalf("complete, and %v", q.Check())
		}
	})
}

func TestInForce(t *testing.T) {
	t.Parallel()
	one := signed(t, draft(t))
	two := one
	two.Number, two.State = 2, bankbook.Draft
	gone, err := one.Withdraw(lan, noon, "错")
	if err != nil {
		t.Fatal(err)
	}
	second := one
	second.Number = 2
	secondGone := gone
	secondGone.Number = 2
	for name, tt := range map[string]struct {
		h    bankbook.History
		want int64
	}{
		"a draft":               {bankbook.History{draft(t)}, 0},
		"signed":                {bankbook.History{one}, 1},
		"edited since":          {bankbook.History{one, two}, 1},
		"signed anew":           {bankbook.History{one, second}, 2},
		"withdrawn":             {bankbook.History{gone, two}, 0},
		"the newer withdrawn":   {bankbook.History{one, secondGone}, 0},
		"signed after all that": {bankbook.History{gone, second}, 2},
	} {
		v, ok := tt.h.InForce()
		if ok != (tt.want > 0) || v.Number != tt.want {
			t.Errorf("%s: version %d, want %d", name, v.Number, tt.want)
		}
	}
}

// TestDates has the day before, the first, the last and the day after.
func TestDates(t *testing.T) {
	t.Parallel()
	h := bankbook.History{signed(t, draft(t, func(q *quiz.Question) { q.ValidFrom, q.ValidTo = "2026-01-01", "2026-12-31" }))}
	for day, want := range map[string]bool{"2025-12-31": false, "2026-01-01": true, "2026-12-31": true, "2027-01-01": false} {
		if h.Drawable(day) != want {
			t.Errorf("drawable on %s: %v", day, !want)
		}
	}
	if (bankbook.History{draft(t)}).Drawable("2026-06-01") {
		t.Error("a draft is drawn")
	}
	for day, until := range map[string]string{
		"2026-06-01": "2026-07-01", "2026-01-31": "2026-02-28", "2024-01-31": "2024-02-29", "2026-12-15": "2027-01-15", "2026-05-31": "2026-06-30",
	} {
		if got, err := bankbook.Until(day); err != nil || got != until {
			t.Errorf("a month from %s is %s, %v; want %s", day, got, err, until)
		}
	}
	if _, err := bankbook.Until("tomorrow"); err == nil {
		t.Error("a day that is none")
	}
	var all []bankbook.History
	for _, to := range []string{"", "2026-12-31", "2026-11-30", "2026-12-01", "2027-01-01"} {
		all = append(all, bankbook.History{signed(t, draft(t, func(q *quiz.Question) { q.ValidTo, q.ID = to, "to-"+to }))})
	}
	for day, want := range map[string][]string{
		"2026-10-30": {"2026-11-30"}, "2026-11-30": {"2026-11-30", "2026-12-01"}, "2026-12-01": {"2026-12-01", "2026-12-31", "2027-01-01"},
		"2027-01-02": nil,
	} {
		list, err := bankbook.Expiring(all, day)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range list {
			got = append(got, v.Question.ValidTo)
		}
		if !slices.Equal(got, want) {
			t.Errorf("on %s: %v, want %v", day, got, want)
		}
	}
}

// TestCompose publishes what is signed and has not ended, and lets the drawing itself
// pass over what does not hold on the day.
func TestCompose(t *testing.T) {
	t.Parallel()
	make1 := func(id, from, to string) bankbook.History {
		return bankbook.History{signed(t, draft(t, func(q *quiz.Question) { q.ID, q.ValidFrom, q.ValidTo = id, from, to }))}
	}
	all := []bankbook.History{
		make1("c", "2026-07-01", ""), make1("a", "2008-06-01", today), make1("b", "2008-06-01", ""), {draft(t)},
	}
	b, err := bankbook.Compose("law", all, today)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, q := range b.Questions {
		ids = append(ids, q.ID)
	}
	if !slices.Equal(ids, []string{"a", "b", "c"}) || b.ID != "law" || b.Digest == "" {
		t.Errorf("bank %s has %v", b.ID, ids)
	}
	rules := &quiz.Rules{Strata: []quiz.Stratum{{Count: 1, Points: 1}}}
	for day, want := range map[string]map[string]bool{
		today: {"a": true, "b": true}, "2026-06-02": {"b": true}, "2026-07-01": {"b": true, "c": true},
	} {
		got := map[string]bool{}
		for seed := range uint64(60) {
			p, err := quiz.Draw(b, rules, "public", day, seed)
			if err != nil {
				t.Fatal(err)
			}
			got[b.Questions[p.Items[0].Question].ID] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("drawn on %s (-want +got):\n%s", day, diff)
		}
	}
	if _, err := bankbook.Compose("law", all[3:], today); !errors.Is(err, bankbook.ErrEmpty) {
		t.Errorf("nothing is signed: %v", err)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	base, err := bankbook.Digest(whole())
	if err != nil {
		t.Fatal(err)
	}
	other := whole()
	other.ID = "other"
	if got, _ := bankbook.Digest(other); got != base {
		t.Error("the id is part of the content")
	}
	for name, change := range map[string]func(*quiz.Question){
		"stem": func(q *quiz.Question) { q.Stem += "。" }, "key": func(q *quiz.Question) { q.Key = 2 }, "basis": func(q *quiz.Question) { q.Basis = "x" },
		"dates": func(q *quiz.Question) { q.ValidTo = "2030-01-01" }, "pinned": func(q *quiz.Question) { q.Options[1].Pinned = true },
	} {
		q := whole()
		change(&q)
		if got, _ := bankbook.Digest(q); got == base {
			t.Errorf("%s is no part of the content", name)
		}
	}
	b, err := quiz.NewBank("x", []quiz.Question{whole(), other})
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := bankbook.Unsigned(b, map[string]bool{base: true}); err != nil || ids != nil {
		t.Errorf("unsigned %v, %v", ids, err)
	}
	if ids, err := bankbook.Unsigned(b, nil); err != nil || !slices.Equal(ids, []string{"law-1", "other"}) {
		t.Errorf("unsigned %v, %v", ids, err)
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	after := whole()
	after.Stem, after.Key, after.Difficulty, after.ValidTo = "新题干", 2, 3, "2030-12-31"
	after.Options = []quiz.Option{{Text: "2008年6月1日"}, {Text: "2009年", Pinned: true}, {Text: "2010年"}}
	want := []bankbook.Change{
		{"stem", "《禁毒法》何时施行？", "新题干"},
		{"key", "A", "B"},
		{"pinned", "", "B"},
		{"difficulty", "1", "3"},
		{"valid_to", "", "2030-12-31"},
		{"options.1", "2007年12月29日", "2009年"},
		{"options.2", "", "2010年"},
	}
	if diff := cmp.Diff(want, bankbook.Difference(whole(), after)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := bankbook.Difference(whole(), whole()); got != nil {
		t.Errorf("the same differs: %v", got)
	}
	back := bankbook.Difference(after, whole())
	if len(back) != len(want) || back[6] != (bankbook.Change{"options.2", "2010年", ""}) {
		t.Errorf("the other way round: %v", back)
	}
}
