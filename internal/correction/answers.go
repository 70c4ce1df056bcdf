package correction

import (
	"context"
	"fmt"
	"strconv"

	"qingyuan/quiz"
)

// Banks finds the versions of question banks that attempts were marked by.
type Banks interface {
	// Bank returns the version of a digest.
	Bank(ctx context.Context, digest string) (*quiz.Bank, error)
}

// fewestWrong is how many questions must be answered wrongly before it says anything
// that somebody else did the same: one trap catches many.
const fewestWrong = 3

// answers marks attempts by their wrong answers, and remembers the banks.
type answers struct {
	banks Banks
	known map[string]*quiz.Bank
}

// mark sets the mark of an attempt that has enough wrong answers.
func (r *answers) mark(ctx context.Context, a *Act) error {
	if a.Number == 0 || a.bank == "" {
		return nil
	}
	b, err := r.bank(ctx, a.bank)
	if err != nil {
		return err
	}
	items, err := quiz.ParseItems(a.items)
	if err != nil {
		return fmt.Errorf("attempt %d: %w", a.Number, err)
	}
	choices, err := quiz.ParseChoices(a.choices)
	if err != nil {
		return fmt.Errorf("attempt %d: %w", a.Number, err)
	}
	a.questions = len(items)
	var wrong []string
	for i, item := range items {
		if i >= len(choices) || item.Question >= len(b.Questions) {
			return fmt.Errorf("attempt %d: answers and paper do not fit", a.Number)
		}
		if q := &b.Questions[item.Question]; choices[i] != 0 && choices[i] != q.Key {
			wrong = append(wrong, q.ID+"="+strconv.FormatUint(uint64(choices[i]), 36))
		}
	}
	if len(wrong) >= fewestWrong {
		a.Item.mark = wrongAnswers(wrong)
	}
	return nil
}

func (r *answers) bank(ctx context.Context, digest string) (*quiz.Bank, error) {
	if b, ok := r.known[digest]; ok {
		return b, nil
	}
	b, err := r.banks.Bank(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read bank %s: %w", digest, err)
	}
	if r.known == nil {
		r.known = map[string]*quiz.Bank{}
	}
	r.known[digest] = b
	return b, nil
}
