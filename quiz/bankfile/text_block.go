package bankfile

import "strings"

// part is where the text that is being read belongs.
type part int

const (
	partNone part = iota // before the first question, or under a heading
	partShared
	partStem
	partOption
	partAnswer
	partExplain
	partMeta
)

// block is a question as it stands in a text.
type block struct {
	word string // the number as written
	n    int
	form markForm
	// letters is how its options are set off.
	letters markForm
	// line and last are the first and the last line, as indexes.
	line, last int
	section    int // index of the heading it stands under
	scope      int // how many sections of keys came before it

	stem, explain []string
	options       [][]string
	answers       [][]string
	meta          map[string][]string
	shared        string // material that it shares with others
	// keyed are answers from a section of keys.
	keyed []string
	why   *doubt
}

// complete tells whether a question might end here.
func (b *block) complete() bool { return len(b.options) > 1 || len(b.answers) > 0 }

func (b *block) refuse(code, reason string) {
	if b.why == nil {
		b.why = &doubt{code, reason}
	}
}

// heading is a heading of the text, under which questions stand.
type heading struct {
	title   string
	chapter string
	is      hint
	word    string
}

// material is a text that several questions share.
type material struct {
	from, to int
	lines    []string
}

// textParser walks over the marks of a text and decides which of them count.
type textParser struct {
	*lexer
	blocks   []*block
	headings []heading
	scope    int
	groups   []keyGroup
	notes    []string

	cur  *block
	part part
	// line and at are where the text that is not yet assigned begins; buf holds what
	// was gathered for the part that is open.
	line, at int
	buf      []string
	textLine int // the last line that had text in it
	lastN    int
	fresh    bool // a heading came, and no question since
	keysLead bool // keys stand before all questions
	notice   bool // instructions for candidates came, and nothing since
	listNext int  // the next number of a list within a text
	shared   *material
	metaWord string
}

// gather takes the text up to a place into the part that is open.
func (p *textParser) gather(line, at int) {
	for p.line < line {
		s := strings.TrimSpace(p.lines[p.line][p.at:])
		if s != "" {
			p.textLine = p.line
		}
		p.buf = append(p.buf, s)
		p.line, p.at = p.line+1, 0
	}
	if p.line < len(p.lines) && at > p.at {
		if s := strings.TrimSpace(p.lines[p.line][p.at:at]); s != "" {
			p.buf, p.textLine = append(p.buf, s), line
		}
		p.at = at
	}
}

// enter ends the part that is open at a mark, and opens another one behind it.
func (p *textParser) enter(to part, m mark) {
	p.gather(m.line, m.at)
	p.assign(&m)
	p.part, p.line, p.at = to, m.line, m.end
	p.listNext = 0
	if p.cur != nil && to >= partOption {
		p.cur.last = max(p.cur.last, m.line)
	}
}

// assign puts what was gathered where it belongs. next is the mark that ends it,
// nil at the end of the text.
func (p *textParser) assign(next *mark) {
	lines := trimBlank(p.buf)
	p.buf = nil
	if p.cur == nil && p.part != partShared {
		p.preamble(lines)
		return
	}
	switch p.part {
	case partNone:
	case partShared:
		p.shared.lines = append(p.shared.lines, lines...)
	case partStem:
		p.cur.stem = append(p.cur.stem, lines...)
	case partOption:
		i := len(p.cur.options) - 1
		p.cur.options[i] = append(p.cur.options[i], p.withoutStray(lines, next)...)
	case partAnswer:
		i := len(p.cur.answers) - 1
		p.cur.answers[i] = append(p.cur.answers[i], lines...)
	case partExplain:
		p.cur.explain = append(p.cur.explain, lines...)
	case partMeta:
		if p.cur.meta == nil {
			p.cur.meta = map[string][]string{}
		}
		p.cur.meta[p.metaWord] = append(p.cur.meta[p.metaWord], lines...)
	}
	if p.cur != nil && len(lines) > 0 {
		p.cur.last = max(p.cur.last, p.textLine)
	}
}

// preamble looks at a text that stands before any question.
func (p *textParser) preamble(lines []string) {
	for _, l := range lines {
		p.stray(l)
		if strings.Contains(l, "注意事项") || strings.Contains(l, "须知") || strings.HasPrefix(l, "说明") {
			p.notice = true
		}
	}
}

// withoutStray leaves a paragraph away that follows the last option after an empty
// line and belongs to no question: a title between two chapters.
func (p *textParser) withoutStray(lines []string, next *mark) []string {
	if next != nil && next.kind != markNumber && next.kind != markSection && next.kind != markShared {
		return lines
	}
	for i, l := range lines {
		if l == "" {
			p.stray(strings.Join(lines[i:], " "))
			return lines[:i]
		}
	}
	return lines
}

// mostNotes bounds what is said about a file as a whole.
const mostNotes = 50

func (p *textParser) stray(s string) {
	if s = spaced(s); s != "" && len(p.notes) < mostNotes {
		p.notes = append(p.notes, "没有归入任何题目的文字：“"+shortened(s, 40)+"”")
	}
}

// trimBlank takes empty lines from both ends.
func trimBlank(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}
