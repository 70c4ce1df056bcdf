package sqldb_test

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "", 1: "$3", 3: "$3, $4, $5"} {
		if got := sqldb.Places(3, n); got != want {
			t.Errorf("%d from 3 on: %q, want %q", n, got, want)
		}
	}
}

// TestInsertion: any number of rows is there afterwards, each once, and what to do with
// one that is there already is done.
func TestInsertion(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		if _, err := db.ExecContext(ctx, "CREATE TABLE counted (name VARCHAR(9) PRIMARY KEY, n BIGINT NOT NULL)"); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 3, 127, 128, 129, 300} {
			in := sqldb.Insertion{Into: "counted (name, n)", Width: 2, End: "ON CONFLICT (name) DO UPDATE SET n = counted.n + excluded.n"}
			for i := range n {
				in.Add(strconv.Itoa(i), 1)
			}
			if err := db.WithTx(ctx, func(tx *sql.Tx) error { return in.Run(ctx, tx, db.Dialect) }); err != nil {
				t.Fatalf("%d rows: %v", n, err)
			}
			if rows, sum := counted(ctx, t, db); rows != n || sum != n {
				t.Errorf("%d rows were inserted: there are %d that have %d", n, rows, sum)
			}
			if err := db.WithTx(ctx, func(tx *sql.Tx) error { return in.Run(ctx, tx, db.Dialect) }); err != nil {
				t.Fatalf("%d rows again: %v", n, err)
			}
			if rows, sum := counted(ctx, t, db); rows != n || sum != 2*n {
				t.Errorf("%d rows were inserted twice: there are %d that have %d", n, rows, sum)
			}
			if _, err := db.ExecContext(ctx, "DELETE FROM counted"); err != nil {
				t.Fatal(err)
			}
		}
		wrong := sqldb.Insertion{Into: "counted (name, n)", Width: 2}
		wrong.Add("a", 1)
		wrong.Add("a", 2)
		err := db.WithTx(ctx, func(tx *sql.Tx) error { return wrong.Run(ctx, tx, db.Dialect) })
		if err == nil || !strings.Contains(err.Error(), "store 2 rows in counted (name, n)") {
			t.Errorf("a row that is there: %v", err)
		}
	})
}

func counted(ctx context.Context, t *testing.T, db *sqldb.DB) (rows, sum int) {
	t.Helper()
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*), CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM counted").Scan(&rows, &sum); err != nil {
		t.Fatal(err)
	}
	return rows, sum
}
