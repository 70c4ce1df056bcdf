package bankbook

import (
	"cmp"
	"slices"
	"time"

	"qingyuan/quiz"
)

// History is every version of one question, oldest first.
type History []Version

// Latest returns the newest version.
func (h History) Latest() Version { return h[len(h)-1] }

// InForce returns the version that may be drawn: the newest signed one, unless it or
// one signed after it was withdrawn.
func (h History) InForce() (Version, bool) {
	for _, v := range slices.Backward(h) {
		switch v.State {
		case Reviewed:
			return v, true
		case Withdrawn:
			return Version{}, false
		case Draft, Submitted:
		}
	}
	return Version{}, false
}

// Drawable tells whether the question may be drawn on the local date day.
func (h History) Drawable(day string) bool {
	v, ok := h.InForce()
	return ok && v.Question.ValidOn(day)
}

// Compose makes a bank of what may be drawn on day or later, in the order of the ids.
// It fails with ErrEmpty where nothing may.
func Compose(id string, all []History, day string) (*quiz.Bank, error) {
	var questions []quiz.Question
	for _, h := range all {
		if v, ok := h.InForce(); ok && (v.Question.ValidTo == "" || day <= v.Question.ValidTo) {
			questions = append(questions, v.Question)
		}
	}
	if len(questions) == 0 {
		return nil, ErrEmpty
	}
	slices.SortFunc(questions, func(a, b quiz.Question) int { return cmp.Compare(a.ID, b.ID) })
	return quiz.NewBank(id, questions)
}

// noticeMonths is how long before its last day a question is listed.
const noticeMonths = 1

// Until returns the last local date whose questions are listed on day, a month
// ahead. A day that the month does not have becomes its last.
func Until(day string) (string, error) {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "", err
	}
	first := time.Date(d.Year(), d.Month()+noticeMonths, 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d.Day(), last)-1).Format(time.DateOnly), nil
}

// Expiring returns the questions in force whose last day is day or comes within a
// month, the earliest first. From the day after it nothing draws them.
func Expiring(all []History, day string) ([]Version, error) {
	until, err := Until(day)
	if err != nil {
		return nil, err
	}
	var out []Version
	for _, h := range all {
		v, ok := h.InForce()
		if to := v.Question.ValidTo; ok && to != "" && day <= to && to <= until {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Question.ValidTo, b.Question.ValidTo), cmp.Compare(a.Question.ID, b.Question.ID))
	})
	return out, nil
}

// Unsigned returns the ids of the questions of a bank whose content is not among the
// signed digests.
func Unsigned(b *quiz.Bank, signed map[string]bool) ([]string, error) {
	var out []string
	for _, q := range b.Questions {
		d, err := Digest(q)
		if err != nil {
			return nil, err
		}
		if !signed[d] {
			out = append(out, q.ID)
		}
	}
	return out, nil
}
