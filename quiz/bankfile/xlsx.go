package bankfile

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Bounds of a sheet. What an office keeps lies far below.
const (
	maxColumns = 256
	maxRows    = MaxQuestions + headRows
)

// readXLSX reads a workbook: every sheet that has a head.
func readXLSX(ctx context.Context, f File, o Options) (Report, error) {
	if o.Answers != nil {
		return Report{}, refuseFile(f, "answers_format", "表格文件自带答案列，不能再配答案文件")
	}
	if _, err := openPackage(f); err != nil {
		return Report{}, err
	}
	book, err := excelize.OpenReader(bytes.NewReader(f.Raw), bookOptions())
	if err != nil {
		return Report{}, &FileError{Name: f.Name, Code: "damaged", Reason: "工作簿打不开，可能已损坏或加密", Err: err}
	}
	defer book.Close()
	var r Report
	headed := 0
	for _, sheet := range book.GetSheetList() {
		g, err := sheetGrid(ctx, f, book, sheet)
		if err != nil {
			return Report{}, err
		}
		switch {
		case len(g.rows) == 0:
		case g.read(&r):
			headed++
		default:
			r.Notes = append(r.Notes, "工作表「"+sheet+"」没有题目的表头，没有读取")
		}
	}
	if headed == 0 {
		return Report{}, refuseFile(f, "head_missing", noHead)
	}
	if r.Found() == 0 {
		return Report{}, refuseFile(f, "no_questions", "表格里没有题目")
	}
	return r, nil
}

// bookOptions open a workbook within bounds, with cells as they look in China.
func bookOptions() excelize.Options {
	return excelize.Options{
		UnzipSizeLimit: MaxUnpacked, UnzipXMLSizeLimit: MaxUnpacked,
		ShortDatePattern: "yyyy/m/d", LongDatePattern: "yyyy年m月d日", CultureInfo: excelize.CultureNameZhCN,
	}
}

// sheetGrid reads the rows of a sheet that are not empty.
func sheetGrid(ctx context.Context, f File, book *excelize.File, sheet string) (*grid, error) {
	g := &grid{file: f.Name, sheet: sheet}
	damaged := func(err error) error {
		return &FileError{Name: f.Name, Code: "damaged", Reason: "工作表「" + sheet + "」读不下去", Err: err}
	}
	rows, err := book.Rows(sheet)
	if err != nil {
		return nil, damaged(err)
	}
	defer rows.Close()
	for n := 1; rows.Next(); n++ {
		cells, err := rows.Columns()
		if err != nil {
			return nil, damaged(err)
		}
		for len(cells) > 0 && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		if len(cells) == 0 {
			continue
		}
		if len(cells) > maxColumns || len(g.rows) >= maxRows {
			return nil, refuseFile(f, "too_many", fmt.Sprintf("工作表「%s」超过 %d 列或 %d 行", sheet, maxColumns, maxRows))
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name, err)
		}
		g.rows = append(g.rows, row{line: n, lineTo: n, cells: cells})
	}
	if err := rows.Error(); err != nil {
		return nil, damaged(err)
	}
	if err := g.mergedCells(book); err != nil {
		return nil, damaged(err)
	}
	g.pictures(book)
	return g, nil
}

// mergedCells gives the value of merged cells to every row of them where it says
// something about each: the type, the chapter. A question over several rows is
// refused.
func (g *grid) mergedCells(book *excelize.File) error {
	merged, err := book.GetMergeCells(g.sheet)
	if err != nil || len(merged) == 0 {
		return err
	}
	h, at, ok := g.findHead()
	if !ok {
		return nil
	}
	byLine := map[int]*row{}
	for i := range g.rows[at+1:] {
		r := &g.rows[at+1+i]
		byLine[r.line] = r
	}
	for _, m := range merged {
		from, top, err := excelize.CellNameToCoordinates(m.GetStartAxis())
		if err != nil {
			return err
		}
		_, bottom, err := excelize.CellNameToCoordinates(m.GetEndAxis())
		if err != nil {
			return err
		}
		if from > len(h.cols) || top == bottom {
			continue
		}
		for line := top; line <= min(bottom, top+maxRows); line++ {
			if r := byLine[line]; r != nil {
				r.merged(from-1, h.cols[from-1], m.GetCellValue())
			}
		}
	}
	return nil
}

// merged takes the value of a cell that is merged over several rows.
func (r *row) merged(at int, is column, value string) {
	switch is {
	case colType, colTopic, colLevel, colScore, colBasis, colEnabled, colLabel:
		for len(r.cells) <= at {
			r.cells = append(r.cells, "")
		}
		r.cells[at] = value
	case colStem, colOption, colList, colKey:
		r.why = &doubt{"cells_merged", "题干、选项或答案的单元格跨行合并，分不清每道题的内容，请取消合并"}
	case colOther, colNumber, colExplain, colPicture:
	}
}

// pictures refuses the rows on which pictures lie: without them the question may
// not be the same.
func (g *grid) pictures(book *excelize.File) {
	cells, err := book.GetPictureCells(g.sheet)
	if err != nil {
		return // a sheet without drawings, or with drawings that are no pictures
	}
	lines := map[int]bool{}
	for _, c := range cells {
		if _, line, err := excelize.CellNameToCoordinates(c); err == nil {
			lines[line] = true
		}
	}
	for i := range g.rows {
		if lines[g.rows[i].line] && g.rows[i].why == nil {
			g.rows[i].why = &doubt{"picture", "这一行带有图片，暂不能导入"}
		}
	}
}
