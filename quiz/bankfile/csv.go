package bankfile

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// delimiters part the cells of a line, the most telling first.
const delimiters = "\t,;|"

// readCSV reads a table that is kept as text.
func readCSV(ctx context.Context, f File, o Options) (Report, error) {
	if o.Answers != nil {
		return Report{}, refuseFile(f, "answers_format", "表格文件自带答案列，不能再配答案文件")
	}
	g, err := csvGrid(ctx, f)
	if err != nil {
		return Report{}, err
	}
	var r Report
	if !g.read(&r) {
		return Report{}, refuseFile(f, "head_missing", noHead)
	}
	if r.Found() == 0 {
		return Report{}, refuseFile(f, "no_questions", "表格里没有题目")
	}
	return r, nil
}

// noHead tells what a table must have.
const noHead = "找不到表头：要有“题干”（或题目、试题、问题）和“答案”（或正确答案、标准答案）等列名，选项列名为 A、B、C 或 选项A、选项B"

// looksTable tells a text that holds a table with a head, near its beginning.
func looksTable(text string) bool {
	_, ok := delimiterOf(text)
	return ok
}

// delimiterOf finds the delimiter with which one of the first lines is a head.
func delimiterOf(text string) (rune, bool) {
	n := 0
	for l := range strings.Lines(text[:min(len(text), 1<<16)]) {
		if n++; n > headRows {
			break
		}
		if len(l) > 4096 {
			continue
		}
		for _, d := range delimiters {
			if !strings.ContainsRune(l, d) {
				continue
			}
			c := csv.NewReader(strings.NewReader(strings.Trim(l, "\r\n| ")))
			c.Comma, c.LazyQuotes = d, true
			cells, err := c.Read()
			if err != nil {
				continue
			}
			if _, ok := readHead(cells); ok {
				return d, true
			}
		}
	}
	return ',', false
}

// csvGrid reads the rows of a table with the lines on which they stand.
func csvGrid(ctx context.Context, f File) (*grid, error) {
	text := string(f.Raw)
	comma, ok := delimiterOf(text)
	if !ok {
		return nil, refuseFile(f, "head_missing", noHead)
	}
	g := &grid{file: f.Name}
	if comma == '|' {
		g.rows = drawnRows(text)
		return g, nil
	}
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.FieldsPerRecord = comma, -1
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			if rows, even := unquotedRows(text, comma); even {
				g.rows = rows
				return g, nil
			}
			return nil, &FileError{Name: f.Name, Code: "csv_quotes", Reason: fmt.Sprintf("第 %d 行的引号不成对，各列会错位，请用 Excel 重新另存为 CSV", parse.Line), Err: err}
		}
		if err != nil {
			return nil, &FileError{Name: f.Name, Code: "csv_damaged", Reason: "表格读不下去", Err: err}
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name, err)
		}
		line, _ := c.FieldPos(0)
		to, _ := c.FieldPos(len(cells) - 1)
		to += strings.Count(cells[len(cells)-1], "\n")
		g.rows = append(g.rows, row{line: line, lineTo: to, cells: cells})
	}
}

// unquotedRows splits lines at the delimiter alone, as tables copied from a
// spreadsheet have it. Quotes are then part of the text; every line must have as
// many cells as the head.
func unquotedRows(text string, comma rune) ([]row, bool) {
	var out []row
	i, width := 0, 0
	for l := range strings.SplitSeq(text, "\n") {
		i++
		cells := strings.Split(l, string(comma))
		if strings.TrimSpace(l) == "" {
			continue
		}
		for j, c := range cells {
			if inner, quoted := strings.CutPrefix(c, `"`); quoted {
				if strings.Count(c, `"`)%2 != 0 {
					return nil, false
				}
				if !strings.HasSuffix(c, `"`) { // a word in quotes at its beginning
					continue
				}
				cells[j] = strings.ReplaceAll(inner[:len(inner)-1], `""`, `"`)
			}
		}
		if _, ok := readHead(cells); ok && width == 0 {
			width = len(cells)
		}
		if width > 0 && len(cells) != width {
			return nil, false
		}
		out = append(out, row{line: i, lineTo: i, cells: cells})
	}
	return out, true
}

// drawnRows reads a table drawn with | and its rules.
func drawnRows(text string) []row {
	var out []row
	i := 0
	for l := range strings.SplitSeq(text, "\n") {
		i++
		l = strings.TrimSpace(l)
		if l == "" || tableRule.MatchString(l) {
			continue
		}
		l = strings.TrimSuffix(strings.TrimPrefix(l, "|"), "|")
		out = append(out, row{line: i, lineTo: i, cells: strings.Split(l, "|")})
	}
	return out
}

// jsonOptions reads ["甲", "乙"].
func jsonOptions(s string) []string {
	var list []string
	if !strings.HasPrefix(strings.TrimSpace(s), "[") || json.Unmarshal([]byte(s), &list) != nil {
		return nil
	}
	return list
}
