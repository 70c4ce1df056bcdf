package bankfile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// formulaSigns begin what a spreadsheet may take for a formula. The full-width
// signs are turned into the others by some programs.
const formulaSigns = "=+-@＝＋－＠"

// GuardCell makes a text safe to stand in a cell: before what could be taken for a
// formula it puts an apostrophe. UnguardCell gives the text back, whatever it is.
func GuardCell(s string) string {
	if looksLikeFormula(s) {
		return "'" + s
	}
	return s
}

// UnguardCell takes the apostrophe away that GuardCell has put there.
func UnguardCell(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && looksLikeFormula(rest) {
		return rest
	}
	return s
}

// looksLikeFormula passes over spaces, as spreadsheets do, and over apostrophes, so
// that a text which brings its own is told from a guarded one.
func looksLikeFormula(s string) bool {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r == '\'' || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	first, size := utf8.DecodeRuneInString(s)
	return size > 0 && strings.ContainsRune(formulaSigns, first)
}
