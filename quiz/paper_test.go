package quiz_test

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/quiz"
)

const today = "2026-06-10"

// drawn is a paper of the rules' size, by seed.
func drawn(t *testing.T, b *quiz.Bank, r *quiz.Rules, seed uint64) quiz.Paper {
	t.Helper()
	p, err := quiz.Draw(b, r, "public", today, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mixed is a bank with every kind of question, and rules that draw from it.
func mixed(t *testing.T) (*quiz.Bank, *quiz.Rules) {
	t.Helper()
	var all []quiz.Question
	for i := range 12 {
		all = append(all,
			question(fmt.Sprint("s", i)),
			question(fmt.Sprint("m", i), multiple(0, 2), topic("harm"), func(q *quiz.Question) { q.Options[3].Pinned = true }),
			question(fmt.Sprint("j", i), judge(i%2), topic("help")))
	}
	for i := range 4 {
		all = append(all, question(fmt.Sprint("o", i), multiple(0, 15), topic("many"), func(q *quiz.Question) {
			for len(q.Options) < quiz.MaxOptions {
				q.Options = append(q.Options, quiz.Option{Text: fmt.Sprint("选项", len(q.Options))})
			}
		}))
	}
	return bankOf(t, all...), &quiz.Rules{Strata: []quiz.Stratum{
		{Count: 3, Points: 5, Kinds: []quiz.Kind{quiz.Single}},
		{Count: 2, Points: 7, Topics: []string{"harm"}},
		{Count: 1, Points: 3, Topics: []string{"many"}},
		{Count: 3, Points: 2, Topics: []string{"help"}},
	}}
}

// genBank draws a bank with questions of all kinds, topics, audiences and dates.
func genBank(t *rapid.T) *quiz.Bank {
	questions := make([]quiz.Question, rapid.IntRange(1, 30).Draw(t, "bank"))
	for i := range questions {
		questions[i] = question(fmt.Sprint("q", i), topic(rapid.SampledFrom([]string{"law", "harm", "help"}).Draw(t, "topic")),
			rapid.SampledFrom([]func(*quiz.Question){judge(0), multiple(0, 1), func(*quiz.Question) {}}).Draw(t, "kind"),
			func(q *quiz.Question) {
				q.Difficulty = rapid.IntRange(1, 3).Draw(t, "difficulty")
				q.Audience = rapid.SampledFrom([][]string{{"all"}, {"public"}, {"student"}, {"student", "public"}}).Draw(t, "audience")
				q.ValidFrom = rapid.SampledFrom([]string{"2008-06-01", today, "2026-06-11"}).Draw(t, "from")
				q.ValidTo = rapid.SampledFrom([]string{"", "2026-06-09", today}).Draw(t, "to")
			})
	}
	return bankOf(t, questions...)
}

func genStratum(t *rapid.T) quiz.Stratum {
	s := quiz.Stratum{Count: rapid.IntRange(1, 4).Draw(t, "count"), Points: rapid.IntRange(1, 10).Draw(t, "points")}
	if rapid.Bool().Draw(t, "by kind") {
		s.Kinds = []quiz.Kind{quiz.Single, quiz.Judge}
	}
	if rapid.Bool().Draw(t, "by topic") {
		s.Topics = []string{"law", "help"}
	}
	if rapid.Bool().Draw(t, "by difficulty") {
		s.Difficulties = []int{1, 2}
	}
	return s
}

// fits says in the test's own words what a stratum allows today for the public.
func fits(s quiz.Stratum, q *quiz.Question) bool {
	return (s.Kinds == nil || slices.Contains(s.Kinds, q.Kind)) &&
		(s.Topics == nil || slices.Contains(s.Topics, q.Topic)) &&
		(s.Difficulties == nil || slices.Contains(s.Difficulties, q.Difficulty)) &&
		(slices.Contains(q.Audience, "all") || slices.Contains(q.Audience, "public")) &&
		q.ValidFrom <= today && (q.ValidTo == "" || q.ValidTo >= today)
}

// TestDraw shows on random banks and rules that a paper respects strata, dates
// and audience, never asks twice, and is the same for the same seed; and that a
// bank too small is an error.
func TestDraw(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := genBank(t)
		r := &quiz.Rules{Strata: rapid.SliceOfN(rapid.Custom(genStratum), 1, 3).Draw(t, "strata")}
		seed := rapid.Uint64().Draw(t, "seed")
		p, err := quiz.Draw(b, r, "public", today, seed)
		again, errAgain := quiz.Draw(b, r, "public", today, seed)
		if diff := cmp.Diff(p, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Fatalf("drawn twice: %v, %v (-first +second):\n%s", err, errAgain, diff)
		}
		if err != nil {
			checkTooSmall(t, b, r)
			return
		}
		checkPaper(t, b, r, p)
	})
}

// checkTooSmall allows an error only where some stratum could have run dry: an
// earlier one may have taken what it needed.
func checkTooSmall(t *rapid.T, b *quiz.Bank, r *quiz.Rules) {
	before := 0
	for _, s := range r.Strata {
		pool := 0
		for i := range b.Questions {
			if fits(s, &b.Questions[i]) {
				pool++
			}
		}
		if pool < s.Count+before {
			return
		}
		before += s.Count
	}
	t.Errorf("refused although every stratum of %+v has enough", r.Strata)
}

func checkPaper(t *rapid.T, b *quiz.Bank, r *quiz.Rules, p quiz.Paper) {
	if len(p.Items) != r.Questions() || p.Bank != b.Digest {
		t.Fatalf("%d items from %s, want %d from %s", len(p.Items), p.Bank, r.Questions(), b.Digest)
	}
	asked, i := map[int]bool{}, 0
	for _, s := range r.Strata {
		for range s.Count {
			item := p.Items[i]
			q := &b.Questions[item.Question]
			if !fits(s, q) || item.Points != s.Points {
				t.Errorf("item %d is %+v for %d points, against %+v", i, q, item.Points, s)
			}
			if asked[item.Question] {
				t.Errorf("question %s is asked twice", q.ID)
			}
			asked[item.Question] = true
			i++
		}
	}
}

func TestABankTooSmallIsAnError(t *testing.T) {
	t.Parallel()
	b := bankOf(t, question("q1"), question("q2"), question("q3", held("2008-06-01", "2025-12-31")))
	for name, tc := range map[string]struct {
		strata []quiz.Stratum
		says   string
	}{
		"one is out of date":          {[]quiz.Stratum{{Count: 3, Points: 1}}, "stratum 0 wants 3"},
		"no such topic":               {[]quiz.Stratum{{Count: 1, Points: 1, Topics: []string{"help"}}}, "finds 0"},
		"an earlier stratum took two": {[]quiz.Stratum{{Count: 2, Points: 1}, {Count: 1, Points: 2}}, "stratum 1 wants 1"},
	} {
		_, err := quiz.Draw(b, &quiz.Rules{Strata: tc.strata}, "public", today, 1)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: Draw = %v, want an error that says %q", name, err, tc.says)
		}
	}
}

// TestDrawIsEven shows that every question gets its turn.
func TestDrawIsEven(t *testing.T) {
	t.Parallel()
	b, _ := mixed(t)
	r := &quiz.Rules{Strata: []quiz.Stratum{{Count: 3, Points: 1, Kinds: []quiz.Kind{quiz.Single}}}}
	const papers = 4000
	times := map[int]int{}
	for seed := range uint64(papers) {
		for _, item := range drawn(t, b, r, seed).Items {
			times[item.Question]++
		}
	}
	const mean = papers * 3 / 12
	if len(times) != 12 {
		t.Errorf("%d of 12 questions were drawn", len(times))
	}
	for q, n := range times {
		if n < mean*4/5 || n > mean*6/5 {
			t.Errorf("question %d was drawn %d times, want about %d", q, n, mean)
		}
	}
}

// TestIDsSayNothing proves invariant 8: ids are unique on a paper, differ from
// one attempt to the next, and are the same when the paper is shown again.
func TestIDsSayNothing(t *testing.T) {
	t.Parallel()
	b, r := mixed(t)
	seen := map[string]uint64{}
	for seed := range uint64(50) {
		p := drawn(t, b, r, seed)
		sheet, again := sheetOf(t, p, b), sheetOf(t, p, b)
		if diff := cmp.Diff(sheet, again, cmpopts.IgnoreUnexported(quiz.SheetOption{})); diff != "" {
			t.Fatalf("shown again (-first +second):\n%s", diff)
		}
		for _, id := range idsOf(sheet) {
			if other, taken := seen[id]; taken {
				t.Errorf("id %s stands on the papers %d and %d", id, other, seed)
			}
			seen[id] = seed
		}
	}
}

// TestAPaperIsShownAsEver: an attempt that is open while the server is renewed must
// be shown, and read, as before. These ids and this order were written down when
// papers were first kept.
func TestAPaperIsShownAsEver(t *testing.T) {
	t.Parallel()
	p, b := one(t, question("s"), question("j", judge(0)), question("w", func(q *quiz.Question) {
		q.Options = nil
		for i := range quiz.MaxOptions {
			q.Options = append(q.Options, quiz.Option{Text: fmt.Sprint("选项", i), Pinned: i == quiz.MaxOptions-1})
		}
	}))
	p.Seed = 0xfedcba9876543210
	var got strings.Builder
	for _, q := range sheetOf(t, p, b).Questions {
		got.WriteString("\n" + q.ID + ":")
		for _, o := range q.Options {
			got.WriteString(" " + o.ID + "=" + o.Text)
		}
	}
	const want = `
xz7hii56: gx3rus58=乙 s 7bv2bnu2=甲 s a5wk7ckm=丁 s skmuun2y=丙 s
kmkmc983: 3fk3wg4g=正确 8y9dh3bu=错误
gsb3p6jg: hng3fnbh=选项4 cpandj9j=选项3 p2jdmgsy=选项12 iy4fia87=选项8 hcy7rfg2=选项13 vuaqhv27=选项11 9gxa3dvn=选项0 ` +
		`7up846iz=选项5 6ubmsyzw=选项6 cesi8mkj=选项14 mbmfh4sh=选项1 xwxkkfgx=选项10 3i7cmmnc=选项9 5wri4ytq=选项7 p42perrw=选项2 f25sz65e=选项15`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("shown (-ever +now):\n%s", diff)
	}
	// Every option, read back, is the one in the bank.
	for _, q := range sheetOf(t, p, b).Questions {
		for _, o := range q.Options {
			c, err := p.Read(b, quiz.Answers{q.ID: {o.ID}})
			i := slices.IndexFunc(sheetOf(t, p, b).Questions, func(other quiz.SheetQuestion) bool { return other.ID == q.ID })
			if of := b.Questions[i].Options; err != nil || of[bits.TrailingZeros16(uint16(c[i]))].Text != o.Text {
				t.Errorf("%s of %s is read as %v, %v", o.ID, q.ID, c, err)
			}
		}
	}
}

func sheetOf(t *testing.T, p quiz.Paper, b *quiz.Bank) quiz.Sheet {
	t.Helper()
	s, err := p.Sheet(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func idsOf(s quiz.Sheet) []string {
	var ids []string
	for _, q := range s.Questions {
		ids = append(ids, q.ID)
		for _, o := range q.Options {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// TestTheSheetHasNoKey proves invariant 8: what a participant sees before the
// submission tells nothing of the answer. The field names are listed, so that a
// new one is thought about here first.
func TestTheSheetHasNoKey(t *testing.T) {
	t.Parallel()
	b := bankOf(t, question("", func(q *quiz.Question) {
		q.ID = "canary-id"
		q.Explanation, q.Basis, q.Fact, q.Topic = "canary-explanation", "canary-basis", "canary-fact", "canary-topic"
	}))
	p := drawn(t, b, &quiz.Rules{Strata: []quiz.Stratum{{Count: 1, Points: 31}}}, 7)
	raw, err := json.Marshal(sheetOf(t, p, b))
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"canary", "31", "Key", "Points", "original"} {
		if strings.Contains(string(raw), leak) {
			t.Errorf("the sheet holds %q: %s", leak, raw)
		}
	}
	var shape struct {
		Questions []map[string]any
	}
	if err := json.Unmarshal(raw, &shape); err != nil {
		t.Fatal(err)
	}
	for field := range shape.Questions[0] {
		if !slices.Contains([]string{"ID", "Kind", "Stem", "Media", "Options"}, field) {
			t.Errorf("the sheet shows the field %s", field)
		}
	}
}

// TestTheOrderTellsNothing shows that the right option may stand anywhere, and
// that pinned options keep their place.
func TestTheOrderTellsNothing(t *testing.T) {
	t.Parallel()
	q := question("q", func(q *quiz.Question) { q.Options[3].Pinned = true })
	b := bankOf(t, q)
	right := q.Options[1].Text
	places := map[int]int{}
	const papers = 3000
	for seed := range uint64(papers) {
		p := drawn(t, b, &quiz.Rules{Strata: []quiz.Stratum{{Count: 1, Points: 1}}}, seed)
		shown := sheetOf(t, p, b).Questions[0].Options
		if shown[3].Text != q.Options[3].Text {
			t.Fatalf("seed %d moved the pinned option: %v", seed, shown)
		}
		places[slices.IndexFunc(shown, func(o quiz.SheetOption) bool { return o.Text == right })]++
	}
	for place := range 3 {
		if n := places[place]; n < papers/3*8/10 || n > papers/3*12/10 {
			t.Errorf("the right option stood %d times at place %d, want about %d", n, place, papers/3)
		}
	}
}

func TestASheetShowsEveryOption(t *testing.T) {
	t.Parallel()
	b, r := mixed(t)
	p := drawn(t, b, r, 3)
	for i, q := range sheetOf(t, p, b).Questions {
		of := b.Questions[p.Items[i].Question]
		var want, got []string
		for _, o := range of.Options {
			want = append(want, o.Text)
		}
		for _, o := range q.Options {
			got = append(got, o.Text)
		}
		if of.Kind == quiz.Judge && !slices.Equal(got, want) {
			t.Errorf("a judge question shows %v", got)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || q.Stem != of.Stem || q.Kind != of.Kind {
			t.Errorf("question %d shows %v of %v", i, got, want)
		}
	}
}

func TestAPaperKnowsItsBank(t *testing.T) {
	t.Parallel()
	b, r := mixed(t)
	p := drawn(t, b, r, 1)
	other := bankOf(t, question("q"))
	if _, err := p.Sheet(other); err == nil || !strings.Contains(err.Error(), other.Digest) {
		t.Errorf("Sheet on another bank = %v", err)
	}
	if _, err := p.Grade(other, quiz.AllOrNothing, make(quiz.Choices, len(p.Items))); err == nil {
		t.Error("Grade on another bank is no error")
	}
	p.Items[0].Question = len(b.Questions)
	if _, err := p.Sheet(b); err == nil {
		t.Error("Sheet of a question the bank does not have is no error")
	}
	if _, err := p.Read(b, nil); err == nil {
		t.Error("Read of a question the bank does not have is no error")
	}
	p, b = one(t, question("q", func(q *quiz.Question) { q.Options = make([]quiz.Option, quiz.MaxOptions+1) }))
	if _, err := p.Sheet(b); err == nil {
		t.Error("Sheet of a question with more options than a choice can hold is no error")
	}
}
