package report_test

import (
	"flag"
	"io"
	"runtime"
	"strconv"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/report"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqltest"
)

//nolint:gochecknoglobals // A flag.
var people = flag.Int("people", 100_000, "how many people the benchmark of exports has")

// BenchmarkExport writes the list of participants of a whole campaign, and tells the most
// heap that was in use.
func BenchmarkExport(b *testing.B) {
	db := sqltest.SQLite(b)
	l := ledger.New(db)
	if _, err := l.Register(b.Context(), ledger.Opened{Campaign: "c", Shards: 1, Base: opening.Unix(), Bits: 18, Epoch: 1, Condition: ledger.Open}); err != nil {
		b.Fatal(err)
	}
	fill(b, l, *people)
	for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		b.Run(string(f), func(b *testing.B) {
			for b.Loop() {
				exportOnce(b, newSource(b, db, time.Time{}), f)
			}
		})
	}
}

// fill puts people into the ledger who enrolled and signed.
func fill(b *testing.B, l *ledger.Ledger, n int) {
	b.Helper()
	var from event.Position
	var seq uint64
	for begin := 0; begin < n; begin += 1000 {
		batch := ledger.Batch{Shard: ledger.Shard{Campaign: "c"}, Stream: event.Facts, From: from, Now: opening}
		for i := begin; i < min(begin+1000, n); i++ {
			who := "p" + strconv.Itoa(i)
			for _, e := range []event.Entry{
				ledgertest.Fact(ledgertest.Pos(1, seq), event.KindEnrolled, who, `{"notice":"1"}`, event.FieldUnit, "yc1", event.FieldGroup, "student"),
				ledgertest.Fact(ledgertest.Pos(1, seq+1), event.KindSigned, who, `{"version":"1","text_sha256":"ab","method":"typed","commitment":"c"}`,
					event.FieldUnit, "yc1", event.FieldGroup, "student", event.FieldFirst, "1"),
			} {
				from = e.Position
				seq++
				batch.Entries = append(batch.Entries, e)
			}
		}
		if _, err := l.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}

func exportOnce(b *testing.B, s *report.Source, f sheet.Format) {
	b.Helper()
	w, err := sheet.New(io.Discard, f)
	if err != nil {
		b.Fatal(err)
	}
	peak := &watched{Writer: w}
	rows, err := s.Export(b.Context(), report.ExportParticipants, peak)
	if err != nil || rows != int64(*people) {
		b.Fatalf("%d rows, %v", rows, err)
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(peak.most)/(1<<20), "MiB-heap")
}

// watched looks at the heap every ten thousand rows.
type watched struct {
	sheet.Writer

	rows int
	most uint64
}

// Row implements sheet.Writer.
func (w *watched) Row(cells ...any) error {
	if w.rows++; w.rows%10_000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.most = max(w.most, m.HeapInuse)
	}
	return w.Writer.Row(cells...)
}
