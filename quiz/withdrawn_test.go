package quiz_test

import (
	"testing"

	"qingyuan/quiz"
)

// TestWithdrawnIsNotDrawn draws many papers: none has what was withdrawn, a paper that
// was drawn before stays, and a server that remembers pools does not go on with the old.
func TestWithdrawnIsNotDrawn(t *testing.T) {
	t.Parallel()
	var questions []quiz.Question
	for i := range 8 {
		questions = append(questions, question(string(rune('a'+i))))
	}
	b := bankOf(t, questions...)
	rules := &quiz.Rules{Strata: []quiz.Stratum{{Count: 5, Points: 1}}}
	out := quiz.NewWithdrawn(b, map[string]bool{b.Questions[2].Fingerprint(): true, "of another": true})
	if !out.Has(2) || out.Has(1) || len(out.Left(b).Questions) != 7 {
		t.Fatalf("withdrawn %+v", out)
	}
	pools, err := quiz.NewPools(4)
	if err != nil {
		t.Fatal(err)
	}
	had := func(w *quiz.Withdrawn, p *quiz.Pools) (times int) {
		offer := quiz.Offer{Rules: rules, Bank: b, Withdrawn: w}
		for seed := range uint64(200) {
			paper, err := quiz.DrawOf(p, &offer, "public", today, seed)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := paper.Had(b, &b.Questions[2]); ok {
				times++
			}
		}
		return times
	}
	for _, p := range []*quiz.Pools{nil, pools} {
		if had(nil, p) == 0 || had(out, p) != 0 || had(nil, p) == 0 {
			t.Error("what was withdrawn decides nothing")
		}
	}
	if quiz.NewWithdrawn(b, map[string]bool{"of another": true}) != nil || quiz.NewWithdrawn(nil, nil).Has(0) {
		t.Error("nothing is something")
	}
}
