// Package sqltest opens databases for tests: SQLite in a temporary folder, and
// PostgreSQL on a private server that ends with the test binary, also when that
// is killed. Nothing is shared between tests but the server; nothing is mocked.
//
// A missing PostgreSQL fails the test: a skipped store test would prove nothing.
package sqltest

import (
	"path/filepath"
	"testing"

	"qingyuan/internal/sqldb"
)

// Each runs fn once for each kind of database, on an empty one with the current
// schema, in parallel subtests. Those begin when the calling test returns.
func Each(t *testing.T, fn func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	each(t, func(t *testing.T, d sqldb.Dialect) {
		t.Helper()
		fn(t, Open(t, copyOf(t, d)))
	})
}

// EachTarget is Each for tests that open the database themselves, or twice: fn
// gets the target of an empty database that nobody has opened yet.
func EachTarget(t *testing.T, fn func(t *testing.T, target string)) {
	t.Helper()
	each(t, func(t *testing.T, d sqldb.Dialect) {
		t.Helper()
		fn(t, Target(t, d))
	})
}

func each(t *testing.T, fn func(t *testing.T, d sqldb.Dialect)) {
	t.Helper()
	for _, dialect := range []sqldb.Dialect{sqldb.SQLite, sqldb.PostgreSQL} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			fn(t, dialect)
		})
	}
}

// Target returns the target of an empty database of one kind that nobody has
// opened yet, for suites that need several.
func Target(t testing.TB, d sqldb.Dialect) string {
	t.Helper()
	if d == sqldb.PostgreSQL {
		return postgresTarget(t, empty)
	}
	return filepath.Join(t.TempDir(), "qingyuan.db")
}

// SQLite opens an empty SQLite database.
func SQLite(t testing.TB) *sqldb.DB {
	t.Helper()
	return Open(t, copyOf(t, sqldb.SQLite))
}

// PostgreSQL opens an empty PostgreSQL database.
func PostgreSQL(t testing.TB) *sqldb.DB {
	t.Helper()
	return Open(t, copyOf(t, sqldb.PostgreSQL))
}

// PostgreSQLTarget is PostgreSQL for tests whose program opens the database
// itself: the URL of an empty one that nobody has opened yet.
func PostgreSQLTarget(t testing.TB) string {
	t.Helper()
	return postgresTarget(t, empty)
}

// Open opens target as the program does, and closes it when t ends.
func Open(t testing.TB, target string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
