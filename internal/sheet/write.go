// Package sheet reads and writes the tables that offices exchange: XLSX and CSV.
//
// Writing takes constant memory however long a table is. No cell that is written
// can act as a formula when somebody opens the file, and no formula that is read is
// ever carried out.
package sheet

import (
	"fmt"
	"io"
	"time"
)

// Format is how a table is written down.
type Format string

// The formats.
const (
	XLSX Format = "xlsx"
	CSV  Format = "csv" // UTF-8 with BOM, so that Excel shows Chinese; CRLF
)

// ContentType returns the media type of files of the format.
func (f Format) ContentType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Column is the head of a column.
type Column struct {
	Title string
	Width float64 // in characters; 0 leaves the program's own
}

// Writer writes one file. A file has tables, one after the other; a CSV file sets
// them apart by an empty line. Cells are string, int, int64, float64, bool, Rate,
// time.Time (in its own zone, to the second) or nil for an empty cell.
type Writer interface {
	// Table ends the table before and begins one called name.
	Table(name string, columns ...Column) error
	// Row writes the next row of the table.
	Row(cells ...any) error
	// Note writes what has to be said of the figures, on a page of its own or below
	// the last table.
	Note(lines ...string) error
	// Close ends the file. Without it the file is none.
	Close() error
}

// New returns a writer of the format that writes to w.
func New(w io.Writer, f Format) (Writer, error) {
	switch f {
	case XLSX:
		return newXLSX(w)
	case CSV:
		return newCSV(w), nil
	default:
		return nil, fmt.Errorf("write a table: format %q is neither %s nor %s", f, XLSX, CSV)
	}
}

// Rate is a share, shown as a percentage with two digits. It is empty where the
// whole is 0.
type Rate struct{ Part, Whole int64 }

// Value returns the share, and false where there is none.
func (r Rate) Value() (float64, bool) {
	if r.Whole == 0 {
		return 0, false
	}
	return float64(r.Part) / float64(r.Whole), true
}

// timeLayout is how times are shown: what Chinese offices read, to the second.
const timeLayout = "2006-01-02 15:04:05"

// printable drops the characters that XML 1.0 has no way to write.
func printable(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return r
	case r < 0x20 || r == 0xFFFE || r == 0xFFFF || r == 0xFFFD:
		return -1
	}
	return r
}

// shown writes a time as offices read it.
func shown(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(timeLayout)
}
