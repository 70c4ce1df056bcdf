package bankfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// readDOCX reads a document of Word: its paragraphs as plain text, with the numbers
// and letters that lists add to them, and its tables as tables.
func readDOCX(ctx context.Context, f File, o Options) (Report, error) {
	doc, err := openDocument(f)
	if err != nil {
		return Report{}, err
	}
	var r Report
	text := &docText{}
	for i, t := range doc.tables() {
		g := grid{file: f.Name, sheet: fmt.Sprintf("第 %d 个表格", i+1), rows: t.grid()}
		t.read = g.read(&r)
	}
	text.add(doc.body)
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("read %s: %w", f.Name, err)
	}
	if err := text.into(ctx, f, o, &r); err != nil {
		return Report{}, err
	}
	r.Notes = append(r.Notes, doc.notes()...)
	if r.Found() == 0 {
		return r, &FileError{Name: f.Name, Code: "no_questions", Reason: "文档里没有找到题目", Err: errNothing}
	}
	doc.coloured(&r)
	slices.SortStableFunc(r.Imported, func(a, b Question) int { return a.Line - b.Line })
	return r, nil
}

// docText is the text of a document, with the paragraph that each line stands in.
type docText struct {
	lines      []string
	paragraphs []int
}

// add takes the text of blocks. A table that was read as one leaves an empty line.
func (t *docText) add(blocks []docBlock) {
	for _, b := range blocks {
		if b.table == nil {
			t.line(b.para.text, b.para.number)
			continue
		}
		if b.table.read {
			t.line("", b.table.number)
			continue
		}
		for _, row := range b.table.rows {
			t.row(row)
		}
	}
}

// row takes a row of a table that lays text out: a table of keys, or questions in
// cells. Cells of one line stay on one line.
func (t *docText) row(row docRow) {
	var cells []string
	single := true
	for _, c := range row.cells {
		text := c.text()
		single = single && !strings.Contains(text, "\n")
		cells = append(cells, text)
	}
	if single {
		t.line(strings.Join(cells, "\t"), row.number)
		return
	}
	for _, c := range row.cells {
		t.add(c.blocks)
	}
}

func (t *docText) line(text string, paragraph int) {
	for l := range strings.SplitSeq(text, "\n") {
		t.lines = append(t.lines, l)
		t.paragraphs = append(t.paragraphs, paragraph)
	}
}

// into reads the text and adds what it holds to a report.
func (t *docText) into(ctx context.Context, f File, o Options, r *Report) error {
	p, err := parseText(ctx, strings.Join(t.lines, "\n"))
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Name, err)
	}
	if err := p.withAnswers(ctx, o.Answers); err != nil {
		return err
	}
	more, err := p.report(f, "", func(i int) int { return t.paragraphs[min(i, len(t.paragraphs)-1)] })
	if _, none := errors.AsType[*FileError](err); err != nil && !(none && errors.Is(err, errNothing)) {
		return err
	}
	r.Imported = append(r.Imported, more.Imported...)
	r.Refused = append(r.Refused, more.Refused...)
	r.Skipped = append(r.Skipped, more.Skipped...)
	r.Notes = append(r.Notes, more.Notes...)
	return nil
}
