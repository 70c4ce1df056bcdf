package campaign

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxNameRunes bounds a person's name; the longest registered names of
// minority nationalities stay below it.
const maxNameRunes = 50

// oneDot folds the dots that keyboards put between the parts of a name onto
// the one of GB/T 15834, so that "买买提·艾山" is one name however it was typed.
// NFKC has folded the half-width dot onto the katakana one before.
var oneDot = strings.NewReplacer("•", "·", "・", "·")

// CleanName returns name in NFKC with single inner spaces, and whether it can be a
// person's name: letters and marks of any script, at least one letter, middle
// dots, hyphens, apostrophes and spaces; no digits, no control or format
// characters, no letters that cannot be seen.
func CleanName(name string) (string, bool) {
	name = strings.Join(strings.Fields(norm.NFKC.String(name)), " ")
	name = oneDot.Replace(name)
	runes, letters := 0, 0
	for _, r := range name {
		runes++
		switch {
		case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
			return "", false
		case unicode.IsLetter(r):
			letters++
		case !unicode.IsMark(r) && !strings.ContainsRune("·-' ་", r):
			return "", false
		}
	}
	if letters == 0 || runes > maxNameRunes {
		return "", false
	}
	return name, true
}

// MaskName hides a name for public view: the first character stays and one
// asterisk a further character, at most two, follows. An empty name gives
// "匿名".
//
// 个人信息保护法 art. 25 forbids publishing without a separate consent.
func MaskName(name string) string {
	runes := []rune(name)
	switch len(runes) {
	case 0:
		return "匿名"
	case 1, 2:
		return string(runes[0]) + "*"
	default:
		return string(runes[0]) + "**"
	}
}
