package shelf_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/shelf"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/leaderboard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newShelf(t *testing.T, db *sqldb.DB) *shelf.Shelf {
	t.Helper()
	l := ledger.New(db)
	layout := leaderboard.SumLayout(time.Unix(1_780_000_000, 0))
	_, err := l.Register(t.Context(), ledger.Opened{
		Campaign: "c", Shards: 2, Base: layout.Base.Unix(), Bits: layout.TimeBits, Epoch: 1, Condition: ledger.Open,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &shelf.Shelf{DB: db, Ledger: l, Now: func() time.Time { return time.UnixMilli(1) }}
}

// crowd stands on the main board, p0 first, two of them on one place, and on that of a
// unit; p4 is hidden, and p5 stands only since the freeze.
func crowd() []state.Person {
	var out []state.Person
	for i, packed := range []uint64{90, 80, 80, 70, 85, 60} {
		p := state.Person{Participant: fmt.Sprint("p", i)}
		p.Main = leaderboard.Placement{Base: &packed, Now: &packed, Hidden: i == 4}
		if i == 5 {
			p.Main.Base = nil
		}
		if i%2 == 0 {
			p.Places = []state.Place{{Scope: leaderboard.UnitScope("u"), Placement: p.Main}}
		}
		out = append(out, p)
	}
	return out
}

func sums(late bool) *state.Sums {
	s := &state.Sums{Public: leaderboard.NewFigures(), Late: leaderboard.NewFigures(), Hours: map[leaderboard.BucketCell]int64{}}
	s.Public.Cells[leaderboard.Cell{Unit: "u", Metric: leaderboard.Enrolled}] = 3
	if late {
		s.Late.Cells[leaderboard.Cell{Unit: "u", Metric: leaderboard.Attempts}] = 1
	}
	s.Hours[leaderboard.BucketCell{Bucket: 5, Cell: leaderboard.Cell{Unit: "u", Metric: leaderboard.Participants}}] = 2
	return s
}

func fill(t *testing.T, s *shelf.Shelf, late bool) {
	t.Helper()
	f, err := s.Begin(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.People(t.Context(), crowd()); err != nil {
		t.Fatal(err)
	}
	f.Sums(sums(late))
	f.Sums(sums(false))
	if s.Has("c") {
		t.Error("half of it can be read")
	}
	if err := f.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestBoards reads what was put down, with everybody's eyes, after a filling that was
// broken off; and compares it.
func TestBoards(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, ctx := newShelf(t, db), t.Context()
		broken, err := s.Begin(ctx, "c")
		if err != nil {
			t.Fatal(err)
		}
		if err := broken.People(ctx, crowd()[:2]); err != nil {
			t.Fatal(err)
		}
		fill(t, s, true)
		if _, err := s.Begin(ctx, "c"); !errors.Is(err, shelf.ErrKept) {
			t.Errorf("filled again: %v", err)
		}
		b := shelf.Boards{Shelf: s}
		for _, c := range []struct {
			scope string
			view  leaderboard.View
			want  string
		}{
			{"", leaderboard.Now, "[p0 p2 p1 p3 p5] 5"},
			{"", leaderboard.Frozen, "[p0 p2 p1 p3] 4"},
			{"", leaderboard.Everybody, "[p0 p4 p2 p1 p3 p5] 6"},
			{leaderboard.UnitScope("u"), leaderboard.Now, "[p0 p2] 2"},
			{leaderboard.UnitScope("v"), leaderboard.Now, "[] 0"},
		} {
			entries, on, err := b.Top(ctx, "c", c.scope, c.view, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			ids := make([]string, 0, len(entries))
			for _, e := range entries {
				ids = append(ids, e.Participant)
			}
			if got := fmt.Sprint(ids, on); got != c.want {
				t.Errorf("%q %v: %s, want %s", c.scope, c.view, got, c.want)
			}
		}
		if page, _, err := b.Top(ctx, "c", "", leaderboard.Now, 1, 2); err != nil || len(page) != 2 || page[0].Participant != "p2" || page[0].Packed != 80 {
			t.Errorf("the second page: %v, %v", page, err)
		}
		ranks, err := b.Ranks(ctx, "c", "", leaderboard.Now, []string{"p1", "p4", "nobody"})
		if err != nil || len(ranks) != 1 || ranks["p1"].Above != 1 {
			t.Errorf("ranks %v, %v", ranks, err)
		}
		tallies, err := b.Tallies(ctx, "c")
		if err != nil || tallies.Public.Cells[leaderboard.Cell{Unit: "u", Metric: leaderboard.Enrolled}] != 6 {
			t.Errorf("tallies %v, %v", tallies, err)
		}
		hours, err := b.Hours(ctx, "c", 5, 6)
		if err != nil || len(hours) != 1 {
			t.Errorf("hours %v, %v", hours, err)
		}
		if err := b.Hide(ctx, "c", "p0", true); !errors.Is(err, shelf.ErrArchived) {
			t.Errorf("hidden: %v", err)
		}
		compare(t, s)
	})
}

// compare finds nothing, and finds a place that was changed.
func compare(t *testing.T, s *shelf.Shelf) {
	t.Helper()
	measured := func() int64 {
		t.Helper()
		m := s.Measure("c")
		if err := m.People(t.Context(), crowd()); err != nil {
			t.Fatal(err)
		}
		m.Sums(sums(true))
		m.Sums(sums(false))
		n, err := s.Compare(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := measured(); n != 0 {
		t.Errorf("%d differences", n)
	}
	if _, err := s.DB.ExecContext(t.Context(), "UPDATE shelf_places SET now = 99 WHERE participant = 'p3'"); err != nil {
		t.Fatal(err)
	}
	if n := measured(); n != 1 {
		t.Errorf("%d differences, want the one", n)
	}
}

// TestReturn takes a campaign off the shelf: nobody reads it from there from the moment on
// at which it is on its way.
func TestReturn(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, ctx := newShelf(t, db), t.Context()
		if err := s.Return(ctx, "c"); !errors.Is(err, shelf.ErrNotKept) {
			t.Errorf("returned what was not there: %v", err)
		}
		fill(t, s, false)
		l := ledger.New(db)
		if all, err := l.Campaigns(ctx); err != nil || len(all) != 0 {
			t.Errorf("redis is asked for %v, %v", all, err)
		}
		other := newShelf(t, db) // of a server that hears of nothing
		if err := other.Refresh(ctx); err != nil || !other.Has("c") {
			t.Fatalf("another server: %v, %v", err, other.Has("c"))
		}
		if err := s.Return(ctx, "c"); err != nil || s.Has("c") {
			t.Errorf("on its way: %v, %v", err, s.Has("c"))
		}
		for range 2 {
			if err := s.Take(ctx, "c"); err != nil {
				t.Fatal(err)
			}
		}
		if all, err := l.Campaigns(ctx); err != nil || len(all) != 1 {
			t.Errorf("redis is asked for %v, %v", all, err)
		}
		b, v := shelf.Boards{Shelf: other}, leaderboard.Now
		_, _, errStanding := b.Standing(ctx, "c", "", v, "p0", 1)
		_, _, errTop := b.Top(ctx, "c", "", v, 0, 10)
		_, errAbove := b.Above(ctx, "c", "", v, 1)
		for name, err := range map[string]error{"standing": errStanding, "top": errTop, "above": errAbove} {
			if !errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("%s of another server, which has not heard: %v", name, err)
			}
		}
		var left int
		if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM shelf_places").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d places are left, %v", left, err)
		}
	})
}
