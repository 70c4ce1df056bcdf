package bankfile

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
)

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
