package ledger_test

import (
	"testing"

	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/leaderboard"
)

// The ledger can feed a fold as a stream does.
var _ leaderboard.Facts = (*ledger.Ledger)(nil)

func TestLedger(t *testing.T) {
	t.Parallel()
	for _, dialect := range []sqldb.Dialect{sqldb.SQLite, sqldb.PostgreSQL} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			ledgertest.Exercise(t, func(t testing.TB) func() *ledger.Ledger {
				t.Helper()
				target := sqltest.Target(t, dialect)
				return func() *ledger.Ledger { return ledger.New(sqltest.Open(t, target)) }
			})
		})
	}
}
