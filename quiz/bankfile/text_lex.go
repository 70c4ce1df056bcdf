package bankfile

import (
	"regexp"
	"strings"
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
	ordinary(x.lines)
	renumbered(x.lines)
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
	if l == "" {
		return
	}
	x.bareKeys(i)
	if x.wholeLine(i, l) {
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
	case strings.Contains(l, "答案") && keysOf(l) > 0: // 单选题答案：1.B 2.C
		m.kind, m.end = markKeys, keysOf(l)
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

// keysOf is where the keys begin of a line that names their type before them, 0 for none.
func keysOf(l string) int {
	keys := sectionKeys(l)
	if head := l[:len(l)-len(keys)]; keys != "" && strings.Contains(head, "答案") {
		if is, _ := hintIn(head); is != hintNone {
			return len(head)
		}
	}
	return 0
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
