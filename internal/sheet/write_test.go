package sheet_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"qingyuan/internal/sheet"
)

func TestSafe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"榆次区", "榆次区"},
		{"=1+1", "'=1+1"},
		{"+8613800000000", "'+8613800000000"},
		{"-1", "'-1"},
		{"@SUM(A1)", "'@SUM(A1)"},
		{"＝1+1", "'＝1+1"},
		{"＋1", "'＋1"},
		{"－1", "'－1"},
		{"＠a", "'＠a"},
		{"  =1", "'  =1"},
		{"\u3000=1", "'\u3000=1"},
		{"\t=1", "'\t=1"},
		{"\r\n=1", "'\r\n=1"},
		{"\x00=1", "'=1"},
		{"a=1", "a=1"},
		{"中\x01文", "中文"},
	} {
		if got := sheet.Safe(c.in); got != c.want {
			t.Errorf("Safe(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"=1", "＝1", " =1", "\u00a0@", "\x00+", "正常"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := sheet.Safe(s)
		if strings.IndexAny(strings.TrimLeft(got, " \u00a0\u3000"), "=+-@＝＋－＠\t\r\n") == 0 {
			t.Errorf("Safe(%q) = %q begins like a formula", s, got)
		}
	})
}

// write fills a file with everything a cell may be.
func write(t *testing.T, f sheet.Format) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sheet.New(&out, f)
	if err != nil {
		t.Fatal(err)
	}
	steps := []error{
		w.Table("各县区", sheet.Column{Title: "地区", Width: 20}, sheet.Column{Title: "参与率"}, sheet.Column{Title: "时间"}),
		w.Row("榆次区", sheet.Rate{Part: 1, Whole: 3}, time.Date(2026, 6, 26, 20, 0, 0, 0, time.FixedZone("", 8*3600))),
		w.Row("=cmd|' /C calc'!A0", sheet.Rate{}, nil),
		w.Table("各县区", sheet.Column{Title: "次数"}),
		w.Row(int64(690000)),
		w.Note("不得作为考核依据"),
		w.Close(),
	}
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestXLSX(t *testing.T) {
	t.Parallel()
	f, err := excelize.OpenReader(bytes.NewReader(write(t, sheet.XLSX)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if diff := cmp.Diff([]string{"各县区", "各县区 (2)", "说明"}, f.GetSheetList()); diff != "" {
		t.Fatal(diff)
	}
	rows, err := f.GetRows("各县区")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"地区", "参与率", "时间"},
		{"榆次区", "33.33%", "2026-06-26 20:00:00"},
		{"'=cmd|' /C calc'!A0"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	if kind, err := f.GetCellType("各县区 (2)", "A2"); err != nil || kind == excelize.CellTypeInlineString {
		t.Errorf("a number is of type %v, %v", kind, err)
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	raw := write(t, sheet.CSV)
	text, ok := strings.CutPrefix(string(raw), "\ufeff")
	if !ok {
		t.Error("no BOM")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"地区", "参与率", "时间"},
		{"榆次区", "33.33%", "2026-06-26 20:00:00"},
		{"'=cmd|' /C calc'!A0", "", ""},
		{"次数"},
		{"690000"},
		{"不得作为考核依据"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownFormatAndCell(t *testing.T) {
	t.Parallel()
	if _, err := sheet.New(io.Discard, "doc"); err == nil {
		t.Error("a format that nobody writes was taken")
	}
	for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		w, err := sheet.New(io.Discard, f)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Table("x", sheet.Column{Title: "a"}); err != nil {
			t.Fatal(err)
		}
		if err := w.Row(struct{}{}); err == nil {
			t.Errorf("%s took a cell that is none", f)
		}
	}
}

// BenchmarkMillion writes a million rows and tells the most heap that was in use.
func BenchmarkMillion(b *testing.B) {
	for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		b.Run(string(f), func(b *testing.B) {
			for b.Loop() {
				million(b, f)
			}
		})
	}
}

func million(b *testing.B, f sheet.Format) {
	b.Helper()
	w, err := sheet.New(io.Discard, f)
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Table("参与者", make([]sheet.Column, 10)...); err != nil {
		b.Fatal(err)
	}
	var most uint64
	for i := range 1_000_000 {
		if err := w.Row("王*", "山西省", "晋中市", "榆次区", "某单位", i, 100, 20, true, sheet.Rate{Part: 1, Whole: 2}); err != nil {
			b.Fatal(err)
		}
		if i%100_000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(most)/(1<<20), "MiB-heap")
}

// TestOnPaper: a table is printed as wide as a page lies, with its head on every page, and
// every title stands on one line.
func TestOnPaper(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w, err := sheet.New(&b, sheet.XLSX)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Table("各地区情况", sheet.Column{Title: "地区", Width: 24}, sheet.Column{Title: "纸质承诺人数"}), w.Row("榆次区", 3), w.Note("说明"), w.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	layout, errLayout := f.GetPageLayout("各地区情况")
	props, errProps := f.GetSheetProps("各地区情况")
	width, errWidth := f.GetColWidth("各地区情况", "B")
	if err := errors.Join(errLayout, errProps, errWidth); err != nil {
		t.Fatal(err)
	}
	if *layout.Orientation != "landscape" || *layout.FitToWidth != 1 || *layout.FitToHeight != 0 || !*props.FitToPage || width < 12 {
		t.Errorf("printed %s, %d pages wide and %d long, fitted %t; a column is %g wide",
			*layout.Orientation, *layout.FitToWidth, *layout.FitToHeight, *props.FitToPage, width)
	}
	var heads []string
	for _, n := range f.GetDefinedName() {
		heads = append(heads, n.Name+" "+n.RefersTo)
	}
	if want := []string{"_xlnm.Print_Titles '各地区情况'!$1:$1", "_xlnm.Print_Titles '说明'!$1:$1"}; !slices.Equal(heads, want) {
		t.Errorf("heads %q, want %q", heads, want)
	}
}
