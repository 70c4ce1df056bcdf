package bankfile

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Bounds of what an XML file may hold. A question of Moodle is some ten levels deep
// at most.
const (
	maxXMLDepth = 64
	maxXMLNodes = 20_000 // of one question
)

// readMoodle takes a Moodle XML file apart. A file with a document type is refused,
// and with it every entity of its own.
func readMoodle(ctx context.Context, f File, _ Options) (Report, error) {
	m := moodleFile{found: found{file: f, rep: Report{Format: Moodle}}, dec: xml.NewDecoder(bytes.NewReader(f.Raw))}
	m.dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	if err := m.read(ctx); err != nil {
		return Report{}, m.fileError(err)
	}
	return m.rep, nil
}

// moodleFile is a Moodle XML file being read.
type moodleFile struct {
	found

	dec   *xml.Decoder
	topic string
}

// xmlNode is an element of a question.
type xmlNode struct {
	name     string
	attrs    []xml.Attr
	text     string
	children []*xmlNode
}

// fileError says in Chinese why the whole file is refused.
func (m *moodleFile) fileError(err error) error {
	if _, ours := errors.AsType[*FileError](err); ours || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	line, _ := m.dec.InputPos()
	return &FileError{Name: m.file.Name, Code: "xml_invalid", Reason: fmt.Sprintf("第 %d 行附近不是合格的 XML", line), Err: err}
}

func (m *moodleFile) refused(code, reason string) error {
	return &FileError{Name: m.file.Name, Code: code, Reason: reason}
}

// read walks through the root.
func (m *moodleFile) read(ctx context.Context) error {
	inside, seen := false, false
	for {
		from, _ := m.dec.InputPos()
		tok, err := m.dec.RawToken()
		if errors.Is(err, io.EOF) && seen && !inside {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return m.refused("moodle_root", "不是 Moodle XML：没有完整的 quiz")
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.Directive:
			return m.refused("xml_doctype", "文件含文档类型声明（DOCTYPE）或实体定义，不予读取")
		case xml.StartElement:
			switch {
			case !inside && !seen && t.Name.Local == "quiz":
				inside, seen = true, true
			case !inside:
				return m.refused("moodle_root", "不是 Moodle XML：最外层应为 quiz，却是 "+shortened(t.Name.Local, titleLength))
			default:
				if err := m.element(ctx, t, from); err != nil {
					return err
				}
			}
		case xml.EndElement:
			if !inside || t.Name.Local != "quiz" {
				return fmt.Errorf("unexpected end of %s", t.Name.Local)
			}
			inside = false
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return m.refused("moodle_text", fmt.Sprintf("第 %d 行：题目之外有文字", from))
			}
		}
	}
}

// element reads a child of the root.
func (m *moodleFile) element(ctx context.Context, start xml.StartElement, from int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	nodes := 0
	n, err := m.node(start, 1, &nodes)
	if err != nil {
		return err
	}
	if err := m.full(); err != nil {
		return err
	}
	to, _ := m.dec.InputPos()
	q := moodleQuestion{node: n, topic: m.topic, place: spot{from: from, to: to}}
	if n.name != "question" {
		q.place.kind, q.place.title = TypeUnknown, n.name
		m.refuse(q.place, doubt{"type_unsupported", "不认识的内容：" + shortened(n.name, titleLength)})
		return nil
	}
	if n.attr("type") == "category" {
		m.topic = moodleTopic(n.at("category", "text").said())
		return nil
	}
	out, why := q.read()
	if why != nil {
		m.refuse(q.place, *why)
		return nil
	}
	m.take(q.place, out)
	return nil
}

// node reads an element with everything below it.
func (m *moodleFile) node(start xml.StartElement, depth int, nodes *int) (*xmlNode, error) {
	if *nodes++; depth > maxXMLDepth || *nodes > maxXMLNodes {
		return nil, m.refused("xml_too_deep", "XML 嵌套过深或一道题的内容过多")
	}
	n := &xmlNode{name: start.Name.Local, attrs: start.Copy().Attr}
	var text bytes.Buffer
	for {
		tok, err := m.dec.RawToken()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			child, err := m.node(t, depth+1, nodes)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, child)
		case xml.EndElement:
			if t.Name.Local != n.name {
				return nil, fmt.Errorf("%s ends as %s", n.name, t.Name.Local)
			}
			n.text = text.String()
			return n, nil
		case xml.Directive:
			return nil, m.refused("xml_doctype", "文件含文档类型声明（DOCTYPE）或实体定义，不予读取")
		}
	}
}

// attr returns an attribute, "" where it is not there.
func (n *xmlNode) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// all returns the children of a name.
func (n *xmlNode) all(name string) []*xmlNode {
	if n == nil {
		return nil
	}
	var out []*xmlNode
	for _, c := range n.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

// at returns the first element at the path, nil where it is not there.
func (n *xmlNode) at(path ...string) *xmlNode {
	for _, name := range path {
		list := n.all(name)
		if len(list) == 0 {
			return nil
		}
		n = list[0]
	}
	return n
}

// said returns the text of an element, "" where it is not there.
func (n *xmlNode) said() string {
	if n == nil {
		return ""
	}
	return n.text
}
