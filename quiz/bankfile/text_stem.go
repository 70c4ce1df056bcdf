package bankfile

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	typeTag  = regexp.MustCompile(`^[（(【\[〔]\s*((?:单项?选择?|多项?选择?|不定项选?择?|判断|是非|单|多|填空|简答|问答|论述|选择)题?)(?:[\s,，;；、]*(?:本题|共)?\s*\d+(?:\.\d+)?\s*分)?\s*[）)】\]〕]\s*[:：.、]?\s*`)
	typeLead = regexp.MustCompile(`^(单选题|多选题|判断题|单项选择题|多项选择题|填空题|简答题|不定项选择题)\s*[:：]\s*`)
	typeTail = regexp.MustCompile(`[（(【\[]\s*(单选题?|多选题?|判断题?|单项选择题?|多项选择题?|不定项选?择?题?)\s*[）)】\]]\s*\*?\s*$`)
	scoreTag = regexp.MustCompile(`^[（(【\[]\s*(?:本题|每题)?\s*\d+(?:\.\d+)?\s*分\s*[）)】\]]\s*|\s*[（(【\[]\s*(?:本题|每题)?\s*\d+(?:\.\d+)?\s*分\s*[）)】\]]$`)
	cnLead   = regexp.MustCompile(`^[一二三四五六七八九十]{1,3}[、.]\s*`)
)

// tags takes the type and the points from both ends of a stem.
func (d *draft) tags() {
	q := &d.question
	for range 3 {
		before := q.Stem
		q.Stem = scoreTag.ReplaceAllString(q.Stem, "")
		for _, re := range []*regexp.Regexp{typeTag, typeLead, typeTail} {
			g := re.FindStringSubmatchIndex(q.Stem)
			if g == nil {
				continue
			}
			if is, w := hintOf(q.Stem[g[2]:g[3]]); is != hintNone {
				d.hint, d.hinted = is, w
				q.Stem = strings.TrimSpace(q.Stem[:g[0]] + q.Stem[g[1]:])
			}
		}
		if q.Stem == before {
			break
		}
	}
	if q.Number == "" {
		q.Stem = cnLead.ReplaceAllString(q.Stem, "")
	}
}

// judgeMark is what judges a statement, in brackets or bare.
const judgeMark = `√|✓|✔|×|✗|✘|✕|对|错|正确|错误|T|F|[Xx]|TRUE|FALSE|True|False`

var (
	judgeTail  = regexp.MustCompile(`\s*[（(【\[]\s*(` + judgeMark + `)\s*[）)】\]]\s*[。.．!！;；]?\s*$`)
	judgeEnd   = regexp.MustCompile(`(?:[。.！!?？\s])\s*(对|错|正确|错误)\s*$|\s*([√✓✔×✗✘✕])\s*$`)
	judgeLead  = regexp.MustCompile(`^[（(【\[]\s*(` + judgeMark + `)\s*[）)】\]]\s*`)
	bracketKey = regexp.MustCompile(`[（(【\[]\s*([A-Pa-p](?:[\s,，、;；.]*[A-Pa-p])*)\s*[）)】\]]`)
	lineKey    = regexp.MustCompile(`_+\s*([A-P]+)\s*_+`)
	codeSign   = regexp.MustCompile(`^\s*(?://|#|/\*)|[={};]\s*$|=\s*["'(]|\w\(.*\)\s*[;{]?$`)
)

// trailingJudge returns the judge's mark at the end of a line, "" for none.
func trailingJudge(l string) string {
	last, _ := utf8.DecodeLastRuneInString(l)
	if !strings.ContainsRune("）)】]。．.!！;；√✓✔×✗✘✕对错确误 ", last) {
		return ""
	}
	tail := l
	if len(tail) > 64 {
		tail = tail[len(tail)-64:]
	}
	if g := judgeTail.FindStringSubmatch(tail); g != nil {
		return g[1]
	}
	if g := judgeEnd.FindStringSubmatch(tail); g != nil {
		return g[1] + g[2]
	}
	return ""
}

// stemKeys takes the answer out of a stem, where it stands in the brackets that
// were to be filled in.
func (d *draft) stemKeys() {
	q := &d.question
	if len(q.Options) == 0 || d.judgeOption(true) >= 0 && d.judgeOption(false) >= 0 {
		d.judgedStem()
	}
	if len(q.Options) == 0 && d.hint != hintJudge {
		return
	}
	if emptyPlace.MatchString(q.Stem) {
		return // letters in other brackets are part of the text
	}
	var lines []string
	for l := range strings.SplitSeq(q.Stem, "\n") {
		if !codeSign.MatchString(l) {
			l = d.lineKeys(l, bracketKey, "（ ）", bracketed)
			l = d.lineKeys(l, lineKey, "____", func(string, int) bool { return true })
		}
		lines = append(lines, l)
	}
	q.Stem = strings.Join(lines, "\n")
}

// leaders lead the eye to the bracket at the end of a line.
var leaders = regexp.MustCompile(`(?:…{2,}|-{3,}|—{3,}|\.{4,}|·{3,})\s*$`)

func (d *draft) judgedStem() {
	q := &d.question
	for _, re := range []*regexp.Regexp{judgeTail, judgeEnd, judgeLead} {
		g := re.FindStringSubmatchIndex(q.Stem)
		if g == nil {
			continue
		}
		for i := 2; i < len(g); i += 2 {
			if g[i] >= 0 {
				d.keys = append(d.keys, q.Stem[g[i]:g[i+1]])
			}
		}
		from, rest := g[0], q.Stem[g[1]:]
		switch re {
		case judgeEnd: // the full stop before it stays
			from = max(g[2], g[4])
		case judgeTail: // and so does one behind it
			rest = strings.TrimLeft(q.Stem[g[3]:], " ）)】]")
		}
		q.Stem = strings.TrimSpace(leaders.ReplaceAllString(q.Stem[:from], "") + rest)
		return
	}
}

// bracketed tells whether a letter in brackets is an answer that was filled in:
// Chinese stands around it, not a program or a foreign sentence.
func bracketed(l string, at int) bool {
	if !strings.HasPrefix(l[at:], "(") {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(l[:at], " "))
	end := strings.IndexByte(l[at:], ')')
	return before >= utf8.RuneSelf || before == '?' || end >= 0 && strings.Trim(l[at+end+1:], " .。?？") == ""
}

// lineKeys empties the places that match and keeps what stood there.
func (d *draft) lineKeys(l string, re *regexp.Regexp, empty string, ok func(string, int) bool) string {
	var b strings.Builder
	from := 0
	stated := len(d.keys) > 0
	for _, g := range re.FindAllStringSubmatchIndex(l, -1) {
		word := l[g[2]:g[3]]
		k := parseKey(word)
		if !ok(l, g[0]) || k.form != keyLetters {
			continue
		}
		if stated && int(k.set) >= 1<<len(d.question.Options) {
			continue // a name such as GHB: the key stands elsewhere
		}
		d.keys = append(d.keys, word)
		b.WriteString(l[from:g[0]] + empty)
		from = g[1]
	}
	return b.String() + l[from:]
}
