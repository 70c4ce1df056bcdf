package bankfile

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// numRef says that a paragraph is an item of a list.
type numRef struct {
	list, level string
	set         bool
}

// listLevel is one level of a list as the document defines it.
type listLevel struct {
	format, text string // decimal, upperLetter …; %1. (%2)
	suffix       string
	start        int
}

// listBook holds the lists of a document and how far each has counted.
type listBook struct {
	abstract map[string]map[int]listLevel // by abstract number
	nums     map[string]listNum
	styles   map[string]numRef
	parents  map[string]string // basedOn
	counts   map[string]*[9]int
}

// listNum is a list: what it is made from, and where it begins anew.
type listNum struct {
	abstract string
	starts   map[int]int
}

// readLists reads word/numbering.xml and the lists that styles belong to.
func readLists(p *officePackage) (*listBook, error) {
	b := &listBook{
		abstract: map[string]map[int]listLevel{}, nums: map[string]listNum{}, styles: map[string]numRef{},
		parents: map[string]string{}, counts: map[string]*[9]int{},
	}
	for name, read := range map[string]func(*xml.Decoder) error{"word/numbering.xml": b.numbering, "word/styles.xml": b.styleLists} {
		raw, err := p.part(name)
		if err != nil {
			return nil, err
		}
		if raw == nil {
			continue
		}
		if err := read(newDecoder(raw)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// each calls f with every start element until the end of the file.
func each(d *xml.Decoder, f func(xml.StartElement)) error {
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := t.(xml.StartElement); ok {
			f(s)
		}
	}
}

// numbering reads the definitions of lists.
func (b *listBook) numbering(d *xml.Decoder) error {
	var abstract, num string
	level, over := 0, -1
	return each(d, func(s xml.StartElement) {
		v := attr(s, "val")
		n, _ := strconv.Atoi(v)
		set := func(change func(*listLevel)) {
			if levels := b.abstract[abstract]; num == "" && levels != nil {
				l := levels[level]
				change(&l)
				levels[level] = l
			}
		}
		switch s.Name.Local {
		case "abstractNum":
			abstract, num = attr(s, "abstractNumId"), ""
			b.abstract[abstract] = map[int]listLevel{}
		case "num":
			num = attr(s, "numId")
			b.nums[num] = listNum{starts: map[int]int{}}
		case "abstractNumId":
			if num != "" {
				b.nums[num] = listNum{abstract: v, starts: b.nums[num].starts}
			}
		case "lvlOverride":
			over, _ = strconv.Atoi(attr(s, "ilvl"))
		case "startOverride":
			if num != "" {
				b.nums[num].starts[over] = n
			}
		case "lvl":
			level, _ = strconv.Atoi(attr(s, "ilvl"))
			set(func(l *listLevel) { l.start = 1 })
		case "start":
			set(func(l *listLevel) { l.start = n })
		case "numFmt":
			set(func(l *listLevel) { l.format = v })
		case "lvlText":
			set(func(l *listLevel) { l.text = v })
		case "suff":
			set(func(l *listLevel) { l.suffix = v })
		}
	})
}

// styleLists reads which styles make a paragraph an item.
func (b *listBook) styleLists(d *xml.Decoder) error {
	style := ""
	return each(d, func(s xml.StartElement) {
		v := attr(s, "val")
		ref := b.styles[style]
		switch s.Name.Local {
		case "style":
			style = attr(s, "styleId")
			return
		case "basedOn":
			b.parents[style] = v
			return
		case "numId":
			ref.list, ref.set = v, true
		case "ilvl":
			ref.level = v
		default:
			return
		}
		if style != "" {
			b.styles[style] = ref
		}
	})
}

// next returns what the list puts before its next item, "" for no list and for
// bullets.
func (b *listBook) next(ref numRef, style string) string {
	for i := 0; !ref.set && style != "" && i < maxDepth; i++ {
		if s := b.styles[style]; s.set {
			level := ref.level
			if ref = s; level != "" {
				ref.level = level
			}
		}
		style = b.parents[style]
	}
	num, ok := b.nums[ref.list]
	levels := b.abstract[num.abstract]
	at, _ := strconv.Atoi(ref.level)
	if !ok || ref.list == "0" || at < 0 || at > 8 || levels == nil {
		return ""
	}
	l, ok := levels[at]
	if !ok || l.format == "none" || l.format == "bullet" {
		return ""
	}
	return label(levels, at, b.count(ref.list, num, levels, at)) + l.gap()
}

// gap is what stands between the label and the text.
func (l listLevel) gap() string {
	switch l.suffix {
	case "nothing":
		return ""
	default:
		return " "
	}
}

// count counts one item of a list. Lists made from one definition go on counting
// together, unless one begins anew.
func (b *listBook) count(list string, num listNum, levels map[int]listLevel, at int) *[9]int {
	key := "a" + num.abstract
	c := b.counts[key]
	if c == nil {
		c = &[9]int{}
		b.counts[key] = c
	}
	if first := b.counts["n"+list] == nil; first {
		b.counts["n"+list] = &[9]int{}
		for level, from := range num.starts {
			if level >= 0 && level <= 8 {
				c[level] = from - 1
				b.counts["n"+list][level] = 1
			}
		}
	}
	if c[at] == 0 && b.counts["n"+list][at] == 0 {
		c[at] = levels[at].start - 1
	}
	c[at]++
	for deeper := at + 1; deeper <= 8; deeper++ {
		c[deeper] = 0
	}
	for above := range at {
		if c[above] == 0 {
			c[above] = max(1, levels[above].start)
		}
	}
	return c
}

// label writes the label of an item: %1 stands for the count of the first level.
func label(levels map[int]listLevel, at int, c *[9]int) string {
	out := levels[at].text
	for level := range 9 {
		mark := "%" + strconv.Itoa(level+1)
		if strings.Contains(out, mark) {
			out = strings.ReplaceAll(out, mark, counted(c[level], levels[level].format))
		}
	}
	return out
}

// counted writes a number as a list does.
func counted(n int, format string) string {
	switch format {
	case "upperLetter", "lowerLetter":
		if n < 1 || n > 26 {
			return strconv.Itoa(n)
		}
		if format == "lowerLetter" {
			return string(rune('a' + n - 1))
		}
		return string(rune('A' + n - 1))
	case "chineseCounting", "chineseCountingThousand", "ideographDigital", "japaneseCounting", "chineseLegalSimplified", "taiwaneseCounting", "taiwaneseCountingThousand":
		return inChineseNumerals(n)
	case "upperRoman":
		return roman(n)
	case "lowerRoman":
		return strings.ToLower(roman(n))
	case "decimalEnclosedCircle", "decimalEnclosedCircleChinese":
		if n >= 1 && n <= 20 {
			return string(rune('①' + n - 1))
		}
	case "decimalZero":
		if n < 10 {
			return "0" + strconv.Itoa(n)
		}
	}
	return strconv.Itoa(n)
}

// inChineseNumerals writes 1 to 999 as 一, 十二, 一百零五.
func inChineseNumerals(n int) string {
	digits := []rune("零一二三四五六七八九")
	if n <= 0 || n > 999 {
		return strconv.Itoa(n)
	}
	var out []rune
	h, t, u := n/100, n/10%10, n%10
	if h > 0 {
		out = append(out, digits[h], '百')
	}
	switch {
	case t > 1 || t == 1 && h > 0:
		out = append(out, digits[t], '十')
	case t == 1:
		out = append(out, '十')
	case h > 0 && u > 0:
		out = append(out, '零')
	}
	if u > 0 {
		out = append(out, digits[u])
	}
	return string(out)
}

func roman(n int) string {
	if n <= 0 || n > 3999 {
		return strconv.Itoa(n)
	}
	var b strings.Builder
	for _, r := range []struct {
		n int
		s string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for n >= r.n {
			b.WriteString(r.s)
			n -= r.n
		}
	}
	return b.String()
}
