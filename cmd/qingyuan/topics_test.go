package main

import (
	"testing"

	"qingyuan/quiz"
)

// offered is the quiz of campaign c, where it has one.
type offered struct{ offer *quiz.Offer }

// Quiz implements offers.
func (o offered) Quiz(id string) (quiz.Offer, error) {
	if o.offer == nil || id != "c" {
		return quiz.Offer{}, quiz.ErrNoQuiz
	}
	return *o.offer, nil
}

// TestDrawnIn: a question is watched for leaks as long as somebody may still be asked it.
func TestDrawnIn(t *testing.T) {
	t.Parallel()
	question := func(id, stem string) quiz.Question {
		return quiz.Question{ID: id, Kind: quiz.Single, Topic: "law", Stem: stem, Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}}, Key: 1}
	}
	b, err := quiz.NewBank("b", []quiz.Question{question("1", "一"), question("2", "二")})
	if err != nil {
		t.Fatal(err)
	}
	first, second := question("1", "一"), question("2", "二")
	reworded, gone := question("1", "另一种说法"), question("3", "三")
	whole := &quiz.Offer{Bank: b}
	without := &quiz.Offer{Bank: b, Withdrawn: quiz.NewWithdrawn(b, map[string]bool{first.Fingerprint(): true})}
	for name, c := range map[string]struct {
		offer    *quiz.Offer
		campaign string
		question *quiz.Question
		want     bool
	}{
		"in the bank":                 {whole, "c", &first, true},
		"beside one that is gone":     {without, "c", &second, true},
		"withdrawn":                   {without, "c", &first, false},
		"another wording by now":      {whole, "c", &reworded, false},
		"not in the bank any more":    {whole, "c", &gone, false},
		"the bank is not there yet":   {&quiz.Offer{}, "c", &first, false},
		"no quiz any more":            {nil, "c", &first, false},
		"a campaign that is not here": {whole, "d", &first, false},
	} {
		if got := drawnIn(offered{c.offer})(c.campaign, c.question); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
