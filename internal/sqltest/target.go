package sqltest

import (
	"testing"

	"qingyuan/internal/sqldb"
)

// Target returns the target of an empty database of one kind that nobody has
// opened yet, for suites that need several.
func Target(t testing.TB, d sqldb.Dialect) string {
	t.Helper()
	if d == sqldb.PostgreSQL {
		return postgresTarget(t)
	}
	return sqliteTarget(t)
}
