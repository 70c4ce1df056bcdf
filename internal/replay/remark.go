package replay

import (
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// remarked gives an attempt other marks. What it had is worked out and not believed.
func (w *walk) remarked(f *event.Fact, body event.Remarked) {
	w.sameRecord(f, &body.Corrected)
	a := w.finished(body.Number)
	if a == nil || !a.State.Accepted() {
		w.fault(f, "number", "that of an accepted act", body.Number)
		return
	}
	before := marksOf(a)
	same(w, f, "marks before", marksText(before), marksText(body.Before))
	w.possible(f, a, body.After)
	w.follows(f, a, &body)
	if body.Batch == "" {
		w.fault(f, "batch", "one", "none")
	}
	if body.After == before {
		w.fault(f, "marks", "others than before", marksText(before))
	}
	body.Before = before
	f.Body = body
	after, ok := w.after(f)
	if !ok {
		return
	}
	r := &a.Result
	r.Score, r.MaxScore, r.Correct, r.Passed = body.After.Score, body.After.MaxScore, body.After.Correct, body.After.Passed
	w.become(f, after)
}

// follows looks whether the marks afterwards are those that the rulings in the fact give,
// by the answers that lie in the ledger: nobody is given others.
func (w *walk) follows(f *event.Fact, a *quiz.Attempt, body *event.Remarked) {
	if w.Quiz == nil || w.Bank == nil {
		return
	}
	b, err := w.Bank(a.Paper.Bank)
	if err != nil {
		w.fault(f, "bank", "a version that can be read", a.Paper.Bank)
		return
	}
	m, err := a.Paper.GradeRuled(b, w.Quiz.Marking, a.Result.Choices, quiz.RulingsOf(body.Rulings))
	if err != nil {
		w.fault(f, "rulings", "on a paper that can be marked", err)
		return
	}
	want := event.Marks{Score: m.Score, MaxScore: m.MaxScore, Correct: m.Correct, Passed: m.Score >= w.Quiz.PassScore}
	same(w, f, "marks by the rulings", marksText(want), marksText(body.After))
}

// possible looks whether an attempt can have such marks.
func (w *walk) possible(f *event.Fact, a *quiz.Attempt, m event.Marks) {
	if m.Score < 0 || m.Score > m.MaxScore || m.Correct < 0 || m.Correct > len(a.Paper.Items) {
		w.fault(f, "marks", "those of the attempt's paper", marksText(m))
	}
}

// after is what a fact makes of the record. What no board can hold is a fault and
// changes nothing.
func (w *walk) after(f *event.Fact) (leaderboard.Record, bool) {
	after, err := leaderboard.After(w.record, f)
	if err == nil {
		_, _, err = w.boards().Place(after.Attempts)
	}
	if err != nil {
		w.fault(f, "place", "one that the boards can hold", err)
	}
	return after, err == nil
}

func marksOf(a *quiz.Attempt) event.Marks {
	r := &a.Result
	return event.Marks{Score: r.Score, MaxScore: r.MaxScore, Correct: r.Correct, Passed: r.Passed}
}

func marksText(m event.Marks) string {
	return fmt.Sprintf("%d of %d, %d right, passed %t", m.Score, m.MaxScore, m.Correct, m.Passed)
}
