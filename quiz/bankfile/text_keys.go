package bankfile

import (
	"regexp"
	"strings"
)

// keyGroup is the part of a section of keys that stands under one heading.
type keyGroup struct {
	heading

	scope   int // every is all questions
	under   int // index of the heading right above, below which questions may follow; 0 for none
	entries []keyEntry
	// loose are answers without numbers, in their order.
	loose []string
}

// everyScope is the scope of a second file: all questions.
const everyScope = -1

// keysMark decides about a line such as 参考答案: it begins a section of keys, or is
// the label of one answer.
func (p *textParser) keysMark(i int) int {
	m := p.marks[i]
	if m.bare() {
		if p.bareKeysBegin(m) {
			return p.keySection(i)
		}
		return i + 1
	}
	if p.entriesFollow(m) || p.goesBack(m) || p.looseFollow(m) {
		return p.keySection(i)
	}
	if p.cur == nil {
		return i + 1 // part of a title: 禁毒知识试题答案
	}
	if m.word == "解析" {
		p.explanation(m)
		return i + 1
	}
	p.enter(partAnswer, m)
	p.cur.answers = append(p.cur.answers, nil)
	return i + 1
}

// goesBack tells whether numbers begin anew behind a heading for explanations:
// they speak of the questions that were there.
func (p *textParser) goesBack(m mark) bool {
	if !strings.Contains(p.lines[m.line], "解析") && !strings.Contains(p.lines[m.line], "详解") || len(p.blocks) == 0 {
		return false
	}
	j := p.nextLine(m.line)
	if j < 0 {
		return false
	}
	n, ok := leadMark(p.lines[j], 0)
	return ok && n.kind == markNumber && n.n <= p.lastN && n.n == p.firstOfScope() && (p.lastN > 1 || len(p.groups) > 0)
}

// firstOfScope is the number of the first question since the last section of keys.
func (p *textParser) firstOfScope() int {
	scope := p.keyScope()
	for i := len(p.blocks) - 1; i >= 0; i-- {
		if p.blocks[i].scope < scope || i == 0 {
			if p.blocks[i].scope < scope {
				i++
			}
			return p.blocks[i].n
		}
	}
	return 0
}

// keyScope is the scope of a section of keys that begins now: the questions since
// the one before, or the same again where there were none.
func (p *textParser) keyScope() int {
	if n := len(p.blocks); n > 0 && p.blocks[n-1].scope != p.scope {
		return p.blocks[n-1].scope
	}
	return p.scope
}

// nextLine is the next line that is not empty, -1 for none.
func (p *textParser) nextLine(from int) int {
	for j := from + 1; j < len(p.lines) && j < from+20; j++ {
		if p.lines[j] != "" {
			return j
		}
	}
	return -1
}

// entriesFollow tells whether a label is followed by the keys of several questions.
func (p *textParser) entriesFollow(m mark) bool {
	if rest := strings.TrimSpace(p.lines[m.line][m.end:]); rest != "" {
		list, ok, ranged := scanEntries(rest, hintNone)
		return ok && (len(list) > 1 || ranged)
	}
	j := p.nextLine(m.line)
	first := j
	for range 2 { // a chapter, then a type
		if j < 0 || !isSection(p.lines[j]) || sectionKeys(p.lines[j]) != "" {
			break
		}
		if m.kind == markAnswer {
			return false
		}
		j = p.nextLine(j)
	}
	return j >= 0 && (beginsKeys(p.lines[j]) || j > first && len(looseAnswers(p.lines[j])) > 1)
}

var labelledEntry = regexp.MustCompile(`^(?:第\s*)?[(（]?\d{1,5}\s*(?:题)?\s*[.、:：)）]?\s*[【\[（(]?\s*(?:正确|参考)?答案\s*[】\]）):：]`)

// beginsKeys tells whether a line holds keys.
func beginsKeys(l string) bool {
	if _, ok, _ := scanEntries(l, hintNone); ok {
		return true
	}
	if _, ok := numberRow(l); ok {
		return true
	}
	if labelledEntry.MatchString(l) || sectionKeys(l) != "" {
		return true
	}
	m := entryLead.FindString(l)
	if m == "" {
		return false
	}
	k := parseKey(strings.SplitN(l[len(m):], " ", 2)[0])
	return k.form == keyLetters && (k.after == "" || strings.ContainsRune("(（[【", firstRune(k.after))) || k.form == keyJudge
}

var (
	sectionWithKeys = regexp.MustCompile(`^(?:[（(]?[一二三四五六七八九十]+[）)]?\s*[、.:：]\s*)?(?:.{0,10}(?:选择题?|单选题?|多选题?|判断题?|是非题|不定项题?))?\s*(?:答案)?\s*[:：]?\s*(\d{1,5}.*)$`)
	entryLead       = regexp.MustCompile(`^(?:第\s*)?[(（\[【]?\d{1,5}\s*[)）\]】]?\s*题?\s*[.、:：)）\s]\s*`)
)

// sectionKeys returns the keys that stand on one line with their heading: 一、单选题:
// 1-5 ABCDA.
func sectionKeys(l string) string {
	g := sectionWithKeys.FindStringSubmatchIndex(l)
	if g == nil || g[2] == 0 {
		return ""
	}
	if _, ok, _ := scanEntries(l[g[2]:], hintNone); ok {
		return l[g[2]:]
	}
	return ""
}

// keyGroup begins the keys behind a mark. Right under a heading they are those of its questions.
func (p *textParser) keyGroup(m mark) keyGroup {
	g := keyGroup{heading: heading{is: m.sections, word: m.word}, scope: p.keyScope()}
	if last := len(p.headings) - 1; p.fresh && last > 0 {
		g.under = last
		if g.is == hintNone {
			g.heading = p.headings[last]
		}
	}
	return g
}

// keySection reads a section of keys that begins at mark i, and returns the first
// mark behind it.
func (p *textParser) keySection(i int) int {
	m := p.marks[i]
	p.enter(partNone, m)
	p.keysLead = p.keysLead || len(p.blocks) == 0
	k := keyReader{groups: []keyGroup{p.keyGroup(m)}}
	if rest := strings.TrimSpace(p.lines[m.line][m.end:]); rest != "" {
		k.line(rest)
	}
	j := m.line + 1
	for i++; j < len(p.lines); j++ {
		for i < len(p.marks) && p.marks[i].line < j {
			i++
		}
		lead := mark{line: -1}
		if i < len(p.marks) && p.marks[i].line == j && p.marks[i].bol {
			lead = p.marks[i]
		}
		if lead.line == j && p.keysEnd(i, &k) {
			break
		}
		switch l := p.lines[j]; {
		case lead.line != j, !lead.headsKeys(), sectionKeys(l) != "":
			k.line(l)
		case lead.kind == markKeys && lead.sections != hintNone: // 判断题答案
			k.open(headingOf(l, lead, k.group().heading))
		}
	}
	p.groups = append(p.groups, k.groups...)
	p.notes = append(p.notes, k.notes...)
	p.scope, p.cur, p.part = p.scope+1, nil, partNone
	p.buf, p.line, p.at = nil, j, 0
	for i < len(p.marks) && p.marks[i].line < j {
		i++
	}
	return i
}

// headsKeys tells a heading or a mark of the page, which hold no keys themselves.
func (m mark) headsKeys() bool {
	return m.kind == markSection || m.kind == markKeys && !m.bare() || m.kind == markNoise
}

// keysEnd tells whether a line within a section of keys is no part of it. A heading
// that keys follow opens a new group.
func (p *textParser) keysEnd(i int, k *keyReader) bool {
	switch m := p.marks[i]; m.kind {
	case markSection:
		j := p.nextLine(m.line)
		if j >= 0 && isSection(p.lines[j]) { // a chapter, then a type
			j = p.nextLine(j)
		}
		if sectionKeys(p.lines[m.line]) != "" {
			return false // it opens its group itself
		}
		if j < 0 || !beginsKeys(p.lines[j]) && len(looseAnswers(p.lines[j])) < 2 {
			return true
		}
		k.open(headingOf(p.lines[m.line], m, k.group().heading))
		return false
	case markShared:
		return true
	case markNumber:
		if _, ok, _ := scanEntries(p.lines[m.line], hintNone); ok || labelledEntry.MatchString(p.lines[m.line]) {
			return false
		}
		return p.asksBelowKeys(m, k) || (m.n == 1 || m.n > p.lastN && m.n <= p.lastN+5) && p.asks(i)
	default:
		return false
	}
}

// asks tells whether options follow a number, or it is judged on its line.
func (p *textParser) asks(i int) bool {
	if trailingJudge(p.lines[p.marks[i].line]) != "" {
		return true
	}
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch m := p.marks[j]; m.kind {
		case markOption:
			if m.n == 0 && p.runsOn(j) {
				return true
			}
		case markNumber, markAnswer, markExplain, markSection, markKeys, markShared:
			return false
		case markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
}

var chapterHead = regexp.MustCompile(`^第\s*(?:[一二三四五六七八九十百]+|\d+)\s*(?:部分|章|节|单元|篇|讲)`)

// headingOf makes a heading of a line: a chapter holds for the headings under it.
func headingOf(l string, m mark, before heading) heading {
	h := heading{title: l, chapter: before.chapter, is: m.sections, word: m.word}
	if c := chapterHead.FindString(l); c != "" {
		h.chapter = spaced(c)
	}
	return h
}
