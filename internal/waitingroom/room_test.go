package waitingroom

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"qingyuan/internal/fault"
)

var began = time.Date(2026, 6, 26, 20, 0, 0, 0, time.UTC)

// scripted is a store that says what a test wants and writes down what it is asked.
type scripted struct {
	mu    sync.Mutex
	spot  Spot
	line  Line
	err   error
	asked []string
	// number and code are those of the last question.
	number int64
	code   string
	rules  Rules
}

// last are the rules of the last turn.
func (s *scripted) last() Rules {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rules
}

func (s *scripted) ask(what string, number int64, code string) (Spot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.number, s.code = append(s.asked, what), number, code
	return s.spot, s.err
}

func (s *scripted) Join(context.Context, Rules, time.Time) (Spot, error) { return s.ask("join", 0, "") }

func (s *scripted) Look(_ context.Context, number int64, _ Rules, _ time.Time) (Spot, error) {
	return s.ask("look", number, "")
}

func (s *scripted) Enter(_ context.Context, number int64, code string, _ Rules, _ time.Time) (Spot, error) {
	return s.ask("enter", number, code)
}

func (s *scripted) Turn(_ context.Context, r Rules, _ time.Time) (Line, error) {
	s.mu.Lock()
	s.rules = r
	s.mu.Unlock()
	_, err := s.ask("turn", 0, "")
	return s.line, err
}

// room is one with a store that is told what to say.
func room(s *scripted) *Room {
	return &Room{
		Store: s, Rules: Rules{PerSecond: 10, Burst: 10, Hold: time.Minute, Most: 100}, Key: [32]byte{1},
		Now: func() time.Time { return began }, Log: slog.New(slog.DiscardHandler),
	}
}

func free(context.Context) error { return nil }

func TestJoin(t *testing.T) {
	t.Parallel()
	old := room(nil).ticket(began.Add(-time.Minute).UnixMicro())
	refused := errors.New("too many from one address")
	for name, tt := range map[string]struct {
		ticket string
		spot   Spot
		draw   error
		asked  string
		want   Place
		err    error
	}{
		"first":               {spot: Spot{State: Admitted, Number: 7}, asked: "join", want: Place{Admitted: true}},
		"last in line":        {spot: Spot{State: Waiting, Number: 7, Ahead: 41}, asked: "join", want: Place{Position: 42}},
		"still waiting":       {ticket: old, spot: Spot{State: Waiting, Number: 7}, asked: "look", want: Place{Position: 1}},
		"let in":              {ticket: old, spot: Spot{State: Admitted, Number: 7}, asked: "look", want: Place{Admitted: true}},
		"polling is not held": {ticket: old, spot: Spot{State: Waiting, Number: 7}, draw: refused, asked: "look", want: Place{Position: 1}},
		"a number is":         {draw: refused, err: refused},
		"forged":              {ticket: "B" + old[1:], spot: Spot{State: Waiting, Number: 7}, asked: "join", want: Place{Position: 1}},
		"nobody more":         {spot: Spot{State: Full}, asked: "join", err: fault.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{spot: tt.spot}
			r := room(s)
			got, err := r.Join(t.Context(), tt.ticket, func(context.Context) error { return tt.draw })
			if !errors.Is(err, tt.err) || strings.Join(s.asked, " ") != tt.asked {
				t.Fatalf("%v after %q, want %v after %q", err, s.asked, tt.err, tt.asked)
			}
			if err != nil {
				return
			}
			if number, ok := r.open(got.Ticket, began); tt.spot.Number != 7 || ok || number != 0 {
				t.Errorf("a number from 1970 is taken: %d", number)
			}
			if got.Admitted != tt.want.Admitted || got.Position != tt.want.Position || (got.RetryAfter > 0) == got.Admitted {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestLapsedTicketDrawsAnew shows that a ticket nobody knows any more costs its
// holder a new number, which is asked for like the first.
func TestLapsedTicketDrawsAnew(t *testing.T) {
	t.Parallel()
	s := &scripted{spot: Spot{State: Unknown}}
	r := room(s)
	drawn := 0
	_, err := r.Join(t.Context(), r.ticket(began.UnixMicro()), func(context.Context) error { drawn++; return nil })
	if err != nil || drawn != 1 || strings.Join(s.asked, " ") != "look join" {
		t.Errorf("asked %q, drew %d, %v", s.asked, drawn, err)
	}
}

func TestEnter(t *testing.T) {
	t.Parallel()
	away := errors.New("redis is away")
	s := &scripted{spot: Spot{State: Admitted}}
	r := room(s)
	ticket := r.ticket(began.UnixMicro())
	if err := r.Enter(t.Context(), ticket, "0a1b"); err != nil || s.number != began.UnixMicro() {
		t.Errorf("admitted as %d: %v", s.number, err)
	}
	first := s.code
	if strings.Contains(first, "0a1b") || len(first) != 22 {
		t.Errorf("the store is told the code: %q", first)
	}
	if err := r.Enter(t.Context(), "nonsense", "0a1c"); err != nil || s.number != 0 || s.code == first {
		t.Errorf("nonsense counts as %d, code %q: %v", s.number, s.code, err)
	}
	s.spot = Spot{State: Waiting, Ahead: 99}
	err := r.Enter(t.Context(), "", "0a1b")
	if f := fault.From(err); !errors.Is(err, ErrRequired) || f.Kind != fault.Limited || f.RetryAfter < 7*time.Second || f.RetryAfter > 13*time.Second {
		t.Errorf("waiting as the hundredth at ten a second: %v, retry after %v", err, f.RetryAfter)
	}
	s.err = away
	if err := r.Enter(t.Context(), "", "0a1b"); !errors.Is(err, away) {
		t.Errorf("without a store: %v", err)
	}
}

// TestTickets changes tickets in every place and looks at ages.
func TestTickets(t *testing.T) {
	t.Parallel()
	r := room(nil)
	number := began.UnixMicro()
	ticket := r.ticket(number)
	if got, ok := r.open(ticket, began); !ok || got != number {
		t.Fatalf("opened as %d, %t", got, ok)
	}
	for i := range ticket {
		for _, c := range []string{"A", "_"} {
			forged := ticket[:i] + c + ticket[i+1:]
			if _, ok := r.open(forged, began); ok && forged != ticket {
				t.Errorf("forged at %d and taken", i)
			}
		}
	}
	other := room(nil)
	other.Key[0]++
	for name, tt := range map[string]struct {
		room   *Room
		ticket string
		after  time.Duration
		want   bool
	}{
		"another deployment's": {other, ticket, 0, false},
		"longer":               {r, ticket + "AAAA", 0, false},
		"cut":                  {r, ticket[:20], 0, false},
		"empty":                {r, "", 0, false},
		"of this night":        {r, ticket, 12 * time.Hour, true},
		"of yesterday":         {r, ticket, 12*time.Hour + 1, false},
		"of another clock":     {r, ticket, -time.Minute, true},
		"of tomorrow":          {r, ticket, -time.Minute - 1, false},
	} {
		if _, ok := tt.room.open(tt.ticket, began.Add(tt.after)); ok != tt.want {
			t.Errorf("%s: taken %t", name, ok)
		}
	}
}

// TestPace looks at when to ask again: near the time one is due, within bounds, and
// never long enough to be taken for one who left.
func TestPace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := Rules{PerSecond: rapid.Float64Range(0.01, 1e6).Draw(t, "rate")}
		position := rapid.Int64Range(1, 1e8).Draw(t, "position")
		got := r.pace(position)
		due := min(max(float64(position)/r.PerSecond, 1), 60)
		if s := got.Seconds(); s < due*0.749 || s > due*1.251 {
			t.Fatalf("position %d at %v a second: ask again after %v, due in %.1f s", position, r.PerSecond, got, due)
		}
		if 2*got > Patience {
			t.Fatalf("asks %v apart: one lost and the place is gone", got)
		}
		if step := r.Step(); step < time.Microsecond || step > 101*time.Second {
			t.Fatalf("%v between two", step)
		}
	})
}

// TestPaceSpreads shows that phones that came together do not come back together.
func TestPaceSpreads(t *testing.T) {
	t.Parallel()
	r := Rules{PerSecond: 100}
	seconds := map[time.Duration]int{}
	for range 4000 {
		seconds[r.pace(4000).Truncate(time.Second)]++ // 30 to 50 s
	}
	for s, n := range seconds {
		if n > 400 {
			t.Errorf("%d of 4000 come back in second %v", n, s)
		}
	}
	if len(seconds) < 20 {
		t.Errorf("they come back within %d seconds, want 20", len(seconds))
	}
}

// TestRun moves the line twice a second through an outage, and tells what it sees.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{line: Line{Waiting: 3, Admitted: 2}, err: errors.New("away")}
		var log strings.Builder
		r := room(s)
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		var seen []Line
		r.Observe = func(l Line) { seen = append(seen, l) }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { r.Run(ctx); close(done) }()
		time.Sleep(5*TurnEvery + 1) // of the bubble, as below: nobody waits
		synctest.Wait()
		s.mu.Lock()
		s.err = nil
		s.mu.Unlock()
		time.Sleep(5 * TurnEvery)
		stop()
		<-done
		if len(s.asked) != 10 || len(seen) != 5 || seen[0] != s.line {
			t.Errorf("turned %d times, seen %v", len(s.asked), seen)
		}
		if got := log.String(); strings.Count(got, "does not move") != 1 || strings.Count(got, "moves again") != 1 {
			t.Errorf("logged\n%s", got)
		}
	})
}

// TestJoinAtOutage passes the store's error on.
func TestJoinAtOutage(t *testing.T) {
	t.Parallel()
	r := room(&scripted{err: fault.ErrUnavailable})
	for _, ticket := range []string{"", r.ticket(began.UnixMicro())} {
		if _, err := r.Join(t.Context(), ticket, free); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	}
}
