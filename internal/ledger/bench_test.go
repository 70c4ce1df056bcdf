package ledger_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// benchBody is a submission of twenty questions, about 400 bytes.
const benchBody = `{"number":2,"started":1782489500000,"used_ms":100123,"score":80,"max":100,"correct":8,"passed":true,` +
	`"by":"participant","bank":"","items":"a1:0.1.2.3,b1:1.2.3.0,c1:2.3.1.0,d1:3.1.0.2,e1:1.0.2.3,f1:2.2.1.0,g1:0.3.2.1,` +
	`h1:1.1.0.2,i1:2.0.1.3,j1:3.3.2.1,a2:0.1.2.3,b2:1.2.3.0,c2:2.3.1.0,d2:3.1.0.2,e2:1.0.2.3,f2:2.2.1.0,g2:0.3.2.1",` +
	`"choices":"1.2.3.1.0.2.3.1.0.2.1.2.3.1.0.2.3.1.0.2."}`

// submissions are n facts from a number on, of participants in no order.
func submissions(from, n int) []event.Entry {
	all := make([]event.Entry, n)
	for i := range all {
		who := fmt.Sprintf("%016x", uint64(from+i)*0x9e3779b97f4a7c15)
		all[i] = ledgertest.Fact(pos(1, uint64(from+i)), event.KindSubmitted, who, benchBody, "b", "60|1|0")
	}
	return all
}

// BenchmarkAppend stores batches of 2,000 facts. An iteration is a batch, and the
// database grows with it: -benchtime 100x stores 200,000.
func BenchmarkAppend(b *testing.B) {
	for _, d := range []sqldb.Dialect{sqldb.SQLite, sqldb.PostgreSQL} {
		b.Run(string(d), func(b *testing.B) {
			const size = 2000
			l := ledger.New(sqltest.Open(b, sqltest.Target(b, d)))
			at := event.Position{}
			for i := range b.N {
				b.StopTimer()
				batch := ledger.Batch{Shard: home, Stream: event.Facts, From: at, Entries: submissions(i*size, size)}
				b.StartTimer()
				out, err := l.Append(b.Context(), batch)
				if err != nil || out.Stored != size {
					b.Fatalf("Append = %+v, %v", out, err)
				}
				at = out.To
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "facts/s")
		})
	}
}

// BenchmarkDrain archives a backlog of a million facts from a real stream into
// SQLite, and reads all of them as histories. Run it with -benchtime 1x.
func BenchmarkDrain(b *testing.B) {
	const backlog = 1_000_000
	db := redistest.Start(b).Client(b)
	for from := 0; from < backlog; from += 10_000 {
		if err := write(b.Context(), db, event.Facts, submissions(from, 10_000)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		l := ledger.New(sqltest.SQLite(b))
		source := newSource(db)
		a := &ledger.Archiver{
			Ledger: l, Source: source, Shard: home, Now: time.Now,
			Archived: func(event.Stream, int, time.Duration) {}, Dead: func(int) {}, Failed: func(err error) { b.Error(err) },
		}
		start := time.Now()
		if err := a.Drain(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s/drain")
		b.ReportMetric(backlog/time.Since(start).Seconds(), "facts/s")
		b.StopTimer()
		readAll(b, l, backlog)
		b.StartTimer()
	}
}

func readAll(b *testing.B, l *ledger.Ledger, want int) {
	b.Helper()
	start, n := time.Now(), 0
	var peak uint64
	for h, err := range l.Histories(b.Context(), home, ledger.Heads{Facts: pos(9, 0)}) {
		if err != nil {
			b.Fatal(err)
		}
		if n += len(h.Facts); n%100_000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapInuse)
		}
	}
	if n != want {
		b.Fatalf("the histories have %d facts, want %d", n, want)
	}
	b.ReportMetric(time.Since(start).Seconds(), "s/histories")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
}
