package replay_test

import (
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// transferred lets the person belong to another unit from now on.
func (h *history) transferred(unit, request string) *event.Fact {
	body := event.Transferred{Corrected: h.until, FromUnit: h.unit, FromGroup: "public", Request: request}
	body.Attempts, body.Stays = slices.Clone(body.Attempts), slices.Clone(body.Stays)
	h.until.Stays = append(h.until.Stays, event.Stay{Unit: h.unit, Group: "public", Until: h.at.UnixMilli(), Request: request})
	h.unit = unit
	return h.fact(event.KindTransferred, body)
}

// TestATransfer: everything that counts goes along, an open attempt too, and what was
// the first act stays it.
func TestATransfer(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	h.sign("李四")
	h.begin(4, h.at.Add(time.Hour))
	h.transferred("u3", "t1")
	change(h.hand(1, time.Minute), previous(100, true))
	h.transferred("u1", "t2")
	h.transferred("u3", "t3")
	l := h.faultless()
	if l.Enrolment.Unit != "u3" || l.Signature.Unit != "u3" || len(l.Stays) != 3 || l.Stays[2].Request != "t3" || l.Open != nil {
		t.Errorf("in %s, signed in %s, stays %+v", l.Enrolment.Unit, l.Signature.Unit, l.Stays)
	}
	if !l.FirstAct.Equal(noon.Add(time.Minute)) {
		t.Errorf("the first act is at %s", l.FirstAct)
	}
	for scope, want := range map[string]int{"": 100, "u:u1": -1, "u:u3": 100, "r:d1": -1, "r:d2": 100, "r:city": 100} {
		if got := scoreOn(h, &l, scope); got != want {
			t.Errorf("board %q has %d, want %d", scope, got, want)
		}
	}
}

// TestATransferInAFreeze: the public goes on to see the person where they were.
func TestATransferInAFreeze(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	h.rules.Campaign.Freeze = campaign.Freeze{At: h.at.Add(time.Minute)}
	h.at = h.at.Add(time.Hour)
	h.transferred("u3", "t1")
	l := h.faultless()
	places := map[string]leaderboard.Placement{}
	for _, p := range l.Places {
		places[p.Scope] = p.Placement
	}
	for scope, want := range map[string][2]int{"u:u1": {100, -1}, "r:d1": {100, -1}, "u:u3": {-1, 100}, "r:city": {100, 100}} {
		p := places[scope]
		if base, now := scoreAt(h, p.Base), scoreAt(h, p.Now); base != want[0] || now != want[1] {
			t.Errorf("on %s the public sees %d, and it is %d; want %v", scope, base, now, want)
		}
	}
}

// TestTransfersThatContradict plants what no transfer says.
func TestTransfersThatContradict(t *testing.T) {
	t.Parallel()
	body := func(how func(*event.Transferred)) func(*history) {
		return func(h *history) { change(h.transferred("u3", "t1"), how) }
	}
	requireTold(t, func() *history { return threeAttempts(t) }, map[string]flaw{
		"nothing":            {body(func(*event.Transferred) {}), ""},
		"from another unit":  {body(func(b *event.Transferred) { b.FromUnit = "u2" }), "transferred from unit"},
		"from another group": {body(func(b *event.Transferred) { b.FromGroup = "pupils" }), "transferred from group"},
		"no request":         {body(func(b *event.Transferred) { b.Request = "" }), "request"},
		"a batch":            {body(func(b *event.Transferred) { b.Batch = "b" }), "batch"},
		"a number":           {body(func(b *event.Transferred) { b.Number = 1 }), "number"},
		"another score":      {body(func(b *event.Transferred) { b.Attempts[0].Score-- }), "attempts"},
		"signed":             {body(func(b *event.Transferred) { b.SignedAt = 1 }), "signed at"},
		"one before it":      {body(func(b *event.Transferred) { b.Stays = []event.Stay{{Unit: "u2"}} }), "transfers"},
		"to where they are":  {func(h *history) { h.transferred("u1", "t1") }, "transferred to"},
		"granted twice":      {func(h *history) { h.transferred("u3", "t1"); h.transferred("u1", "t1") }, "request"},
		"an act in the old unit": {func(h *history) {
			h.transferred("u3", "t1")
			h.unit = "u1"
			h.begin(4, h.at.Add(time.Hour))
		}, "unit"},
	})
}
