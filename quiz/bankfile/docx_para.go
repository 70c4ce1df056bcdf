package bankfile

import (
	"encoding/xml"
	"strings"
	"unicode"
)

// docRuns is a paragraph while it is read.
type docRuns struct {
	b     strings.Builder
	style string
	num   numRef
	// looks counts the letters of each look that runs have.
	looks map[string]int
	look  string
	what  string // a picture or its like
	boxes []string
	// fields are open: 0 for none, else whether its instruction is being read.
	fields, instr int
}

// paragraph reads a paragraph with what its list puts before it.
func (r *docReader) paragraph() (docPara, error) {
	r.paragraphs++
	p := docPara{number: r.paragraphs}
	runs := docRuns{looks: map[string]int{}}
	if err := r.inline(&runs, "p"); err != nil {
		return p, err
	}
	p.text = runs.b.String()
	if lead := r.lists.next(runs.num, runs.style); lead != "" && strings.TrimSpace(p.text) != "" {
		p.text = lead + p.text
	}
	if runs.what != "" {
		r.doc.pictures[p.number] = runs.what
	}
	if len(runs.looks) > 1 || len(runs.looks) == 1 && runs.looks[""] == 0 {
		r.doc.marked[p.number] = true
	}
	for _, box := range runs.boxes {
		p.text += "\n" + box
		r.doc.note("文本框里的文字接在所在段落后面读取，请核对")
	}
	return p, nil
}

// inline reads what stands within a paragraph, up to the end of the element.
func (r *docReader) inline(p *docRuns, end string) error {
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if tok.Name.Local == end {
				return nil
			}
			if tok.Name.Local == "r" {
				p.look = ""
			}
		case xml.StartElement:
			if err := r.piece(p, tok); err != nil {
				return err
			}
		}
	}
}

// piece reads one element within a paragraph.
func (r *docReader) piece(p *docRuns, s xml.StartElement) error {
	switch s.Name.Local {
	case "r":
		p.look = ""
	case "t":
		return r.words(p)
	case "tab", "ptab":
		if attr(s, "pos") == "" { // not the definition of a stop
			p.b.WriteByte('\t')
		}
	case "br", "cr":
		p.b.WriteByte('\n')
	case "noBreakHyphen":
		p.b.WriteByte('-')
	case "sym":
		p.b.WriteString(symbol(s))
	case "pStyle":
		p.style = attr(s, "val")
	case "numId":
		p.num.list, p.num.set = attr(s, "val"), true
	case "ilvl":
		p.num.level = attr(s, "val")
	case "del", "moveFrom":
		r.doc.note("修订中删除的文字没有读取")
		return r.dec.Skip()
	case "rPr":
		return r.runLook(p)
	case "fldChar":
		p.field(attr(s, "fldCharType"))
	default:
		return r.object(p, s)
	}
	return nil
}

// field follows a field: its instruction is no text, its result is.
func (p *docRuns) field(what string) {
	switch what {
	case "begin":
		p.fields++
		p.instr = p.fields
	case "separate":
		p.instr = 0
	case "end":
		p.fields, p.instr = max(0, p.fields-1), 0
	}
}

// object reads what is no text of its own.
func (r *docReader) object(p *docRuns, s xml.StartElement) error {
	switch s.Name.Local {
	case "instrText", "delText", "delInstrText", "pPrChange", "rPrChange", "sectPr", "tabs", "Fallback", "footnoteReference", "endnoteReference", "commentReference", "rt":
		return r.dec.Skip()
	case "txbxContent":
		blocks, err := r.blocks("txbxContent")
		if err == nil {
			p.boxes = append(p.boxes, docCell{blocks: blocks}.text())
		}
		return err
	case "blip", "imagedata", "pic":
		p.what = "图片"
	case "object", "OLEObject":
		p.what = "嵌入的对象"
	case "chart":
		p.what = "图表"
	case "oMath", "oMathPara":
		p.what = "公式"
		return r.dec.Skip()
	}
	return nil
}

// words reads the text of a run.
func (r *docReader) words(p *docRuns) error {
	var text strings.Builder
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
		case xml.StartElement:
			if err := r.dec.Skip(); err != nil {
				return err
			}
		case xml.EndElement:
			if p.instr > 0 {
				return nil
			}
			p.b.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(text.String()))
			for _, c := range text.String() {
				if unicode.IsLetter(c) || unicode.IsDigit(c) {
					p.looks[p.look]++
				}
			}
			return nil
		}
	}
}

// runLook reads how a run looks: what makes it stand out.
func (r *docReader) runLook(p *docRuns) error {
	p.look = ""
	for {
		tok, err := r.dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			if tok.Name.Local == "rPr" {
				return nil
			}
		case xml.StartElement:
			if tok.Name.Local == "rPrChange" {
				if err := r.dec.Skip(); err != nil {
					return err
				}
				continue
			}
			p.look += standsOut(tok)
		}
	}
}

// standsOut names what makes a run stand out, "" for nothing.
func standsOut(s xml.StartElement) string {
	v := attr(s, "val")
	switch s.Name.Local {
	case "b", "u", "em":
		if v == "0" || v == "false" || v == "none" {
			return ""
		}
		return s.Name.Local
	case "color":
		if v == "auto" || v == "000000" {
			return ""
		}
		return "c" + v
	case "highlight":
		if v == "none" {
			return ""
		}
		return "h" + v
	case "shd":
		if f := attr(s, "fill"); f != "" && f != "auto" && !strings.EqualFold(f, "ffffff") {
			return "s" + f
		}
	}
	return ""
}

// symbol turns the check marks of symbol fonts into text.
func symbol(s xml.StartElement) string {
	switch strings.ToUpper(attr(s, "char")) {
	case "F0FC", "F050", "F052", "FC", "2713", "2714":
		return "√"
	case "F0FB", "F04F", "F051", "FB", "F0CD", "2717", "2718":
		return "×"
	default:
		return "□"
	}
}
