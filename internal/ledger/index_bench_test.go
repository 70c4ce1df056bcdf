package ledger_test

import (
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

var indexPeople = flag.Int("index.people", 20_000, "people of BenchmarkIndex, who have three facts each")

// indexRows is how many rows one iteration of BenchmarkIndex writes, in one transaction.
const indexRows = 2000

// BenchmarkIndex tells what one more row of the facts costs SQLite, by how they are indexed
// by participant: rows of people by chance, among three of each. Run it with -benchtime 100x.
func BenchmarkIndex(b *testing.B) {
	for name, index := range map[string]string{
		"none":   "",
		"all":    "(shard, participant, epoch, seq)",
		"262144": "(shard, epoch, (seq / 262144), participant, seq)",
		"65536":  "(shard, epoch, (seq / 65536), participant, seq)",
		"16384":  "(shard, epoch, (seq / 16384), participant, seq)",
	} {
		b.Run(name, func(b *testing.B) {
			r := &rowWriter{B: b, db: sqltest.SQLite(b), random: rand.New(rand.NewPCG(1, 2))}
			r.exec("DROP INDEX facts_by_block")
			for r.seq < 3**indexPeople {
				r.write()
			}
			if index != "" {
				r.exec("CREATE INDEX facts_by ON facts " + index)
			}
			r.exec("PRAGMA wal_checkpoint(TRUNCATE)")
			for b.Loop() {
				r.write()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*indexRows), "µs/row")
		})
	}
}

type rowWriter struct {
	*testing.B

	db     *sqldb.DB
	random *rand.Rand
	seq    int
}

func (r *rowWriter) exec(query string) {
	r.Helper()
	if _, err := r.db.ExecContext(r.Context(), query); err != nil {
		r.Fatal(err)
	}
}

// write is one transaction.
func (r *rowWriter) write() {
	r.Helper()
	const atOnce = 250
	query := "INSERT OR FAIL INTO facts (shard, epoch, seq, kind, participant, unit, grp, at, first, best, body) VALUES " +
		strings.TrimSuffix(strings.Repeat("(1, 1, ?, 'submitted.1', ?, 'u-0123456789', 'public', 1782489500000, 0, '60|1|0', ?),", atOnce), ",")
	err := r.db.WithTx(r.Context(), func(tx *sql.Tx) error {
		for range indexRows / atOnce {
			var args []any
			for range atOnce {
				who := uint64(r.random.IntN(*indexPeople)) * 0x9e3779b97f4a7c15
				args = append(args, r.seq, fmt.Sprintf("%026x", who), []byte(benchBody))
				r.seq++
			}
			if _, err := tx.ExecContext(r.Context(), query, args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
}
