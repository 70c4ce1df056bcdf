package bankfile

import (
	"slices"
	"strings"
)

// document is what a document of Word holds, in its order.
type document struct {
	body []docBlock
	// pictures are the paragraphs with pictures, formulas or other objects in them.
	pictures map[int]string
	// marked are the paragraphs with a run that stands out by colour, weight, underline
	// or background while the rest of it does not.
	marked map[int]bool
	said   []string
}

// docBlock is a paragraph or a table.
type docBlock struct {
	para  docPara
	table *docTable
}

// docPara is a paragraph: its number in the document, from 1, and its text.
type docPara struct {
	number int
	text   string
}

type docTable struct {
	number int
	rows   []docRow
	read   bool // as a table of questions
}

type docRow struct {
	number int
	cells  []docCell
}

type docCell struct{ blocks []docBlock }

// text is what a cell holds, its paragraphs as lines.
func (c docCell) text() string {
	var lines []string
	for _, b := range c.blocks {
		if b.table == nil {
			lines = append(lines, b.para.text)
			continue
		}
		for _, r := range b.table.rows {
			for _, inner := range r.cells {
				lines = append(lines, inner.text())
			}
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// grid is the table as rows of cells.
func (t *docTable) grid() []row {
	var out []row
	for _, r := range t.rows {
		line := row{line: r.number, lineTo: r.number}
		for _, c := range r.cells {
			line.cells = append(line.cells, c.text())
		}
		out = append(out, line)
	}
	return out
}

// tables are those of the body, outermost only.
func (d *document) tables() []*docTable {
	var out []*docTable
	for _, b := range d.body {
		if b.table != nil {
			out = append(out, b.table)
		}
	}
	return out
}

func (d *document) note(s string) {
	if !slices.Contains(d.said, s) {
		d.said = append(d.said, s)
	}
}

func (d *document) notes() []string { return append([]string{"行号是段落的序号"}, d.said...) }

// coloured gives a reason to questions without a key whose lines stand out: the key
// was marked in a way that text does not carry. Questions with pictures are refused.
func (d *document) coloured(r *Report) {
	for i := range r.Refused {
		q := &r.Refused[i]
		if q.Code != "key_missing" || q.Sheet != "" {
			continue
		}
		for n := min(q.Line+1, q.LineTo); n <= q.LineTo; n++ {
			if d.marked[n] {
				q.Code = "key_by_format"
				q.Reason = "没有写明答案，只用加粗、颜色或下划线标出；格式标记不可靠，请把答案写成文字"
				break
			}
		}
	}
	kept := make([]Question, 0, len(r.Imported))
	for _, q := range r.Imported {
		what := ""
		for n := q.Line; n <= q.LineTo && what == ""; n++ {
			what = d.pictures[n]
		}
		if what != "" {
			r.Refused = append(r.Refused, q.refusal(&doubt{"picture", "题目里有" + what + "，暂不能导入"}))
			continue
		}
		kept = append(kept, q)
	}
	r.Imported = kept
}
