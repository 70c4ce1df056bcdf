package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
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
func (m *Summary) Workbook(out io.Writer) error {
	if err := m.fill(out); err != nil {
		return fmt.Errorf("write the report on %s: %w", m.Campaign.ID, err)
	}
	return nil
}

// fill writes every sheet, and then the file.
func (m *Summary) fill(out io.Writer) (err error) {
	b, err := newBook()
	defer func() { err = errors.Join(err, b.Close()) }()
	if err != nil {
		return err
	}
	for _, sheet := range []func(*book) error{
		m.overview, m.regionSheet, m.daySheet, m.scoreSheet, m.groupSheet, m.missedSheet,
	} {
		if err := sheet(b); err != nil {
			return err
		}
	}
	return b.finish(out)
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
