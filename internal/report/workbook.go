package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"qingyuan/campaign"
	"qingyuan/internal/sheet"
)

// The sheets of the workbook.
const (
	sheetOverview = "概况"
	sheetRegions  = "各地区"
	sheetDays     = "每日"
	sheetScores   = "成绩分布"
	sheetGroups   = "各人群"
	sheetMissed   = "错题"
)

// Workbook writes the campaign's report as one XLSX file with charts.
func (m *Summary) Workbook(out io.Writer) (err error) {
	b := &book{File: excelize.NewFile()}
	defer func() { err = errors.Join(err, b.Close()) }()
	if b.head, err = b.NewStyle(&excelize.Style{
		Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}},
	}); err != nil {
		return fmt.Errorf("begin the report: %w", err)
	}
	if b.text, err = b.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}}); err != nil {
		return fmt.Errorf("begin the report: %w", err)
	}
	const twoDigits = 10 // 0.00%
	if b.percent, err = b.NewStyle(&excelize.Style{NumFmt: twoDigits}); err != nil {
		return fmt.Errorf("begin the report: %w", err)
	}
	for _, fill := range []func(*book) error{
		m.overview, m.regionSheet, m.daySheet, m.scoreSheet, m.groupSheet, m.missedSheet,
	} {
		if err := fill(b); err != nil {
			return fmt.Errorf("write the report on %s: %w", m.Campaign.ID, err)
		}
	}
	if err := b.DeleteSheet("Sheet1"); err != nil {
		return fmt.Errorf("write the report on %s: %w", m.Campaign.ID, err)
	}
	b.SetActiveSheet(0)
	if _, err := b.WriteTo(out); err != nil {
		return fmt.Errorf("write the report on %s: %w", m.Campaign.ID, err)
	}
	return nil
}

// book is a workbook on its way.
type book struct {
	*excelize.File

	head, percent, text int
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

func (m *Summary) overview(b *book) error {
	rows := [][]any{}
	for _, f := range m.facts() {
		rows = append(rows, []any{f[0], f[1]})
	}
	rows = append(rows, []any{})
	for _, d := range m.Definitions {
		rows = append(rows, []any{d})
	}
	if err := b.table(sheetOverview, []string{m.title(), ""}, rows); err != nil {
		return err
	}
	const high = 36 // the title may need two lines
	if err := errors.Join(b.MergeCell(sheetOverview, "A1", "D1"), b.SetRowHeight(sheetOverview, 1, high)); err != nil {
		return err
	}
	for n := range m.Definitions {
		row := len(rows) - n + 1
		from, to := fmt.Sprint("A", row), fmt.Sprint("H", row)
		if err := errors.Join(b.MergeCell(sheetOverview, from, to), b.SetCellStyle(sheetOverview, from, to, b.text), b.SetRowHeight(sheetOverview, row, high)); err != nil {
			return err
		}
	}
	return nil
}

// rateColumn is that of the participation rate among the regions. No other chart draws it.
const rateColumn = "G"

func (m *Summary) regionSheet(b *book) error {
	head := make([]string, 0, len(officialColumns()))
	for _, c := range officialColumns() {
		head = append(head, c.Title)
	}
	rows := officialRows(m.Figures, m.Parent, m.Scope == "")
	if err := b.table(sheetRegions, head, rows); err != nil {
		return err
	}
	below, drawn := len(rows)+4, len(m.Campaign.Tree.Children(m.Parent))
	const participants = "E"
	if err := b.chart(sheetRegions, fmt.Sprint("A", below), excelize.Bar, "各地区参与人数", participants, drawn); err != nil {
		return err
	}
	if !compares(m.Campaign) {
		return nil
	}
	return b.chart(sheetRegions, fmt.Sprint("H", below), excelize.Bar, "各地区参与率", rateColumn, drawn)
}

func (m *Summary) daySheet(b *book) error {
	var rows [][]any
	for _, day := range m.Figures.DaysInOrder() {
		w := m.Figures.Days[day]
		rows = append(rows, []any{day, w.Participants, w.Attempts, w.Signatures})
	}
	if err := b.table(sheetDays, []string{"日期", "新增参与人数", "答题人次", "签署人数"}, rows); err != nil {
		return err
	}
	return b.chart(sheetDays, "F2", excelize.Line, "每日新增参与人数", "B", len(rows))
}

func (m *Summary) scoreSheet(b *book) error {
	var rows [][]any
	for _, score := range slices.Sorted(maps.Keys(m.Figures.Scores)) {
		rows = append(rows, []any{strconv.Itoa(score), m.Figures.Scores[score]})
	}
	if err := b.table(sheetScores, []string{"最好成绩（分）", "人数"}, rows); err != nil {
		return err
	}
	return b.chart(sheetScores, "D2", excelize.Col, "最好成绩分布", "B", len(rows))
}

func (m *Summary) groupSheet(b *book) error {
	var rows [][]any
	for i := range m.Campaign.Groups {
		g := &m.Campaign.Groups[i]
		c := m.Figures.Groups[g.ID]
		rows = append(rows, []any{
			g.Name.In(campaign.DefaultLanguage), c.Enrolled, c.Participants, c.Attempts, c.Signatures,
			sheet.Rate{Part: c.Passed, Whole: c.Scored},
			average(&c),
		})
	}
	return b.table(sheetGroups, []string{"人群", "报名人数", "参与人数", "答题人次", "签署人数", "及格率", "平均分"}, rows)
}

func (m *Summary) missedSheet(b *book) error {
	var rows [][]any
	for _, i := range m.Items.MostMissed(missed) {
		q := i.Question
		rows = append(rows, []any{
			q.Stem, i.answer(), i.Shown, sheet.Rate{Part: i.Right, Whole: i.Shown}, q.Basis, strings.TrimSpace(q.Explanation),
		})
	}
	if err := b.table(sheetMissed, []string{"错误率较高的题目", "答案", "出现次数", "答对率", "法律依据", "解析"}, rows); err != nil {
		return err
	}
	const stem, answer, basis, explanation = 48, 36, 30, 60
	return b.long(sheetMissed, rows, map[string]float64{"A": stem, "B": answer, "E": basis, "F": explanation})
}
