package bankfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// keyGroup is the part of a section of keys that stands under one heading.
type keyGroup struct {
	heading

	scope   int // every is all questions
	entries []keyEntry
	// loose are answers without numbers, in their order.
	loose []string
}

// everyScope is the scope of a second file: all questions.
const everyScope = -1

// keyReader reads a section of keys line by line.
type keyReader struct {
	groups  []keyGroup
	notes   []string
	numbers []int // of a table whose answers are still to come
}

func (k *keyReader) group() *keyGroup { return &k.groups[len(k.groups)-1] }

// last is the entry that was read last, nil for none.
func (k *keyReader) last() *keyEntry {
	if g := k.group(); len(g.entries) > 0 {
		return &g.entries[len(g.entries)-1]
	}
	return nil
}

// keysMark decides about a line such as 参考答案: it begins a section of keys, or is
// the label of one answer.
func (p *textParser) keysMark(i int) int {
	m := p.marks[i]
	if p.entriesFollow(m) || p.goesBack(m) {
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
	for range 2 { // a chapter, then a type
		if j < 0 || !isSection(p.lines[j]) || sectionKeys(p.lines[j]) != "" {
			break
		}
		if m.kind == markAnswer {
			return false
		}
		j = p.nextLine(j)
	}
	return j >= 0 && beginsKeys(p.lines[j])
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

// keySection reads a section of keys that begins at mark i, and returns the first
// mark behind it.
func (p *textParser) keySection(i int) int {
	m := p.marks[i]
	p.enter(partNone, m)
	k := keyReader{groups: []keyGroup{{heading: heading{is: m.sections, word: m.word}, scope: p.keyScope()}}}
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
		if lead.line != j || lead.kind != markSection && lead.kind != markKeys && lead.kind != markNoise || sectionKeys(p.lines[j]) != "" {
			k.line(p.lines[j])
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
		if j < 0 || !beginsKeys(p.lines[j]) {
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
		return (m.n == 1 || m.n > p.lastN && m.n <= p.lastN+5) && p.asks(i)
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

func (k *keyReader) open(h heading) {
	scope := k.group().scope
	k.groups = append(k.groups, keyGroup{heading: h, scope: scope})
	k.numbers = nil
}

var keyColumns = regexp.MustCompile(`^(?:题号|序号|题型|答案|正确答案|参考答案|解析|答案解析|分值|\s|\||,|，)+$`)

// line reads one line of keys.
func (k *keyReader) line(l string) {
	if l == "" || tableRule.MatchString(l) {
		return
	}
	if k.table(l) {
		return
	}
	if s := sectionKeys(l); s != "" {
		if h := strings.TrimSpace(strings.TrimSuffix(l, s)); h != "" {
			before := k.group().heading
			before.title = h
			before.is, before.word = hintIn(h)
			k.open(before)
		}
		l = s
	}
	if list, ok, _ := scanEntries(l, k.group().is); ok {
		k.group().entries = append(k.group().entries, list...)
		return
	}
	if keyColumns.MatchString(l) {
		return
	}
	if lead := entryLead.FindString(l); lead != "" {
		k.entry(scanNumber.FindStringSubmatch(l)[1], l[len(lead):])
		return
	}
	k.more(l)
}

// table reads the rows of a table of keys: the numbers, then the answers.
func (k *keyReader) table(l string) bool {
	if k.numbers == nil {
		n, ok := numberRow(l)
		k.numbers = n
		return ok
	}
	numbers := k.numbers
	k.numbers = nil
	list, ok := answerRow(l)
	if !ok {
		return k.table(l)
	}
	for len(list) > len(numbers) && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	for i, n := range numbers {
		e := keyEntry{n: n}
		if len(list) == len(numbers) {
			e.value = list[i]
		} else {
			e.why = &doubt{"key_count", fmt.Sprintf("答案表里有 %d 个题号、%d 个答案，无法一一对应", len(numbers), len(list))}
		}
		k.group().entries = append(k.group().entries, e)
	}
	return true
}

var explainWithin = regexp.MustCompile(`[【\[（(〔]?\s*(?:答案|试题)?(?:解析|详解|分析|理由|说明|解答)\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)

// entry reads the answer to one question with what is said about it.
func (k *keyReader) entry(number, rest string) {
	e := keyEntry{n: numeral(number)}
	if m, ok := leadLabel(rest); ok && m.kind == markAnswer {
		rest = rest[m.end:]
	}
	value, explain := rest, ""
	if at := explainWithin.FindStringIndex(rest); at != nil {
		value, explain = rest[:at[0]], rest[at[1]:]
	}
	value = strings.TrimSpace(value)
	switch got := parseKey(strings.SplitN(value, "\t", 2)[0]); {
	case got.form == keyNone:
	case got.form == keyLetters && got.after == "", got.form == keyJudge, got.form == keyAll:
		e.value = got.text
		value = strings.TrimSpace(strings.TrimPrefix(value, got.text))
		explain = strings.TrimSpace(value + " " + explain)
	case got.form == keyLetters:
		e.value = value
	default:
		explain = strings.TrimSpace(value + " " + explain)
	}
	if explain != "" {
		e.explain = []string{explain}
	}
	k.group().entries = append(k.group().entries, e)
}

// more reads a line without a number: it goes on with the entry before, or holds
// answers in their order.
func (k *keyReader) more(l string) {
	last := k.last()
	m, labelled := leadLabel(l)
	switch {
	case last != nil && labelled && m.kind == markAnswer && last.value == "":
		last.value = strings.TrimSpace(l[m.end:])
	case last != nil && labelled && m.kind != markMeta:
		last.explain = append(last.explain, l[m.end:])
	case last != nil:
		last.explain = append(last.explain, l)
	default:
		if list := looseList(l); list != nil {
			k.group().loose = append(k.group().loose, list...)
			return
		}
		k.notes = append(k.notes, "答案区里看不懂的一行：“"+shortened(l, 40)+"”")
	}
}

// looseList takes a line of answers without numbers apart: A AB C, or ABC as three.
func looseList(l string) []string {
	list, ok := answerRow(l)
	if !ok || len(looseAnswers(l)) == 0 {
		return nil
	}
	if len(list) == 1 {
		return looseAnswers(l)
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// applyKeys gives the keys of all sections to their questions.
func (p *textParser) applyKeys() {
	p.loneKeys()
	for at := 0; at < len(p.groups); {
		end := at + 1
		for end < len(p.groups) && p.groups[end].scope == p.groups[at].scope {
			end++
		}
		p.applyScope(p.groups[at:end])
		at = end
	}
}

// applyScope gives the keys of one section to the questions that it is meant for.
func (p *textParser) applyScope(groups []keyGroup) {
	var blocks []*block
	for _, b := range p.blocks {
		if groups[0].scope == everyScope || b.scope == groups[0].scope {
			blocks = append(blocks, b)
		}
	}
	for _, g := range groups {
		p.applyGroup(&g, p.meant(&g, blocks, len(groups) > 1))
	}
}

// meant are the questions that a group of keys speaks of: those under the same
// heading or of the same type, else all of the scope.
func (p *textParser) meant(g *keyGroup, blocks []*block, several bool) []*block {
	if unique(blocks) || !several && g.is == hintNone && g.title == "" {
		return blocks
	}
	title := headTitle(g.title)
	for _, same := range []func(h heading) bool{
		func(h heading) bool { return title != "" && headTitle(h.title) == title && h.chapter == g.chapter },
		func(h heading) bool {
			return g.is != hintNone && h.is == g.is && (h.chapter == g.chapter || g.chapter == "")
		},
		func(h heading) bool { return g.is == hintNone && g.chapter != "" && h.chapter == g.chapter },
	} {
		var out []*block
		for _, b := range blocks {
			if same(p.headings[b.section]) {
				out = append(out, b)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return blocks
}

var headNoise = regexp.MustCompile(`参考|答案|解析|[（(].*[）)]|[\s:：、.]`)

// headTitle is a heading without what differs between questions and their keys.
func headTitle(s string) string { return headNoise.ReplaceAllString(s, "") }

// unique tells whether every question has a number of its own.
func unique(blocks []*block) bool {
	seen := map[int]bool{}
	for _, b := range blocks {
		if seen[b.n] {
			return false
		}
		seen[b.n] = true
	}
	return true
}

// applyGroup gives keys to questions by their numbers. Where numbers begin anew
// several times, both lists must do so in the same way.
func (p *textParser) applyGroup(g *keyGroup, blocks []*block) {
	if len(g.loose) > 0 && len(g.entries) == 0 {
		p.applyLoose(g, blocks)
		return
	}
	blockRuns := runs(blocks, func(b *block) int { return b.n })
	if len(blockRuns) <= 1 && unique(blocks) {
		p.applyRun(g.entries, blocks)
		return
	}
	keyRuns := runs(g.entries, func(e keyEntry) int { return e.n })
	if !slices.EqualFunc(keyRuns, blockRuns, func(ks []keyEntry, bs []*block) bool {
		return slices.EqualFunc(ks, bs, func(e keyEntry, b *block) bool { return e.n == b.n })
	}) {
		if unique(blocks) {
			p.applyRun(g.entries, blocks)
			return
		}
		p.ambiguous(g, blocks)
		return
	}
	for i := range keyRuns {
		p.applyRun(keyRuns[i], blockRuns[i])
	}
}

// runs splits a list where its numbers begin anew.
func runs[T any](list []T, n func(T) int) [][]T {
	var out [][]T
	from := 0
	for i := range list {
		if i > from && n(list[i]) <= n(list[i-1]) {
			out = append(out, list[from:i])
			from = i
		}
	}
	if from < len(list) {
		out = append(out, list[from:])
	}
	return out
}

func (p *textParser) applyRun(entries []keyEntry, blocks []*block) {
	by := map[int]*block{}
	for _, b := range blocks {
		by[b.n] = b
	}
	for _, e := range entries {
		b := by[e.n]
		if b == nil {
			p.notes = append(p.notes, fmt.Sprintf("答案区的第 %d 题没有对应的题目", e.n))
			continue
		}
		if e.why != nil {
			b.refuse(e.why.code, e.why.reason)
		}
		if e.value != "" {
			b.keyed = append(b.keyed, e.value)
		}
		if len(b.explain) == 0 {
			b.explain = e.explain
		}
	}
}

// ambiguous refuses the questions that a key may or may not be meant for.
func (p *textParser) ambiguous(g *keyGroup, blocks []*block) {
	counted, named := map[int]int{}, map[int]bool{}
	for _, b := range blocks {
		counted[b.n]++
	}
	for _, e := range g.entries {
		named[e.n] = true
	}
	for _, b := range blocks {
		if named[b.n] {
			b.refuse("key_ambiguous", fmt.Sprintf("有 %d 道题都叫第 %d 题，答案区的题号说不清是哪一道", counted[b.n], b.n))
		}
	}
}

// applyLoose gives answers without numbers in their order, if there is one for each
// question.
func (p *textParser) applyLoose(g *keyGroup, blocks []*block) {
	for i, b := range blocks {
		if len(g.loose) != len(blocks) {
			b.refuse("key_count", fmt.Sprintf("有 %d 道题，答案却有 %d 个，无法一一对应", len(blocks), len(g.loose)))
			continue
		}
		b.keyed = append(b.keyed, g.loose[i])
	}
}

// loneKeys looks at texts in which nothing but the last question has an answer:
// what stands there may be the answers to all of them.
func (p *textParser) loneKeys() {
	for from := 0; from < len(p.blocks); {
		to := from + 1
		for to < len(p.blocks) && p.blocks[to].scope == p.blocks[from].scope {
			to++
		}
		p.loneKey(p.blocks[from:to])
		from = to
	}
}

func (p *textParser) loneKey(blocks []*block) {
	last := blocks[len(blocks)-1]
	if len(blocks) < 2 || len(last.answers) != 1 || slices.ContainsFunc(blocks[:len(blocks)-1], (*block).answered) {
		return
	}
	for _, g := range p.groups {
		if g.scope == everyScope || g.scope == last.scope {
			return
		}
	}
	said := flowing(last.answers[0])
	list := looseAnswers(said)
	switch {
	case len(list) < 2:
	case len(list) == len(blocks) && parseKey(said).form != keyLetters:
		last.answers = nil
		p.applyLoose(&keyGroup{loose: list}, blocks)
	default:
		last.refuse("key_ambiguous", fmt.Sprintf("前面 %d 道题都没有答案，最后的“%s”说不清是这一题的答案还是各题的答案", len(blocks)-1, shortened(said, 30)))
	}
}

// answered tells whether a question has its answer somewhere near.
func (b *block) answered() bool {
	stem := strings.Join(b.stem, "\n")
	return len(b.answers) > 0 || bracketKey.MatchString(stem) || lineKey.MatchString(stem) || trailingJudge(stem) != "" || judgeLead.MatchString(stem)
}

var looseAnswer = regexp.MustCompile(`正确|错误|[A-P√×✓✔✗✘✕对错]`)

// looseAnswers takes ABCAD or √ × √ apart; nil for a text.
func looseAnswers(s string) []string {
	if strings.Trim(looseAnswer.ReplaceAllString(s, ""), " \t,，、;；|.。") != "" {
		return nil
	}
	return looseAnswer.FindAllString(s, -1)
}
