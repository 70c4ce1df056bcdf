package sqldb

import (
	"context"
	"database/sql"
	"io/fs"
	"testing"
)

// CheckPragma reads one setting of SQLite back, as Open does with all of its own.
func (d *DB) CheckPragma(ctx context.Context, name, reads string) error {
	return d.checkPragmas(ctx, []pragma{{name, reads, reads}})
}

// Rendered returns the migrations of folder in the words of a dialect.
func Rendered(folder fs.FS, d Dialect) fs.FS { return rendered{folder, d.words()} }

// Unqueued is WithTx without the queue of SQLite's writers.
func (d *DB) Unqueued(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return d.transact(ctx, nil, fn)
}

// KeptStatements bounds the statements of one connection.
const KeptStatements = keptStatements

// Kept counts the statements that a connection to an SQLite file keeps.
func Kept(t testing.TB, c *sql.Conn) int {
	t.Helper()
	n := 0
	err := c.Raw(func(driver any) error {
		n = len(driver.(*keeping).kept) //nolint:forcetypeassert // It fails the test.
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
