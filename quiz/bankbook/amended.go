package bankbook

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"qingyuan/quiz"
	"qingyuan/quiz/bankfile"
)

// Amended is a question of a bank with what a file says of it beside stem, options and
// key: explanation, legal basis, topic, difficulty, dates. What the file does not say
// stays, or comes from the defaults where nobody has said it. What a version said
// already is no news: whoever has edited it since keeps the last word when the same file
// comes again.
func Amended(h History, found bankfile.Question, d Defaults) quiz.Question {
	out, file, otherwise := h.Latest().Question, bankfile.ToBank(found), d.form()
	if out.ValidFrom+out.ValidTo+file.ValidFrom+file.ValidTo != "" {
		otherwise.ValidFrom, otherwise.ValidTo = "", ""
	}
	at, said, unsaid := particulars(&out), particulars(&file), particulars(&otherwise)
	for i, now := range at {
		if word := cmp.Or(*said[i], cmp.Or(*now, *unsaid[i])); !h.said(i, word) {
			*now = word
		}
	}
	known := func(v Version) bool { return v.Question.Difficulty == file.Difficulty }
	if file.Difficulty > 0 && !slices.ContainsFunc(h, known) {
		out.Difficulty = file.Difficulty
	}
	out.Difficulty = cmp.Or(out.Difficulty, d.Difficulty)
	return out
}

// Amends tells whether a file says something of a question that is there.
func Amends(h History, found bankfile.Question, d Defaults) bool {
	return Difference(h.Latest().Question, Amended(h, found, d)) != nil
}

// form is what the defaults say as a question would.
func (d Defaults) form() quiz.Question {
	return quiz.Question{Basis: d.Basis, Topic: d.Topic, ValidFrom: d.ValidFrom, ValidTo: d.ValidTo}
}

// particulars are the texts that a file may add to a question, or change.
func particulars(q *quiz.Question) []*string {
	return []*string{&q.Explanation, &q.Basis, &q.Topic, &q.ValidFrom, &q.ValidTo}
}

// said tells whether a version holds the particular, however it is spaced.
func (h History) said(particular int, word string) bool {
	return slices.ContainsFunc(h, func(v Version) bool {
		return spaceless(*particulars(&v.Question)[particular]) == spaceless(word)
	})
}

func spaceless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
