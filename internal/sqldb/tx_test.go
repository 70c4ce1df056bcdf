package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

var errOurs = errors.New("ours")

func TestWithTx(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mustExec(t, db, "CREATE TABLE n (n INTEGER)")
		insert := func(end func() error) error {
			return db.WithTx(t.Context(), func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(t.Context(), "INSERT INTO n VALUES (1)"); err != nil {
					return err
				}
				return end()
			})
		}
		if err := insert(func() error { return nil }); err != nil {
			t.Errorf("WithTx = %v", err)
		}
		if err := insert(func() error { return errOurs }); !errors.Is(err, errOurs) {
			t.Errorf("WithTx = %v, want the error of fn", err)
		}
		mustPanic(t, func() { _ = insert(func() error { panic("x") }) })
		if got := number(t, db, "SELECT COUNT(*) FROM n"); got != 1 {
			t.Errorf("%d rows, want only the one that was committed", got)
		}
		if err := insert(func() error { return nil }); err != nil {
			t.Errorf("WithTx after a panic = %v", err)
		}
	})
}

func mustPanic(t *testing.T, fn func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	fn()
}

// TestWritersTakeTurns reads and writes a number from many sides: no turn is
// lost and nobody is refused.
func TestWritersTakeTurns(t *testing.T) {
	t.Parallel()
	const writers, turns = 12, 20
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mustExec(t, db, "CREATE TABLE n (n INTEGER)")
		mustExec(t, db, "INSERT INTO n VALUES (0)")
		var g errgroup.Group
		for range writers {
			g.Go(func() error {
				for range turns {
					err := db.WithTx(t.Context(), func(tx *sql.Tx) error {
						_, err := tx.ExecContext(t.Context(), "UPDATE n SET n = n + 1")
						return err
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := number(t, db, "SELECT n FROM n"); got != writers*turns {
			t.Errorf("n = %d, want %d", got, writers*turns)
		}
	})
}

// TestWaitingForATurnEnds shows that the deadline holds in the queue too.
func TestWaitingForATurnEnds(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	err := db.WithTx(t.Context(), func(*sql.Tx) error {
		return db.WithTx(soon(t), func(*sql.Tx) error { return nil })
	})
	if !errors.Is(err, context.DeadlineExceeded) || !sqldb.IsUnavailable(err) {
		t.Errorf("WithTx in the queue = %v, want the deadline, which is an outage", err)
	}
}

// TestSnapshot reads before and after somebody else wrote: the second reading
// says what the first said, and nobody had to wait.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mustExec(t, db, "CREATE TABLE n (n INTEGER)")
		mustExec(t, db, "INSERT INTO n VALUES (1)")
		err := db.Snapshot(t.Context(), func(tx *sql.Tx) error {
			for range 2 {
				var n int
				if err := tx.QueryRowContext(t.Context(), "SELECT n FROM n").Scan(&n); err != nil {
					return err
				}
				if n != 1 {
					t.Errorf("n = %d, want what it was at first", n)
				}
				mustExec(t, db, "UPDATE n SET n = n + 1")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := number(t, db, "SELECT n FROM n"); n != 3 {
			t.Errorf("n = %d, want 3", n)
		}
	})
}

// TestCancelledWriteLeavesNothing cancels in the middle of a transaction, and
// wants the next one to go on.
func TestCancelledWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mustExec(t, db, "CREATE TABLE n (n INTEGER)")
		ctx, cancel := context.WithCancel(t.Context())
		err := db.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO n VALUES (1)")
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) || sqldb.IsUnavailable(err) {
			t.Errorf("WithTx = %v, want that it was cancelled, which is no outage", err)
		}
		err = db.WithTx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), "INSERT INTO n VALUES (2)")
			return err
		})
		if n := number(t, db, "SELECT SUM(n) FROM n"); err != nil || n != 2 {
			t.Errorf("after it: %d, %v; want only what was committed", n, err)
		}
	})
}

// soon returns a context that ends while something else holds on.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
