package campaign

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"qingyuan/internal/fault"
)

// Prose trims what somebody wrote into a field of a request. What has fewer than least
// or more than most characters then, or is no text that every database keeps, is
// fault.Invalid in that field.
func Prose(field, text string, least, most int) (string, error) {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	if n >= least && n <= most && utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
		return text, nil
	}
	if least == 0 {
		return "", fault.InvalidField(field, fmt.Sprintf("最多 %d 个字", most))
	}
	return "", fault.InvalidField(field, fmt.Sprintf("应为 %d 至 %d 个字", least, most))
}
