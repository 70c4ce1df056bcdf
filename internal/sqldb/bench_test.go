package sqldb_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// BenchmarkInsert stores batches of facts, each in a transaction, from one side
// and from many. On SQLite "unqueued" leaves the turns to SQLite's own waiting.
func BenchmarkInsert(b *testing.B) {
	for _, batch := range []int{1, 500} {
		for _, writers := range []int{1, 8} {
			name := fmt.Sprintf("batch=%d/writers=%d/", batch, writers)
			b.Run(name+"sqlite", func(b *testing.B) {
				db := sqltest.SQLite(b)
				insert(b, db, db.WithTx, batch, writers)
			})
			b.Run(name+"sqlite-unqueued", func(b *testing.B) {
				db := sqltest.SQLite(b)
				insert(b, db, db.Unqueued, batch, writers)
			})
			b.Run(name+"postgres", func(b *testing.B) {
				db := sqltest.PostgreSQL(b)
				insert(b, db, db.WithTx, batch, writers)
			})
		}
	}
}

type transact = func(context.Context, func(*sql.Tx) error) error

func insert(b *testing.B, db *sqldb.DB, do transact, batch, writers int) {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), "INSERT INTO shards VALUES (1, 'c', 0)"); err != nil {
		b.Fatal(err)
	}
	row := strings.Repeat(", (1, 1, $%d, 'submitted.1', 'p000000000000000000000', 'u1', 'public', 1, 0, '', $1)", batch)[2:]
	numbers := make([]any, batch)
	for i := range numbers {
		numbers[i] = i + 2
	}
	query := "INSERT INTO facts (shard, epoch, seq, kind, participant, unit, grp, at, first, best, body) VALUES " + fmt.Sprintf(row, numbers...)
	var seq, rounds, worst atomic.Int64
	b.ResetTimer()
	var g errgroup.Group
	for range writers {
		g.Go(func() error {
			for rounds.Add(1) <= int64(b.N) {
				args := make([]any, 1, batch+1)
				args[0] = make([]byte, 300)
				for range batch {
					args = append(args, seq.Add(1))
				}
				begun := time.Now()
				err := do(b.Context(), func(tx *sql.Tx) error {
					_, err := tx.ExecContext(b.Context(), query, args...)
					return err
				})
				if err != nil {
					return err
				}
				took := int64(time.Since(begun))
				for old := worst.Load(); took > old && !worst.CompareAndSwap(old, took); old = worst.Load() {
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(worst.Load())/1e6, "worst-ms")
}
