package retention_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// table makes a table with some rows of two campaigns, the last of which is empty already.
func table(t *testing.T, db *sqldb.DB) {
	t.Helper()
	err := db.WithTx(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), "CREATE TABLE notes (id BIGINT PRIMARY KEY, campaign TEXT NOT NULL, text TEXT)"); err != nil {
			return err
		}
		for i := range 7 {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO notes VALUES ($1, $2, 'x')", i, []string{"a", "b"}[i%2]); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(t.Context(), "INSERT INTO notes VALUES (7, 'a', NULL)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestForget takes a campaign's rows in steps, the others' not at all, and only what is
// due; interrupted, it goes on where it was.
func TestForget(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		table(t, db)
		ctx := t.Context()
		rows := retention.Rows{DB: db, Table: "notes", Key: "id", Holds: "text IS NOT NULL", Set: "text = NULL"}
		hs := retention.Holders{
			{Name: "notes", Kind: campaign.KeptMessages, Left: rows.Left, Forget: rows.Forget},
			{Name: "others", Kind: campaign.KeptRosters, Left: rows.Left, Forget: func(context.Context, string, int) (int64, error) {
				t.Error("what is not due was taken away")
				return 0, nil
			}},
		}
		c := &campaign.Campaign{ID: "a", ClosesAt: time.Unix(0, 0), Retention: campaign.Retention{campaign.KeptMessages: 1}}
		due := c.Forgets(time.Unix(90_000, 0))
		lines, err := hs.Plan(ctx, c, due)
		if err != nil || len(lines) != 2 || !lines[0].Due || lines[1].Due || lines[0].Left != 4 || !lines[1].At.IsZero() {
			t.Fatalf("plan %+v, %v", lines, err)
		}
		stopped, stop := context.WithCancel(ctx)
		if _, err := hs.Forget(stopped, c, due, func(int64) { stop() }); err == nil {
			t.Error("it went on after it was stopped")
		}
		taken, err := hs.Forget(ctx, c, due, func(int64) {})
		if err != nil || taken["others"] != 0 {
			t.Errorf("taken %v, %v", taken, err)
		}
		for id, want := range map[string]int64{"a": 0, "b": 3} {
			if n, err := rows.Left(ctx, id); n != want || err != nil {
				t.Errorf("left of %s: %d, %v, want %d", id, n, err, want)
			}
		}
		gone := retention.Rows{DB: db, Table: "notes", Key: "id", Holds: "true"}
		for _, want := range []int64{3, 2, 0} {
			if n, err := gone.Forget(ctx, "a", 3); n != want || err != nil {
				t.Errorf("deleted %d, %v, want %d", n, err, want)
			}
		}
	})
}

// TestErase asks every holder that can, and tells by campaign.
func TestErase(t *testing.T) {
	t.Parallel()
	var asked []string
	one := func(name, id string) retention.Holder {
		return retention.Holder{
			Name: name, Tables: []string{name},
			Erase: func(_ context.Context, p string) error { asked = append(asked, name+" "+p); return nil },
			Tell: func(context.Context, string) ([]retention.Told, error) {
				return []retention.Told{{Campaign: id, Kind: name}}, nil
			},
		}
	}
	hs := retention.Holders{one("x", "a"), {Name: "nothing of persons"}, one("y", "b"), one("z", "a")}
	if err := hs.Erase(t.Context(), "p"); err != nil || fmt.Sprint(asked) != "[x p y p z p]" {
		t.Errorf("%v, %q", err, asked)
	}
	told, err := hs.Tell(t.Context(), "p")
	if err != nil || len(told["a"]) != 2 || len(told["b"]) != 1 || fmt.Sprint(hs.Tables()) != "[x y z]" {
		t.Errorf("%v, %v, %v", told, err, hs.Tables())
	}
}

func TestWithdrawals(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		w, ctx := retention.Withdrawals{DB: db}, t.Context()
		for _, at := range []int64{1000, 2000} {
			if err := w.Record(ctx, "c", "p", time.UnixMilli(at)); err != nil {
				t.Fatal(err)
			}
		}
		if at, err := w.Of(ctx, "c", "p"); err != nil || at.UnixMilli() != 2000 {
			t.Errorf("withdrawn %v, %v", at, err)
		}
		if at, err := w.Of(ctx, "d", "p"); err != nil || !at.IsZero() {
			t.Errorf("withdrawn elsewhere %v, %v", at, err)
		}
	})
}
