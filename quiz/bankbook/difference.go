package bankbook

import (
	"cmp"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

// Change is one field in which two versions differ, as it is shown.
type Change struct {
	// Field is its name in the form: "stem", "options.2", "key".
	Field string `json:"field"`
	// Before and After are what stands there; "" is nothing.
	Before string `json:"before"`
	After  string `json:"after"`
}

// Difference returns the fields in which two versions differ, in the order of the
// form; nil where they say the same.
func Difference(before, after quiz.Question) []Change {
	was, is := form(before), form(after)
	var out []Change
	for i := range max(len(was), len(is)) {
		if a, b := at(was, i), at(is, i); a.text != b.text {
			out = append(out, Change{cmp.Or(a.name, b.name), a.text, b.text})
		}
	}
	return out
}

type entry struct{ name, text string }

func at(list []entry, i int) entry {
	if i < len(list) {
		return list[i]
	}
	return entry{}
}

// form spells a question out. What there may be more or less of comes last.
func form(q quiz.Question) []entry {
	var media []string
	for _, m := range q.Media {
		media = append(media, m.URL+" "+m.Alt)
	}
	difficulty := ""
	if q.Difficulty > 0 {
		difficulty = strconv.Itoa(q.Difficulty)
	}
	var pinned quiz.Choice
	for i, o := range q.Options {
		if o.Pinned {
			pinned = pinned.With(i)
		}
	}
	out := []entry{
		{"kind", string(q.Kind)},
		{"stem", q.Stem},
		{"key", letters(q.Key)},
		{"pinned", letters(pinned)},
		{"explanation", q.Explanation},
		{"basis", q.Basis},
		{"topic", q.Topic},
		{"audience", strings.Join(q.Audience, ", ")},
		{"difficulty", difficulty},
		{"valid_from", q.ValidFrom},
		{"valid_to", q.ValidTo},
		{"fact", q.Fact},
		{"media", strings.Join(media, "\n")},
	}
	for i, o := range q.Options {
		out = append(out, entry{"options." + strconv.Itoa(i), o.Text})
	}
	return out
}

func letters(c quiz.Choice) string {
	var out []byte
	for i := range quiz.MaxOptions {
		if c.Has(i) {
			out = append(out, byte('A'+i))
		}
	}
	return string(out)
}
