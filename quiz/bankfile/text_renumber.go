package bankfile

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// otherNumbers are ways of counting questions that mostly count something else: headings,
// or the parts of a stem. They count questions only where nothing else does.
var otherNumbers = []*regexp.Regexp{
	regexp.MustCompile(`^([①-⑳㉑-㉟㊱-㊿])\s*[.、:：]?\s*`),
	regexp.MustCompile(`^([一二三四五六七八九十]{1,3})\s*[、.．:：]\s*`),
	regexp.MustCompile(`^[（(]([一二三四五六七八九十]{1,3})[）)]\s*[、.．]?\s*`),
}

// renumbered writes the numbers of questions in digits where they are ①, 一、 or （一）, and
// those of the keys below as well. Lines stay where they are.
func renumbered(lines []string) {
	end := len(lines)
	for i, l := range lines {
		if strings.Contains(l, "答案") && keysLine.MatchString(l) {
			end = i
			break
		}
		if m, ok := leadMark(l, 0); ok && m.kind == markNumber && m.n == 1 {
			return
		}
	}
	for _, re := range otherNumbers {
		if at := asked(lines[:end], re); len(at) > 0 {
			for _, i := range at {
				lines[i] = inDigits(re, lines[i])
			}
			for i := end; i < len(lines); i++ {
				lines[i] = keysInDigits(re, lines[i])
			}
			return
		}
	}
}

// asked returns the lines whose numbers count questions: each is the next, and has what a
// question has. It returns nil where they count something else.
func asked(lines []string, re *regexp.Regexp) []int {
	var at []int
	last := 0
	for i, l := range lines {
		g := re.FindStringSubmatch(l)
		if g == nil {
			continue
		}
		if is, _ := hintIn(l); is != hintNone && utf8.RuneCountInString(l) <= longestHeading {
			return nil // it heads a part of the paper
		}
		n := ordinal(g[1])
		if n != last+1 && (n != 1 || last < 2) {
			return nil
		}
		at, last = append(at, i), n
	}
	if len(at) < 2 { //nolint:mnd // One line alone counts nothing.
		return nil
	}
	for k, i := range at {
		to := len(lines)
		if k+1 < len(at) {
			to = at[k+1]
		}
		if !asks(lines[i:to], re == otherNumbers[0]) {
			return nil
		}
	}
	return at
}

// longestHeading is how many characters a heading has at most that names a type.
const longestHeading = 40

// asks tells whether lines have the marks of a question: options, an answer, or a place
// for one. What may be a heading has them in its own line, or right below.
func asks(lines []string, far bool) bool {
	first := lines[0]
	if trailingJudge(first) != "" || bracketKey.MatchString(first) || emptyPlace.MatchString(first) {
		return true
	}
	for _, l := range lines[1:] {
		if l == "" {
			continue
		}
		if _, ok := leadOption(l); ok {
			return true
		}
		if m, ok := leadLabel(l); ok && m.kind == markAnswer {
			return true
		}
		if !far {
			return false
		}
	}
	return false
}

// ordinal reads ⑫ and 十二.
func ordinal(s string) int {
	r := firstRune(s)
	for _, run := range []struct{ first, last, n rune }{{'①', '⑳', 1}, {'㉑', '㉟', 21}, {'㊱', '㊿', 36}} {
		if r >= run.first && r <= run.last {
			return int(r - run.first + run.n)
		}
	}
	return numeral(s)
}

func inDigits(re *regexp.Regexp, l string) string {
	g := re.FindStringSubmatch(l)
	if g == nil {
		return l
	}
	return strconv.Itoa(ordinal(g[1])) + ". " + l[len(g[0]):]
}

// circledKey is a key behind a number in a circle.
var circledKey = regexp.MustCompile(`([①-⑳㉑-㉟㊱-㊿])\s*[.、:：]?\s*([A-Pa-p√×✓✗对错正])`)

// keysInDigits does the same within a section of keys, where several stand on one line.
func keysInDigits(re *regexp.Regexp, l string) string {
	l = inDigits(re, l)
	if re != otherNumbers[0] {
		return l
	}
	return circledKey.ReplaceAllStringFunc(l, func(s string) string {
		g := circledKey.FindStringSubmatch(s)
		return " " + strconv.Itoa(ordinal(g[1])) + "." + g[2]
	})
}
