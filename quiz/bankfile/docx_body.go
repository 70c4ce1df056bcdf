package bankfile

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
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

// openDocument opens a document and takes its body apart.
func openDocument(f File) (*document, error) {
	p, err := openPackage(f)
	if err != nil {
		return nil, err
	}
	damaged := func(err error) error {
		return &FileError{Name: f.Name, Code: "damaged", Reason: "文档内容读不下去，可能已损坏", Err: err}
	}
	main, err := p.mainPart()
	if err != nil {
		return nil, damaged(err)
	}
	lists, err := readLists(p)
	if err != nil {
		return nil, damaged(err)
	}
	r := docReader{dec: newDecoder(main), doc: &document{pictures: map[int]string{}, marked: map[int]bool{}}, lists: lists}
	if err := r.body(); err != nil {
		if refused, ok := errors.AsType[*FileError](err); ok {
			refused.Name = f.Name
			return nil, refused
		}
		return nil, damaged(err)
	}
	return r.doc, nil
}

// errNoBody is a document without its main part.
var errNoBody = errors.New("no word/document.xml")

// mainPart is the XML of the document.
func (p *officePackage) mainPart() ([]byte, error) {
	for _, name := range []string{"word/document.xml", "word/document2.xml"} {
		if raw, err := p.part(name); raw != nil || err != nil {
			return raw, err
		}
	}
	return nil, errNoBody
}

func newDecoder(raw []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Entity = map[string]string{}
	return d
}

// maxDepth bounds how deeply tables lie in tables.
const maxDepth = 16

// docReader walks through the XML of a document.
type docReader struct {
	dec   *xml.Decoder
	doc   *document
	lists *listBook

	paragraphs int
	depth      int
}

// body reads everything below w:body.
func (r *docReader) body() error {
	for {
		t, err := r.dec.Token()
		if errors.Is(err, io.EOF) {
			return errNoBody
		}
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); ok && s.Name.Local == "body" {
			r.doc.body, err = r.blocks("body")
			return err
		}
	}
}

// blocks reads paragraphs and tables up to the end of the element.
func (r *docReader) blocks(end string) ([]docBlock, error) {
	var out []docBlock
	for {
		t, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == end {
				return out, nil
			}
		case xml.StartElement:
			more, err := r.block(t)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
}

// block reads what stands where a paragraph or a table may.
func (r *docReader) block(s xml.StartElement) ([]docBlock, error) {
	switch s.Name.Local {
	case "p":
		p, err := r.paragraph()
		return []docBlock{{para: p}}, err
	case "tbl":
		if r.depth++; r.depth > maxDepth {
			return nil, &FileError{Code: "too_deep", Reason: "表格嵌套太深"}
		}
		t, err := r.table()
		r.depth--
		return []docBlock{{table: t}}, err
	case "sdt", "sdtContent", "ins", "moveTo", "smartTag", "customXml":
		return nil, nil // what is in them follows
	case "del", "moveFrom":
		r.doc.note("修订中删除的文字没有读取")
		return nil, r.dec.Skip()
	default:
		return nil, r.dec.Skip()
	}
}

func (r *docReader) table() (*docTable, error) {
	t := &docTable{number: r.paragraphs + 1}
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if tok.Name.Local == "tbl" {
				return t, nil
			}
		case xml.StartElement:
			switch tok.Name.Local {
			case "tr":
				row := docRow{number: r.paragraphs + 1}
				if row.cells, err = r.cells(); err != nil {
					return nil, err
				}
				t.rows = append(t.rows, row)
			case "tblPr", "tblGrid":
				if err := r.dec.Skip(); err != nil {
					return nil, err
				}
			}
		}
	}
}

// cells reads a row. A cell over several columns is followed by empty ones, so
// that those behind it stay below their heads.
func (r *docReader) cells() ([]docCell, error) {
	var out []docCell
	deleted := false
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if tok.Name.Local == "tr" {
				if deleted {
					return nil, nil
				}
				return out, nil
			}
		case xml.StartElement:
			switch tok.Name.Local {
			case "tc":
				c, span, err := r.cell()
				if err != nil {
					return nil, err
				}
				out = append(out, c)
				for range min(span-1, maxColumns) {
					out = append(out, docCell{})
				}
			case "del":
				deleted = true
			}
		}
	}
}

// cell reads a cell, and over how many columns it goes.
func (r *docReader) cell() (docCell, int, error) {
	var c docCell
	span := 1
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return c, span, err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if tok.Name.Local == "tc" {
				return c, span, nil
			}
		case xml.StartElement:
			switch tok.Name.Local {
			case "tcPr":
			case "gridSpan":
				if n, err := strconv.Atoi(attr(tok, "val")); err == nil {
					span = n
				}
			case "vMerge":
				if attr(tok, "val") != "restart" {
					r.doc.note("表格里有跨行合并的单元格，合并的内容只归第一行")
				}
			default:
				more, err := r.block(tok)
				if err != nil {
					return c, span, err
				}
				c.blocks = append(c.blocks, more...)
			}
		}
	}
}

func attr(s xml.StartElement, name string) string {
	for _, a := range s.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
