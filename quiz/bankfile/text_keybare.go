package bankfile

import (
	"slices"
	"strings"
)

// bareKeys marks a line with which keys begin that no heading stands above: 1-5 ABCDA, a
// table of 题号 and 答案, or one key a line. Whether they count is decided by what stands
// around them.
func (x *lexer) bareKeys(i int) {
	if x.holdsKeys(i) && !x.holdsKeys(x.above(i)) {
		x.marks = append(x.marks, mark{kind: markKeys, line: i, bol: true, apart: true})
	}
}

// bare tells keys from the heading above keys.
func (m mark) bare() bool { return m.kind == markKeys && m.end == 0 }

// holdsKeys tells whether a line holds keys of at least two questions, by itself or with
// the next.
func (x *lexer) holdsKeys(i int) bool {
	if i < 0 || len(x.lines[i]) > 1<<12 || !strings.ContainsAny(x.lines[i], "0123456789") && !strings.Contains(x.lines[i], "答案") {
		return false
	}
	l, next := x.lines[i], ""
	if j := x.below(i); j >= 0 {
		next = x.lines[j]
	}
	switch {
	case keyColumns.MatchString(l):
		return strings.Contains(l, "号") && strings.Contains(l, "答案") && beginsKeys(next)
	case strings.Contains(l, "答案"):
		return false // a heading, or the label of one answer
	default:
		return twoRows(l, next) || runOfKeys(l, next)
	}
}

// twoRows tells a table of keys: the numbers, and as many answers below.
func twoRows(l, next string) bool {
	numbers, ok := numberRow(l)
	if !ok || len(numbers) < 2 { //nolint:mnd // One alone is no table.
		return false
	}
	list, ok := answerRow(next)
	return ok && (len(list) == len(numbers) || strings.Contains(next, "答案"))
}

// runOfKeys tells several keys on a line, or one of which the next follows below.
func runOfKeys(l, next string) bool {
	if s := sectionKeys(l); s != "" {
		l = s
	}
	list, ok, ranged := scanEntries(l, hintNone)
	if !ok || len(list) > 1 || ranged {
		return ok
	}
	after, ok, _ := scanEntries(next, hintNone)
	return ok && after[0].n == list[0].n+1
}

// farthest bounds how many empty or drawn lines may part two lines of keys.
const farthest = 20

// below is the next line that holds a text, -1 for none near.
func (x *lexer) below(i int) int {
	for j := i + 1; j < min(len(x.lines), i+farthest); j++ {
		if x.lines[j] != "" && !tableRule.MatchString(x.lines[j]) {
			return j
		}
	}
	return -1
}

// above is the line before that holds a text, -1 for none near.
func (x *lexer) above(i int) int {
	for j := i - 1; j >= max(0, i-farthest); j-- {
		if x.lines[j] != "" && !tableRule.MatchString(x.lines[j]) {
			return j
		}
	}
	return -1
}

// bareKeysBegin tells whether keys without a heading are meant as such. Before any question
// they are. Behind one they must speak of questions above that have no keys yet, and of all
// of them where the last may not have ended.
func (p *textParser) bareKeysBegin(m mark) bool {
	if p.cur == nil {
		return p.part != partShared
	}
	scope, named := p.keyScope(), p.numbered(m.line)
	open := false
	for _, b := range p.blocks {
		if b.scope != scope {
			continue
		}
		if named[b.n] {
			open = open || !b.answered()
			delete(named, b.n)
		} else if !p.cur.complete() {
			return false // 1.对 2.错 below a judgement
		}
	}
	return open && len(named) == 0
}

// looseFollow tells whether a label before all questions, or right under their heading, is
// followed by answers without numbers: 答案：ABCD.
func (p *textParser) looseFollow(m mark) bool {
	if p.cur != nil || !p.fresh || p.part == partShared {
		return false
	}
	said := strings.TrimSpace(p.lines[m.line][m.end:])
	if j := p.nextLine(m.line); said == "" && j >= 0 {
		said = p.lines[j]
	}
	return len(looseAnswers(said)) > 1
}

// numbered are the numbers of the keys that begin in a line.
func (p *textParser) numbered(from int) map[int]bool {
	k := keyReader{groups: []keyGroup{{}}}
	for _, l := range p.lines[from:] {
		if l != "" && !tableRule.MatchString(l) && !beginsKeys(l) && !keyColumns.MatchString(l) && k.numbers == nil {
			break
		}
		k.line(l)
	}
	out := map[int]bool{}
	for _, g := range k.groups {
		for _, e := range g.entries {
			out[e.n] = true
		}
	}
	return out
}

// asksBelowKeys tells whether a question begins at a number below keys that stand at the
// head of a text, or right under a heading: its key was there, and this is none.
func (p *textParser) asksBelowKeys(m mark, k *keyReader) bool {
	if !p.fresh || !p.keysLead || beginsKeys(p.lines[m.line]) {
		return false
	}
	return slices.ContainsFunc(k.groups, func(g keyGroup) bool {
		return len(g.loose) > 0 && m.n == 1 || slices.ContainsFunc(g.entries, func(e keyEntry) bool { return e.n == m.n })
	})
}
