package offline_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/offline"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func town(t *testing.T) *campaign.Campaign {
	t.Helper()
	text := campaign.Text{campaign.DefaultLanguage: "x"}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r1", Kind: campaign.Region, Name: text},
		{ID: "r2", Kind: campaign.Region, Name: text},
		{ID: "u1", Kind: campaign.Unit, Name: text, Parent: "r1"},
		{ID: "u2", Kind: campaign.Unit, Name: text, Parent: "r1"},
		{ID: "u3", Kind: campaign.Unit, Name: text, Parent: "r2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{ID: "c", Tree: tree, Zone: time.FixedZone("CST", 8*3600)}
}

func newService(t *testing.T, db *sqldb.DB) *offline.Service {
	t.Helper()
	c := town(t)
	return &offline.Service{
		DB: db, Campaign: func(string) (*campaign.Campaign, error) { return c, nil },
		// Half an hour into the 26th of June in the campaign, the 25th elsewhere.
		Now: func() time.Time { return time.Date(2026, 6, 25, 16, 30, 0, 0, time.UTC) },
	}
}

var clerk = operator.Actor{ID: "id", Login: "clerk"}

func batch(unit string, persons int64, proof string) offline.Batch {
	return offline.Batch{Campaign: "c", Unit: unit, Persons: persons, Held: "2026-06-26", Proof: proof}
}

func record(t *testing.T, s *offline.Service, b offline.Batch) offline.Batch {
	t.Helper()
	kept, fresh, err := s.Record(t.Context(), clerk, b)
	if err != nil || !fresh {
		t.Fatalf("%+v: fresh %t, %v", b, fresh, err)
	}
	return kept
}

func TestBatches(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, ctx := newService(t, db), t.Context()
		first := record(t, s, batch("u1", 40, "柜 1"))
		record(t, s, batch("u1", 2, "柜 2"))
		record(t, s, batch("u2", 5, "柜 1"))
		record(t, s, batch("u3", 7, "柜 1"))
		kept, fresh, err := s.Record(ctx, clerk, batch("u1", 40, " 柜 1 "))
		if diff := cmp.Diff(first, kept); fresh || err != nil || diff != "" {
			t.Errorf("a repeat: %t, %v, %s", fresh, err, diff)
		}
		if _, _, err := s.Record(ctx, clerk, batch("u1", 41, "柜 1")); !errors.Is(err, offline.ErrExists) {
			t.Errorf("another number: %v", err)
		}
		want := func(parent string, rows ...offline.Row) {
			t.Helper()
			sum := int64(0)
			for _, r := range rows {
				sum += r.Persons
			}
			got, err := s.Below(ctx, "c", parent)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(offline.Table{Parent: parent, Persons: sum, Rows: rows}, got); diff != "" {
				t.Errorf("below %q: %s", parent, diff)
			}
		}
		want("", offline.Row{Node: "r1", Persons: 47}, offline.Row{Node: "r2", Persons: 7})
		want("r1", offline.Row{Node: "u1", Persons: 42}, offline.Row{Node: "u2", Persons: 5})
		if _, err := s.Below(ctx, "c", "nowhere"); !errors.Is(err, fault.ErrNotFound) {
			t.Errorf("nowhere: %v", err)
		}
		if _, err := s.Withdraw(ctx, clerk, "c", "u2", first.ID, "错"); !errors.Is(err, offline.ErrNotFound) {
			t.Errorf("withdrawn by another unit: %v", err)
		}
		for range 2 {
			gone, err := s.Withdraw(ctx, clerk, "c", "u1", first.ID, "数错")
			if err != nil || gone.Reason != "数错" || gone.WithdrawnAt.IsZero() {
				t.Errorf("%+v, %v", gone, err)
			}
		}
		if _, err := s.Withdraw(ctx, clerk, "c", "u1", first.ID, "别的"); !errors.Is(err, offline.ErrWithdrawn) {
			t.Errorf("withdrawn for another reason: %v", err)
		}
		want("r1", offline.Row{Node: "u1", Persons: 2}, offline.Row{Node: "u2", Persons: 5})
		record(t, s, batch("u1", 41, "柜 1"))
		want("", offline.Row{Node: "r1", Persons: 48}, offline.Row{Node: "r2", Persons: 7})
		all, err := s.Batches(ctx, "c", "u1", "", 10)
		if err != nil || len(all) != 3 || all[2].ID != first.ID || all[2].WithdrawnBy != "clerk" {
			t.Errorf("the batches are %+v, %v", all, err)
		}
		var steps int
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE object = $1`, "paper:"+first.ID).Scan(&steps); err != nil || steps != 2 {
			t.Errorf("the log holds %d steps, %v", steps, err)
		}
	})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	s := newService(t, sqltest.SQLite(t))
	for name, change := range map[string]func(*offline.Batch){
		"a region":       func(b *offline.Batch) { b.Unit = "r1" },
		"no unit":        func(b *offline.Batch) { b.Unit = "u9" },
		"nobody":         func(b *offline.Batch) { b.Persons = 0 },
		"a nation":       func(b *offline.Batch) { b.Persons = 1_000_001 },
		"tomorrow":       func(b *offline.Batch) { b.Held = "2026-06-27" },
		"no date":        func(b *offline.Batch) { b.Held = "26.6.2026" },
		"no proof":       func(b *offline.Batch) { b.Proof = " " },
		"a long proof":   func(b *offline.Batch) { b.Proof = strings.Repeat("长", 201) },
		"two lines":      func(b *offline.Batch) { b.Proof = "柜\n1" },
		"another digest": func(b *offline.Batch) { b.Hash = "d41d8cd98f00b204e9800998ecf8427e" },
	} {
		b := batch("u1", 1, "柜")
		change(&b)
		_, _, err := s.Record(t.Context(), clerk, b)
		if k := fault.From(err).Kind; k != fault.Invalid && k != fault.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWhatLeftTheTreeIsNotLost adds units that are gone to the whole, and to no region.
func TestWhatLeftTheTreeIsNotLost(t *testing.T) {
	t.Parallel()
	units := map[string]int64{"u1": 3, "gone": 4, "gone too": 1}
	got, err := offline.Roll(town(t), units, "")
	want := offline.Table{Persons: 8, Rows: []offline.Row{{Node: "r1", Persons: 3}, {Node: "r2"}, {Node: campaign.Unassigned, Persons: 5}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	one, err := offline.Roll(town(t), units, "u1")
	if err != nil || one.Persons != 3 || len(one.Rows) != 0 {
		t.Errorf("a unit: %+v, %v", one, err)
	}
}
