package quiz

import (
	"fmt"
	"strconv"
	"strings"

	"qingyuan/internal/fault"
)

// Answers are a participant's choices by question id: option ids. A question
// left out is unanswered.
type Answers map[string][]string

// Choices are answers in the bank's own terms, one for each item of the paper.
type Choices []Choice

// Read turns answers into choices. Unknown ids, an option named twice and two
// options for a question that takes one are faults of the request, all named.
func (p *Paper) Read(b *Bank, answers Answers) (Choices, error) {
	if _, err := p.countOptions(b); err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	out := make(Choices, len(p.Items))
	var faults []fault.Field
	var room idRoom
	known := 0
	for i, item := range p.Items {
		q := &b.Questions[item.Question]
		ids := p.ids(&room, i, 1+len(q.Options))
		chosen, ok := answers[string(ids[:idLength])]
		if !ok {
			continue
		}
		known++
		c, reason := q.read(chosen, ids[idLength:])
		if reason != "" {
			faults = append(faults, fault.Field{Name: "answers." + string(ids[:idLength]), Reason: reason})
		}
		out[i] = c
	}
	if known < len(answers) {
		faults = append(faults, fault.Field{Name: "answers", Reason: "含有不属于本次试卷的题目"})
	}
	if faults != nil {
		return nil, fault.ErrInvalid.WithFields(faults...)
	}
	return out, nil
}

// read finds the chosen options among the question's, whose ids stand one behind
// the other.
func (q *Question) read(chosen []string, ids []byte) (Choice, string) {
	var c Choice
	for _, id := range chosen {
		o := place(ids, id)
		if o < 0 {
			return 0, "含有不属于本题的选项"
		}
		if c.Has(o) {
			return 0, "同一选项出现了两次"
		}
		c = c.With(o)
	}
	if q.Kind != Multiple && len(chosen) > 1 {
		return 0, "本题只能选一项"
	}
	return c, ""
}

// place is which of the ids this is, -1 for none.
func place(ids []byte, id string) int {
	if len(id) != idLength {
		return -1
	}
	for at := 0; at < len(ids); at += idLength {
		if string(ids[at:at+idLength]) == id {
			return at / idLength
		}
	}
	return -1
}

// Write is the inverse of Read: choices as the ids this paper shows.
func (p *Paper) Write(b *Bank, choices Choices) (Answers, error) {
	if choices.Empty() { // of most papers that are shown
		return Answers{}, nil
	}
	sheet, err := p.Sheet(b)
	if err != nil {
		return nil, err
	}
	out := Answers{}
	for i := range sheet.Questions {
		if i >= len(choices) || choices[i] == 0 {
			continue
		}
		q := &sheet.Questions[i]
		for _, o := range q.Options {
			if choices[i].Has(o.original) {
				out[q.ID] = append(out[q.ID], o.ID)
			}
		}
	}
	return out, nil
}

// Mark is the result of marking one paper.
type Mark struct {
	Score, MaxScore    int
	Correct, Questions int // faultless answers, and how many there could be
}

// Grade marks choices against the keys of the bank. It depends on its arguments
// alone, so that a stored attempt can be marked again at any time.
func (p *Paper) Grade(b *Bank, how Marking, choices Choices) (Mark, error) {
	return p.GradeRuled(b, how, choices, nil)
}

// String encodes choices compactly: base 36, a dot after each. It is what the
// store compares to recognise a repeat.
func (c Choices) String() string { return string(c.AppendTo(nil)) }

// AppendTo appends what String writes.
func (c Choices) AppendTo(to []byte) []byte {
	for _, v := range c {
		to = strconv.AppendUint(to, uint64(v), 36)
		to = append(to, '.')
	}
	return to
}

// ParseChoices is the inverse of Choices.String.
func ParseChoices(s string) (Choices, error) {
	parts := strings.Split(s, ".")
	if parts[len(parts)-1] != "" {
		return nil, fmt.Errorf("choices %q do not end in a dot", s)
	}
	out := make(Choices, len(parts)-1)
	for i := range out {
		v, err := strconv.ParseUint(parts[i], 36, 16)
		if err != nil {
			return nil, fmt.Errorf("choice %d of %q: %w", i, s, err)
		}
		out[i] = Choice(v)
	}
	return out, nil
}

// Empty tells whether no question is answered.
func (c Choices) Empty() bool {
	for _, v := range c {
		if v != 0 {
			return false
		}
	}
	return true
}
