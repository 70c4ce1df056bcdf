package bankfile

import (
	"context"
	"regexp"
	"strings"
)

// readGIFT takes a GIFT file apart. A blank line ends a question, unless it stands
// between the braces of one; a line that begins with // is a comment wherever it
// stands.
func readGIFT(ctx context.Context, f File, _ Options) (Report, error) {
	g := giftFile{found: found{file: f, rep: Report{Format: GIFT}}}
	lines := strings.Split(strings.TrimPrefix(string(f.Raw), "\ufeff"), "\n")
	ends := braceAfterBlanks(lines)
	for i, line := range lines {
		if err := g.line(i+1, strings.TrimSpace(line), ends[i]); err != nil {
			return Report{}, err
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
	}
	if err := g.end(); err != nil {
		return Report{}, err
	}
	return g.rep, nil
}

// giftFile is a GIFT file being read.
type giftFile struct {
	found

	topic string
	block giftGroup
	open  bool // inside braces
}

// giftGroup is the lines between two blank ones.
type giftGroup struct {
	lines    []string
	numbers  []int // line number of each line of the text
	comments []string
	blanks   bool // a blank line stood between braces
}

// braceAfterBlanks returns for each line which brace comes first in the lines after
// it, 0 for none.
func braceAfterBlanks(lines []string) []byte {
	out := make([]byte, len(lines))
	var next byte
	for i := len(lines) - 1; i >= 0; i-- {
		out[i] = next
		if isComment(lines[i]) {
			continue
		}
		if mask := maskGIFT(lines[i]); strings.ContainsAny(mask, "{}") {
			next = mask[strings.IndexAny(mask, "{}")]
		}
	}
	return out
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "//") }

const giftCategory = "$CATEGORY:"

// line takes one line up; next is the first brace after it.
func (g *giftFile) line(number int, line string, next byte) error {
	switch {
	case line == "" && g.open && next == '}':
		g.block.blanks = true
	case line == "":
		return g.end()
	case isComment(line):
		g.block.comments = append(g.block.comments, strings.TrimSpace(line[2:]))
	case !g.open && strings.HasPrefix(line, giftCategory):
		comments := g.block.comments
		if len(g.block.numbers) > 0 {
			comments = nil
			if err := g.end(); err != nil {
				return err
			}
		}
		g.topic = moodleTopic(unescapeGIFT(line[len(giftCategory):]))
		g.block.comments = comments
	default:
		g.block.numbers = append(g.block.numbers, number)
		g.block.lines = append(g.block.lines, line)
		mask := maskGIFT(line)
		if i := strings.LastIndexAny(mask, "{}"); i >= 0 {
			g.open = mask[i] == '{'
		}
	}
	return nil
}

// end takes the block apart that has come to its end.
func (g *giftFile) end() error {
	b := g.block
	g.block, g.open = giftGroup{}, false
	if len(b.numbers) == 0 {
		return nil
	}
	text := newGIFTText(strings.Join(b.lines, "\n"))
	parts, ok := text.split()
	if !ok {
		p := spot{b.numbers[0], b.numbers[len(b.numbers)-1], text.raw, TypeUnknown}
		g.refuse(p, doubt{"gift_braces", "花括号不成对，或者一道题里有几个答案块"})
		return g.full()
	}
	lines := giftLines{numbers: b.numbers}
	for i, part := range parts {
		if err := g.full(); err != nil {
			return err
		}
		q := giftQuestion{text: part, topic: g.topic}
		q.place.from, q.place.to = lines.of(part)
		if b.blanks {
			q.notes = append(q.notes, "答案块中有空行")
		}
		if len(parts) > 1 {
			q.notes = append(q.notes, "题与题之间缺空行，按每题一个答案块分开")
		}
		if i == 0 {
			q.comments = b.comments
		}
		g.question(q)
	}
	return nil
}

func (g *giftFile) question(q giftQuestion) {
	out, why := q.read()
	if why != nil {
		g.refuse(q.place, *why)
		return
	}
	g.take(q.place, out)
}

// giftLines finds line numbers for growing offsets in a block, in linear time.
type giftLines struct {
	numbers []int
	line    int
	at      int // the offset up to which lines were counted
}

// of returns the first and the last line of a part.
func (l *giftLines) of(part giftText) (from, to int) {
	from = l.upTo(part.all, part.from+len(part.raw)-len(strings.TrimLeft(part.raw, " \n\t")))
	return from, l.upTo(part.all, part.from+len(strings.TrimRight(part.raw, " \n\t")))
}

func (l *giftLines) upTo(text string, offset int) int {
	if offset > l.at {
		l.line += strings.Count(text[l.at:offset], "\n")
		l.at = offset
	}
	return l.numbers[min(l.line, len(l.numbers)-1)]
}

// moodleRoot is what Moodle puts before the name of a category.
var moodleRoot = regexp.MustCompile(`^(?:\$[a-z0-9]+\$/?)?(?:top(?:/|$))?`)

// moodleTopic returns the topic that a category of Moodle names.
func moodleTopic(category string) string {
	category = strings.TrimSpace(category)
	return strings.TrimSpace(category[len(moodleRoot.FindString(category)):])
}
