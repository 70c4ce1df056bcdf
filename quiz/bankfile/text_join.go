package bankfile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
