package bankfile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
	case strings.ContainsRune(`点名思答正参标本该解详试题分理说难知考我您你得\点A依`, r):
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
	if g == nil {
		return mark{}, false
	}
	return mark{kind: markOption, form: formBracket, at: at, end: at + len(g[0]), n: int(g[1][0]|0x20) - 'a'}, true
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
