package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/xuri/excelize/v2"

	"qingyuan/internal/sheet"
)

// book is a workbook on its way, with the styles of its cells.
type book struct {
	*excelize.File

	head, percent, text int
}

// newBook begins a workbook. It must be closed, also after an error.
func newBook() (*book, error) {
	b := &book{File: excelize.NewFile()}
	const twoDigits = 10 // 0.00%
	for _, s := range []struct {
		style *int
		of    *excelize.Style
	}{
		{&b.head, &excelize.Style{
			Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"},
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}},
		}},
		{&b.text, &excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}}},
		{&b.percent, &excelize.Style{NumFmt: twoDigits}},
	} {
		var err error
		if *s.style, err = b.NewStyle(s.of); err != nil {
			return b, err
		}
	}
	return b, nil
}

// finish writes the file, open at the first of its sheets.
func (b *book) finish(out io.Writer) error {
	if err := b.DeleteSheet("Sheet1"); err != nil { // the one that every file begins with
		return err
	}
	b.SetActiveSheet(0)
	_, err := b.WriteTo(out)
	return err
}

// table fills a sheet of its own with a head and rows.
func (b *book) table(name string, head []string, rows [][]any) error {
	if _, err := b.NewSheet(name); err != nil {
		return err
	}
	cells := make([]any, len(head))
	for i, h := range head {
		cells[i] = h
	}
	if err := b.SetSheetRow(name, "A1", &cells); err != nil {
		return err
	}
	if err := b.SetRowStyle(name, 1, 1, b.head); err != nil {
		return err
	}
	for r, row := range rows {
		if err := b.row(name, r+2, row); err != nil {
			return err
		}
	}
	const wide, rest = 28, 14
	if err := b.SetColWidth(name, "A", "A", wide); err != nil {
		return err
	}
	if err := b.SetColWidth(name, "B", "Z", rest); err != nil {
		return err
	}
	return b.printed(name)
}

// printed lets a sheet be printed as wide as a page, with its head on each.
func (b *book) printed(name string) error {
	landscape, a4, once, asManyAsNeeded := "landscape", 9, 1, 0
	fits := true
	return errors.Join(
		b.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fits}),
		b.SetPageLayout(name, &excelize.PageLayoutOptions{Orientation: &landscape, Size: &a4, FitToWidth: &once, FitToHeight: &asManyAsNeeded}),
		b.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("'%s'!$1:$1", name), Scope: name}),
	)
}

// long lets columns hold texts of several lines. How high a row is has to be said: not
// every program finds out by itself.
func (b *book) long(name string, rows [][]any, widths map[string]float64) error {
	for _, column := range slices.Sorted(maps.Keys(widths)) {
		if err := b.SetColWidth(name, column, column, widths[column]); err != nil {
			return err
		}
		if len(rows) == 0 {
			continue
		}
		if err := b.SetCellStyle(name, column+"2", fmt.Sprint(column, len(rows)+1), b.text); err != nil {
			return err
		}
	}
	for r, row := range rows {
		if err := b.SetRowHeight(name, r+2, height(row, widths)); err != nil {
			return err
		}
	}
	return nil
}

// height is what a row needs for its longest text, in points.
func height(row []any, widths map[string]float64) float64 {
	const line, most = 15, 400
	lines := 1.0
	for c, v := range row {
		text, ok := v.(string)
		column, err := excelize.ColumnNumberToName(c + 1)
		if width := widths[column]; ok && err == nil && width > 0 {
			lines = max(lines, math.Ceil(columns(text)/(width-1)))
		}
	}
	return min(line*lines, most)
}

// columns is how wide a text is, in the digits that widths of columns are told in.
func columns(text string) float64 {
	var n float64
	for _, r := range text {
		if n++; r >= '\u2000' { // Chinese letters and punctuation are twice as wide
			n++
		}
	}
	return n
}

func (b *book) row(name string, number int, row []any) error {
	for c, v := range row {
		at, err := excelize.CoordinatesToCellName(c+1, number)
		if err != nil {
			return err
		}
		if err := b.cell(name, at, v); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) cell(name, at string, v any) error {
	switch v := v.(type) {
	case string:
		return b.SetCellStr(name, at, sheet.Safe(v))
	case sheet.Rate:
		share, ok := v.Value()
		if !ok {
			return nil
		}
		return errors.Join(b.SetCellValue(name, at, share), b.SetCellStyle(name, at, at, b.percent))
	default:
		return b.SetCellValue(name, at, v)
	}
}

// chart draws a column of a sheet's table.
func (b *book) chart(name, at string, kind excelize.ChartType, title string, column string, rows int) error {
	if rows == 0 {
		return nil
	}
	const width, height, each = 720, 360, 24
	one, dark := false, excelize.Font{Color: "404040", Size: 9}
	var nothing float64 // where bars begin, or they would tell of other proportions
	values := excelize.ChartAxis{Font: dark, MajorGridLines: true, Minimum: &nothing}
	if column == rateColumn {
		values.NumFmt = excelize.ChartNumFmt{CustomNumFmt: "0.00%"}
	}
	return b.AddChart(name, at, &excelize.Chart{
		Type: kind,
		Series: []excelize.ChartSeries{{
			Name:       fmt.Sprintf("'%s'!$%s$1", name, column),
			Categories: fmt.Sprintf("'%s'!$A$2:$A$%d", name, rows+1),
			Values:     fmt.Sprintf("'%s'!$%s$2:$%s$%d", name, column, column, rows+1),
		}},
		Title:      excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: title}}},
		Legend:     excelize.ChartLegend{Position: "none"},
		XAxis:      excelize.ChartAxis{Font: dark, ReverseOrder: kind == excelize.Bar}, // bars in the order of the rows
		YAxis:      values,
		VaryColors: &one,
		Dimension:  excelize.ChartDimension{Width: width, Height: max(height, uint(each*rows))},
	})
}
