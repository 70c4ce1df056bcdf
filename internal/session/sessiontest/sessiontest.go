// Package sessiontest is what any session.Store must do. Its comments become
// checks here, races included.
package sessiontest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
	"qingyuan/internal/waittest"
)

// racers is how many goroutines meet in a race.
const racers = 32

// start is the time at which every check begins. Stores take the time from
// their caller.
var start = time.UnixMilli(1_800_000_000_000)

// Run exercises the store that open returns. open must return an empty store
// each time and release it through t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) session.Store) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, session.Store){
		"codes":                        codes,
		"codes race":                   codesRace,
		"codes run out":                codesRunOut,
		"doors":                        doors,
		"doors race":                   doorsRace,
		"doors move":                   doorsMove,
		"sessions begin once":          sessionsBegin,
		"sessions refresh":             sessionsRefresh,
		"refreshes race":               refreshesRace,
		"refreshes follow the model":   refreshesModel,
		"sessions end":                 sessionsEnd,
		"ended families are published": endedFamilies,
		"a context that ended":         contextEnded,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
}

func codes(t *testing.T, s session.Store) {
	t.Helper()
	claim := func(owner string, want session.CodeClaim) {
		t.Helper()
		got, err := s.ClaimCode(t.Context(), "code", owner, time.Hour)
		if err != nil || got != want {
			t.Errorf("claim of %s = %+v, %v; want %+v", owner, got, err, want)
		}
	}
	drop := func(owner string) {
		t.Helper()
		if err := s.DropCode(t.Context(), "code", owner); err != nil {
			t.Error(err)
		}
	}
	mine, held := session.CodeClaim{Mine: true}, session.CodeClaim{}

	drop("a") // nothing there: harmless
	claim("a", mine)
	claim("b", held)
	claim("a", mine) // a repeat after a lost reply
	drop("b")        // not b's to give back
	claim("b", held)
	drop("a")
	claim("b", mine)

	result := session.ID{Participant: "p1", Family: "f1"}
	for range 2 { // the first result stays
		if got, err := s.KeepCode(t.Context(), "code", result, time.Hour); err != nil || got != result {
			t.Errorf("keep = %+v, %v; want %+v", got, err, result)
		}
	}
	other := session.ID{Participant: "p2", Family: "f2"}
	if got, err := s.KeepCode(t.Context(), "code", other, time.Hour); err != nil || got != result {
		t.Errorf("keep another = %+v, %v; want %+v", got, err, result)
	}
	drop("b") // known results are not given back
	claim("a", session.CodeClaim{Result: result})
	claim("b", session.CodeClaim{Result: result})

	if got, err := s.KeepCode(t.Context(), "never claimed", other, time.Hour); err != nil || got != other {
		t.Errorf("keep of a code whose claim ran out = %+v, %v", got, err)
	}
}

func codesRace(t *testing.T, s session.Store) {
	t.Helper()
	var mine counter
	race(func(i int) {
		c, err := s.ClaimCode(t.Context(), "code", name("owner", i), time.Hour)
		if err != nil || c.Result != (session.ID{}) {
			t.Errorf("claim = %+v, %v", c, err)
		}
		if c.Mine {
			mine.add()
		}
	})
	if mine.n != 1 {
		t.Errorf("%d owners have the right, want 1", mine.n)
	}
	results := make([]session.ID, racers)
	race(func(i int) {
		var err error
		id := session.ID{Participant: name("p", i), Family: name("f", i)}
		if results[i], err = s.KeepCode(t.Context(), "code", id, time.Hour); err != nil {
			t.Error(err)
		}
	})
	for _, r := range results {
		if r != results[0] {
			t.Fatalf("two results of one code: %+v and %+v", r, results[0])
		}
	}
}

func codesRunOut(t *testing.T, s session.Store) {
	t.Helper()
	claim := func(owner string, hold time.Duration) session.CodeClaim {
		c, err := s.ClaimCode(t.Context(), "code", owner, hold)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	claim("a", time.Millisecond)
	waittest.Until(t, "the claim to run out", func() bool { return claim("b", time.Millisecond).Mine })
	id := session.ID{Participant: "p", Family: "f"}
	if _, err := s.KeepCode(t.Context(), "code", id, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	waittest.Until(t, "the result to be forgotten", func() bool { return claim("c", time.Hour).Mine })
}

func doors(t *testing.T, s session.Store) {
	t.Helper()
	got, err := s.Door(t.Context(), "door")
	sameDoor(t, "a door nobody used", got, err, session.Door{})

	first := session.Door{Participant: "p1", Sealed: []byte("\x00\xff sealed \r\n")}
	got, err = s.ClaimDoor(t.Context(), "door", first)
	sameDoor(t, "claimed", got, err, first)
	got, err = s.ClaimDoor(t.Context(), "door", session.Door{Participant: "p2", Sealed: []byte("other")})
	sameDoor(t, "claimed by another", got, err, first)
	got, err = s.Door(t.Context(), "door")
	sameDoor(t, "read", got, err, first)

	bare := session.Door{Participant: "p3"}
	got, err = s.ClaimDoor(t.Context(), "bare", bare)
	sameDoor(t, "claimed with nothing sealed", got, err, bare)
	got, err = s.Door(t.Context(), "bare")
	sameDoor(t, "read with nothing sealed", got, err, bare)
}

func doorsRace(t *testing.T, s session.Store) {
	t.Helper()
	seen := make([]session.Door, racers)
	race(func(i int) {
		var err error
		d := session.Door{Participant: name("p", i), Sealed: []byte(name("s", i))}
		if seen[i], err = s.ClaimDoor(t.Context(), "door", d); err != nil {
			t.Error(err)
		}
	})
	for _, d := range seen {
		sameDoor(t, "a racer's", d, nil, seen[0])
	}
}

func doorsMove(t *testing.T, s session.Store) {
	t.Helper()
	first := session.Door{Participant: "p1", Sealed: []byte("one")}
	if _, err := s.ClaimDoor(t.Context(), "door", first); err != nil {
		t.Fatal(err)
	}
	moved := session.Door{Participant: "p2", Sealed: []byte("two")}
	got, err := s.LinkDoor(t.Context(), "door", "p9", moved)
	sameDoor(t, "moved from where it never led", got, err, first)
	for range 2 { // a repeat changes nothing
		got, err = s.LinkDoor(t.Context(), "door", "p1", moved)
		sameDoor(t, "moved", got, err, moved)
	}
	renewed := session.Door{Participant: "p2", Sealed: []byte("three")}
	got, err = s.LinkDoor(t.Context(), "door", "p2", renewed)
	sameDoor(t, "sealed anew", got, err, renewed)
	renewed.Sealed = []byte("four")
	got, err = s.LinkDoor(t.Context(), "door", "p1", renewed)
	sameDoor(t, "sealed anew by one who came too late to move it", got, err, renewed)
	got, err = s.Door(t.Context(), "door")
	sameDoor(t, "read after the move", got, err, renewed)
}

func contextEnded(t *testing.T, s session.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	id := session.ID{Participant: "p", Family: "f"}
	for what, call := range map[string]func() error{
		"ClaimCode": func() error { _, err := s.ClaimCode(ctx, "c", "o", time.Hour); return err },
		"KeepCode":  func() error { _, err := s.KeepCode(ctx, "c", id, time.Hour); return err },
		"DropCode":  func() error { return s.DropCode(ctx, "c", "o") },
		"Door":      func() error { _, err := s.Door(ctx, "d"); return err },
		"ClaimDoor": func() error { _, err := s.ClaimDoor(ctx, "d", session.Door{Participant: "p"}); return err },
		"LinkDoor":  func() error { _, err := s.LinkDoor(ctx, "d", "p", session.Door{Participant: "q"}); return err },
		"Begin":     func() error { _, err := s.Begin(ctx, id, start, start.Add(time.Hour)); return err },
		"Refresh":   func() error { _, err := s.Refresh(ctx, turn(1, 0)); return err },
		"End":       func() error { return s.End(ctx, id, start, start.Add(time.Hour)) },
		"Ended":     func() error { _, err := s.Ended(ctx, start); return err },
	} {
		if err := call(); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%s = %v, want %v", what, err, fault.ErrUnavailable)
		}
	}
}

func sameDoor(t *testing.T, what string, got session.Door, err error, want session.Door) {
	t.Helper()
	if err != nil || got.Participant != want.Participant || string(got.Sealed) != string(want.Sealed) {
		t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
	}
}

// counter counts across goroutines.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

// race runs f on all racers at the same moment and waits for them.
func race(f func(i int)) {
	var ready, done sync.WaitGroup
	gun := make(chan struct{})
	ready.Add(racers)
	for i := range racers {
		done.Go(func() {
			ready.Done()
			<-gun
			f(i)
		})
	}
	ready.Wait()
	close(gun)
	done.Wait()
}
