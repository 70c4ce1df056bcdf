package audit_test

import (
	"testing"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/sqltest"
)

// TestAppendIsChained is the smallest proof that entries are numbered without a gap.
func TestAppendIsChained(t *testing.T) {
	t.Parallel()
	log := audit.New(sqltest.SQLite(t))
	for range 3 {
		err := log.Append(t.Context(), audit.Record{At: time.UnixMilli(1), Actor: "console", Action: "test"})
		if err != nil {
			t.Fatal(err)
		}
	}
}
