package bankfile

import "strings"

// giftEscapes are the characters that a backslash takes their meaning from; before
// any other, a backslash is a backslash. \n is the end of a line.
const giftEscapes = `~=#{}:\n`

// giftText is a piece of a block of GIFT. Its mask has the same length as the text
// and blanks out what is escaped, so that signs found there are signs that count.
type giftText struct {
	raw, mask string
	all       string // the text of the whole block
	from      int    // where raw begins in it
}

func newGIFTText(s string) giftText {
	return giftText{raw: s, mask: maskGIFT(s), all: s}
}

// cut returns the piece from i to j.
func (t giftText) cut(i, j int) giftText {
	return giftText{raw: t.raw[i:j], mask: t.mask[i:j], all: t.all, from: t.from + i}
}

// trim returns the piece without white space around it.
func (t giftText) trim() giftText {
	right := len(strings.TrimRight(t.raw, " \t\n\r"))
	left := right - len(strings.TrimLeft(t.raw[:right], " \t\n\r"))
	return t.cut(left, right)
}

// before cuts the text at the first sign that counts.
func (t giftText) before(sign string) (head, tail giftText, ok bool) {
	i := strings.Index(t.mask, sign)
	if i < 0 {
		return t, t.cut(len(t.raw), len(t.raw)), false
	}
	return t.cut(0, i), t.cut(i+len(sign), len(t.raw)), true
}

// maskGIFT blanks out the escapes of a text.
func maskGIFT(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := []byte(s)
	for i := 0; i+1 < len(b); i++ {
		if b[i] == '\\' && strings.IndexByte(giftEscapes, b[i+1]) >= 0 {
			b[i], b[i+1] = 0, 0
			i++
		}
	}
	return string(b)
}

// unescapeGIFT returns what an escaped text says.
func unescapeGIFT(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) || strings.IndexByte(giftEscapes, s[i+1]) < 0 {
			out = append(out, s[i])
			continue
		}
		i++
		if s[i] == 'n' {
			out = append(out, '\n')
		} else {
			out = append(out, s[i])
		}
	}
	return string(out)
}

// escapeGIFT is the other way round.
func escapeGIFT(s string) string { return giftEscaper.Replace(s) }

var giftEscaper = strings.NewReplacer(
	`\`, `\\`, `~`, `\~`, `=`, `\=`, `#`, `\#`, `{`, `\{`, `}`, `\}`, `:`, `\:`, "\n", `\n`,
)

// split cuts a block into its questions. Each has at most one pair of braces. Where
// there are several pairs, each but the last must end its line: else nobody knows
// where one question ends, and split says no.
func (t giftText) split() ([]giftText, bool) {
	var out []giftText
	from, open := 0, false
	rest := strings.Count(t.mask, "}")
	for i := range len(t.mask) {
		switch t.mask[i] {
		case '{':
			if open {
				return nil, false
			}
			open = true
		case '}':
			if !open {
				return nil, false
			}
			open = false
			if rest--; rest == 0 {
				continue
			}
			if t.mask[i+1] != '\n' {
				return nil, false
			}
			out = append(out, t.cut(from, i+1))
			from = i + 1
		}
	}
	return append(out, t.cut(from, len(t.raw))), !open
}
