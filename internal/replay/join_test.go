package replay_test

import (
	"slices"
	"testing"
	"time"

	"qingyuan/internal/event"
)

// joined lets the person be counted as another participant from now on.
func (h *history) joined(into string) *event.Fact {
	body := event.Joined{Corrected: h.until, Into: into}
	body.Attempts, body.Stays = slices.Clone(body.Attempts), slices.Clone(body.Stays)
	return h.fact(event.KindJoined, body)
}

// parted lets them be counted as themselves again.
func (h *history) parted(from string) {
	h.fact(event.KindParted, event.Parted{From: from})
}

// TestAJoin: the enrolment stays, so that what was done can be told, and who they are
// counted as is kept. A name may go afterwards.
func TestAJoin(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	for n := 1; n <= 3; n++ {
		h.corrected(event.KindInvalidated, n, noon.Add(48*time.Hour))
	}
	h.joined("p9")
	h.fact(event.KindErased, event.Erased{Notice: "1"})
	l := h.end()
	for _, f := range l.Faults {
		if f.Field != "erasure" { // there is no record beside it here
			t.Errorf("a sound history has a fault: %s", f)
		}
	}
	if l.Joined != "p9" || l.Enrolment.Unit != "u1" || l.Best != nil || len(l.Places) > 0 {
		t.Errorf("joined with %q, in %s, best %+v, places %+v", l.Joined, l.Enrolment.Unit, l.Best, l.Places)
	}
}

// TestJoinsThatContradict plants what no join says.
func TestJoinsThatContradict(t *testing.T) {
	t.Parallel()
	sound := func() *history {
		h := threeAttempts(t)
		for n := 1; n <= 3; n++ {
			h.corrected(event.KindInvalidated, n, noon.Add(48*time.Hour))
		}
		return h
	}
	body := func(how func(*event.Joined)) func(*history) {
		return func(h *history) { change(h.joined("p9"), how) }
	}
	requireTold(t, sound, map[string]flaw{
		"nothing":          {body(func(*event.Joined) {}), ""},
		"with nobody":      {body(func(b *event.Joined) { b.Into = "" }), "joined with"},
		"with themselves":  {func(h *history) { h.joined(h.Participant) }, "joined with"},
		"a batch":          {body(func(b *event.Joined) { b.Batch = "b" }), "batch"},
		"a number":         {body(func(b *event.Joined) { b.Number = 1 }), "number"},
		"another score":    {body(func(b *event.Joined) { b.Attempts[0].Score-- }), "attempts"},
		"an act counts":    {func(h *history) { h.corrected(event.KindRestored, 2, h.at); h.joined("p9") }, "place"},
		"twice":            {func(h *history) { h.joined("p9"); h.joined("p8") }, "joined, place"},
		"an open attempt":  {func(h *history) { h.begin(4, h.at.Add(time.Hour)); h.joined("p9") }, "open attempt"},
		"hidden later":     {func(h *history) { h.joined("p9"); h.corrected(event.KindHidden, 0, h.at) }, ""},
		"parted":           {func(h *history) { h.joined("p9"); h.parted("p9"); h.begin(4, h.at.Add(time.Hour)) }, ""},
		"parted from whom": {func(h *history) { h.joined("p9"); h.parted("p8") }, "parted from"},
		"parted before":    {func(h *history) { h.parted("p9") }, "parted"},
		"parted twice":     {func(h *history) { h.joined("p9"); h.parted("p9"); h.parted("p9") }, "parted"},
		"given back": {func(h *history) {
			h.joined("p9")
			h.parted("p9")
			h.corrected(event.KindRestored, 2, h.at)
			h.joined("p9")
		}, "place"},
		"in another unit":  {func(h *history) { h.unit = "u2"; h.joined("p9") }, "unit"},
		"a start later":    {func(h *history) { h.joined("p9"); h.begin(4, h.at.Add(time.Hour)) }, "joined"},
		"restored later":   {func(h *history) { h.joined("p9"); h.corrected(event.KindRestored, 2, h.at) }, "joined"},
		"moved afterwards": {func(h *history) { h.joined("p9"); h.transferred("u3", "t1") }, "joined"},
	})
}
