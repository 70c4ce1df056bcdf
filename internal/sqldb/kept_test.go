package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// oneConn is one connection to a new file with the numbers from 1 to 3 in a table.
func oneConn(t *testing.T) (*sqldb.DB, *sql.Conn) {
	t.Helper()
	db := sqltest.SQLite(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	do(t, conn, `CREATE TABLE numbers (n INTEGER PRIMARY KEY)`)
	do(t, conn, `INSERT INTO numbers (n) VALUES (1), (2), (3)`)
	return db, conn
}

func do(t *testing.T, conn *sql.Conn, statement string) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func answer(row *sql.Row) (int, error) {
	var n int
	err := row.Scan(&n)
	return n, err
}

const allNumbers = `SELECT n FROM numbers WHERE n <= $1 ORDER BY n`

func numbers(t *testing.T, conn *sql.Conn, most int, each func(n int)) {
	t.Helper()
	rows, err := conn.QueryContext(t.Context(), allNumbers, most) //nolint:rowserrcheck // Each checks it.
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var n int
		if err := r.Scan(&n); err != nil {
			return err
		}
		each(n)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAStatementWithinItself: while rows of a statement are read, the same one is asked.
func TestAStatementWithinItself(t *testing.T) {
	t.Parallel()
	_, conn := oneConn(t)
	for range 2 {
		var got []int
		numbers(t, conn, 3, func(n int) {
			got = append(got, n)
			numbers(t, conn, n, func(m int) { got = append(got, 10*n+m) })
		})
		if want := []int{1, 11, 2, 21, 22, 3, 31, 32, 33}; !slices.Equal(got, want) {
			t.Errorf("the numbers below each number are %v, want %v", got, want)
		}
	}
}

// TestStatementsAreKept: each once, and not more of them than the bound.
func TestStatementsAreKept(t *testing.T) {
	t.Parallel()
	_, conn := oneConn(t)
	before := sqldb.Kept(t, conn)
	for i := range 300 {
		for range 2 {
			if got, err := answer(conn.QueryRowContext(t.Context(), fmt.Sprintf(`SELECT %d + $1`, i), 1)); err != nil || got != i+1 {
				t.Fatalf("statement %d gives %d, %v", i, got, err)
			}
		}
		if want := min(before+i+1, sqldb.KeptStatements); sqldb.Kept(t, conn) != want {
			t.Fatalf("%d statements are kept after %d different ones, want %d", sqldb.Kept(t, conn), i+1, want)
		}
	}
}

// TestAKeptStatementSeesTheSchema as it is now.
func TestAKeptStatementSeesTheSchema(t *testing.T) {
	t.Parallel()
	db, conn := oneConn(t)
	columns := func() int {
		t.Helper()
		rows, err := conn.QueryContext(t.Context(), `SELECT * FROM numbers`) //nolint:rowserrcheck // Each checks it.
		if err != nil {
			t.Fatal(err)
		}
		names, err := rows.Columns()
		if err := errors.Join(err, sqldb.Each(rows, nil, func(*sql.Rows) error { return nil })); err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	before := columns()
	if _, err := db.ExecContext(t.Context(), `ALTER TABLE numbers ADD COLUMN name TEXT`); err != nil {
		t.Fatal(err)
	}
	if after := columns(); before != 1 || after != 2 {
		t.Errorf("%d columns, and then %d; want 1 and 2", before, after)
	}
}

// TestAKeptStatementAfterItFailed: by a rule of the table, and because nobody waited.
func TestAKeptStatementAfterItFailed(t *testing.T) {
	t.Parallel()
	_, conn := oneConn(t)
	const insert = `INSERT INTO numbers (n) VALUES ($1)`
	for _, tc := range []struct {
		n  int
		ok bool
	}{{4, true}, {4, false}, {5, true}, {5, false}, {6, true}} {
		if _, err := conn.ExecContext(t.Context(), insert, tc.n); (err == nil) != tc.ok {
			t.Errorf("insert %d: %v", tc.n, err)
		}
	}
	const count = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT COUNT(*) FROM n`
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := answer(conn.QueryRowContext(ctx, count, int64(1e12))); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody waits for it: %v", err)
		}
		cancel()
		if got, err := answer(conn.QueryRowContext(t.Context(), count, 10)); err != nil || got != 10 {
			t.Errorf("the same statement then gives %d, %v; want 10", got, err)
		}
	}
}

// TestAKeptStatementHoldsNothing: the log can be emptied though rows were read halfway.
func TestAKeptStatementHoldsNothing(t *testing.T) {
	t.Parallel()
	db, conn := oneConn(t)
	if first, err := answer(conn.QueryRowContext(t.Context(), allNumbers, 3)); err != nil || first != 1 {
		t.Fatalf("the first row is %d, %v", first, err)
	}
	do(t, conn, `INSERT INTO numbers (n) VALUES (7)`)
	if busy, err := firstOf(db.QueryContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`)); err != nil || busy != 0 {
		t.Errorf("empty the log: busy %d, %v", busy, err)
	}
}

// firstOf is the first column of the first row.
func firstOf(rows *sql.Rows, err error) (int, error) {
	var first, second, third int
	err = sqldb.Each(rows, err, func(r *sql.Rows) error { return r.Scan(&first, &second, &third) })
	return first, err
}
