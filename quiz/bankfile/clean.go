package bankfile

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Notes of what was normalised in a text.
const (
	noteWidth  = "全角字母、数字改为半角"
	noteSpace  = "特殊空格改为普通空格"
	noteHidden = "去掉了看不见的字符"
)

// cleaned returns a text with letters, digits and spaces of ordinary width and
// without invisible characters, and notes of what it changed. Chinese punctuation
// stays as it is.
func cleaned(s string) (string, []string) {
	plain := true
	for _, r := range s {
		if r != '\n' && cleanRune(r) != r {
			plain = false
			break
		}
	}
	if plain {
		return s, nil
	}
	var notes []string
	note := func(n string) {
		if !slices.Contains(notes, n) {
			notes = append(notes, n)
		}
	}
	s = strings.Map(func(r rune) rune {
		to := cleanRune(r)
		switch {
		case r == '\n' || to == r:
			return r
		case to < 0:
			note(noteHidden)
		case to != ' ':
			note(noteWidth)
		case r != '\t':
			note(noteSpace)
		}
		return to
	}, s)
	return s, notes
}

// cleanRune returns what stands for r, and -1 for nothing.
func cleanRune(r rune) rune {
	switch {
	case r >= '０' && r <= '９', r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ':
		return r - 'Ａ' + 'A'
	case r == '．':
		return '.'
	case r < unicode.MaxASCII:
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	case unicode.Is(unicode.Zs, r), r == '\u2028', r == '\u2029', r == '\u0085':
		return ' '
	case unicode.Is(unicode.Cf, r), r >= 0x7f && r < 0xa0, unicode.Is(unicode.Co, r):
		return -1
	}
	return r
}

// spaced returns a line with single spaces.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// alike returns the form in which two texts are compared: width, case of nothing,
// spaces and the mark at the end do not matter. Words do: 是 and 不是 differ.
func alike(s string) string {
	s = norm.NFKC.String(s)
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
			return -1
		case r == '“', r == '”', r == '「', r == '」':
			return '"'
		case r == '‘', r == '’':
			return '\''
		case r == '。':
			return '.'
		case r == '、':
			return ','
		case r == '【':
			return '['
		case r == '】':
			return ']'
		}
		return r
	}, s)
	return strings.TrimRight(s, ".;,")
}

// alikeStem is alike for stems, in which an empty place to fill in may stand or
// not and is written in many ways.
func alikeStem(s string) string {
	s = alike(s)
	s = strings.ReplaceAll(s, "()", "_")
	var b strings.Builder
	blank := false
	for _, r := range s {
		if r == '_' {
			blank = true
			continue
		}
		if blank {
			b.WriteByte('_')
			blank = false
		}
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), ".;,?:!")
}
