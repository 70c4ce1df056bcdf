package replay

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// countedOf returns what an accepted attempt is to the figures.
func countedOf(f *event.Fact, s *event.Submitted) event.Counted {
	return event.Counted{
		Number: s.Number, At: f.At.UnixMilli(), UsedMS: s.UsedMS, Score: s.Score, Passed: s.Passed, Full: s.Score == s.MaxScore,
	}
}

// accept adds an attempt to the record, and corrects what the fact says of the
// sum. One that the boards cannot hold is a fault and stands nowhere.
func (w *walk) accept(f *event.Fact, body *event.Submitted) {
	attempts := append(w.record.Attempts, countedOf(f, body)) //nolint:gocritic // Who holds the shorter list never sees what is appended.
	place, _, err := w.boards().Place(attempts)
	if err != nil {
		w.fault(f, "place", "one that the boards can hold", err)
		return
	}
	added, total := 0, 0
	if w.Layout.Sums() {
		total = w.Layout.Score(place)
		added = total - w.total
	}
	same(w, f, "sum", sumText(added, total), sumText(body.Added, body.Total))
	body.Added, body.Total, w.total = added, total, total
	w.turn(f)
	w.record.Attempts = attempts
}

func sumText(added, total int) string { return fmt.Sprintf("%d added to make %d", added, total) }

// turn notes that the places change. What the fold has not reached changes the
// scoped boards later.
func (w *walk) turn(f *event.Fact) {
	w.life.Turned = f.Position
	if w.atFold == nil && f.Compare(w.folded) > 0 {
		was := w.record
		w.atFold = &was
	}
}

// best returns the best attempt that counts, or nil: the highest score, then the
// least time, then the earliest.
func (w *walk) best() *event.Counted {
	var best *event.Counted
	for i := range w.record.Attempts {
		if a := &w.record.Attempts[i]; !a.Void && (best == nil || w.better(a, best)) {
			best = a
		}
	}
	return best
}

// usedStep is how finely used time is compared, in ms.
const usedStep = 100

// better tells whether an attempt stands above an earlier one: what stands as high
// does not replace it.
func (w *walk) better(a, b *event.Counted) bool {
	if w.Layout.Sums() {
		return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(b.UsedMS/usedStep, a.UsedMS/usedStep)) > 0
	}
	return w.pack(a) > w.pack(b)
}

// pack cannot fail: only what fits is in the record.
func (w *walk) pack(a *event.Counted) uint64 {
	v, _ := w.Layout.Pack(a.Score, time.Duration(a.UsedMS)*time.Millisecond, time.UnixMilli(a.At))
	return v
}

// places puts the participant on their boards: on the main one by everything, as
// the scripts do that accept it, and on the scoped ones as far as the fold has come.
func (w *walk) places() {
	now := w.placements(&w.record)
	w.life.Main = now[""]
	w.standing(now)
	if w.atFold != nil {
		now = w.placements(w.atFold)
	}
	delete(now, "")
	if len(now) == 0 {
		return
	}
	w.life.Places = make([]state.Place, 0, len(now))
	for scope, p := range now {
		w.life.Places = append(w.life.Places, state.Place{Scope: scope, Placement: p})
	}
	slices.SortFunc(w.life.Places, func(a, b state.Place) int { return cmp.Compare(a.Scope, b.Scope) })
}

// placements returns the places that a record makes, with those by what happened
// before the freeze as their base, whatever the time is.
func (r *Rules) placements(rec *leaderboard.Record) map[string]leaderboard.Placement {
	p, err := r.boards().Placements(rec, r.Campaign.Freeze.At)
	if err != nil { // an attempt that fits on no board is a fault already
		return map[string]leaderboard.Placement{}
	}
	return p
}

// standing works out the best attempt, and the places in the newest day and phase.
func (w *walk) standing(now map[string]leaderboard.Placement) {
	best := w.best()
	if best == nil {
		return
	}
	w.life.Best = &state.Best{Place: *w.life.Main.Now, Result: w.finished(best.Number).Result}
	for i := range w.record.Attempts {
		a := &w.record.Attempts[i]
		if a.Void {
			continue
		}
		at := time.UnixMilli(a.At)
		if day := w.Campaign.Day(at); w.life.OfDay == nil || day > w.life.OfDay.Window {
			w.life.OfDay = &state.WindowPlace{Window: day, Place: *now[leaderboard.DayScope(day)].Now}
		}
		if p, ok := w.Campaign.PhaseAt(at); ok {
			w.life.OfPhase = &state.WindowPlace{Window: p.ID, Place: *now[leaderboard.PhaseScope(p.ID)].Now}
		}
	}
}

// finished returns the finished attempt of a number, or nil.
func (w *walk) finished(number int) *quiz.Attempt {
	for i := range w.life.Finished {
		if w.life.Finished[i].Number == number {
			return &w.life.Finished[i]
		}
	}
	return nil
}

// correct adds what a fact changes in a record.
func correct(rec *leaderboard.Record, f *event.Fact) (turned bool) {
	switch body := f.Body.(type) {
	case event.Submitted:
		rec.Unit, rec.Group = f.Unit, f.Group
		rec.Attempts = append(rec.Attempts, countedOf(f, &body))
		return true
	case event.Corrected, event.Transferred, event.Remarked, event.Joined, event.Parted:
		after, err := leaderboard.After(*rec, f)
		if err == nil {
			*rec = after
		}
		return err == nil
	default:
		return false
	}
}
