package replay

import "qingyuan/internal/event"

// leavesJoined tells whether a fact may follow a join: whatever lets nothing count.
func leavesJoined(f *event.Fact) bool {
	switch f.Body.(type) {
	case event.Erased, event.Remarked, event.Parted:
		return true
	case event.Corrected:
		return f.Kind != event.KindRestored && f.Kind != event.KindSignatureRestored
	default:
		return false
	}
}

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
	w.life.Joined, w.life.Returns = body.Into, body.Returns
}

// parted lets the participant be counted as themselves again, whom a join has taken out.
func (w *walk) parted(f *event.Fact, body event.Parted) {
	if w.life.Joined == "" {
		w.fault(f, "parted", "a join before it", "none")
		return
	}
	same(w, f, "parted from", w.life.Joined, body.From)
	if after, ok := w.after(f); ok {
		w.become(f, after)
	}
	w.life.Joined, w.life.Returns = "", false
}
