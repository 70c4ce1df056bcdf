package sheet

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// maxCellText is the most characters of a cell.
const maxCellText = excelize.TotalCellChars

// maxSheetName is the most characters of a sheet's name.
const maxSheetName = 31

// xlsxWriter keeps rows beyond 16 MiB in files of the system's temporary folder,
// compressed into the workbook at the end.
type xlsxWriter struct {
	out     io.Writer
	file    *excelize.File
	stream  *excelize.StreamWriter // nil before the first table
	head    int
	percent int
	wrapped int // styles
	name    string
	columns []Column
	part    int // of the table, from 1: a sheet has no more than 1,048,576 rows
	row     int // last written
	cells   []any
	notes   []string
	names   map[string]bool
}

func newXLSX(w io.Writer) (*xlsxWriter, error) {
	x := &xlsxWriter{out: w, file: excelize.NewFile(), names: map[string]bool{}}
	var err error
	if x.head, err = x.file.NewStyle(&excelize.Style{
		Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}},
		Alignment: &excelize.Alignment{WrapText: true, Horizontal: "center", Vertical: "center"},
	}); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	const twoDigits = 10 // 0.00%
	if x.percent, err = x.file.NewStyle(&excelize.Style{NumFmt: twoDigits}); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	if x.wrapped, err = x.file.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}}); err != nil {
		return nil, fmt.Errorf("begin a workbook: %w", err)
	}
	return x, nil
}

// Table implements Writer.
func (x *xlsxWriter) Table(name string, columns ...Column) error {
	if err := x.endTable(); err != nil {
		return err
	}
	x.name, x.columns, x.part = name, columns, 1
	return x.begin()
}

func (x *xlsxWriter) endTable() error {
	if x.stream == nil {
		return nil
	}
	err := x.stream.Flush()
	x.stream = nil
	if err != nil {
		return fmt.Errorf("end table %s: %w", x.name, err)
	}
	return nil
}

// begin opens the next sheet of the table and writes its head.
func (x *xlsxWriter) begin() error {
	name := x.sheetName()
	if err := x.addSheet(name); err != nil {
		return fmt.Errorf("begin table %s: %w", x.name, err)
	}
	if err := x.onPaper(name); err != nil {
		return fmt.Errorf("begin table %s: %w", x.name, err)
	}
	var err error
	if x.stream, err = x.file.NewStreamWriter(name); err != nil {
		return fmt.Errorf("begin table %s: %w", x.name, err)
	}
	for i, c := range x.columns {
		if err := x.stream.SetColWidth(i+1, i+1, max(c.Width, titleWidth(c.Title))); err != nil {
			return fmt.Errorf("begin table %s: %w", x.name, err)
		}
	}
	if err := x.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("begin table %s: %w", x.name, err)
	}
	head := make([]any, len(x.columns))
	for i, c := range x.columns {
		head[i] = excelize.Cell{StyleID: x.head, Value: Safe(c.Title)}
	}
	x.row = 0
	return x.write(head)
}

// titleWidth is how wide a column must be for its title to stand on one line: a Chinese
// character is as wide as two digits.
func titleWidth(title string) float64 {
	const usual, most = 9, 24
	return float64(min(max(2*utf8.RuneCountInString(title)+1, usual), most))
}

// onPaper lets a sheet be printed as wide as a page lies, with its head on each.
func (x *xlsxWriter) onPaper(sheet string) error {
	fit, across, a4, wide, long := true, "landscape", 9, 1, 0 // as many pages long as it takes
	return errors.Join(
		x.file.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &fit}),
		x.file.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &across, Size: &a4, FitToWidth: &wide, FitToHeight: &long}),
		x.file.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + sheet + "'!$1:$1", Scope: sheet}),
	)
}

// addSheet takes over the empty sheet that a new workbook has.
func (x *xlsxWriter) addSheet(name string) error {
	const given = "Sheet1"
	if len(x.names) == 1 && name != given { // the first: its name was just taken
		return x.file.SetSheetName(given, name)
	}
	_, err := x.file.NewSheet(name)
	return err
}

// sheetName makes a name that is allowed and not there yet.
func (x *xlsxWriter) sheetName() string {
	base := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]'`, r) {
			return ' '
		}
		return r
	}, x.name)
	base = strings.TrimSpace(base)
	if base == "" {
		base = "表"
	}
	for ; ; x.part++ {
		suffix := ""
		if x.part > 1 {
			suffix = fmt.Sprintf(" (%d)", x.part)
		}
		name := cut(base, maxSheetName-utf8.RuneCountInString(suffix)) + suffix
		if key := strings.ToLower(name); !x.names[key] {
			x.names[key] = true
			return name
		}
	}
}

// cut returns at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}

// Row implements Writer.
func (x *xlsxWriter) Row(cells ...any) error {
	if x.stream == nil {
		return errors.New("write a row: no table was begun")
	}
	if x.row >= excelize.TotalRows {
		if err := x.endTable(); err != nil {
			return err
		}
		x.part++
		if err := x.begin(); err != nil {
			return err
		}
	}
	x.cells = x.cells[:0]
	for _, v := range cells {
		cell, err := x.cell(v)
		if err != nil {
			return fmt.Errorf("write row %d of table %s: %w", x.row+1, x.name, err)
		}
		x.cells = append(x.cells, cell)
	}
	return x.write(x.cells)
}

func (x *xlsxWriter) cell(v any) (any, error) {
	switch v := v.(type) {
	case nil, int, int64, float64:
		return v, nil
	case string:
		return cut(Safe(v), maxCellText), nil
	case bool:
		return yesNo(v), nil
	case Rate:
		share, ok := v.Value()
		if !ok {
			return nil, nil //nolint:nilnil // An empty cell.
		}
		return excelize.Cell{StyleID: x.percent, Value: share}, nil
	case time.Time:
		return shown(v), nil // as text: a cell of a date has no zone
	default:
		return nil, fmt.Errorf("%T is not what a cell may be", v)
	}
}

func (x *xlsxWriter) write(cells []any) error {
	at, err := excelize.CoordinatesToCellName(1, x.row+1)
	if err != nil {
		return fmt.Errorf("write row %d of table %s: %w", x.row+1, x.name, err)
	}
	if err := x.stream.SetRow(at, cells); err != nil {
		return fmt.Errorf("write row %d of table %s: %w", x.row+1, x.name, err)
	}
	x.row++
	return nil
}

// Note implements Writer.
func (x *xlsxWriter) Note(lines ...string) error {
	x.notes = append(x.notes, lines...)
	return nil
}

// Close implements Writer.
func (x *xlsxWriter) Close() (err error) {
	defer func() { err = errors.Join(err, x.file.Close()) }()
	if len(x.notes) > 0 {
		if err := x.Table("说明", Column{Title: "说明", Width: 100}); err != nil {
			return err
		}
		for _, line := range x.notes {
			if err := x.write([]any{excelize.Cell{StyleID: x.wrapped, Value: cut(Safe(line), maxCellText)}}); err != nil {
				return err
			}
		}
	}
	if err := x.endTable(); err != nil {
		return err
	}
	if _, err := x.file.WriteTo(x.out); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}
