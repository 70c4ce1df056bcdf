package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// paperAnswer is an open attempt, as the contract has it.
type paperAnswer struct {
	attemptHead
	ServerTime string           `json:"server_time"`
	LeftToday  *int             `json:"attempts_left_today"`
	Saved      savedMarks       `json:"saved"`
	Questions  []questionAnswer `json:"questions"`
}

// savedMarks names what was chosen "chosen", as a review does.
type savedMarks struct {
	Revision int64        `json:"revision"`
	Chosen   quiz.Answers `json:"chosen"`
}

// plainPaper is a paper as package json writes it.
func plainPaper(t *testing.T, c *campaign.Campaign, r *quiz.Receipt) string {
	t.Helper()
	a := paperAnswer{
		attemptHead: headOf(c, &r.View), ServerTime: stamp(r.Now, c.Zone), LeftToday: r.Left.Today,
		Saved: savedMarks{r.Attempt.Saved.Revision, r.SavedAnswers}, Questions: []questionAnswer{},
	}
	for _, q := range r.Sheet.Questions {
		a.Questions = append(a.Questions, questionOf(q))
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// oddBank has texts that JSON writes otherwise than they are, and questions of every
// kind and size.
func oddBank(t *testing.T, stem string) *quiz.Bank {
	t.Helper()
	var questions []quiz.Question
	for i, text := range []string{"禁毒", `"quoted" \ <b>&amp;</b>`, "line\nbreak\ttab\u2028", "\U0001F600", "plain"} {
		q := quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Single, Topic: "law", Audience: []string{quiz.AllAudiences}, Difficulty: 1,
			Stem: stem + text, Key: 1, Explanation: "e", Basis: "b", ValidFrom: "2020-01-01",
		}
		for o := range 2 + 3*i {
			q.Options = append(q.Options, quiz.Option{Text: fmt.Sprint(text, o), Pinned: o%4 == 3})
		}
		if i%2 == 0 {
			q.Media = []quiz.Media{{URL: "/m?a=1&b=<2>", Alt: text}}
		}
		questions = append(questions, q)
	}
	b, err := quiz.NewBank("odd", questions)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openReceipt shows a paper of the bank with some of its questions.
func openReceipt(t *testing.T, b *quiz.Bank, seed uint64) *quiz.Receipt {
	t.Helper()
	p, err := quiz.Draw(b, &quiz.Rules{Strata: []quiz.Stratum{{Count: 1 + int(seed%5), Points: 5}}}, "public", "2026-06-02", seed)
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := p.Sheet(b)
	if err != nil {
		t.Fatal(err)
	}
	r := &quiz.Receipt{View: quiz.View{
		ID: "1-abc", Sheet: sheet, Now: noon().Add(time.Duration(seed) * time.Millisecond),
		Attempt: quiz.Attempt{
			Number: int(seed), Paper: p, State: quiz.StateOpen,
			Window: quiz.Window{StartedAt: noon(), Deadline: noon().Add(10 * time.Minute)},
		},
	}}
	if seed%2 == 0 {
		r.Left.Today, r.Attempt.Saved.Revision = new(int(seed)), int64(seed)
		q := sheet.Questions[0]
		r.SavedAnswers = quiz.Answers{q.ID: {q.Options[1].ID, q.Options[0].ID}}
	}
	return r
}

// TestPapersAreThoseOfPackageJSON: what is put together is what package json would
// write, letter by letter, also of two banks at once, and of questions met before.
func TestPapersAreThoseOfPackageJSON(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	banks := []*quiz.Bank{oddBank(t, "一"), oddBank(t, "二"), newBank(t)}
	p := newPrints()
	var servers sync.WaitGroup
	for n := range 4 {
		servers.Go(func() {
			var room []byte
			for seed := range uint64(60) {
				r := openReceipt(t, banks[(int(seed)+n)%2], seed)
				got, err := p.paper(room[:0], c, r)
				if want := plainPaper(t, c, r); err != nil || string(got) != want {
					t.Errorf("%v\n%s\nwant\n%s", err, got, want)
				}
				room = got
			}
		})
	}
	servers.Wait()
	empty := &quiz.Receipt{View: quiz.View{Attempt: quiz.Attempt{State: quiz.StateOpen}}}
	if got, err := p.paper(nil, c, empty); err != nil || string(got) != plainPaper(t, c, empty) {
		t.Errorf("a paper without questions: %s, %v", got, err)
	}
}

// TestPrintsAreBounded: however many versions there are, a few are kept, and each
// paper shows its own.
func TestPrintsAreBounded(t *testing.T) {
	t.Parallel()
	c, p := newCampaign(t), newPrints()
	for i := range 3 * printsKept {
		r := openReceipt(t, oddBank(t, fmt.Sprint("版", i)), uint64(i))
		if got, err := p.paper(nil, c, r); err != nil || string(got) != plainPaper(t, c, r) {
			t.Errorf("version %d: %s, %v", i, got, err)
		}
	}
	if n := p.banks.Len(); n != printsKept {
		t.Errorf("%d versions are kept, want %d", n, printsKept)
	}
}

// TestABrokenTextIsAnError, as it is for package json.
func TestABrokenTextIsAnError(t *testing.T) {
	t.Parallel()
	b := oddBank(t, "一")
	for name, spoil := range map[string]func(q *quiz.Question){
		"stem":   func(q *quiz.Question) { q.Stem = "a\xff" },
		"option": func(q *quiz.Question) { q.Options[1].Text = "a\xff" },
	} {
		one := *b
		one.Questions = slices.Clone(b.Questions)
		for i := range one.Questions {
			one.Questions[i].Options = slices.Clone(b.Questions[i].Options)
			spoil(&one.Questions[i])
		}
		if got, err := newPrints().paper(nil, newCampaign(t), openReceipt(t, &one, 4)); err == nil {
			t.Errorf("a broken %s is written %s", name, strings.ToValidUTF8(string(got), "?"))
		}
	}
}

// BenchmarkPaperAnswer writes a paper of two questions.
func BenchmarkPaperAnswer(b *testing.B) {
	c, p := newCampaign(b), newPrints()
	r := newReceipt(b)
	var room []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if room, err = p.paper(room[:0], c, &r); err != nil {
			b.Fatal(err)
		}
	}
}
