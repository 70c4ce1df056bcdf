package replay_test

import (
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/replay"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// sums lets points be added up.
func (h *history) sums(p campaign.Policy) {
	h.rules.Campaign.Policy = p
	h.rules.Layout = leaderboard.SumLayout(opens)
}

func sum(added, total int) func(*event.Submitted) {
	return func(s *event.Submitted) { s.Added, s.Total = added, total }
}

// threeAttempts are of 75, 100 and 50 points, the last one a day later.
func threeAttempts(t *testing.T) *history {
	t.Helper()
	h := newHistory(t)
	h.begin(1, noon)
	h.hand(3, time.Minute).First = true
	h.begin(2, noon.Add(time.Hour))
	change(h.hand(4, time.Minute), previous(75, true))
	h.begin(3, noon.Add(24*time.Hour))
	change(h.hand(2, time.Minute), previous(100, true))
	return h
}

// scoreOn is the score with which somebody stands on a board, and -1 where they do
// not.
func scoreOn(h *history, l *replay.Life, scope string) int {
	if scope == "" {
		return scoreAt(h, l.Main.Now)
	}
	for _, p := range l.Places {
		if p.Scope == scope {
			return scoreAt(h, p.Now)
		}
	}
	return -1
}

func scoreAt(h *history, place *uint64) int {
	if place == nil {
		return -1
	}
	return h.rules.Layout.Score(*place)
}

// TestTheNextBestComesBack takes attempts out and lets them count again, and looks
// at every board and at what is kept of the participant.
func TestTheNextBestComesBack(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	later := noon.Add(48 * time.Hour)
	first := func(n int) time.Time {
		return noon.Add([]time.Duration{0, time.Hour, 24 * time.Hour}[n-1] + time.Minute)
	}
	for _, step := range []struct {
		what        string
		kind        event.Kind
		number      int
		main, today int // scores on the main board and on that of the first day
		first       time.Time
		states      string
	}{
		{"the best is invalidated", event.KindInvalidated, 2, 75, 75, first(1), "submitted invalidated submitted"},
		{"and the next withdrawn", event.KindWithdrawn, 1, 50, -1, first(3), "withdrawn invalidated submitted"},
		{"nothing is left", event.KindInvalidated, 3, -1, -1, time.Time{}, "withdrawn invalidated invalidated"},
		{"withdrawn becomes invalidated", event.KindInvalidated, 1, -1, -1, time.Time{}, "invalidated invalidated invalidated"},
		{"the best counts again", event.KindRestored, 2, 100, 100, first(2), "invalidated submitted invalidated"},
		{"and the first", event.KindRestored, 1, 100, 100, first(1), "submitted submitted invalidated"},
	} {
		h.corrected(step.kind, step.number, later)
		l := h.faultless()
		var states []string
		for i := range l.Finished {
			states = append(states, string(l.Finished[i].State))
		}
		if got := strings.Join(states, " "); got != step.states || !l.FirstAct.Equal(step.first) {
			t.Errorf("%s: states %s, first act at %s; want %s, %s", step.what, got, l.FirstAct, step.states, step.first)
		}
		for scope, want := range map[string]int{"": step.main, "u:u1": step.main, "r:city": step.main, "d:2026-06-10": step.today} {
			if got := scoreOn(h, &l, scope); got != want {
				t.Errorf("%s: board %q has %d, want %d", step.what, scope, got, want)
			}
		}
		if (l.Best == nil) != (step.main < 0) || l.Best != nil && (l.Best.Result.Score != step.main || l.Best.Place != *l.Main.Now) {
			t.Errorf("%s: best %+v", step.what, l.Best)
		}
		if step.today < 0 && l.OfDay != nil && l.OfDay.Window == "2026-06-10" {
			t.Errorf("%s: the best of the day is %+v", step.what, l.OfDay)
		}
	}
}

// TestActsAfterACorrection: what the next facts say of the time before follows.
func TestActsAfterACorrection(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	for n := 1; n <= 3; n++ {
		h.corrected(event.KindInvalidated, n, noon.Add(48*time.Hour))
	}
	h.unit = "u2"
	h.fact(event.KindMoved, event.Moved{FromUnit: "u1", FromGroup: "public"})
	h.until.Hidden = false
	h.corrected(event.KindHidden, 0, h.at)
	h.begin(4, noon.Add(50*time.Hour))
	h.hand(1, time.Minute).First = true
	l := h.faultless()
	if !l.Hidden || !l.Main.Hidden || scoreOn(h, &l, "") != 25 || scoreOn(h, &l, "u:u2") != 25 || scoreOn(h, &l, "u:u1") != -1 {
		t.Errorf("hidden %t, main board %+v, places %+v", l.Hidden, l.Main, l.Places)
	}
	for _, p := range l.Places {
		if !p.Hidden {
			t.Errorf("%s shows somebody who is hidden", p.Scope)
		}
	}
	h.corrected(event.KindShown, 0, h.at)
	if l = h.faultless(); l.Hidden || l.Main.Hidden {
		t.Errorf("shown again: %+v", l.Main)
	}
	if l.Finished[1].State != quiz.StateInvalidated {
		t.Errorf("attempt 2 is %s", l.Finished[1].State)
	}
}

// TestSums adds up attempts, or the best of each day, in every window.
func TestSums(t *testing.T) {
	t.Parallel()
	for policy, tc := range map[campaign.Policy]struct {
		added, total       []int
		scores, invalidate map[string]int
	}{
		campaign.PolicySum: {
			[]int{75, 100, 50},
			[]int{75, 175, 225},
			map[string]int{"": 225, "u:u1": 225, "d:2026-06-10": 175, "d:2026-06-11": 50},
			map[string]int{"": 125, "u:u1": 125, "d:2026-06-10": 75, "d:2026-06-11": 50},
		},
		campaign.PolicySumDays: {
			[]int{75, 25, 50},
			[]int{75, 100, 150},
			map[string]int{"": 150, "u:u1": 150, "d:2026-06-10": 100, "d:2026-06-11": 50},
			map[string]int{"": 125, "u:u1": 125, "d:2026-06-10": 75, "d:2026-06-11": 50},
		},
	} {
		h := threeAttempts(t)
		h.sums(policy)
		for i, n := range []int{2, 4, 6} {
			change(&h.Facts[n], sum(tc.added[i], tc.total[i]))
		}
		l := h.faultless()
		for scope, want := range tc.scores {
			if got := scoreOn(h, &l, scope); got != want {
				t.Errorf("%s: board %q has %d, want %d", policy, scope, got, want)
			}
		}
		if l.Best.Result.Score != 100 || l.Best.Place != *l.Main.Now {
			t.Errorf("%s: best %+v", policy, l.Best)
		}
		h.corrected(event.KindInvalidated, 2, noon.Add(48*time.Hour))
		l = h.faultless()
		for scope, want := range tc.invalidate {
			if got := scoreOn(h, &l, scope); got != want {
				t.Errorf("%s without the second: board %q has %d, want %d", policy, scope, got, want)
			}
		}
		h.begin(4, noon.Add(50*time.Hour))
		change(change(h.hand(1, time.Minute), previous(75, true)), sum(25, 150))
		h.faultless()
		change(&h.Facts[len(h.Facts)-1], sum(25, 151))
		if l := h.end(); len(l.Faults) != 1 || l.Faults[0].Field != "sum" || l.Faults[0].Want != "25 added to make 150" {
			t.Errorf("%s: faults of another sum: %v", policy, l.Faults)
		}
	}
}

// TestTheFreezeSplitsPlaces: what happened before is the base, whatever is corrected
// afterwards.
func TestTheFreezeSplitsPlaces(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	h.rules.Campaign.Freeze = campaign.Freeze{At: noon.Add(30 * time.Minute)}
	h.rules.Campaign.Phases = []campaign.Phase{{ID: "second", From: noon.Add(20 * time.Hour), To: noon.Add(40 * time.Hour)}}
	wants := func(what, scope string, base, now int) {
		t.Helper()
		l := h.faultless()
		if got := scoreOn(h, &l, scope); got != now {
			t.Errorf("%s: board %q has %d now, want %d", what, scope, got, now)
		}
		p := l.Main
		for _, place := range l.Places {
			if place.Scope == scope {
				p = place.Placement
			}
		}
		if got := scoreAt(h, p.Base); got != base {
			t.Errorf("%s: board %q had %d, want %d", what, scope, got, base)
		}
	}
	wants("frozen", "", 75, 100)
	wants("frozen", "u:u1", 75, 100)
	wants("frozen", "d:2026-06-10", 75, 100)
	wants("frozen", "d:2026-06-11", -1, 50)
	wants("frozen", "p:second", -1, 50)
	h.corrected(event.KindInvalidated, 1, noon.Add(30*time.Hour))
	wants("without the first", "", -1, 100)
	h.corrected(event.KindInvalidated, 2, noon.Add(30*time.Hour))
	wants("without the second", "", -1, 50)
	h.corrected(event.KindRestored, 1, noon.Add(30*time.Hour))
	wants("with the first again", "u:u1", 75, 75)
	if l := h.faultless(); l.OfPhase == nil || l.OfPhase.Window != "second" || l.OfPhase.Place >= l.Best.Place || l.OfDay.Place != l.OfPhase.Place {
		t.Errorf("place of the phase %+v, of the day %+v", l.OfPhase, l.OfDay)
	}
}

// TestACorrectionComesWithTheFold: until the fold has come there, the scoped boards
// are as they were.
func TestACorrectionComesWithTheFold(t *testing.T) {
	t.Parallel()
	h := threeAttempts(t)
	before := h.Facts[len(h.Facts)-1].Position
	h.corrected(event.KindInvalidated, 2, noon.Add(30*time.Hour))
	h.corrected(event.KindHidden, 0, noon.Add(30*time.Hour))
	l := h.rules.Replay(h.History, before)
	if scoreOn(h, &l, "") != 75 || !l.Main.Hidden || scoreOn(h, &l, "u:u1") != 100 || l.Places[0].Hidden {
		t.Errorf("main board %+v, places %+v", l.Main, l.Places)
	}
}

// TestContradictionsOfCorrections plants what a correction may say wrongly.
func TestContradictionsOfCorrections(t *testing.T) {
	t.Parallel()
	sound := func() *history {
		h := threeAttempts(t)
		h.corrected(event.KindInvalidated, 2, noon.Add(30*time.Hour))
		return h
	}
	body := func(how func(*event.Corrected)) func(*history) {
		return func(h *history) { change(&h.Facts[len(h.Facts)-1], how) }
	}
	requireTold(t, sound, map[string]flaw{
		"nothing":           {func(*history) {}, ""},
		"another time":      {body(func(c *event.Corrected) { c.Attempts[0].At++ }), "attempts"},
		"another score":     {body(func(c *event.Corrected) { c.Attempts[1].Score-- }), "attempts"},
		"less time used":    {body(func(c *event.Corrected) { c.Attempts[1].UsedMS-- }), "attempts"},
		"not passed":        {body(func(c *event.Corrected) { c.Attempts[0].Passed = false }), "attempts"},
		"full":              {body(func(c *event.Corrected) { c.Attempts[0].Full = true }), "attempts"},
		"void before":       {body(func(c *event.Corrected) { c.Attempts[0].Void = true }), "attempts"},
		"one fewer":         {body(func(c *event.Corrected) { c.Attempts = c.Attempts[:2] }), "attempts"},
		"signed":            {body(func(c *event.Corrected) { c.SignedAt = 1 }), "signed at"},
		"hidden before":     {body(func(c *event.Corrected) { c.Hidden = true }), "hidden"},
		"another number":    {body(func(c *event.Corrected) { c.Number = 9 }), "number"},
		"invalidated twice": {func(h *history) { h.corrected(event.KindInvalidated, 2, h.at) }, "state before"},
		"restored for fun":  {func(h *history) { h.corrected(event.KindRestored, 1, h.at) }, "state before"},
		"shown for fun":     {func(h *history) { h.corrected(event.KindShown, 0, h.at) }, "hidden before"},
		"hidden twice": {func(h *history) {
			h.corrected(event.KindHidden, 0, h.at)
			h.corrected(event.KindHidden, 0, h.at)
		}, "hidden before"},
		"hidden, of an attempt": {func(h *history) {
			h.corrected(event.KindHidden, 0, h.at)
			body(func(c *event.Corrected) { c.Number = 1 })(h)
		}, "number"},
		"another unit": {func(h *history) { h.Facts[len(h.Facts)-1].Unit = "u2" }, "unit"},
		"an act of somebody hidden": {func(h *history) {
			h.corrected(event.KindHidden, 0, h.at)
			h.begin(4, h.at.Add(time.Hour))
			change(change(h.hand(0, time.Minute), previous(75, true)), func(s *event.Submitted) { s.Hidden = false })
		}, "hidden"},
		"a best that is void": {func(h *history) {
			h.begin(4, h.at.Add(time.Hour))
			change(h.hand(0, time.Minute), previous(100, true))
		}, "previous best"},
	})
}
