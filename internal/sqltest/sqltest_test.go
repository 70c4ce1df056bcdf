package sqltest_test

import (
	"testing"

	"go.uber.org/goleak"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEach(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		if _, err := db.ExecContext(t.Context(), "CREATE TABLE a (b TEXT)"); err != nil {
			t.Fatal(err)
		}
	})
}
