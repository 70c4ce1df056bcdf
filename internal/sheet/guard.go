package sheet

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hazards begin what a spreadsheet program takes for a formula, the full-width
// signs included, which some programs narrow when they import a file.
const hazards = "=+-@\t\r\n＝＋－＠"

// Risky tells whether a text begins as a formula would. Blanks in front do not help, as
// spreadsheet programs pass over them; nor do apostrophes, so that a text which brings
// its own is told from one that was guarded.
func Risky(s string) bool {
	s = strings.TrimLeftFunc(s, func(r rune) bool {
		return r == '\'' || !strings.ContainsRune(hazards, r) && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r))
	})
	first, size := utf8.DecodeRuneInString(s)
	return size > 0 && strings.ContainsRune(hazards, first)
}

// Guard returns a text that no program takes for a formula: one that is Risky gets an
// apostrophe in front. Plain gives the text back, whatever it is.
func Guard(s string) string {
	if Risky(s) {
		return "'" + s
	}
	return s
}

// Plain takes the apostrophe away that Guard has put there.
func Plain(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && Risky(rest) {
		return rest
	}
	return s
}

// Safe is Guard for a text from anywhere: what no file of the formats may hold is taken
// out.
func Safe(s string) string { return Guard(strings.Map(printable, s)) }
