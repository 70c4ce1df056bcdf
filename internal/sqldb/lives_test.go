package sqldb_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
)

// TestClosedIsClosed has callers give up in the middle of statements: once the
// database is closed, nobody reads from it any more. It looks at the goroutines of
// the process, and so runs alone.
func TestClosedIsClosed(t *testing.T) {
	srv := sqltest.StartPostgreSQL(t)
	db, err := sqldb.Open(t.Context(), srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if _, err := db.ExecContext(ctx, "SELECT pg_sleep(60)"); err == nil {
				t.Error("it slept for a minute")
			}
		})
	}
	waittest.Until(t, "all to be asleep", func() bool {
		var asleep int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)' AND state = 'active'").Scan(&asleep); err != nil {
			t.Fatal(err)
		}
		return asleep == 8
	})
	cancel()
	callers.Wait()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if all := goroutines(); strings.Contains(all, "asyncClose") {
		t.Errorf("connections are still being closed:\n%s", all)
	}
}

// goroutines are the stacks of all.
func goroutines() string {
	text := make([]byte, 1<<20)
	return string(text[:runtime.Stack(text, true)])
}
