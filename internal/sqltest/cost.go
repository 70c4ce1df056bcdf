package sqltest

import (
	"database/sql"
	"runtime"
	"testing"
	"time"

	"qingyuan/internal/sqldb"
)

// Cost is what a piece of work took while it ran.
type Cost struct {
	// Heap is the most memory that was in use above what was before, in bytes.
	Heap uint64
	// Wait is the longest that somebody else had to wait for writing one row.
	Wait time.Duration
}

// besideEvery is how often somebody else writes.
const besideEvery = 20 * time.Millisecond

// Measure runs a piece of work, and writes a row beside it all the while.
func Measure(tb testing.TB, db *sqldb.DB, work func()) Cost {
	tb.Helper()
	beside(tb, db, `CREATE TABLE IF NOT EXISTS beside (id INTEGER PRIMARY KEY, n INTEGER)`)
	runtime.GC()
	base := heap()
	var c Cost
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(besideEvery)
		defer tick.Stop()
		for {
			if now := heap(); now > base {
				c.Heap = max(c.Heap, now-base)
			}
			began := time.Now()
			beside(tb, db, `INSERT INTO beside (id, n) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = beside.n + 1`)
			c.Wait = max(c.Wait, time.Since(began))
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	work()
	close(stop)
	<-done
	return c
}

func beside(tb testing.TB, db *sqldb.DB, statement string) {
	tb.Helper()
	err := db.WithTx(tb.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(tb.Context(), statement)
		return err
	})
	if err != nil {
		tb.Errorf("write beside the work: %v", err)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
