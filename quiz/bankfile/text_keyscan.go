package bankfile

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// keyEntry is the answer to one question in a section of keys.
type keyEntry struct {
	n       int
	value   string
	explain []string
	why     *doubt
}

// maxRange bounds 1-5 in a section of keys.
const maxRange = 1000

// keyScan reads a line that holds nothing but numbers and answers:
// 1.A 2.B, 1A2B3C, 1-5: A B A C D, 1.【答案】A.
type keyScan struct {
	rest string
	out  []keyEntry
	// ranged is set where at least one range stood there.
	ranged bool
	is     hint
}

// scanEntries reads a line of keys, and tells whether it was one as a whole.
func scanEntries(s string, is hint) ([]keyEntry, bool, bool) {
	if len(s) > 1<<16 || s == "" {
		return nil, false, false
	}
	k := keyScan{rest: s, is: is}
	for {
		k.rest = strings.TrimLeft(k.rest, " \t,，;；、|。")
		if k.rest == "" {
			return k.out, len(k.out) > 0, k.ranged
		}
		if !k.entry() {
			return nil, false, false
		}
	}
}

var (
	scanNumber = regexp.MustCompile(`^(?:第\s*|[(（\[【]\s*)?(\d{1,5})\s*(?:[)）\]】题]\s*)?`)
	scanRange  = regexp.MustCompile(`^(?:题?\s*(?:[-—–~～]+|至|到)\s*(?:第\s*)?(\d{1,5})\s*(?:[)）\]】题]\s*)?)`)
	scanLabel  = regexp.MustCompile(`^[\s.、:：)）]*(?:[【\[（(]?\s*(?:正确|参考)?答案\s*[】\]）)]?\s*[:：]?\s*)?`)
	scanToken  = regexp.MustCompile(`^(?:[【\[（(]\s*)?([A-Za-z]+|正确|错误|[√×✓✔✗✘✕对错])(?:\s*[】\]）)])?`)
	scanJoin   = regexp.MustCompile(`^[\s,，、;；|/&+]*`)
)

// entry reads one number, or one range of numbers, with its answers.
func (k *keyScan) entry() bool {
	g := scanNumber.FindStringSubmatch(k.rest)
	if g == nil {
		return false
	}
	from := numeral(g[1])
	to, after := from, k.rest[len(g[0]):]
	if r := scanRange.FindStringSubmatch(after); r != nil {
		to, after = numeral(r[1]), after[len(r[0]):]
		k.ranged = true
		if to <= from || to-from >= maxRange {
			return false
		}
	}
	after = after[len(scanLabel.FindString(after)):]
	var tokens []string
	for {
		gap := scanJoin.FindString(after)
		t := scanToken.FindStringSubmatch(after[len(gap):])
		if t == nil || !keyWord(t[1]) {
			break
		}
		tokens = append(tokens, t[1])
		after = after[len(gap)+len(t[0]):]
	}
	if len(tokens) == 0 {
		return false
	}
	k.rest = after
	if to == from {
		k.out = append(k.out, keyEntry{n: from, value: strings.Join(tokens, " ")})
		return true
	}
	k.spread(from, to, tokens)
	return true
}

// keyWord tells whether a word may be an answer.
func keyWord(s string) bool {
	f := parseKey(s).form
	if f == keyLetters || f == keyJudge {
		return true
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'P' {
			return false
		}
	}
	return s != "" // AABC, an answer for each of several questions
}

// spread gives the answers of a range to its numbers. Where there are not as many
// of them, none is given: nobody knows where one is missing.
func (k *keyScan) spread(from, to int, tokens []string) {
	n := to - from + 1
	if len(tokens) != n {
		tokens = k.split(tokens, n)
	}
	for i := range n {
		e := keyEntry{n: from + i}
		if len(tokens) == n {
			e.value = tokens[i]
		} else {
			e.why = &doubt{"key_count", fmt.Sprintf("第 %d–%d 题共 %d 道，答案的个数对不上，无法一一对应", from, to, n)}
		}
		k.out = append(k.out, e)
	}
}

// split takes ABACD as five answers, and ABACD CDBAA as ten, where the counts are
// right and no group may be a key of several letters.
func (k *keyScan) split(tokens []string, n int) []string {
	all := strings.Join(tokens, "")
	if utf8.RuneCountInString(all) != n || k.is == hintMultiple {
		return nil
	}
	for i, t := range tokens[:len(tokens)-1] {
		if len(t) != len(tokens[0]) || len(t) < 5 || i == len(tokens)-2 && len(tokens[i+1]) > len(t) {
			return nil
		}
	}
	return strings.Split(all, "")
}

// cells takes a row of a drawn table apart.
func cells(l string) []string {
	var list []string
	switch {
	case strings.Contains(l, "|"):
		list = strings.Split(strings.Trim(l, "| "), "|")
	case strings.Contains(l, "\t"):
		list = strings.Split(l, "\t")
	default:
		return strings.Fields(l)
	}
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

var (
	tableRule  = regexp.MustCompile(`^[|:\-+\s]+$`)
	rowNumbers = regexp.MustCompile(`^(?:题号|序号|题目|题)$`)
	rowAnswers = regexp.MustCompile(`^(?:正确|参考|标准)?(?:答案|选项)$`)
	allDigits  = regexp.MustCompile(`^\d{1,5}[.、]?$`)
)

// numberRow reads the upper row of a table of keys: 题号 1 2 3.
func numberRow(l string) ([]int, bool) {
	list := cells(l)
	if len(list) > 0 && rowNumbers.MatchString(strings.TrimRight(list[0], ":：")) {
		list = list[1:]
	} else if len(list) < 2 {
		return nil, false
	}
	var out []int
	for _, c := range list {
		if !allDigits.MatchString(c) {
			return nil, false
		}
		out = append(out, numeral(strings.TrimRight(c, ".、")))
	}
	return out, len(out) > 0
}

// answerRow reads the lower row of a table of keys: 答案 A B C. An empty cell is an
// answer that is missing.
func answerRow(l string) ([]string, bool) {
	list := cells(l)
	if len(list) > 0 && rowAnswers.MatchString(strings.TrimRight(list[0], ":：")) {
		list = list[1:]
	}
	for _, c := range list {
		if c != "" && !keyWord(c) && parseKey(c).form == keyText {
			return nil, false
		}
	}
	return list, len(list) > 0
}
