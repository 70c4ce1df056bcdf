package replay

import (
	"slices"

	"qingyuan/internal/event"
)

// transferred lets the participant belong elsewhere, with everything that counts. What
// was asked for is granted once.
func (w *walk) transferred(f *event.Fact, body event.Transferred) {
	e := &w.life.Enrolment
	same(w, f, "transferred from unit", e.Unit, body.FromUnit)
	same(w, f, "transferred from group", e.Group, body.FromGroup)
	body.FromUnit, body.FromGroup = e.Unit, e.Group
	same(w, f, "number", 0, body.Number)
	same(w, f, "batch", "", body.Batch)
	if f.Unit == e.Unit && f.Group == e.Group {
		w.fault(f, "transferred to", "another place", f.Unit)
	}
	again := func(s event.Stay) bool { return s.Request == body.Request }
	if body.Request == "" || slices.ContainsFunc(w.record.Stays, again) {
		w.fault(f, "request", "one that was not granted before", body.Request)
	}
	w.sameRecord(f, &body.Corrected)
	f.Body = body
	if after, ok := w.after(f); ok {
		w.become(f, after)
	}
	e.Unit, e.Group = f.Unit, f.Group
	if w.life.Signature != nil {
		w.life.Signature.Unit = f.Unit
	}
}
