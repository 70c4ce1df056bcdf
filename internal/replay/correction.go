package replay

import (
	"fmt"
	"slices"
	"time"

	"qingyuan/internal/event"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// corrected lets an act count no more, or again, and hides or shows somebody.
func (w *walk) corrected(f *event.Fact, body event.Corrected) {
	w.sameRecord(f, &body)
	f.Body = body
	after, err := leaderboard.After(w.record, f)
	if err != nil {
		w.fault(f, "number", "that of an accepted act", body.Number)
		return
	}
	w.changes(f, &body)
	w.become(f, after)
}

// become lets a record be the participant's from a fact on.
func (w *walk) become(f *event.Fact, after leaderboard.Record) {
	w.turn(f)
	w.record = after
	w.life.Hidden, w.life.Stays = after.Hidden, after.Stays
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
	same(w, f, "signature void", w.record.SignedVoid, body.SignedVoid)
	same(w, f, "hidden", w.record.Hidden, body.Hidden)
	if !slices.Equal(w.record.Attempts, body.Attempts) {
		w.fault(f, "attempts", attemptsText(w.record.Attempts), attemptsText(body.Attempts))
	}
	if !slices.Equal(w.record.Stays, body.Stays) {
		w.fault(f, "transfers", w.record.Stays, body.Stays)
	}
	body.SignedAt, body.SignedVoid, body.Hidden, body.Attempts = signed, w.record.SignedVoid, w.record.Hidden, w.record.Attempts
	body.Stays = w.record.Stays
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

// changes sets the state of the corrected act. A correction that changes nothing is
// none.
func (w *walk) changes(f *event.Fact, body *event.Corrected) {
	if to, ok := signatureAfter(f.Kind); ok {
		w.leadSignature(f, to, body)
		return
	}
	to, attempts := stateAfter(f.Kind)
	if !attempts {
		same(w, f, "number", 0, body.Number)
		same(w, f, "batch", "", body.Batch)
		same(w, f, "hidden before", f.Kind == event.KindShown, w.record.Hidden)
		return
	}
	a := w.finished(body.Number)
	if a.State == to {
		w.fault(f, "state before", "another", a.State)
	}
	if to == quiz.StateSubmitted {
		w.givesBack(f, a.Batch, body)
	}
	a.State, a.Batch = to, ""
	if to == quiz.StateInvalidated {
		a.Batch = body.Batch
	}
}

// leadSignature sets the state of the signature.
func (w *walk) leadSignature(f *event.Fact, to pledge.State, body *event.Corrected) {
	s := w.life.Signature
	same(w, f, "number", 0, body.Number)
	if s.State == to {
		w.fault(f, "state before", "another", s.State)
	}
	if to == pledge.Valid {
		w.givesBack(f, s.Batch, body)
	}
	s.State, s.Batch = to, ""
	if to == pledge.Invalidated {
		s.Batch = body.Batch
	}
}

// givesBack compares who gives an act back with who took it out: a batch gives back
// nothing but its own.
func (w *walk) givesBack(f *event.Fact, took string, body *event.Corrected) {
	if body.Batch != "" {
		same(w, f, "batch", took, body.Batch)
	}
}

// signatureAfter returns the state that a correction brings a signature to, and
// false for one of something else.
func signatureAfter(k event.Kind) (pledge.State, bool) {
	switch k {
	case event.KindSignatureInvalidated:
		return pledge.Invalidated, true
	case event.KindSignatureWithdrawn:
		return pledge.Withdrawn, true
	case event.KindSignatureRestored:
		return pledge.Valid, true
	default:
		return "", false
	}
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
	first := w.record.Signed()
	for i := range w.record.Attempts {
		a := &w.record.Attempts[i]
		if at := time.UnixMilli(a.At); !a.Void && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	w.life.FirstAct = first
}
