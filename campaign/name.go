package campaign

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxNameRunes bounds a person's name; the longest registered names of
// minority nationalities stay below it.
const maxNameRunes = 50

// CleanName returns name in NFKC with single inner spaces, and whether it can be a
// person's name: letters and marks of any script, middle dots, hyphens,
// apostrophes and spaces, no digits, no control or format characters.
func CleanName(name string) (string, bool) {
	// NFKC folds the katakana and full-width dots onto the middle dot's kin, so
	// that "买买提·艾山" is one name however it was typed.
	name = strings.Join(strings.Fields(norm.NFKC.String(name)), " ")
	runes := 0
	for _, r := range name {
		runes++
		ok := unicode.IsLetter(r) || unicode.IsMark(r) || strings.ContainsRune("·•・-' ་", r)
		if !ok {
			return "", false
		}
	}
	return name, runes > 0 && runes <= maxNameRunes
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
