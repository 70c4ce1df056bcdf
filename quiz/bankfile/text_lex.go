package bankfile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// markKind is what a place in a text may begin.
type markKind int

const (
	markNumber  markKind = iota // 12.
	markOption                  // A.
	markAnswer                  // 答案：
	markExplain                 // 解析：
	markMeta                    // 难度：, 知识点：
	markSection                 // 一、单项选择题
	markKeys                    // 参考答案, as a heading
	markShared                  // 根据以下材料回答 1-2 题
	markNoise                   // 考试结束, a page number
	markJudged                  // a line without a number that ends in （√）
	markAsk                     // 题目：, without a number
)

// mark is a place where something may begin. Whether it does is decided by what
// stands around it.
type mark struct {
	kind     markKind
	line     int // index of the line
	at, end  int // the mark itself, as bytes of the line
	n        int // the number, or the option from 0
	form     markForm
	bol      bool // it begins the line
	apart    bool // white space or the line's beginning stands before it
	digits   bool // a digit follows, as in 1.2018年
	word     string
	key      string // the answer that stands before a number: （√）1.
	sections hint   // of markSection and markAnswer: the type that it names
}

// markForm is how a number or a letter is set off. In one list all are alike.
type markForm byte

const (
	formDot     markForm = '.' // 1. 1、 A. A、
	formParen   markForm = ')' // 1)
	formBracket markForm = '(' // (1)
	formWord    markForm = 'w' // 第1题, 问题一
	formBare    markForm = ' ' // 1 followed by white space
	formBullet  markForm = 'o' // ○, instead of letters
)

// lexer finds the marks of a text.
type lexer struct {
	lines []string
	marks []mark
}

// lex takes a text into lines, without what surrounds them, and finds the marks.
func lex(text string) *lexer {
	x := &lexer{}
	for l := range strings.SplitSeq(text, "\n") {
		x.lines = append(x.lines, tidyLine(l))
	}
	for i := range x.lines {
		x.line(i)
	}
	return x
}

var (
	escaped  = regexp.MustCompile(`\\([._()\[\]{}#~*+!|>-])`)
	mdPrefix = regexp.MustCompile(`^(?:#{1,6}\s+|>\s*|[-*+•●◆■]\s+)+`)
)

// tidyLine makes width and spaces ordinary and takes the marks of Markdown away
// that set things off.
func tidyLine(l string) string {
	l, _ = cleaned(l)
	if strings.Contains(l, `\`) {
		l = escaped.ReplaceAllString(l, "$1")
	}
	if strings.Contains(l, "**") {
		l = strings.ReplaceAll(l, "**", "")
	}
	l = strings.TrimSpace(l)
	if l != "" && strings.ContainsRune("#>-*+", rune(l[0])) || strings.HasPrefix(l, "•") || strings.HasPrefix(l, "●") || strings.HasPrefix(l, "◆") || strings.HasPrefix(l, "■") {
		if !codeLine.MatchString(l) && !noiseLine.MatchString(l) {
			l = mdPrefix.ReplaceAllString(l, "")
		}
	}
	return l
}

// codeLine tells a comment of a program from a heading of Markdown.
var codeLine = regexp.MustCompile(`^#\s.*\([A-Z]\)`)

var (
	noiseLine   = regexp.MustCompile(`^(?:考试结束.*|试卷结束|试题结束|全卷完|[（(]?完[）)]?|绝密.*|—+|-{3,}|={3,}|\*{3,}|[-—\s]*第?\s*\d+\s*页.*|-\s*\d+\s*-|\d+\s*/\s*\d+)$`)
	sharedLine  = regexp.MustCompile(`^[（(【]?.{0,30}?(?:第?\s*(\d{1,4})\s*[-—–~～至到、]+\s*第?(\d{1,4})\s*(?:小)?题).{0,20}$`)
	sharedWord  = regexp.MustCompile(`根据|阅读|材料|资料|共用|案例|完成|回答`)
	sectionLine = regexp.MustCompile(`^(?:第?\s*[（(]?[一二三四五六七八九十百]+[）)]?\s*(?:[、.:：]|部分|大题|章|节|单元|篇|讲|\s)\s*|第\s*\d+\s*(?:章|节|部分|单元|篇|讲)\s*|Part\s+[IVX\d]+\.?\s*|[IVX]+[.、]\s*|\d{1,2}[.、]\s*)?(.{0,80})$`)
	sectionHead = regexp.MustCompile(`^(?:第?\s*[（(]?[一二三四五六七八九十百]+[）)]?\s*(?:[、.:：]|部分|大题|章|节|单元|篇|讲)|第\s*\d+\s*(?:章|节|部分|单元|篇|讲)|Part\s+[IVX\d]+)`)
	sectionTail = regexp.MustCompile(`^(?:[^，。？！?!；;：:]{0,16}?)(?:单项选择题?|单选题?|多项选择题?|多选题?|不定项选择题?|不定项|选择题|判断题|判断正误题?|判断对错题?|是非题|是非判断题?|对错题|填空题?|简答题?|问答题?|论述题?|名词解释题?|主观题|案例分析题?|材料分析题?|连线题?|匹配题?|配对题?|排序题?|写作题?|综合题|计算题|操作题|应用题)(?:部分)?\s*(?:[（(【\[].{0,60}[）)】\]])*\s*[:：。]?\s*(?:[（(].{0,60}[）)])?$`)
	keysLine    = regexp.MustCompile(`^(?:[（(]?[一二三四五六七八九十]+[）)]?[、.]\s*|附[:：]?\s*|附件\s*\d*[:：]?\s*|第.{1,6}[章节部分]+\s*)?[【\[（(]?\s*(?:\p{Han}{0,8}题)?(?:试题|试卷|习题)?(?:参考|标准|正确)?答案(?:[及与和]?(?:解析|详解|评分标准|分析))?(?:部分|区|表|页|栏|速查|汇总)?\s*[】\]）)]?\s*([:：]?)$`)
	explainHead = regexp.MustCompile(`^[【\[（(]?\s*(?:试题|答案|参考)?(?:解析|详解)(?:部分|区)?\s*[】\]）)]?$`)
)

// line finds the marks of one line.
func (x *lexer) line(i int) {
	l := x.lines[i]
	if l == "" || x.wholeLine(i, l) {
		return
	}
	at := 0
	if m, ok := keyedNumber(l); ok {
		m.line, m.bol, m.apart = i, true, true
		x.marks = append(x.marks, m)
		at = m.end
	}
	for {
		m, ok := leadMark(l, at)
		if !ok {
			break
		}
		m.line, m.bol, m.apart = i, true, true
		x.marks = append(x.marks, m)
		at = m.end
		if m.kind != markNumber { // 1. A. or 1. 答案: go on
			break
		}
	}
	if at == 0 && len(l) < 2000 && trailingJudge(l) != "" {
		x.marks = append(x.marks, mark{kind: markJudged, line: i, bol: true, apart: true})
	}
	x.within(i, l, at)
}

// wholeLine finds lines that are one mark as a whole.
func (x *lexer) wholeLine(i int, l string) bool {
	m := mark{line: i, end: len(l), bol: true, apart: true}
	switch {
	case len(l) > 400:
		return false
	case mayBeNoise(l) && noiseLine.MatchString(l):
		m.kind = markNoise
	case strings.Contains(l, "答案") && keysLine.MatchString(l):
		m.kind = markKeys
		m.digits = strings.HasSuffix(l, ":") || strings.HasSuffix(l, "：")
		m.sections, m.word = hintIn(l)
	case strings.Contains(l, "解") && explainHead.MatchString(l):
		m.kind, m.word = markKeys, "解析"
	case strings.Contains(l, "题") && strings.ContainsAny(l, "0123456789") && sharedLine.MatchString(l) && sharedWord.MatchString(l) && !strings.Contains(l, "题，每"):
		m.kind, m.word = markShared, l
	case isSection(l):
		m.kind = markSection
		m.sections, m.word = hintIn(l)
	default:
		return false
	}
	x.marks = append(x.marks, m)
	return true
}

// mayBeNoise looks for what every line of noise has.
func mayBeNoise(l string) bool {
	return strings.ContainsAny(l, "束完绝页/") || strings.ContainsRune("-=*—", firstRune(l))
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

// isSection tells a heading: one that names a type, or a short one that is counted
// in Chinese and asks nothing.
func isSection(l string) bool {
	if len(l) > 400 {
		return false
	}
	if !strings.Contains(l, "题") && !strings.Contains(l, "选") && !strings.ContainsAny(l[:min(len(l), 8)], "一二三四五六七八九十百第P") {
		return false
	}
	if m := sectionLine.FindStringSubmatch(l); m != nil && sectionTail.MatchString(m[1]) {
		return true
	}
	return sectionHead.MatchString(l) && utf8.RuneCountInString(l) <= 30 && !strings.ContainsAny(l, "?_") &&
		!strings.ContainsAny(l, "？。；") && !emptyPlace.MatchString(l) && trailingJudge(l) == "" && !bracketKey.MatchString(l)
}

var leadKey = regexp.MustCompile(`^(?:[（(【\[]\s*([A-P]{0,8}|` + judgeMark + `)\s*[）)】\]]|([√✓✔×✗✘✕]))\s*`)

// keyedNumber reads a number with the answer before it: （√）1. or ( B )2、.
func keyedNumber(l string) (mark, bool) {
	if !strings.ContainsRune("（(【[√✓✔×✗✘✕", firstRune(l)) {
		return mark{}, false
	}
	g := leadKey.FindStringSubmatch(l)
	if g == nil {
		return mark{}, false
	}
	for _, n := range leadNumber[:2] {
		if d := n.re.FindStringSubmatch(l[len(g[0]):]); d != nil {
			m := mark{kind: markNumber, form: n.form, end: len(g[0]) + len(d[0]), word: d[1], n: numeral(d[1]), key: g[1] + g[2]}
			next := firstRune(l[m.end:])
			return m, m.n > 0 && (next < '0' || next > '9') // (A) 2.5克 is an option
		}
	}
	return mark{}, false
}

var leadNumber = []struct {
	form markForm
	re   *regexp.Regexp
}{
	{formDot, regexp.MustCompile(`^(\d{1,5})\s*[.、:：]\s*`)},
	{formDot, regexp.MustCompile(`^(\d{1,5})\s*[,，]\s*`)},
	{formParen, regexp.MustCompile(`^(\d{1,5})\s*[)）]\s*[.、]?\s*`)},
	{formBracket, regexp.MustCompile(`^[(（\[【]\s*(\d{1,5})\s*[)）\]】]\s*[.、]?\s*`)},
	{formWord, regexp.MustCompile(`^(?:第\s*(\d{1,5})\s*题|(?:题目|(?:面试|思考|讨论|练习|案例|简答|论述|单选|多选|判断|填空)题?|试题|问题|题)\s*(\d{1,5})|Q(?:uestion)?\s*(\d{1,5}))\s*[.、:：)）]?\s*`)},
	{formWord, regexp.MustCompile(`^(?:问题|题目|(?:面试|思考|讨论|练习|案例|简答|论述)题?|试题|第)\s*([一二三四五六七八九十]{1,3})(?:题)?\s*[.、:：]\s*`)},
	{formBare, regexp.MustCompile(`^(\d{1,4})(?:\s+)`)},
}

// leadMark finds what begins at the beginning of a line.
func leadMark(l string, at int) (mark, bool) {
	rest := l[at:]
	if m, ok := leadOption(rest); ok {
		m.at, m.end = at, at+m.end
		return m, true
	}
	if m, ok := leadLabel(rest); ok {
		m.at, m.end = at, at+m.end
		return m, true
	}
	if at > 0 {
		return mark{}, false
	}
	if first := firstRune(rest); (first < '0' || first > '9') && !strings.ContainsRune("(（[【第题试问面思讨练案简论单多判填Q", first) {
		return mark{}, false
	}
	for _, n := range leadNumber {
		g := n.re.FindStringSubmatch(rest)
		if g == nil {
			continue
		}
		m := mark{kind: markNumber, form: n.form, end: len(g[0])}
		for _, s := range g[1:] {
			if s != "" {
				m.word, m.n = s, numeral(s)
			}
		}
		after := rest[m.end:]
		m.digits = after != "" && after[0] >= '0' && after[0] <= '9' && strings.HasSuffix(strings.TrimSpace(g[0]), ".")
		if n.form == formBare && !bareNumberText(after) || !strings.HasSuffix(strings.TrimSpace(g[0]), ".") && n.form == formDot && m.tight(rest) {
			continue
		}
		return m, m.n > 0 || m.word == "0"
	}
	return mark{}, false
}

// tight tells 10:30 and 1,000 from numbers of questions.
func (m mark) tight(rest string) bool {
	return m.end < len(rest) && rest[m.end] >= '0' && rest[m.end] <= '9' && strings.ContainsAny(rest[m.end-1:m.end], ":,")
}

// bareNumberText tells whether a number that has nothing but white space behind it
// may count a question: a Chinese character or a bracket follows.
func bareNumberText(after string) bool {
	r, _ := utf8.DecodeRuneInString(after)
	return unicode.Is(unicode.Han, r) && !strings.HasPrefix(after, "年") && !strings.HasPrefix(after, "世纪") && !strings.HasPrefix(after, "月") ||
		strings.ContainsRune("《“（(【", r) && after != ""
}

// numeral reads digits, and Chinese numerals up to 99.
func numeral(s string) int {
	n, tens := 0, false
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			n = n*10 + int(r-'0')
		case r == '十':
			n, tens = max(n, 1)*10, true
		default:
			d := strings.IndexRune("一二三四五六七八九", r)/len("一") + 1
			if tens {
				n += d
			} else {
				n = d
			}
		}
	}
	return n
}

var (
	optionDot     = regexp.MustCompile(`^([A-Pa-p])\s*[.、:：)）．]\s*`)
	optionComma   = regexp.MustCompile(`^([A-P])\s*[,，]\s*`)
	optionBracket = regexp.MustCompile(`^[(（\[【〔]\s*([A-Pa-p])\s*[)）\]】〕]\s*[.、:：]?\s*`)
	optionBare    = regexp.MustCompile(`^([A-P])(?:\s+)`)
	optionTight   = regexp.MustCompile(`^([A-P])\p{Han}`)
)

// leadOption reads the letter of an option at the beginning of a line.
func leadOption(s string) (mark, bool) {
	m := mark{kind: markOption, form: formDot}
	if first := firstRune(s); s != "" && strings.ContainsRune("○◯□☐●■", first) {
		m.form, m.n = formBullet, -1
		m.end = utf8.RuneLen(first) + len(s[utf8.RuneLen(first):]) - len(strings.TrimLeft(s[utf8.RuneLen(first):], " \t"))
		return m, true
	}
	if s == "" || !(s[0]|0x20 >= 'a' && s[0]|0x20 <= 'p') && !strings.ContainsRune("(（[【〔", firstRune(s)) {
		return m, false
	}
	s = s[:min(len(s), 32)]
	g := optionDot.FindStringSubmatch(s)
	if g == nil {
		m.form, g = formBracket, optionBracket.FindStringSubmatch(s)
	}
	if g == nil {
		m.form, g = formParen, optionComma.FindStringSubmatch(s)
	}
	if g == nil {
		m.form, g = formBare, optionBare.FindStringSubmatch(s)
	}
	if g == nil {
		if g = optionTight.FindStringSubmatch(s); g != nil {
			m.form, g[0] = formWord, g[1]
		}
	}
	if g == nil {
		return m, false
	}
	m.n, m.end = int(g[1][0]|0x20)-'a', len(g[0])
	return m, true
}

var labels = []struct {
	kind markKind
	re   *regexp.Regexp
}{
	{markMeta, regexp.MustCompile(`^[【\[（(〔]?\s*(?:我的答案|考生答案|难度系数|难度等级|难易度|难易程度|难度|知识点|考点|题型|分值|分数|章节|出处|来源|依据|法律依据|标签|分类|能力等级)\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)},
	{markExplain, regexp.MustCompile(`^[【\[（(〔]?\s*(?:答案)?(?:试题|题目|本题|参考)?(?:解析|详解|分析|理由|解答|说明|点评|名师点评|考点分析|答案说明|解题思路|思路点拨|点拨|知识拓展)\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)},
	{markAnswer, regexp.MustCompile(`^[【\[（(〔]?\s*(?:本题|该题)?(?:(?:正确|参考|标准)?的?(?:答案|要点)|(?:正确|标准)的?选项|答题要点)(?:是|为)?\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)},
	{markAnswer, regexp.MustCompile(`^(?:\\ans|[Aa]ns(?:wer)?|ANS(?:WER)?|[Kk]ey|答|正解)\s*[:：]\s*`)},
	{markAnswer, regexp.MustCompile(`^(?:正确|参考|标准)?答案(?:是|为)?\s*(?:[A-P][A-P,，、\s]*$|[√×✓✗对错]$|正确$|错误$)`)},
	{markExplain, regexp.MustCompile(`^(?:\\(?:exp|analysis|ana)|[Ee]xplanation|[Aa]nalysis)\s*[:：]\s*`)},
}

// askLabel reads 题目： without a number, and 选项：, which says nothing.
var askLabel = regexp.MustCompile(`^[【\[]?\s*(题目|题干|试题|问题|选项)\s*(?:[】\]]\s*[:：]?|[:：])\s*`)

// labelBegins are the characters with which labels begin.
const labelBegins = `题问选点名思答正参标本该解详试题分理说难知考章出来依法能我\AaKkEe【[（(〔`

// mayBeLabel looks for what every label has: it begins in one of few ways, and a
// colon, a bracket or an answer follows.
func mayBeLabel(s string) bool {
	if !strings.ContainsRune(labelBegins, firstRune(s)) {
		return false
	}
	return strings.ContainsAny(s, ":：】])）〕") || strings.Contains(s, "答案")
}

var answerWord = regexp.MustCompile(`^(?:正确|参考|标准)?答案(?:是|为)?\s*`)

// leadLabel reads 答案：, 解析： and their kin.
func leadLabel(s string) (mark, bool) {
	s = s[:min(len(s), 64)]
	if !mayBeLabel(s) {
		return mark{}, false
	}
	if g := askLabel.FindStringSubmatch(s); g != nil {
		m := mark{kind: markAsk, end: len(g[0])}
		if g[1] == "选项" {
			m.kind = markNoise
		}
		return m, true
	}
	for i, l := range labels {
		g := l.re.FindString(s)
		if g == "" {
			continue
		}
		if i == 4 { // the answer is part of what told the label
			g = answerWord.FindString(s)
		}
		return mark{kind: l.kind, end: len(g), word: strings.Trim(g, "【】[]()（）〔〕:： ")}, true
	}
	return mark{}, false
}

// within finds the marks in the middle of a line.
func (x *lexer) within(i int, l string, from int) {
	before, _ := utf8.DecodeLastRuneInString(l[:from])
	if from == 0 {
		before = ' '
	}
	at := from
	for at < len(l) {
		r, size := utf8.DecodeRuneInString(l[at:])
		m, ok := x.inner(l, at, r, before)
		if ok && at > from || ok && from > 0 && m.kind != markNumber {
			m.line = i
			m.apart = before == ' '
			x.marks = append(x.marks, m)
			before, _ = utf8.DecodeLastRuneInString(l[:m.end])
			at = m.end
			continue
		}
		at += size
		if before = r; r == '\t' {
			before = ' '
		}
	}
}

// inner tells what may begin at a place within a line.
func (x *lexer) inner(l string, at int, r, before rune) (mark, bool) {
	switch {
	case r >= 'A' && r <= 'P':
		return innerOption(l, at, before)
	case r == '(' || r == '（' || r == '【' || r == '[' || r == '〔':
		after := firstRune(strings.TrimLeft(l[at+utf8.RuneLen(r):min(len(l), at+16)], " "))
		if after|0x20 >= 'a' && after|0x20 <= 'p' {
			return innerBracket(l, at)
		}
		if strings.ContainsRune(labelBegins, after) {
			return innerLabel(l, at)
		}
	case r >= '0' && r <= '9':
		return innerNumber(l, at, before)
	case strings.ContainsRune(`点名思答正参标本该解详试题分理说难知考我\点A依`, r):
		return innerLabel(l, at)
	}
	return mark{}, false
}

var innerDelimiter = regexp.MustCompile(`^[A-P]\s?[.、:：)）]\s*`)

// innerOption wants nothing before the letter that would make it part of a word.
func innerOption(l string, at int, before rune) (mark, bool) {
	if before < utf8.RuneSelf && before != ' ' && !strings.ContainsRune(`)]};?!,"'`, before) && !unicode.IsDigit(before) {
		return mark{}, false
	}
	if before >= '0' && before <= '9' && !strings.HasPrefix(l[at+1:], ".") && !strings.HasPrefix(l[at+1:], "、") {
		return mark{}, false
	}
	g := innerDelimiter.FindString(l[at:min(len(l), at+8)])
	if g == "" {
		if after := firstRune(l[at+1:]); before == ' ' && unicode.Is(unicode.Han, after) { // A甲 B乙
			return mark{kind: markOption, form: formWord, at: at, end: at + 1, n: int(l[at] - 'A')}, true
		}
		return mark{}, false
	}
	// U.S.A. and file names are words.
	if after := l[at+len(g):]; len(g) == 2 && after != "" && before != ' ' && after[0] >= 'a' && after[0] <= 'z' && before < utf8.RuneSelf {
		return mark{}, false
	}
	return mark{kind: markOption, form: formDot, at: at, end: at + len(g), n: int(l[at] - 'A')}, true
}

func innerBracket(l string, at int) (mark, bool) {
	g := optionBracket.FindStringSubmatch(l[at:min(len(l), at+16)])
	if g == nil || g[1][0] > 'P' {
		return mark{}, false
	}
	return mark{kind: markOption, form: formBracket, at: at, end: at + len(g[0]), n: int(g[1][0] - 'A')}, true
}

var innerNumberForm = regexp.MustCompile(`^(\d{1,5})\s?[.、]\s*`)

func innerNumber(l string, at int, before rune) (mark, bool) {
	if unicode.IsDigit(before) || before == '.' && at > 1 && unicode.IsDigit(rune(l[at-2])) {
		return mark{}, false
	}
	switch {
	case before == ' ', strings.ContainsRune("。！？!?；;.）)】]”√×", before), before >= 'A' && before <= 'P':
	case unicode.Is(unicode.Han, before): // …丁2.下列
	default:
		return mark{}, false
	}
	g := innerNumberForm.FindStringSubmatch(l[at:min(len(l), at+12)])
	if g == nil {
		return mark{}, false
	}
	m := mark{kind: markNumber, form: formDot, at: at, end: at + len(g[0]), n: numeral(g[1]), word: g[1]}
	after := l[m.end:]
	m.digits = after != "" && after[0] >= '0' && after[0] <= '9' && !strings.Contains(g[0], " ")
	return m, m.n > 0
}

func innerLabel(l string, at int) (mark, bool) {
	if near := l[at:min(len(l), at+48)]; !strings.ContainsAny(near, ":：】]") {
		return mark{}, false
	}
	m, ok := leadLabel(l[at:])
	if !ok || m.kind == markAsk || m.kind == markNoise || m.kind == markAnswer && !strings.ContainsAny(l[at:at+m.end], ":：】]") {
		return mark{}, false
	}
	// 正确答案 is one label: its second half is none.
	m.at, m.end = at, at+m.end
	return m, true
}
