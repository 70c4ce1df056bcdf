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
	sheet, err := p.Sheet(b)
	if err != nil {
		return nil, err
	}
	out := make(Choices, len(p.Items))
	var faults []fault.Field
	known := 0
	for i := range sheet.Questions {
		q := &sheet.Questions[i]
		ids, ok := answers[q.ID]
		if !ok {
			continue
		}
		known++
		c, reason := q.read(ids)
		if reason != "" {
			faults = append(faults, fault.Field{Name: "answers." + q.ID, Reason: reason})
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

func (q *SheetQuestion) read(ids []string) (Choice, string) {
	var c Choice
	for _, id := range ids {
		o, ok := q.option(id)
		if !ok {
			return 0, "含有不属于本题的选项"
		}
		if c.Has(o.original) {
			return 0, "同一选项出现了两次"
		}
		c = c.With(o.original)
	}
	if q.Kind != Multiple && len(ids) > 1 {
		return 0, "本题只能选一项"
	}
	return c, ""
}

func (q *SheetQuestion) option(id string) (SheetOption, bool) {
	for _, o := range q.Options {
		if o.ID == id {
			return o, true
		}
	}
	return SheetOption{}, false
}

// Write is the inverse of Read: choices as the ids this paper shows.
func (p *Paper) Write(b *Bank, choices Choices) (Answers, error) {
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
	if len(choices) != len(p.Items) || b.Digest != p.Bank {
		return Mark{}, fmt.Errorf("grade: %d choices from bank %s for %d items drawn from %s",
			len(choices), b.Digest, len(p.Items), p.Bank)
	}
	m := Mark{Questions: len(p.Items)}
	for i, item := range p.Items {
		key := b.Questions[item.Question].Key
		m.MaxScore += item.Points
		switch {
		case choices[i] == key:
			m.Score += item.Points
			m.Correct++
		case how == Partial && choices[i] != 0 && choices[i]&^key == 0:
			m.Score += item.Points / 2
		}
	}
	return m, nil
}

// String encodes choices compactly: base 36, a dot after each. It is what the
// store compares to recognise a repeat.
func (c Choices) String() string {
	var b strings.Builder
	for _, v := range c {
		b.WriteString(strconv.FormatUint(uint64(v), 36))
		b.WriteByte('.')
	}
	return b.String()
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
