package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"qingyuan/internal/fault"
)

// MaxBytes is the largest file that is read where nothing else is said.
const MaxBytes = 32 << 20

// Limits bound what is read of a file that somebody sent. Zero values take the
// defaults.
type Limits struct {
	// Bytes is the largest file, and Unpacked the most that an XLSX file may unpack
	// to: 32 MiB and 512 MiB.
	Bytes, Unpacked int64
	// Rows is how many rows are read, the head among them: 1,048,576, as Excel.
	Rows int
	// Columns is the widest row, Cell the longest cell in bytes: 256 and 4 KiB.
	Columns, Cell int
}

func (l Limits) orDefaults() Limits {
	l.Bytes = max(l.Bytes, 0)
	if l.Bytes == 0 {
		l.Bytes = MaxBytes
	}
	if l.Unpacked == 0 {
		l.Unpacked = 512 << 20
	}
	if l.Rows == 0 {
		l.Rows = 1 << 20
	}
	if l.Columns == 0 {
		l.Columns = 256
	}
	if l.Cell == 0 {
		l.Cell = 4 << 10
	}
	return l
}

// Errors of files that are read. What exactly is wrong stands in their fields.
var (
	// ErrFile is a file that is no table, or a damaged one.
	ErrFile = fault.New(fault.Invalid, "file.invalid", "文件无法读取，请检查后重试")
	// ErrFileTooLarge is one beyond the limits, also by what it unpacks to.
	ErrFileTooLarge = fault.New(fault.Invalid, "file.too_large", "文件过大，请分成几个文件")
)

// Line is one row of a table as it was read.
type Line struct {
	// Number is the row's in the file, from 1, as a spreadsheet program shows it.
	Number int
	// Cells have no blanks around them.
	Cells []string
}

// Blank tells whether nothing stands in the row.
func (l Line) Blank() bool {
	for _, c := range l.Cells {
		if c != "" {
			return false
		}
	}
	return true
}

// Reader gives the rows of a table, one by one.
type Reader struct {
	limits Limits
	source source
	rows   int
}

// source is a table in one of the formats. next returns io.EOF at its end.
type source interface {
	next() (Line, error)
	close() error
}

// Open reads the first table of an XLSX file, or a CSV file with commas, tabs or
// semicolons, in UTF-8, UTF-16 or GB18030. The content tells which it is. A file with
// formulas is refused: what they give depends on who computes them. Close the reader.
func Open(raw []byte, l Limits) (*Reader, error) {
	l = l.orDefaults()
	if int64(len(raw)) > l.Bytes {
		return nil, ErrFileTooLarge.WithFields(fault.Field{Name: "file", Reason: fmt.Sprintf("有 %d 字节，最多 %d 字节", len(raw), l.Bytes)})
	}
	s, err := openSource(raw, l)
	if err != nil {
		return nil, err
	}
	return &Reader{limits: l, source: s}, nil
}

func openSource(raw []byte, l Limits) (source, error) {
	switch {
	case len(bytes.TrimSpace(raw)) == 0:
		return nil, refuse("文件是空的", nil)
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return openXLSX(raw, l)
	case bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")):
		return nil, refuse("旧式 .xls 或加密的文件，请另存为不加密的 .xlsx 再试", nil)
	case bytes.HasPrefix(raw, []byte("%PDF")):
		return nil, refuse("这是 PDF 文件，请使用 .xlsx 或 .csv", nil)
	}
	return openCSV(raw)
}

// refuse says why a file is none.
func refuse(reason string, cause error) error {
	if cause == nil {
		cause = errors.New(reason)
	}
	return ErrFile.Because(cause).WithFields(fault.Field{Name: "file", Reason: reason})
}

// Next returns the next row, blank ones as well, and io.EOF at the end.
func (r *Reader) Next() (Line, error) {
	line, err := r.source.next()
	if err != nil {
		return Line{}, err
	}
	if r.rows++; r.rows > r.limits.Rows || line.Number > r.limits.Rows {
		return Line{}, ErrFileTooLarge.WithFields(fault.Field{Name: "file", Reason: fmt.Sprintf("多于 %d 行", r.limits.Rows)})
	}
	if len(line.Cells) > r.limits.Columns {
		return Line{}, ErrFileTooLarge.WithFields(fault.Field{
			Name: fmt.Sprintf("rows.%d", line.Number), Reason: fmt.Sprintf("多于 %d 列", r.limits.Columns),
		})
	}
	for i, c := range line.Cells {
		if len(c) > r.limits.Cell {
			return Line{}, ErrFileTooLarge.WithFields(fault.Field{
				Name: fmt.Sprintf("rows.%d", line.Number), Reason: fmt.Sprintf("第 %d 列的内容过长", i+1),
			})
		}
		line.Cells[i] = strings.Trim(c, blanks)
	}
	return line, nil
}

// blanks stand around what people type and paste.
const blanks = " \t\r\n\u00a0\u3000\ufeff\u200b"

// Close ends the reading.
func (r *Reader) Close() error { return r.source.close() }
