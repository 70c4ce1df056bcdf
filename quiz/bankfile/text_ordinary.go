package bankfile

import (
	"regexp"
	"strings"
	"unicode"
)

// ordinary writes what offices and their programs set in other ways as everybody writes
// it. Lines stay where they are.
func ordinary(lines []string) {
	for i, l := range lines {
		lines[i] = ordinaryLine(l)
	}
	for i := 0; i < len(lines); {
		i += max(1, pointed(lines[i:]), judgedPair(lines[i:]))
	}
}

var (
	taggedNumber = regexp.MustCompile(`^([【\[（(]\s*(?:单项?选择?|多项?选择?|不定项选?择?|判断|是非)题?\s*[】\]）)])\s*(\d{1,5})\s*([.、])\s*`)
	askedNumber  = regexp.MustCompile(`^(\d{1,5}\s*[.、]\s*)(?:【\s*(?:题目|题干)\s*】|(?:题目|题干)\s*[:：])\s*`)
	namedOption  = regexp.MustCompile(`(^|[\s;；,，])(?:选项|答案选项)\s*([A-P])\s*([:：.、]|\s)\s*`)
	wordedNumber = regexp.MustCompile(`^[【\[]\s*(?:题目?|第)\s*(\d{1,5})\s*题?\s*[】\]]\s*`)
	boxBefore    = regexp.MustCompile(`^[□☐○◯●■]\s*([A-P]\s*[.、])`)
	boxedOption  = regexp.MustCompile(`(^|\s)[（(]\s*[）)]\s*([A-P])\s*([.、])`)
)

func ordinaryLine(l string) string {
	switch {
	case strings.HasPrefix(l, "【"), strings.HasPrefix(l, "["), strings.HasPrefix(l, "("), strings.HasPrefix(l, "（"):
		l = taggedNumber.ReplaceAllString(l, "$2$3 $1") // 【单选】1. is 1. 【单选】
		l = wordedNumber.ReplaceAllString(l, "$1. ")    // 【题1】
	case boxBefore.MatchString(l):
		l = boxBefore.ReplaceAllString(l, "$1") // □A.
	case strings.Contains(l, "题目"), strings.Contains(l, "题干"):
		l = askedNumber.ReplaceAllString(l, "$1") // 1、题目：
	}
	if strings.Contains(l, "选项") && !isTableHead(l) {
		l = namedOption.ReplaceAllString(l, "${1}$2. ") // 选项A：
	}
	if len(boxedOption.FindAllString(l, -1)) > 1 || boxedOption.MatchString(l) && strings.IndexAny(l, "（(") == 0 {
		l = boxedOption.ReplaceAllString(l, "$1$2$3") // ( )A. has a box to tick
	}
	return l
}

// isTableHead tells a line that names the columns of a table.
func isTableHead(l string) bool {
	return strings.Contains(l, "题干") || strings.Contains(l, "答案")
}

// pointed puts a point behind the letters of options that have nothing but a space behind
// them, where several stand in one line: A 甲 B 乙 C 丙. It returns how many lines they
// take. The letters must be A, B, C …, and more than two unless they judge: a stem may
// speak of A and B.
func pointed(lines []string) int {
	var out []string
	next, last, several := 'A', "", false
	for _, l := range lines {
		words, letters := strings.Fields(l), 0
		for i, w := range words {
			if w != string(next) {
				continue
			}
			if i == 0 && letters > 0 || i > 0 && letters == 0 || i+1 == len(words) || !sayable(words[i+1]) {
				return 0
			}
			words[i], last = w+".", words[i+1]
			letters++
			next++
		}
		if letters == 0 {
			break
		}
		several = several || letters > 1
		out = append(out, strings.Join(words, " "))
	}
	judges := next == 'C' && judgeWord.MatchString(last)
	if !several || next < 'D' && !judges {
		return 0
	}
	copy(lines, out)
	return len(out)
}

// judgeChoice is one of two lines that a questionnaire has for a judgement.
var judgeChoice = regexp.MustCompile(`^(对|错|正确|错误)\s*([（(]正确答案[）)])?$`)

// judgedPair gives letters to the two options of a judgement, where one of them is marked as
// the right one: 对(正确答案), and 错 below. It returns how many lines they take.
func judgedPair(lines []string) int {
	if len(lines) < 2 { //nolint:mnd // The two options.
		return 0
	}
	one, other := judgeChoice.FindStringSubmatch(lines[0]), judgeChoice.FindStringSubmatch(lines[1])
	if one == nil || other == nil || (one[2] == "") == (other[2] == "") || judgeWords[one[1]] == judgeWords[other[1]] {
		return 0
	}
	lines[0], lines[1] = "A. "+lines[0], "B. "+lines[1]
	return 2 //nolint:mnd // As above.
}

var judgeWord = regexp.MustCompile(`^(?:` + judgeMark + `)$`)

// sayable tells whether a word may be an option: it is neither another letter nor begins
// with the mark that belongs to the letter before.
func sayable(w string) bool {
	return (len(w) > 1 || !unicode.IsUpper(rune(w[0]))) && !strings.ContainsRune(".、:：,，)）]】", firstRune(w))
}
