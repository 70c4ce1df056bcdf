package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"qingyuan/internal/fault"
	"qingyuan/internal/sheet"
)

func rowsOf(t *testing.T, raw []byte, l sheet.Limits) ([]sheet.Line, error) {
	t.Helper()
	r, err := sheet.Open(raw, l)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out []sheet.Line
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, line)
	}
}

// workbook makes a file with cells at places.
func workbook(t *testing.T, fill func(f *excelize.File) error) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	if err := fill(f); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func set(f *excelize.File, cells map[string]any) error {
	for at, v := range cells {
		if err := f.SetCellValue("Sheet1", at, v); err != nil {
			return err
		}
	}
	return nil
}

func TestReadXLSX(t *testing.T) {
	t.Parallel()
	raw := workbook(t, func(f *excelize.File) error {
		return set(f, map[string]any{"A1": " 名称　", "B1": "代码", "A3": "榆次区", "B3": 140702001001, "C3": 0.5})
	})
	got, err := rowsOf(t, raw, sheet.Limits{})
	want := []sheet.Line{
		{Number: 1, Cells: []string{"名称", "代码"}},
		{Number: 2},
		{Number: 3, Cells: []string{"榆次区", "140702001001", "0.5"}},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if !got[1].Blank() || got[0].Blank() {
		t.Error("blank rows are told wrongly")
	}
}

// TestFirstVisibleTable reads what a person sees first.
func TestFirstVisibleTable(t *testing.T) {
	t.Parallel()
	raw := workbook(t, func(f *excelize.File) error {
		if _, err := f.NewSheet("名册"); err != nil {
			return err
		}
		f.SetActiveSheet(1)
		return errors.Join(f.SetCellValue("Sheet1", "A1", "隐藏"), f.SetCellValue("名册", "A1", "看得见"),
			f.SetSheetVisible("名册", true), f.SetSheetVisible("Sheet1", false))
	})
	got, err := rowsOf(t, raw, sheet.Limits{})
	if err != nil || len(got) != 1 || got[0].Cells[0] != "看得见" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	const text = "名称,人数\r\n\"榆次区\n一\",\"1,200\"\r\n\r\n太谷区, 7 \r\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	le, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	be, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []sheet.Line{
		{Number: 1, Cells: []string{"名称", "人数"}},
		{Number: 2, Cells: []string{"榆次区\n一", "1,200"}},
		{Number: 5, Cells: []string{"太谷区", "7"}},
	}
	for name, raw := range map[string]string{
		"utf-8": text, "with BOM": "\ufeff" + text, "gb18030": gb, "utf-16le": le, "utf-16be": be,
		"tabs":       strings.NewReplacer(",人", "\t人", ",\"", "\t\"", ", 7", "\t7").Replace(text),
		"semicolons": strings.NewReplacer(",人", ";人", ",\"", ";\"", ", 7", ";7").Replace(text),
	} {
		got, err := rowsOf(t, []byte(raw), sheet.Limits{})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	formula := workbook(t, func(f *excelize.File) error {
		return errors.Join(set(f, map[string]any{"A1": "名称", "B2": 1}), f.SetCellFormula("Sheet1", "C7", "=1+1"))
	})
	good := workbook(t, func(f *excelize.File) error { return set(f, map[string]any{"A1": "名称", "A2": "甲", "A3": "乙"}) })
	bomb := zipped(t, map[string]string{"xl/worksheets/sheet1.xml": strings.Repeat(" ", 5<<20)})
	entities := zipped(t, map[string]string{"xl/worksheets/sheet1.xml": `<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>`})
	for name, c := range map[string]struct {
		raw    []byte
		limits sheet.Limits
		want   error
		field  string
	}{
		"formula":       {formula, sheet.Limits{}, sheet.ErrFile, "cells.C7"},
		"prefixed":      {zipped(t, map[string]string{"xl/worksheets/s.xml": `<x:c r="B2"><x:f>1</x:f></x:c>`}), sheet.Limits{}, sheet.ErrFile, "cells.B2"},
		"bomb":          {bomb, sheet.Limits{Unpacked: 1 << 20}, sheet.ErrFileTooLarge, "file"},
		"entities":      {entities, sheet.Limits{}, sheet.ErrFile, "file"},
		"no workbook":   {zipped(t, map[string]string{"a.txt": "x"}), sheet.Limits{}, sheet.ErrFile, "file"},
		"cut":           {good[:len(good)/2], sheet.Limits{}, sheet.ErrFile, "file"},
		"large":         {good, sheet.Limits{Bytes: 10}, sheet.ErrFileTooLarge, "file"},
		"rows":          {good, sheet.Limits{Rows: 2}, sheet.ErrFileTooLarge, "file"},
		"csv rows":      {[]byte("a\nb\nc\n"), sheet.Limits{Rows: 2}, sheet.ErrFileTooLarge, "file"},
		"columns":       {[]byte("a,b,c\n"), sheet.Limits{Columns: 2}, sheet.ErrFileTooLarge, "rows.1"},
		"cell":          {[]byte("a\nbbbb\n"), sheet.Limits{Cell: 3}, sheet.ErrFileTooLarge, "rows.2"},
		"empty":         {[]byte(" \n"), sheet.Limits{}, sheet.ErrFile, "file"},
		"old excel":     {[]byte("\xd0\xcf\x11\xe0xxxx"), sheet.Limits{}, sheet.ErrFile, "file"},
		"pdf":           {[]byte("%PDF-1.4"), sheet.Limits{}, sheet.ErrFile, "file"},
		"binary":        {[]byte("a\x00b"), sheet.Limits{}, sheet.ErrFile, "file"},
		"no encoding":   {[]byte("名称\n\xff\xff\xfe\xff\x81"), sheet.Limits{}, sheet.ErrFile, "file"},
		"half utf-16":   {[]byte("\xff\xfea"), sheet.Limits{}, sheet.ErrFile, "file"},
		"broken quotes": {[]byte("a,b\n\"c,d\ne"), sheet.Limits{}, sheet.ErrFile, "rows.3"},
	} {
		_, err := rowsOf(t, c.raw, c.limits)
		f := fault.From(err)
		if !errors.Is(err, c.want) || len(f.Fields) == 0 || f.Fields[0].Name != c.field {
			t.Errorf("%s: %v, fields %v; want %v at %s", name, err, f, c.want, c.field)
		}
	}
}

func zipped(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWrittenIsRead takes what Writer writes: every text comes back.
func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	texts := []string{"榆次区", "=1+1", "＝1", "'引号", "''=1", "@a", "-5", "'=x"}
	for _, format := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		var b bytes.Buffer
		w, err := sheet.New(&b, format)
		if err != nil {
			t.Fatal(err)
		}
		steps := []error{w.Table("树", sheet.Column{Title: "名称"})}
		for _, s := range texts {
			steps = append(steps, w.Row(s))
		}
		if err := errors.Join(append(steps, w.Close())...); err != nil {
			t.Fatal(err)
		}
		lines, err := rowsOf(t, b.Bytes(), sheet.Limits{})
		if err != nil || len(lines) != len(texts)+1 {
			t.Fatalf("%s: %v, %v", format, lines, err)
		}
		for i, s := range texts {
			if got := sheet.Plain(lines[i+1].Cells[0]); got != s && sheet.Safe(s) != s {
				t.Errorf("%s: %q came back as %q", format, s, got)
			}
		}
	}
	if sheet.Risky("甲") || !sheet.Risky("　＝1") {
		t.Error("risky texts are told wrongly")
	}
}

// FuzzRead wants neither a panic nor rows beyond the limits, whatever comes.
func FuzzRead(f *testing.F) {
	f.Add([]byte("名称,人数\n甲,1\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		lines, err := rowsOf(t, raw, sheet.Limits{Bytes: 1 << 16, Unpacked: 1 << 20, Rows: 50, Columns: 9, Cell: 99})
		if err != nil && fault.From(err).Kind != fault.Invalid {
			t.Errorf("a bad file is no request's fault: %v", err)
		}
		for _, l := range lines {
			if l.Number > 50 || len(l.Cells) > 9 {
				t.Errorf("row %d with %d cells", l.Number, len(l.Cells))
			}
		}
	})
}
