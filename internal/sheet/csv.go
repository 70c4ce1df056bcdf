package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"
)

// bom makes Excel read a file as UTF-8.
const bom = "\ufeff"

type csvWriter struct {
	out    io.Writer
	csv    *csv.Writer
	begun  bool
	record []string // reused from row to row
}

func newCSV(w io.Writer) *csvWriter {
	c := &csvWriter{out: w, csv: csv.NewWriter(w)}
	c.csv.UseCRLF = true
	return c
}

// Table implements Writer.
func (c *csvWriter) Table(name string, columns ...Column) error {
	if err := c.part(); err != nil {
		return fmt.Errorf("begin table %s: %w", name, err)
	}
	c.record = c.record[:0]
	for _, col := range columns {
		c.record = append(c.record, Safe(col.Title))
	}
	return c.csv.Write(c.record)
}

// part sets what follows apart from what was before.
func (c *csvWriter) part() error {
	if !c.begun {
		c.begun = true
		_, err := io.WriteString(c.out, bom)
		return err
	}
	c.csv.Flush()
	_, err := io.WriteString(c.out, "\r\n")
	return err
}

// Row implements Writer.
func (c *csvWriter) Row(cells ...any) error {
	c.record = c.record[:0]
	for _, v := range cells {
		text, err := csvText(v)
		if err != nil {
			return err
		}
		c.record = append(c.record, text)
	}
	return c.csv.Write(c.record)
}

func csvText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return Safe(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return yesNo(v), nil
	case Rate:
		share, ok := v.Value()
		if !ok {
			return "", nil
		}
		return strconv.FormatFloat(share*100, 'f', 2, 64) + "%", nil
	case time.Time:
		return shown(v), nil
	default:
		return "", fmt.Errorf("write a cell: %T is not what a cell may be", v)
	}
}

func yesNo(v bool) string {
	if v {
		return "是"
	}
	return "否"
}

// Note implements Writer.
func (c *csvWriter) Note(lines ...string) error {
	if err := c.part(); err != nil {
		return fmt.Errorf("write notes: %w", err)
	}
	for _, line := range lines {
		if err := c.csv.Write([]string{Safe(line)}); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Writer.
func (c *csvWriter) Close() error {
	c.csv.Flush()
	return c.csv.Error()
}
