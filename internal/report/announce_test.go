package report_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/audit"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/report"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// signers puts people into a ledger, who enrolled and signed one hour after the other
// from the opening on.
func signers(t *testing.T, l *ledger.Ledger, n int) {
	t.Helper()
	_, err := l.Register(t.Context(), ledger.Opened{
		Campaign: "c", Shards: 1, Base: opening.Unix(), Bits: 18, Epoch: 1, Condition: ledger.Open,
	})
	if err != nil {
		t.Fatal(err)
	}
	b := ledger.Batch{Shard: ledger.Shard{Campaign: "c"}, Stream: event.Facts, Now: opening}
	for i := range n {
		who := "p" + strconv.Itoa(i)
		at := strconv.FormatInt(opening.Add(time.Duration(i)*time.Hour).UnixMilli(), 10)
		next := func() event.Position { return ledgertest.Pos(1, uint64(len(b.Entries))) }
		b.Entries = append(b.Entries, ledgertest.Fact(next(), event.KindEnrolled, who, `{"notice":"1"}`,
			event.FieldAt, at, event.FieldUnit, "yc1", event.FieldGroup, "student"))
		b.Entries = append(b.Entries, ledgertest.Fact(next(), event.KindSigned, who,
			`{"version":"1","text_sha256":"ab","method":"typed","commitment":"c"}`,
			event.FieldAt, at, event.FieldUnit, "yc1", event.FieldGroup, "student", event.FieldFirst, "1"))
	}
	if _, err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func newSource(t testing.TB, db *sqldb.DB, asOf time.Time) *report.Source {
	t.Helper()
	closed := func(string, string, event.Record) (state.Disclosed, error) {
		return state.Disclosed{}, errors.New("closed")
	}
	return &report.Source{
		Ledger: ledger.New(db), Campaign: newCampaign(t), Open: closed, AsOf: asOf, Now: func() time.Time { return opening.AddDate(0, 0, 1) },
	}
}

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		signers(t, ledger.New(db), 5)
		now := opening.Add(3 * time.Hour)
		all := report.NewAnnouncements(db, func() time.Time { return now })
		by := audit.Record{Actor: "console", Login: "console", Action: "figures.announce"}
		if _, err := all.Seal(ctx, newSource(t, db, now), by); !errors.Is(err, report.ErrTooSoon) {
			t.Errorf("figures of this instant were announced: %v", err)
		}
		asOf := opening.Add(2 * time.Hour)
		sealed, err := all.Seal(ctx, newSource(t, db, asOf), by)
		if err != nil {
			t.Fatal(err)
		}
		if got := sealed.Total; got.Signatures != 3 || got.Participants != 3 || got.Roster != 8 {
			t.Errorf("three had come by then: %+v", got)
		}
		got, err := all.Get(ctx, "c", sealed.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sealed.Nodes, got.Nodes); diff != "" || got.SHA256 != sealed.SHA256 || !got.AsOf.Equal(asOf) {
			t.Errorf("read back: %s", diff)
		}
		if _, err := all.Get(ctx, "other", sealed.ID); !errors.Is(err, report.ErrNoAnnouncement) {
			t.Errorf("another campaign's announcement: %v", err)
		}
		if list, err := all.List(ctx, "c"); err != nil || len(list) != 1 {
			t.Errorf("%d announcements, %v", len(list), err)
		}
		if _, err := db.ExecContext(ctx, "UPDATE announcements SET figures = replace(figures, '\"signatures\":3', '\"signatures\":4')"); err != nil {
			t.Fatal(err)
		}
		if _, err := all.Get(ctx, "c", sealed.ID); err == nil {
			t.Error("figures that were changed since are given out as announced")
		}
	})
}

// TestPeople reads a campaign as of an instant, and of a part of its tree.
func TestPeople(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	signers(t, ledger.New(db), 5)
	count := func(s *report.Source) (n int) {
		t.Helper()
		for p, err := range s.People(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if p.FirstAct.After(s.AsOf) && !s.AsOf.IsZero() {
				t.Errorf("%s acted later", p.ID)
			}
			n++
		}
		return n
	}
	for scope, want := range map[string]int{"": 5, "jz": 5, "yc": 5, "yc1": 5, "yc2": 0, "tg": 0} {
		s := newSource(t, db, time.Time{})
		s.Scope = scope
		if got := count(s); got != want {
			t.Errorf("%d people in %q, want %d", got, scope, want)
		}
	}
	if got := count(newSource(t, db, opening.Add(time.Hour))); got != 2 {
		t.Errorf("%d people within the first hour, want 2", got)
	}
	s := newSource(t, db, time.Time{})
	s.Campaign.ID = "never opened"
	if got := count(s); got != 0 {
		t.Errorf("%d people in a campaign that was never opened", got)
	}
}
