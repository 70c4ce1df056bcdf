package bankfile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qingyuan/quiz"
)

// readText reads Chinese plain text.
func readText(ctx context.Context, f File, o Options) (Report, error) {
	p, err := parseText(ctx, string(f.Raw))
	if err != nil {
		return Report{}, fmt.Errorf("read %s: %w", f.Name, err)
	}
	if err := p.withAnswers(ctx, o.Answers); err != nil {
		return Report{}, err
	}
	return p.report(f, "", nil)
}

// withAnswers reads the keys of a second file.
func (p *textParser) withAnswers(ctx context.Context, answers *File) error {
	if answers == nil {
		return nil
	}
	groups, notes, err := readAnswers(ctx, *answers)
	if err != nil {
		return err
	}
	p.groups = append(p.groups, groups...)
	p.notes = append(p.notes, notes...)
	return nil
}

// errNothing is a text in which no question was found.
var errNothing = errors.New("no question found")

// report makes a report of what was parsed. lineOf maps the index of a line to what
// is told people, nil for the next number.
func (p *textParser) report(f File, sheet string, lineOf func(int) int) (Report, error) {
	if lineOf == nil {
		lineOf = func(i int) int { return i + 1 }
	}
	p.applyKeys()
	r := Report{Notes: p.notes}
	for _, b := range p.blocks {
		d := p.draft(b)
		d.question.File, d.question.Sheet = filepath.Base(f.Name), sheet
		d.question.Line, d.question.LineTo = lineOf(b.line), lineOf(max(b.line, b.last))
		d.into(&r)
	}
	if r.Found() == 0 {
		reason := "没有找到题目"
		if len(p.groups) > 0 {
			reason = "文件里只有答案，没有题目"
		}
		return r, &FileError{Name: f.Name, Code: "no_questions", Reason: reason, Err: errNothing}
	}
	return r, nil
}

// draft makes a draft of a block.
func (p *textParser) draft(b *block) draft {
	h := p.headings[b.section]
	d := draft{hint: h.is, hinted: h.word, why: b.why}
	q := &d.question
	q.Number = b.word
	q.Stem = joinLines(b.stem)
	for _, o := range b.options {
		q.Options = append(q.Options, flowing(o))
	}
	for len(q.Options) > 2 && q.Options[len(q.Options)-1] == "" {
		q.Options = q.Options[:len(q.Options)-1] // F. with nothing behind it
	}
	q.Options = withoutSeparators(q.Options)
	d.ticked()
	q.Explanation = joinLines(b.explain)
	for _, a := range b.answers {
		d.answer(a)
	}
	d.keys = append(d.keys, b.keyed...)
	if g := concluded.FindStringSubmatch(q.Explanation); g != nil {
		d.keys = append(d.keys, g[1])
	}
	d.meta(b.meta)
	d.tags()
	d.stemKeys()
	if b.shared != "" {
		q.Stem = b.shared + "\n" + q.Stem
	}
	return d
}

// answer takes a labelled answer: one line where it names options, else a text.
func (d *draft) answer(lines []string) {
	lines = trimBlank(lines)
	if len(lines) == 0 {
		return
	}
	if k := parseKey(lines[0]); k.form != keyText && k.form != keyNone {
		d.keys = append(d.keys, lines[0])
		if rest := joinLines(lines[1:]); rest != "" && d.question.Explanation == "" {
			d.question.Explanation = rest
		}
		return
	}
	d.keys = append(d.keys, joinLines(lines))
}

var (
	tick      = regexp.MustCompile(`\s*(?:[（(【\[]\s*(?:正确答案|正确选项|答案|√|✓|✔)\s*[）)】\]]|[√✓✔])\s*$`)
	drawnTick = regexp.MustCompile(`[打划画填][“"]?[√✓✔×✗✘]|[×✗✘✕]\s*$`)
	lastKey   = regexp.MustCompile(`\s*【\s*([A-P]+)\s*】\s*$`)
)

// ticked reads the answer where the right options are ticked, 甲(正确答案), or where it
// stands behind the last of them, 丁【A】.
func (d *draft) ticked() {
	var key []byte
	drawn := slices.ContainsFunc(d.question.Options, drawnTick.MatchString) // 打√ and 打× are options
	for i, o := range d.question.Options {
		if drawn && !strings.Contains(o, "正确") {
			continue
		}
		if bare := tick.ReplaceAllString(o, ""); bare != o && bare != "" && i < quiz.MaxOptions {
			d.question.Options[i] = bare
			key = append(key, byte('A'+i))
		}
	}
	if n := len(d.question.Options) - 1; n > 0 {
		if g := lastKey.FindStringSubmatchIndex(d.question.Options[n]); g != nil && g[0] > 0 {
			d.keys = append(d.keys, d.question.Options[n][g[2]:g[3]])
			d.question.Options[n] = d.question.Options[n][:g[0]]
		}
	}
	if len(key) > 0 {
		d.keys = append(d.keys, string(key))
	}
}

// withoutSeparators takes the semicolons from behind options that they separate.
func withoutSeparators(options []string) []string {
	for _, o := range options[:max(0, len(options)-1)] {
		if !strings.HasSuffix(o, "；") && !strings.HasSuffix(o, ";") {
			return options
		}
	}
	for i := range options {
		options[i] = strings.TrimSpace(strings.TrimRight(options[i], "；;"))
	}
	return options
}

var levels = map[string]int{"易": 1, "容易": 1, "简单": 1, "较易": 1, "低": 1, "1": 1, "中": 2, "中等": 2, "一般": 2, "适中": 2, "2": 2, "难": 3, "较难": 3, "困难": 3, "高": 3, "3": 3}

// meta takes what is said about a question beside its text.
func (d *draft) meta(said map[string][]string) {
	for word, lines := range said {
		value := strings.Trim(flowing(lines), "。；; ")
		switch {
		case word == "题型":
			if is, w := hintOf(value); is != hintNone {
				d.hint, d.hinted = is, w
			}
		case strings.HasPrefix(word, "难"):
			d.question.Difficulty = levels[value]
		case strings.Contains(word, "依据"):
			d.question.Basis = value
		case word == "知识点", word == "考点", word == "章节", word == "分类", word == "标签":
			d.question.Topic = value
		}
	}
}

// concluded finds the answer with which an explanation ends: 故选B。
var concluded = regexp.MustCompile(`(?:故|因此|所以|综上)[，,]?\s*(?:本题)?(?:正确)?(?:答案)?\s*应?\s*(?:选择?|为|是)\s*[:：]?\s*([A-P](?:[、,，]?[A-P])*)\s*(?:项|选项)?\s*[。.！!]?$`)

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
		q.Stem = strings.TrimSpace(q.Stem[:from] + rest)
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

// flowing joins lines that were wrapped.
func flowing(lines []string) string { return joined(lines, false) }

// joinLines joins wrapped lines and keeps those apart that stand for themselves:
// lists, pieces of code.
func joinLines(lines []string) string { return joined(lines, true) }

var ownLine = regexp.MustCompile(`^(?:[一二三四五六七八九十]{1,3}、|[①-⑳❶-❿]|[（(]\d+[）)]|\d+[.、)]|[-*•]\s)`)

func joined(lines []string, keep bool) string {
	var b strings.Builder
	last := rune(0)
	code := false
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		first, _ := utf8.DecodeRuneInString(l)
		nowCode := codeSign.MatchString(l)
		switch {
		case b.Len() == 0:
		case keep && (code || nowCode || ownLine.MatchString(l)):
			b.WriteByte('\n')
		case last < utf8.RuneSelf && first < utf8.RuneSelf && !unicode.IsPunct(first):
			b.WriteByte(' ')
		}
		b.WriteString(l)
		last, _ = utf8.DecodeLastRuneInString(l)
		code = nowCode
	}
	return b.String()
}

// hasHan tells whether one of the first n characters is Chinese.
func hasHan(s string, n int) bool {
	for _, r := range s {
		if unicode.Is(unicode.Han, r) {
			return true
		}
		if n--; n == 0 {
			break
		}
	}
	return false
}
