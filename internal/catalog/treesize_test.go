package catalog

import (
	"bytes"
	"fmt"
	"testing"

	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// largeTable is 12 cities with 25 counties each and units below them.
func largeTable(tb testing.TB, f sheet.Format, unitsEach int) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := sheet.New(&b, f)
	if err != nil {
		tb.Fatal(err)
	}
	row := func(cells ...any) {
		if err := w.Row(cells...); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Table("组织架构", sheet.Column{Title: "编号"}, sheet.Column{Title: "上级"}, sheet.Column{Title: "名称"},
		sheet.Column{Title: "类型"}, sheet.Column{Title: "应参与人数"}); err != nil {
		tb.Fatal(err)
	}
	for p := range 12 {
		row(fmt.Sprintf("p%d", p), "", fmt.Sprintf("第%d市", p), "区划", nil)
		for c := range 25 {
			row(fmt.Sprintf("p%dc%d", p, c), fmt.Sprintf("p%d", p), fmt.Sprintf("第%d区", c), "区划", nil)
			for u := range unitsEach {
				row(fmt.Sprintf("p%dc%du%d", p, c, u), fmt.Sprintf("p%dc%d", p, c), fmt.Sprintf("第%d单位", u), "单位", u%97)
			}
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// TestManyRows takes 30,000 rows in and holds the memory that each of them costs: what
// an import of 300,000 takes is ten times that.
func TestManyRows(t *testing.T) {
	db := sqltest.SQLite(t)
	d := newDesk(t, db)
	d.create(t)
	raw := largeTable(t, sheet.XLSX, 100)
	var report TreeReport
	used := sqltest.Measure(t, db, func() { report = d.importing(t, string(raw), everything) }).Heap
	if report.Added != report.Found || report.Found != 12+12*25+12*25*100 {
		t.Fatalf("%+v", report)
	}
	const most = 6 << 10 // bytes of heap a row, garbage that was not collected yet among it
	if perRow := used / uint64(report.Found); perRow > most {
		t.Errorf("%d bytes a row, at most %d", perRow, most)
	}
	if again := d.importing(t, string(raw), everything); again.Applied || again.Unchanged != again.Found {
		t.Errorf("once more: %+v", again)
	}
}

// BenchmarkImport takes 300,000 rows in.
func BenchmarkImport(b *testing.B) {
	for _, f := range []sheet.Format{sheet.CSV, sheet.XLSX} {
		raw := largeTable(b, f, 1000)
		for name, open := range map[string]func(testing.TB) *sqldb.DB{"sqlite": sqltest.SQLite, "postgres": sqltest.PostgreSQL} {
			b.Run(string(f)+"/"+name, func(b *testing.B) {
				for b.Loop() {
					db := open(b)
					s, err := NewStore(db, before)
					if err != nil {
						b.Fatal(err)
					}
					body := town[:bytes.Index([]byte(town), []byte("tree:"))]
					if _, err := s.Create(b.Context(), by(""), []byte(body), map[string][]byte{"bank/1.yaml": []byte(bank)}, nil); err != nil {
						b.Fatal(err)
					}
					var report TreeReport
					cost := sqltest.Measure(b, db, func() { report, err = s.ImportTree(b.Context(), by(""), "town-2026", raw, everything) })
					if err != nil || report.Added != report.Found {
						b.Fatalf("%+v, %v", report, err)
					}
					b.ReportMetric(float64(cost.Heap)/(1<<20), "heap-MiB")
					b.ReportMetric(cost.Wait.Seconds()*1000, "longest-wait-ms")
					b.ReportMetric(float64(report.Found)/b.Elapsed().Seconds(), "rows/s")
				}
			})
		}
	}
}
