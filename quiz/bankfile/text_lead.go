package bankfile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
