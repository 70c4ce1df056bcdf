package sessiontest

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingyuan/internal/session"
)

const (
	idle    = 30 * 24 * time.Hour
	longest = 90 * 24 * time.Hour
	grace   = time.Minute
)

var family = session.ID{Participant: "p", Family: "f"}

func name(what string, i int) string { return fmt.Sprintf("%s%d", what, i) }

// turn is a refresh with a generation, some time after start.
func turn(generation uint64, after time.Duration) session.Turn {
	return session.Turn{
		ID: family, Generation: generation, Now: start.Add(after),
		Grace: grace, Idle: idle, Longest: longest,
	}
}

func advanced(generation uint64) session.Turned {
	return session.Turned{Outcome: session.Advanced, Generation: generation}
}

func begin(t testing.TB, s session.Store, want uint64) {
	t.Helper()
	if got, err := s.Begin(t.Context(), family, start, start.Add(idle)); err != nil || got != want {
		t.Fatalf("begin = %d, %v; want %d", got, err, want)
	}
}

func refresh(t testing.TB, s session.Store, tn session.Turn, want session.Turned) {
	t.Helper()
	if got, err := s.Refresh(t.Context(), tn); err != nil || got != want {
		t.Errorf("refresh of generation %d at %v = %+v, %v; want %+v",
			tn.Generation, tn.Now.Sub(start), got, err, want)
	}
}

func sessionsBegin(t *testing.T, s session.Store) {
	t.Helper()
	begin(t, s, 1)
	begin(t, s, 1) // a repeat
	refresh(t, s, turn(1, 0), advanced(2))
	begin(t, s, 2) // a late repeat does not set it back
	race(func(int) { begin(t, s, 2) })
}

func sessionsRefresh(t *testing.T, s session.Store) {
	t.Helper()
	type step struct {
		generation uint64
		after      time.Duration
		want       session.Turned
	}
	gone, reused := session.Turned{}, session.Turned{Outcome: session.Reused}
	expired := session.Turned{Outcome: session.Expired}
	cases := map[string][]step{
		"in a row":                       {{1, 0, advanced(2)}, {2, time.Hour, advanced(3)}, {3, 2 * time.Hour, advanced(4)}},
		"a lost reply":                   {{1, 0, advanced(2)}, {1, grace, advanced(2)}, {2, grace, advanced(3)}},
		"a lost reply, many times":       {{1, 0, advanced(2)}, {1, 1, advanced(2)}, {1, 2, advanced(2)}, {2, 3, advanced(3)}},
		"grace counts from the turn":     {{1, time.Hour, advanced(2)}, {1, time.Hour + grace, advanced(2)}, {1, time.Hour + grace + time.Millisecond, reused}},
		"a repeat does not prolong it":   {{1, 0, advanced(2)}, {1, grace, advanced(2)}, {1, grace + time.Millisecond, reused}},
		"the one before, too late":       {{1, 0, advanced(2)}, {1, grace + time.Millisecond, reused}, {2, 2 * grace, reused}},
		"an older one, at once":          {{1, 0, advanced(2)}, {2, 0, advanced(3)}, {1, 0, reused}, {3, 0, reused}, {2, 0, reused}},
		"one that does not exist yet":    {{2, 0, reused}, {1, 0, reused}},
		"generation 0":                   {{0, 0, advanced(1)}, {1, 0, advanced(2)}, {0, 0, reused}},
		"another instance's clock lags":  {{1, time.Second, advanced(2)}, {1, 0, advanced(2)}, {2, 0, advanced(3)}},
		"just before it is idle":         {{1, idle - time.Millisecond, advanced(2)}},
		"idle":                           {{1, idle, expired}, {1, 0, advanced(2)}},
		"a turn keeps it from idling":    {{1, idle - time.Hour, advanced(2)}, {2, 2*idle - 2*time.Hour, advanced(3)}, {3, 3*idle - 3*time.Hour, advanced(4)}},
		"but not for longer than in all": {{1, idle - 1e9, advanced(2)}, {2, 2*idle - 2e9, advanced(3)}, {3, longest - 3e9, advanced(4)}, {4, longest, expired}},
	}
	// Generation 0 is the one before the first; no token of it is ever made.
	cases["generation 0"][0].want = advanced(1)
	for _, what := range slices.Sorted(maps.Keys(cases)) {
		id := session.ID{Participant: "p", Family: "f " + what}
		if n, err := s.Begin(t.Context(), id, start, start.Add(idle)); err != nil || n != 1 {
			t.Fatalf("begin = %d, %v", n, err)
		}
		t.Log(what)
		for _, st := range cases[what] {
			tn := turn(st.generation, st.after)
			tn.ID = id
			refresh(t, s, tn, st.want)
		}
	}
	refresh(t, s, turn(1, 0), gone) // begun by nobody
	strange := turn(1, 0)
	strange.ID.Participant = "somebody else"
	refresh(t, s, strange, gone)
}

func refreshesRace(t *testing.T, s session.Store) {
	t.Helper()
	begin(t, s, 1)
	for generation := range uint64(5) {
		race(func(int) { refresh(t, s, turn(generation+1, 0), advanced(generation+2)) })
	}
	// A copy and the newest race: whoever comes second finds it ended.
	race(func(i int) {
		generation := []uint64{1, 6}[i%2]
		if got, err := s.Refresh(t.Context(), turn(generation, 0)); err != nil || got.Outcome == session.Unknown {
			t.Errorf("refresh = %+v, %v", got, err)
		}
	})
	refresh(t, s, turn(6, 0), session.Turned{Outcome: session.Reused})
}

// model is a session as it should behave, in as few lines as can be.
type model struct {
	newest         uint64
	turned, ends   time.Duration
	reused, ending bool
}

func (m *model) refresh(generation uint64, now time.Duration) session.Turned {
	switch {
	case m.reused:
		return session.Turned{Outcome: session.Reused}
	case m.ending:
		return session.Turned{}
	case now >= m.ends:
		return session.Turned{Outcome: session.Expired}
	case generation == m.newest-1 && now-m.turned <= grace:
		return advanced(m.newest)
	case generation != m.newest:
		m.reused = true
		return session.Turned{Outcome: session.Reused}
	}
	m.newest, m.turned, m.ends = m.newest+1, now, min(now+idle, longest)
	return advanced(m.newest)
}

func refreshesModel(t *testing.T, s session.Store) {
	t.Helper()
	var families counter
	rapid.Check(t, func(rt *rapid.T) {
		families.add()
		id := session.ID{Participant: "p", Family: name("f", families.n)}
		if _, err := s.Begin(t.Context(), id, start, start.Add(idle)); err != nil {
			rt.Fatal(err)
		}
		m := model{newest: 1, ends: idle}
		var now time.Duration
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			now += rapid.SampledFrom([]time.Duration{0, time.Second, grace, grace + 1e6, time.Hour, idle - 1e6, idle}).Draw(rt, "wait")
			if rapid.IntRange(0, 9).Draw(rt, "end") == 0 {
				m.ending = true
				if err := s.End(t.Context(), id, start.Add(now), start.Add(now+time.Hour)); err != nil {
					rt.Fatal(err)
				}
			}
			back := rapid.SampledFrom([]uint64{0, 0, 0, 1, 1, 2}).Draw(rt, "back")
			tn := turn(m.newest-min(back, m.newest-1), now)
			tn.ID = id
			want := m.refresh(tn.Generation, now)
			if got, err := s.Refresh(t.Context(), tn); err != nil || got != want {
				rt.Fatalf("generation %d of %d at %v: %+v, %v; want %+v", tn.Generation, m.newest, now, got, err, want)
			}
		}
	})
}

func sessionsEnd(t *testing.T, s session.Store) {
	t.Helper()
	begin(t, s, 1)
	refresh(t, s, turn(1, 0), advanced(2))
	for range 2 { // a repeat is harmless
		if err := s.End(t.Context(), family, start, start.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	begin(t, s, 0) // no late repeat of the sign-in brings it back
	for generation := range uint64(3) {
		refresh(t, s, turn(generation+1, 0), session.Turned{})
	}
	unknown := session.ID{Participant: "p", Family: "never begun"}
	if err := s.End(t.Context(), unknown, start, start.Add(time.Hour)); err != nil {
		t.Errorf("end of an unknown session: %v", err)
	}

	copied := session.ID{Participant: "p", Family: "copied"}
	if _, err := s.Begin(t.Context(), copied, start, start.Add(idle)); err != nil {
		t.Fatal(err)
	}
	tn := turn(9, 0)
	tn.ID = copied
	refresh(t, s, tn, session.Turned{Outcome: session.Reused})
	if err := s.End(t.Context(), copied, start, start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	refresh(t, s, tn, session.Turned{Outcome: session.Reused}) // the reason stays
}

func endedFamilies(t *testing.T, s session.Store) {
	t.Helper()
	end := func(family string, now, until time.Duration) {
		t.Helper()
		id := session.ID{Participant: "p", Family: family}
		if err := s.End(t.Context(), id, start.Add(now), start.Add(until)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(since time.Duration, families map[string]time.Duration) {
		t.Helper()
		rows, err := s.Ended(t.Context(), start.Add(since))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]time.Duration{}
		for _, r := range rows {
			got[r.Family] = r.Until.Sub(start)
		}
		if !maps.Equal(got, families) || len(rows) != len(families) {
			t.Errorf("ended since %v: %v, want %v", since, got, families)
		}
	}
	want(0, map[string]time.Duration{})
	end("a", 0, time.Hour)
	end("b", 0, 2*time.Hour)
	want(0, map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour})
	want(time.Hour, map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour})
	want(time.Hour+time.Millisecond, map[string]time.Duration{"b": 2 * time.Hour})
	end("b", 0, time.Hour) // an earlier end does not shorten a later one
	want(0, map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour})
	end("c", 90*time.Minute, 3*time.Hour) // by now a has run out and is forgotten
	want(0, map[string]time.Duration{"b": 2 * time.Hour, "c": 3 * time.Hour})
}
