//go:build chaos

package chaos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"qingyuan/internal/sqldb"
)

// TestPowerCutOfSQLite commits rows, one transaction each, and cuts the power of
// the disk: what was committed is there, as the program opens its ledger. With
// less syncing, this very test finds what is lost.
func TestPowerCutOfSQLite(t *testing.T) {
	t.Parallel()
	row := NewRow("power cut: SQLite's committed rows")
	disk := newPlatter(t, 64)
	rounds := Rounds("power.sqlite", 5, 200)
	for n := range rounds {
		if Stopped() || t.Failed() {
			break
		}
		committed, left, err := commitAndCut(t.Context(), disk, fmt.Sprint("full", n), "FULL")
		if err != nil || left != committed {
			t.Errorf("synchronous FULL: %d rows committed, %d left, %v", committed, left, err)
		}
		row.Book(Verdict{Acknowledged: committed})
		row.Round(1)
	}
	for _, less := range []string{"NORMAL", "OFF"} {
		committed, left, err := commitAndCut(t.Context(), disk, less, less)
		if err != nil || left >= committed {
			t.Errorf("synchronous %s: %d rows committed, %d left, %v: this test proves nothing", less, committed, left, err)
		}
		row.Note("with %s it finds the loss (%d of %d)", less, committed-left, committed)
	}
}

// commitAndCut opens a database as the program does, lowers how much it syncs,
// commits rows, cuts the power and counts.
func commitAndCut(ctx context.Context, disk *platter, name, synchronous string) (committed, left int, err error) {
	db, err := sqldb.Open(ctx, filepath.Join(disk.Dir, name))
	if err != nil {
		return 0, 0, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, 0, errors.Join(err, db.Close())
	}
	const rows = 100
	err = setUp(ctx, conn, synchronous)
	for range rows {
		if _, errRow := conn.ExecContext(ctx, "INSERT INTO acked DEFAULT VALUES"); errRow == nil {
			committed++
		} else {
			err = errors.Join(err, errRow)
		}
	}
	errCut := disk.Cut()
	_, _ = conn.Close(), db.Close() // they cannot write any more
	if err := errors.Join(err, errCut, disk.Restore(ctx)); err != nil {
		return committed, 0, err
	}
	left, err = count(ctx, filepath.Join(disk.Dir, name))
	return committed, left, err
}

// setUp makes the table durably and then chooses how much is synced.
func setUp(ctx context.Context, conn *sql.Conn, synchronous string) error {
	for _, statement := range []string{
		"CREATE TABLE acked (id INTEGER PRIMARY KEY)", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA synchronous=" + synchronous,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func count(ctx context.Context, path string) (n int, err error) {
	db, err := sqldb.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return n, db.QueryRowContext(ctx, "SELECT count(*) FROM acked").Scan(&n)
}
