package grant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
)

// till is where attempts are given back: it remembers who got one from which act, and
// bars turns that are over.
type till struct {
	mu    sync.Mutex
	given map[string]int // by act and participant
	turns map[string]int
	calls int
	// fails is asked before each gift.
	fails func(call int) error
}

func (s *till) Begin(_ context.Context, _ string, t act.Turn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns[t.Batch] > t.Number {
		return act.ErrTurn
	}
	s.turns[t.Batch] = t.Number
	return nil
}

func (s *till) Give(_ context.Context, _ string, t act.Turn, a act.Act) (act.Giving, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fails != nil {
		if err := s.fails(s.calls); err != nil {
			return "", err
		}
	}
	if s.turns[t.Batch] != t.Number {
		return "", act.ErrTurn
	}
	key := t.Batch + a.Participant
	switch {
	case a.Participant == "p3":
		return act.Finished, nil
	case a.Participant == "p4":
		return "", act.ErrNone
	case s.given[key] > 0:
		return act.Had, nil
	}
	s.given[key]++
	return act.Given, nil
}

// only is a catalog of one campaign.
type only struct{ def *campaign.Campaign }

func (o only) Campaign(string) (*campaign.Campaign, error) { return o.def, nil }

const people = 40

// newService is a service whose work is done by a queue of its own, with a grant that
// is ready.
func newService(t *testing.T, db *sqldb.DB, acts Acts) (*Service, *Grant) {
	t.Helper()
	q := &jobs.Queue{DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler), Every: 10 * time.Millisecond}
	tree, err := campaign.NewTree(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{DB: db, Ledger: ledger.New(db), Acts: acts, Catalog: only{&campaign.Campaign{ID: "c", Tree: tree, Zone: time.UTC}}, Jobs: q, Now: time.Now, Stretch: 7}
	s.Register(q)
	_, err = db.ExecContext(t.Context(), `INSERT INTO grants (id, campaign, node, since, until, state, reason, operator, login, created, items)
		VALUES ('g1', 'c', '', 1, 2, 'ready', '断电', 'x', 'x', 1, $1)`, people)
	for i := 1; err == nil && i <= people; i++ {
		_, err = db.ExecContext(t.Context(), `INSERT INTO grant_items (act_id, n, participant, number, unit, how, at) VALUES ('g1', $1, $2, 1, 'u1', 'expired', 1)`, i, fmt.Sprint("p", i))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, s.find1(t)
}

func (s *Service) find1(t *testing.T) *Grant {
	t.Helper()
	g, err := s.Find(t.Context(), operator.Console("test"), "c", "g1")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// works lets the queue work until the grant is in a state.
func (s *Service) works(t *testing.T, until State) (g *Grant) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Jobs.Run(ctx) }()
	defer func() { stop(); <-done }()
	waittest.Until(t, "the grant to be "+string(until), func() bool {
		g = s.find1(t)
		return g.State == until
	})
	return g
}

func (s *till) once(t *testing.T, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, n := range s.given {
		if n != 1 {
			t.Errorf("%s has got %d", key, n)
		}
	}
	if len(s.given) != want {
		t.Errorf("%d have got one, want %d", len(s.given), want)
	}
}

// TestEverybodyGetsOne: through outages, a fault in the middle, and a run that goes on
// from where the one before had noted, everybody gets one and is counted once.
func TestEverybodyGetsOne(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		broken := errors.New("broken")
		shop := &till{given: map[string]int{}, turns: map[string]int{}, fails: func(call int) error {
			switch {
			case call%9 == 0:
				return fault.ErrUnavailable.Because(broken)
			case call == 25:
				return broken
			default:
				return nil
			}
		}}
		s, g := newService(t, db, shop)
		who := operator.Console("test")
		if err := s.Run(t.Context(), who, g); err != nil {
			t.Fatal(err)
		}
		if g = s.works(t, Stopped); g.Next == 0 || g.Next >= people || g.Code != "internal" {
			t.Errorf("stopped at %d of %d with %q", g.Next, people, g.Code)
		}
		if err := s.Run(t.Context(), who, g); err != nil {
			t.Fatal(err)
		}
		g = s.works(t, Done)
		if g.Given != people-2 || g.Kept != 1 || g.Lost != 1 || g.Next != people {
			t.Errorf("given %d, finished %d, gone %d, next %d", g.Given, g.Kept, g.Lost, g.Next)
		}
		shop.once(t, people-2)
		if err := s.Run(t.Context(), who, g); !errors.Is(err, ErrState) {
			t.Errorf("what is done is run again: %v", err)
		}
		if err := s.Cancel(t.Context(), who, g); !errors.Is(err, ErrState) {
			t.Errorf("what is done is cancelled: %v", err)
		}
	})
}

// TestAServerThatWasHeldUp: whoever has lost the turn gives nobody anything.
func TestAServerThatWasHeldUp(t *testing.T) {
	t.Parallel()
	shop := &till{given: map[string]int{}, turns: map[string]int{}}
	s, g := newService(t, sqltest.SQLite(t), shop)
	if err := s.Run(t.Context(), operator.Console("test"), g); err != nil {
		t.Fatal(err)
	}
	s.works(t, Done)
	g.Turn, g.Next = 0, 0 // as it was before
	it := Item{Act: act.Act{Participant: "late", Number: 1}}
	if err := s.give(t.Context(), g, &it); !errors.Is(err, jobs.ErrLost) {
		t.Errorf("give = %v, %+v", err, it)
	}
	shop.once(t, people-2)
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		d  Draft
		ok bool
	}{
		"right":         {Draft{From: at(0), To: at(1), Reason: "断电"}, true},
		"backwards":     {Draft{From: at(1), To: at(0), Reason: "断电"}, false},
		"nothing":       {Draft{From: at(1), To: at(1), Reason: "断电"}, false},
		"a season":      {Draft{From: at(0), To: at(60 * 24 * 40), Reason: "断电"}, false},
		"no reason":     {Draft{From: at(0), To: at(1), Reason: "  "}, false},
		"a strange one": {Draft{From: at(0), To: at(1), Reason: "a\x1bb"}, false},
	} {
		if err := tc.d.check(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
