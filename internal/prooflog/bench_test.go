package prooflog_test

import (
	"path/filepath"
	"testing"

	"qingyuan/internal/sqltest"
)

// BenchmarkSeal seals and signs 5,000 attempts on SQLite: what a minute of 80 submissions
// a second comes to.
func BenchmarkSeal(b *testing.B) {
	r := newRig(b, sqltest.Open(b, filepath.Join(b.TempDir(), "q.db")), 1)
	r.log.Batch = 0
	acts := 0
	for b.Loop() {
		b.StopTimer()
		r.crowd(acts, 5000)
		acts += 5000
		b.StartTimer()
		r.seal()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(acts), "µs/act")
}
