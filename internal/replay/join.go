package replay

import "qingyuan/internal/event"

// joined lets the participant be counted as another one: nothing of theirs may count, and
// no attempt be open, so that nothing is lost and nothing comes afterwards.
func (w *walk) joined(f *event.Fact, body event.Joined) {
	same(w, f, "number", 0, body.Number)
	same(w, f, "batch", "", body.Batch)
	if body.Into == "" || body.Into == f.Participant {
		w.fault(f, "joined with", "another participant", body.Into)
	}
	if w.life.Open != nil {
		w.fault(f, "open attempt", "none", w.life.Open.Number)
	}
	w.sameRecord(f, &body.Corrected)
	f.Body = body
	after, ok := w.after(f)
	if !ok {
		return
	}
	w.become(f, after)
	w.life.Joined = body.Into
}
