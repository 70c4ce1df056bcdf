package configs

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qingyuan/quiz"
)

// practicalTopics are what helps a person who meets drugs; the others are law
// and history.
var practicalTopics = []string{"识别毒品", "毒品危害", "拒绝毒品", "求助与戒毒"}

// audiences are those the shipped bank is written for.
var audiences = []string{quiz.AllAudiences, "public", "student", "civil_servant", "driver", "courier"}

func shippedBank(t *testing.T) *quiz.Bank {
	t.Helper()
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadBank(files, "banks/antidrug")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestShippedBankSize(t *testing.T) {
	b := shippedBank(t)
	if len(b.Questions) < 200 {
		t.Errorf("%d questions, want 200 or more", len(b.Questions))
	}
	practical := 0
	for i := range b.Questions {
		if slices.Contains(practicalTopics, b.Questions[i].Topic) {
			practical++
		}
	}
	if 3*practical < len(b.Questions) {
		t.Errorf("%d of %d questions are practical, want a third", practical, len(b.Questions))
	}
}

// TestShippedQuestions holds each question to the rules of writing one.
func TestShippedQuestions(t *testing.T) {
	b := shippedBank(t)
	for i := range b.Questions {
		q := &b.Questions[i]
		for _, fault := range slices.Concat(optionFaults(q), textFaults(q)) {
			t.Errorf("%s: %s", q.ID, fault)
		}
		for _, a := range q.Audience {
			if !slices.Contains(audiences, a) {
				t.Errorf("%s: nobody is %q", q.ID, a)
			}
		}
	}
}

// optionFaults finds options that give the answer away or cannot be shuffled.
func optionFaults(q *quiz.Question) []string {
	if q.Kind == quiz.Judge {
		return nil
	}
	var out []string
	shortest, longest := 1<<30, 0
	seen := map[string]bool{}
	for i, o := range q.Options {
		n := utf8.RuneCountInString(o.Text)
		shortest, longest = min(shortest, n), max(longest, n)
		if seen[plain(o.Text)] {
			out = append(out, "two options say "+o.Text)
		}
		seen[plain(o.Text)] = true
		last := i == len(q.Options)-1
		if refersToOthers(o.Text) && (!o.Pinned || !last) {
			out = append(out, "the option "+o.Text+" must be pinned, and the last")
		}
		if o.Pinned && !refersToOthers(o.Text) {
			out = append(out, "the option "+o.Text+" is pinned for no reason")
		}
	}
	if longest > 2*shortest+4 {
		out = append(out, "options differ in length so much that the key may show")
	}
	return out
}

// refersToOthers tells whether an option speaks of the others.
func refersToOthers(option string) bool {
	if strings.HasPrefix(option, "以上") || strings.HasPrefix(option, "上述") {
		return true
	}
	return slices.ContainsFunc([]string{"都对", "都是", "都不是", "都不对", "均是", "均正确", "均不正确", "皆是"}, func(end string) bool {
		return strings.HasSuffix(option, end)
	})
}

func textFaults(q *quiz.Question) []string {
	var out []string
	if n := utf8.RuneCountInString(q.Explanation); n < 15 {
		out = append(out, "the explanation says too little")
	}
	if utf8.RuneCountInString(q.Basis) < 4 {
		out = append(out, "the basis names nothing")
	}
	if strings.ContainsRune(q.Stem, '\u200b') || strings.Contains(q.Stem, "  ") {
		out = append(out, "the stem has stray spaces")
	}
	return out
}

// plain is a text without marks and spaces, for finding repetitions.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" 　，。、；：？！（）《》“”‘’()?,.:;!_＿", r) {
			return -1
		}
		return r
	}, s)
}

// TestShippedStems wants no question twice. The same stem may come again when
// the law changes, for other days.
func TestShippedStems(t *testing.T) {
	b := shippedBank(t)
	first := map[string]*quiz.Question{}
	for i := range b.Questions {
		q := &b.Questions[i]
		if p, ok := first[plain(q.Stem)]; ok && overlap(p, q) {
			t.Errorf("%s and %s ask the same: %s", p.ID, q.ID, q.Stem)
		}
		first[plain(q.Stem)] = q
	}
}

func overlap(a, b *quiz.Question) bool {
	return (a.ValidTo == "" || b.ValidFrom <= a.ValidTo) && (b.ValidTo == "" || a.ValidFrom <= b.ValidTo)
}

// TestShippedValidity shows the change of 治安管理处罚法 on 2026-01-01: questions
// on the old law end the day before, those on the new one begin that day.
func TestShippedValidity(t *testing.T) {
	b := shippedBank(t)
	ended, begun := 0, 0
	for i := range b.Questions {
		q := &b.Questions[i]
		if !strings.Contains(q.Basis, "治安管理处罚法") {
			continue
		}
		switch {
		case q.ValidTo == "2025-12-31":
			ended++
		case q.ValidFrom == "2026-01-01":
			begun++
		case q.ValidFrom < "2026-01-01" && q.ValidTo == "":
			t.Errorf("%s rests on %s, which was renumbered on 2026-01-01, and has no end", q.ID, q.Basis)
		}
	}
	if ended == 0 || begun == 0 {
		t.Errorf("%d questions end with the old law and %d begin with the new one, want some of both", ended, begun)
	}
}

// TestDrawnInTheirDates draws many papers on several days, on both sides of the
// change of law, and wants no question outside its dates.
func TestDrawnInTheirDates(t *testing.T) {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		t.Fatal(err)
	}
	// From this day on, so that the days before the windows draw too.
	open := time.Date(2025, 12, 1, 0, 0, 0, 0, Zone())
	for _, name := range []string{"jinzhong-citizens.yaml", "jinzhong-civil.yaml", "tibet-public.yaml"} {
		d, err := newLoader(files).definition(name, open)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range d.Campaign.Groups {
			for _, day := range []string{"2025-12-01", "2025-12-31", "2026-01-01", "2026-06-26", "2026-12-31", "2027-01-01"} {
				drawMany(t, d, g.Audience, day)
			}
		}
	}
}

func drawMany(t *testing.T, d Definition, audience, day string) {
	t.Helper()
	for seed := range uint64(60) {
		p, err := quiz.Draw(d.Bank, d.Quiz, audience, day, seed)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]bool{}
		for _, item := range p.Items {
			q := &d.Bank.Questions[item.Question]
			if !q.ValidOn(day) || !q.Suits(audience) || seen[item.Question] {
				t.Fatalf("%s for %s on %s: %s does not belong on the paper", d.Campaign.ID, audience, day, q.ID)
			}
			seen[item.Question] = true
		}
	}
}
