package sheet

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"qingyuan/internal/fault"
)

type csvSource struct{ csv *csv.Reader }

func openCSV(raw []byte) (source, error) {
	text, err := decodeText(raw)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(text.reader)
	r.Comma = separator(text.head)
	r.FieldsPerRecord = -1
	return csvSource{r}, nil
}

// decoded is a text in UTF-8 and how it begins.
type decoded struct {
	reader io.Reader
	head   string
}

const headSize = 4 << 10

// decodeText tells the encoding by the content. A conversion is used only where it
// goes back to the very bytes: anything else would change what was sent.
func decodeText(raw []byte) (decoded, error) {
	if rest, ok := bytes.CutPrefix(raw, []byte(bom)); ok {
		raw = rest
	}
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		return wide(raw[2:], binary.LittleEndian)
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		return wide(raw[2:], binary.BigEndian)
	case bytes.IndexByte(raw, 0) >= 0:
		return decoded{}, refuse("不是文本文件，请使用 .xlsx 或 .csv", nil)
	case utf8.Valid(raw):
		return decoded{bytes.NewReader(raw), string(raw[:min(headSize, len(raw))])}, nil
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(raw)
	if err == nil {
		var back []byte
		back, _, err = transform.Bytes(simplifiedchinese.GB18030.NewEncoder(), text)
		if err == nil && !bytes.Equal(back, raw) {
			err = errors.New("text does not go back to the same bytes")
		}
	}
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return decoded{}, refuse("文字编码无法识别，请另存为 UTF-8", err)
	}
	return decoded{bytes.NewReader(text), string(text[:min(headSize, len(text))])}, nil
}

func wide(raw []byte, order binary.ByteOrder) (decoded, error) {
	if len(raw)%2 != 0 {
		return decoded{}, refuse("文字编码无法识别，请另存为 UTF-8", errors.New("half a character at the end"))
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = order.Uint16(raw[2*i:])
	}
	text := string(utf16.Decode(units))
	if strings.ContainsRune(text, utf8.RuneError) {
		return decoded{}, refuse("文字编码无法识别，请另存为 UTF-8", errors.New("broken UTF-16"))
	}
	return decoded{strings.NewReader(text), text[:min(headSize, len(text))]}, nil
}

// separator is what stands most often in the first line, outside quotes.
func separator(head string) rune {
	line, _, _ := strings.Cut(head, "\n")
	best, most := ',', 0
	for _, c := range []rune{',', '\t', ';'} {
		n, quoted := 0, false
		for _, r := range line {
			if r == '"' {
				quoted = !quoted
			}
			if r == c && !quoted {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}

func (s csvSource) next() (Line, error) {
	record, err := s.csv.Read()
	if errors.Is(err, io.EOF) {
		return Line{}, io.EOF
	}
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return Line{}, ErrFile.Because(err).WithFields(fault.Field{Name: fmt.Sprintf("rows.%d", parse.Line), Reason: "引号不成对"})
	}
	if err != nil {
		return Line{}, fmt.Errorf("read a table: %w", err)
	}
	number, _ := s.csv.FieldPos(0)
	return Line{Number: number, Cells: record}, nil
}

func (csvSource) close() error { return nil }
