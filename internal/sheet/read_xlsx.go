package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"
)

// inMemory is how much of one part of a file is unpacked in memory; longer ones lie
// in a temporary file while they are read.
const inMemory = 16 << 20

type xlsxSource struct {
	file   *excelize.File
	rows   *excelize.Rows
	number int
}

func openXLSX(raw []byte, l Limits) (source, error) {
	if err := vet(raw, l); err != nil {
		return nil, err
	}
	// Raw values: a number of twelve digits would be shown as 1.40702E+11.
	f, err := excelize.OpenReader(bytes.NewReader(raw), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: l.Unpacked, UnzipXMLSizeLimit: min(inMemory, l.Unpacked),
	})
	if err != nil {
		return nil, refuse("不是完好的 .xlsx 文件", err)
	}
	rows, err := f.Rows(firstVisible(f))
	if err != nil {
		return nil, errors.Join(refuse("表格无法读取", err), f.Close())
	}
	return &xlsxSource{file: f, rows: rows}, nil
}

// firstVisible returns the name of the first table that a person sees.
func firstVisible(f *excelize.File) string {
	list := f.GetSheetList()
	for _, name := range list {
		if ok, err := f.GetSheetVisible(name); err == nil && ok {
			return name
		}
	}
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func (s *xlsxSource) next() (Line, error) {
	if !s.rows.Next() {
		if err := s.rows.Error(); err != nil {
			return Line{}, refuse("表格无法读取", err)
		}
		return Line{}, io.EOF
	}
	s.number++
	cells, err := s.rows.Columns()
	if err != nil {
		return Line{}, refuse(fmt.Sprintf("第 %d 行无法读取", s.number), err)
	}
	return Line{Number: s.number, Cells: cells}, nil
}

func (s *xlsxSource) close() error { return errors.Join(s.rows.Close(), s.file.Close()) }
