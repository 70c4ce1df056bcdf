package ledger_test

import (
	"fmt"
	"testing"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// refuse makes the database refuse rows of some participants, as a value would
// that only a column cannot take.
func refuse(t *testing.T, db *sqldb.DB, table string) {
	t.Helper()
	statements := []string{`CREATE TRIGGER refuse BEFORE INSERT ON ` + table +
		` WHEN NEW.participant LIKE 'bad%' BEGIN SELECT RAISE(ABORT, 'refused'); END`}
	if db.Dialect == sqldb.PostgreSQL {
		statements = []string{
			`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF NEW.participant LIKE 'bad%' THEN RAISE EXCEPTION 'refused' USING ERRCODE = '22021'; END IF;
				RETURN NEW; END $$`,
			`CREATE TRIGGER refuse BEFORE INSERT ON ` + table + ` FOR EACH ROW EXECUTE FUNCTION refuse()`,
		}
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRowsThatTheDatabaseRefuses: wherever in a batch they lie, they alone go to
// the dead letters, and erasures and cursor are what they would be without them.
func TestRowsThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		refuse(t, db, "facts")
		l := ledger.New(db)
		const size = 700
		at, stored := event.Position{}, 0
		for round, bad := range [][]int{{}, {0}, {size - 1}, {255, 256}, {0, 1, 2, 3}, {13, 300, 511, 699}} {
			entries := ledgertest.Crowd(1, round*size, size)
			for _, i := range bad {
				ledgertest.Set(&entries[i], "p", fmt.Sprint("bad", i))
			}
			out, err := l.Append(t.Context(), ledger.Batch{Shard: home, Stream: event.Facts, From: at, Entries: entries})
			if want := size - len(bad); err != nil || out.Stored != want || out.Dead != len(bad) {
				t.Fatalf("round %d: Append = %+v, %v; want %d stored", round, out, err, want)
			}
			at, stored = out.To, stored+out.Stored
		}
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM facts").Scan(&n); err != nil || n != stored {
			t.Errorf("%d facts are stored, %v; want %d", n, err, stored)
		}
		dead, err := l.DeadLetters(t.Context(), 100)
		if err != nil || len(dead) != 12 || dead[11].Entry.Get("p") != "bad699" {
			t.Errorf("dead letters: %d, %v; want 12, the last of bad699", len(dead), err)
		}
	})
}

func TestRecordsThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		refuse(t, db, "personal")
		l := ledger.New(db)
		entries := append(records(0, 3), ledgertest.Record(pos(1, 3), event.RecordSignature, "bad", "x"),
			ledgertest.Erasure(pos(1, 4), "p000001"))
		out, err := l.Append(t.Context(), ledger.Batch{Shard: home, Stream: event.Personal, Entries: entries})
		if err != nil || out.Stored != 4 || out.Dead != 1 {
			t.Fatalf("Append = %+v, %v; want 4 stored", out, err)
		}
		h, err := l.History(t.Context(), home, "p000001")
		if err != nil || len(h.Records) != 2 || h.Records[0].Sealed != nil {
			t.Errorf("History = %+v, %v; want it erased", h, err)
		}
	})
}

// TestAnOutageIsNoDeadLetter: what fails because of the database fails as a whole.
func TestAnOutageIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		l := ledger.New(db)
		if _, err := db.ExecContext(t.Context(), "ALTER TABLE facts RENAME TO away"); err != nil {
			t.Fatal(err)
		}
		b := ledger.Batch{Shard: home, Stream: event.Facts, Entries: ledgertest.Crowd(1, 0, 10)}
		if out, err := l.Append(t.Context(), b); err == nil || out.Stored+out.Dead > 0 {
			t.Fatalf("Append without its table = %+v, %v; want an error", out, err)
		}
		if _, err := db.ExecContext(t.Context(), "ALTER TABLE away RENAME TO facts"); err != nil {
			t.Fatal(err)
		}
		if out, err := l.Append(t.Context(), b); err != nil || out.Stored != 10 {
			t.Errorf("Append = %+v, %v; want 10 stored", out, err)
		}
	})
}
