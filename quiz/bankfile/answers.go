package bankfile

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"
)

// readAnswers reads a second file that holds nothing but keys: a text, a table with
// a number and a key on each row, or a document.
func readAnswers(ctx context.Context, f File) ([]keyGroup, []string, error) {
	f, notes, err := opened(f)
	if err != nil {
		return nil, nil, err
	}
	text, err := answersText(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	groups, notes := answerLines(text, notes)
	n := 0
	for _, g := range groups {
		n += len(g.entries) + len(g.loose)
	}
	if n == 0 {
		return nil, nil, refuseFile(f, "answers_none", "答案文件里没有找到按题号写的答案")
	}
	return groups, notes, nil
}

// answersText is what stands in a file of keys, line by line.
func answersText(ctx context.Context, f File) (string, error) {
	switch f.Format {
	case DOCX:
		doc, err := openDocument(f)
		if err != nil {
			return "", err
		}
		var t docText
		t.add(doc.body)
		return strings.Join(t.lines, "\n"), nil
	case XLSX:
		return answersBook(ctx, f)
	case Moodle, YAML:
		return "", refuseFile(f, "answers_format", "答案文件请用文本、表格或 Word 文件")
	case Auto, Text, CSV, GIFT, Aiken:
	}
	return string(f.Raw), nil
}

// answersBook makes lines of the rows of a workbook.
func answersBook(ctx context.Context, f File) (string, error) {
	if _, err := openPackage(f); err != nil {
		return "", err
	}
	book, err := excelize.OpenReader(bytes.NewReader(f.Raw), bookOptions())
	if err != nil {
		return "", &FileError{Name: f.Name, Code: "damaged", Reason: "工作簿打不开，可能已损坏或加密", Err: err}
	}
	defer book.Close()
	var b strings.Builder
	for _, sheet := range book.GetSheetList() {
		g, err := sheetGrid(ctx, f, book, sheet)
		if err != nil {
			return "", fmt.Errorf("read the keys: %w", err)
		}
		for _, r := range g.rows {
			b.WriteString(strings.Join(r.cells, "\t") + "\n")
		}
	}
	return b.String(), nil
}

// answerLines reads a text as one section of keys.
func answerLines(text string, notes []string) ([]keyGroup, []string) {
	x := lex(text)
	k := keyReader{groups: []keyGroup{{scope: everyScope}}}
	i := 0
	for j, l := range x.lines {
		for i < len(x.marks) && x.marks[i].line < j {
			i++
		}
		if i < len(x.marks) && x.marks[i].line == j && k.passesOver(x.marks[i], l) {
			continue
		}
		k.line(l)
	}
	return k.groups, append(notes, k.notes...)
}

// passesOver takes headings, and leaves away what is no key.
func (k *keyReader) passesOver(m mark, l string) bool {
	switch m.kind {
	case markSection:
		if sectionKeys(l) != "" {
			return false
		}
		k.open(headingOf(l, m, k.group().heading))
		return true
	case markKeys:
		return !m.bare()
	case markNoise:
		return true
	default:
		return false
	}
}
