package replay

import (
	"fmt"
	"slices"
	"time"

	"qingyuan/internal/event"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// corrected lets an attempt count no more, or again, and hides or shows somebody.
func (w *walk) corrected(f *event.Fact, body event.Corrected) {
	w.sameRecord(f, &body)
	f.Body = body
	after, err := leaderboard.Corrected(w.record, f.Kind, body.Number)
	if err != nil {
		w.fault(f, "number", "that of an accepted attempt", body.Number)
		return
	}
	w.changes(f, body.Number)
	w.turn(f)
	w.record = after
	w.life.Hidden = after.Hidden
	w.firstAct()
	if place, _, err := w.boards().Place(after.Attempts); err == nil && w.Layout.Sums() {
		w.total = w.Layout.Score(place)
	}
}

// sameRecord compares what the fact says was until then with the history, and
// corrects it.
func (w *walk) sameRecord(f *event.Fact, body *event.Corrected) {
	var signed int64
	if !w.record.SignedAt.IsZero() {
		signed = w.record.SignedAt.UnixMilli()
	}
	same(w, f, "signed at", signed, body.SignedAt)
	same(w, f, "hidden", w.record.Hidden, body.Hidden)
	if !slices.Equal(w.record.Attempts, body.Attempts) {
		w.fault(f, "attempts", attemptsText(w.record.Attempts), attemptsText(body.Attempts))
	}
	body.SignedAt, body.Hidden, body.Attempts = signed, w.record.Hidden, w.record.Attempts
}

// attemptsText says of each attempt its number, when it was accepted, the time used,
// the score, and what else figures are made of.
func attemptsText(all []event.Counted) string {
	out := make([]string, len(all))
	for i := range all {
		a := &all[i]
		out[i] = fmt.Sprintf("%d at %d in %d for %d, passed %t, full %t, void %t", a.Number, a.At, a.UsedMS, a.Score, a.Passed, a.Full, a.Void)
	}
	return fmt.Sprintf("%q", out)
}

// changes sets the state of the corrected attempt. A correction that changes
// nothing is none.
func (w *walk) changes(f *event.Fact, number int) {
	to, attempts := stateAfter(f.Kind)
	if !attempts {
		same(w, f, "number", 0, number)
		same(w, f, "hidden before", f.Kind == event.KindShown, w.record.Hidden)
		return
	}
	a := w.finished(number)
	if a.State == to {
		w.fault(f, "state before", "another", a.State)
	}
	a.State = to
}

// stateAfter returns the state that a correction brings an attempt to, and false
// for one of a participant.
func stateAfter(k event.Kind) (quiz.State, bool) {
	switch k {
	case event.KindInvalidated:
		return quiz.StateInvalidated, true
	case event.KindWithdrawn:
		return quiz.StateWithdrawn, true
	case event.KindRestored:
		return quiz.StateSubmitted, true
	default:
		return "", false
	}
}

// firstAct is the first of what counts.
func (w *walk) firstAct() {
	first := w.record.SignedAt
	for i := range w.record.Attempts {
		a := &w.record.Attempts[i]
		if at := time.UnixMilli(a.At); !a.Void && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	w.life.FirstAct = first
}
