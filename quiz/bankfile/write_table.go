package bankfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"qingyuan/internal/sheet"
	"qingyuan/quiz"
)

// minOptionColumns leaves room for the usual four options.
const minOptionColumns = 4

// tableHead is the head row: the names that Read knows.
func tableHead(qs []Question) []string {
	head := []string{"题号", "题型", "题干"}
	for i := range optionColumns(qs) {
		head = append(head, "选项"+string(rune('A'+i)))
	}
	head = append(head, "答案", "解析", labelBasis, "知识点", labelDifficulty, labelFrom, labelTo)
	for _, c := range extraColumns(qs) {
		head = append(head, c.name)
	}
	return head
}

func optionColumns(qs []Question) int {
	n := minOptionColumns
	for _, q := range qs {
		n = max(n, len(q.Options))
	}
	return n
}

// extraColumn is one that is written where some question fills it.
type extraColumn struct {
	name string
	text func(Question) string
}

func extraColumns(qs []Question) []extraColumn {
	var out []extraColumn
	for _, c := range []extraColumn{
		{labelAudience, func(q Question) string { return strings.Join(q.Audience, "、") }},
		{labelPinned, func(q Question) string { return letters(q.Pinned) }},
		{labelFact, func(q Question) string { return q.Fact }},
		{labelMedia, mediaCell},
	} {
		for _, q := range qs {
			if c.text(q) != "" {
				out = append(out, c)
				break
			}
		}
	}
	return out
}

func mediaCell(q Question) string {
	var out []string
	for _, m := range q.Media {
		out = append(out, m.URL+" "+strings.Join(strings.Fields(m.Alt), " "))
	}
	return strings.Join(out, "\n")
}

// kindNames are what offices call the kinds.
var kindNames = map[quiz.Kind]string{quiz.Single: "单选题", quiz.Multiple: "多选题", quiz.Judge: "判断题"}

// tableRow is one question, its cells safe against formulas.
func tableRow(q Question, options int, extra []extraColumn) []string {
	row := []string{q.Number, kindNames[q.Kind], q.Stem}
	for i := range options {
		text := ""
		if i < len(q.Options) && q.Kind != quiz.Judge {
			text = q.Options[i]
		}
		row = append(row, text)
	}
	key := q.Letters()
	if q.Kind == quiz.Judge {
		key = q.Options[strings.IndexByte("AB", key[0])]
	}
	difficulty := ""
	if q.Difficulty > 0 && q.Difficulty < len(difficulties) {
		difficulty = difficulties[q.Difficulty]
	}
	row = append(row, key, q.Explanation, q.Basis, q.Topic, difficulty, q.ValidFrom, q.ValidTo)
	for _, c := range extra {
		row = append(row, c.text(q))
	}
	for i, cell := range row {
		row[i] = sheet.Guard(cell)
	}
	return row
}

// writeCSV begins with a byte order mark, without which spreadsheets take the file
// for one in the encoding of the machine.
func writeCSV(w io.Writer, qs []Question) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.UseCRLF = false // a line's end within a cell would be changed too
	options, extra := optionColumns(qs), extraColumns(qs)
	if err := c.Write(tableHead(qs)); err != nil {
		return err
	}
	for _, q := range qs {
		if err := c.Write(tableRow(q, options, extra)); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// bankSheet is the name of the sheet.
const bankSheet = "题库"

// Widths of columns, in characters.
const (
	narrowColumn = 10
	optionColumn = 24
	wideColumn   = 48
)

// maxCell is how much a cell of a workbook holds, in UTF-16 units.
const maxCell = excelize.TotalCellChars

// writeXLSX writes a form that an office can fill in: the head stays in sight, kinds
// and difficulties are chosen from lists, all cells are text.
func writeXLSX(w io.Writer, name string, qs []Question) (err error) {
	f := excelize.NewFile()
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.SetSheetName("Sheet1", bankSheet); err != nil {
		return err
	}
	if err := f.SetDocProps(&excelize.DocProperties{Title: name}); err != nil {
		return err
	}
	head := tableHead(qs)
	if err := addLists(f, head, len(qs)); err != nil {
		return err
	}
	s, err := f.NewStreamWriter(bankSheet)
	if err != nil {
		return err
	}
	if err := fillSheet(f, s, head, qs); err != nil {
		return err
	}
	if err := s.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}

// spareRows are those below the questions in which new ones may be added with the
// same lists.
const spareRows = 1000

func addLists(f *excelize.File, head []string, rows int) error {
	for _, l := range []struct {
		column string
		words  []string
	}{
		{"题型", []string{kindNames[quiz.Single], kindNames[quiz.Multiple], kindNames[quiz.Judge]}},
		{labelDifficulty, difficulties[1:]},
	} {
		for i, name := range head {
			if name != l.column {
				continue
			}
			column, err := excelize.ColumnNumberToName(i + 1)
			if err != nil {
				return err
			}
			v := excelize.NewDataValidation(true)
			v.Sqref = fmt.Sprintf("%s2:%s%d", column, column, rows+spareRows+1)
			if err := v.SetDropList(l.words); err != nil {
				return err
			}
			v.SetError(excelize.DataValidationErrorStyleStop, l.column, "请从列表中选择")
			if err := f.AddDataValidation(bankSheet, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func fillSheet(f *excelize.File, s *excelize.StreamWriter, head []string, qs []Question) error {
	text, err := f.NewStyle(&excelize.Style{
		NumFmt: 49, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"},
	})
	if err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{NumFmt: 49, Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	for i, name := range head {
		if err := s.SetColWidth(i+1, i+1, columnWidth(name)); err != nil {
			return err
		}
	}
	if err := s.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	if err := s.SetRow("A1", styled(head, bold)); err != nil {
		return err
	}
	options, extra := optionColumns(qs), extraColumns(qs)
	for i, q := range qs {
		row := tableRow(q, options, extra)
		for _, cell := range row {
			if len(utf16.Encode([]rune(cell))) > maxCell {
				return fmt.Errorf("%w: a cell of question %d is longer than %d characters", ErrNotWritable, i+1, maxCell)
			}
		}
		if err := s.SetRow(fmt.Sprintf("A%d", i+2), styled(row, text)); err != nil {
			return err
		}
	}
	return nil
}

func styled(row []string, style int) []any {
	out := make([]any, len(row))
	for i, cell := range row {
		out[i] = excelize.Cell{StyleID: style, Value: cell}
	}
	return out
}

func columnWidth(name string) float64 {
	switch {
	case name == "题干", name == "解析":
		return wideColumn
	case strings.HasPrefix(name, "选项"), name == labelBasis:
		return optionColumn
	}
	return narrowColumn
}
