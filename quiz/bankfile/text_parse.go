package bankfile

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lookAhead bounds how many marks are looked at to decide about one.
const lookAhead = 80

// parseText takes a text apart into questions and sections of keys.
func parseText(ctx context.Context, text string) (*textParser, error) {
	p := &textParser{lexer: lex(text), headings: []heading{{}}, fresh: true}
	for i := 0; i < len(p.marks); {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(p.blocks) > MaxQuestions {
			break // which Read refuses
		}
		i = p.step(i)
	}
	p.gather(len(p.lines), 0)
	p.assign(nil)
	return p, nil
}

// step decides about one mark and returns the index of the next.
func (p *textParser) step(i int) int {
	m := p.marks[i]
	if m.line < p.line || m.line == p.line && m.at < p.at {
		return i + 1 // within what was taken already
	}
	switch m.kind {
	case markNoise:
		p.gather(m.line, m.at)
		p.line, p.at = m.line, m.end
	case markSection:
		if p.headingBegins(i) {
			p.heading(m)
		}
	case markShared:
		p.material(m)
	case markKeys:
		return p.keysMark(i)
	case markNumber:
		if p.numberBegins(i) {
			p.begin(m)
		}
	case markOption:
		p.option(i)
	case markAnswer:
		return p.answer(i)
	case markExplain:
		p.explanation(m)
	case markMeta:
		p.metadata(m)
	case markJudged:
		p.judgedLine(m)
	case markAsk:
		p.ask(m)
	}
	return i + 1
}

// headingBegins tells a heading from an item of a list: one that names neither a
// type nor a chapter has questions below it, and no half of a question above.
func (p *textParser) headingBegins(i int) bool {
	m := p.marks[i]
	if m.sections != hintNone || p.cur == nil || chapterHead.MatchString(p.lines[m.line]) {
		return true
	}
	if p.part == partStem && !p.cur.complete() {
		return false
	}
	if above := p.lines[max(0, m.line-1)]; p.part >= partAnswer && (cnLead.MatchString(above) || strings.HasSuffix(above, "：") || strings.HasSuffix(above, ":")) {
		return false
	}
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		if n := p.marks[j]; n.bol && n.kind != markNoise {
			return n.kind == markNumber || n.kind == markSection || n.kind == markShared || n.kind == markKeys
		}
	}
	return true
}

// heading ends the question that is open.
func (p *textParser) heading(m mark) {
	p.enter(partNone, m)
	p.cur, p.shared, p.fresh, p.notice = nil, nil, true, false
	p.headings = append(p.headings, headingOf(p.lines[m.line], m, p.headings[len(p.headings)-1]))
}

// material begins a text that the questions after it share.
func (p *textParser) material(m mark) {
	g := sharedLine.FindStringSubmatch(m.word)
	from, _ := strconv.Atoi(g[1])
	to, _ := strconv.Atoi(g[2])
	if from > to {
		return
	}
	p.enter(partShared, m)
	p.cur = nil
	p.shared = &material{from: from, to: to}
}

// begin opens a question at its number.
func (p *textParser) begin(m mark) {
	p.enter(partStem, m)
	b := &block{word: m.word, n: m.n, form: m.form, line: m.line, last: m.line, section: len(p.headings) - 1, scope: p.scope}
	if s := p.shared; s != nil && m.n >= s.from && m.n <= s.to {
		b.shared = joinLines(s.lines)
	} else {
		p.shared = nil
	}
	if m.key != "" {
		b.keyed = append(b.keyed, m.key)
	}
	p.add(b)
	p.lastN = m.n
}

// ask opens a question that a label begins instead of a number.
func (p *textParser) ask(m mark) {
	if !m.bol || p.cur != nil && p.cur.word != "" {
		return
	}
	p.enter(partStem, m)
	p.add(&block{line: m.line, last: m.line, section: len(p.headings) - 1, scope: p.scope, form: formWord})
}

func (p *textParser) add(b *block) {
	p.blocks = append(p.blocks, b)
	p.cur, p.fresh, p.notice = b, false, false
}

// numberBegins tells whether a number begins a question, or belongs to a list, a
// date, a piece of code.
func (p *textParser) numberBegins(i int) bool {
	m := p.marks[i]
	next := m.n == p.lastN+1
	if !m.bol {
		return p.innerNumberBegins(i, next)
	}
	if p.cur == nil {
		return p.firstNumber(i)
	}
	if m.form != p.cur.form && !p.formChanges(i) {
		return false
	}
	if m.digits && !next && !(m.n == 1 && p.cur.complete() && hasHan(p.lines[m.line][m.end:], 30)) {
		return false
	}
	signed := p.signed(i)
	switch p.part {
	case partAnswer, partExplain, partMeta:
		return p.afterText(m, next, signed)
	case partOption:
		return next || signed || m.n == 1 || m.n > p.lastN && m.n <= p.lastN+10
	default:
		return p.afterStem(m, next, signed)
	}
}

// innerNumberBegins decides about a number in the middle of a line: it must be the
// next, and a question must follow.
func (p *textParser) innerNumberBegins(i int, next bool) bool {
	if p.cur == nil || !next || p.marks[i].digits && p.part != partAnswer || p.cur.form != formDot {
		return false
	}
	switch p.part {
	case partOption:
		return len(p.cur.options) > 1 && p.signed(i)
	case partAnswer, partExplain:
		return p.signed(i)
	case partStem:
		return p.judgedBefore(p.marks[i]) && p.signed(i)
	default:
		return false
	}
}

// judgedBefore tells whether the text before a mark ends in a judge's mark, so
// that the question is complete.
func (p *textParser) judgedBefore(m mark) bool {
	from := 0
	if p.line == m.line {
		from = p.at
	}
	return trailingJudge(p.lines[m.line][from:m.at]) != ""
}

// firstNumber decides about a number that no question stands before.
func (p *textParser) firstNumber(i int) bool {
	m := p.marks[i]
	if p.notice {
		return p.signed(i)
	}
	if m.form == formBracket || m.form == formBare || m.digits {
		return m.n <= 1 || m.n == p.lastN+1 || p.signed(i)
	}
	return true
}

// formChanges tells whether numbers may be written in another way from here.
func (p *textParser) formChanges(i int) bool {
	m := p.marks[i]
	if m.form == formBracket || m.form == formParen || m.form == formBare {
		return false
	}
	return (p.cur.complete() || p.part == partExplain) && (m.n == 1 || m.n == p.lastN+1) && p.signed(i)
}

// afterText decides about a number behind an answer or an explanation, which may
// hold a list of its own.
func (p *textParser) afterText(m mark, next, signed bool) bool {
	switch {
	case signed:
		return true
	case m.n == p.listNext, m.n == 1 && !next:
		p.listNext = m.n + 1
		return false
	case next && p.listBegins():
		p.listNext = m.n + 1
		return false
	}
	return next || m.n == p.lastN+2
}

// listBegins tells whether the text that is open ends in a colon with nothing
// behind it, as before a list.
func (p *textParser) listBegins() bool {
	for _, l := range slices.Backward(p.buf) {
		if l != "" {
			return strings.HasSuffix(l, ":") || strings.HasSuffix(l, "：")
		}
	}
	return false
}

// afterStem decides about a number behind a stem without options.
func (p *textParser) afterStem(m mark, next, signed bool) bool {
	switch {
	case m.n == p.listNext && m.n > 1 && !signed:
		p.listNext++
		return false
	case next:
		return true
	case m.n == 1:
		p.listNext = 2
		return signed
	}
	return signed || m.n > p.lastN && m.n <= p.lastN+5
}

// signed tells whether what follows a number has the marks of a question: options,
// an answer, or a judge's mark at the end of the line.
func (p *textParser) signed(i int) bool {
	m := p.marks[i]
	if trailingJudge(p.lines[m.line]) != "" {
		return true
	}
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch f := p.marks[j]; f.kind {
		case markOption:
			if f.n == 0 && p.runsOn(j) || f.form == formBullet {
				return true
			}
		case markAnswer:
			if f.bol || p.saysKey(f) {
				return true
			}
		case markNumber:
			if f.bol && (f.form == m.form || f.form == formDot) || f.n == m.n+1 && !f.digits {
				return false
			}
		case markSection, markKeys, markShared:
			return false
		case markExplain, markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
}

// saysKey tells whether a label within a line is followed by a key, rather than by
// words.
func (p *textParser) saysKey(m mark) bool {
	rest := p.lines[m.line][m.end:]
	return parseKey(firstWord.FindString(rest[:min(len(rest), 64)])).form != keyText
}

var firstWord = regexp.MustCompile(`^[A-Za-z][A-Za-z,，、 ]*|^[^\s。；;]*`)

// runsOn tells whether option B follows the option A at mark i, with something
// between them.
func (p *textParser) runsOn(i int) bool {
	a := p.marks[i]
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch m := p.marks[j]; m.kind {
		case markOption:
			switch {
			case m.n == 1 && (m.bol || m.form == a.form) && alikeForm(a, m):
				return m.line > a.line || strings.TrimSpace(p.lines[a.line][a.end:m.at]) != ""
			case m.n == 0 && (m.bol || !a.bol):
				return false
			}
		case markNumber:
			if m.bol && m.form == formDot && m.n == p.lastN+1 && a.bol {
				return false
			}
		case markAnswer, markSection, markKeys, markShared:
			return false
		case markExplain, markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
}

// alikeForm tells whether two letters may stand in one list. Letters with nothing
// but a space or a Chinese character behind them need others of their kind.
func alikeForm(a, b mark) bool {
	weak := func(m mark) bool { return m.form == formBare || m.form == formWord }
	if weak(a) || weak(b) {
		return a.form == b.form && a.bol && (b.bol || b.apart && b.form == formWord)
	}
	return true
}

// option decides about a letter.
func (p *textParser) option(i int) {
	m := p.marks[i]
	if m.form == formBullet {
		p.bullet(i)
		return
	}
	if p.cur == nil || m.n == 0 && m.bol && len(p.cur.options) > 1 {
		if m.n == 0 && m.bol && p.runsOn(i) {
			p.unnumbered(i)
		}
		return
	}
	if want := len(p.cur.options); m.n != want {
		p.outOfOrder(i, want)
		return
	}
	if p.optionBegins(i) {
		p.enter(partOption, m)
		p.cur.options = append(p.cur.options, nil)
		if m.n == 0 {
			p.cur.letters = m.form
		}
	}
}

// bullet takes a bullet as the next option, where several stand below each other
// and no letters do.
func (p *textParser) bullet(i int) {
	m := p.marks[i]
	isBullet := func(j int) bool {
		return j < len(p.marks) && p.marks[j].kind == markOption && p.marks[j].form == formBullet
	}
	switch {
	case p.cur == nil:
		return
	case p.part == partStem && len(p.cur.options) == 0 && isBullet(i+1), p.part == partOption && p.cur.letters == formBullet:
		p.enter(partOption, m)
		p.cur.options = append(p.cur.options, nil)
		p.cur.letters = formBullet
	}
}

func (p *textParser) optionBegins(i int) bool {
	m := p.marks[i]
	switch p.part {
	case partStem, partAnswer, partMeta:
		if m.n == 0 && m.bol && p.alone(i) {
			return true
		}
		return m.n == 0 && p.runsOn(i) && (p.part == partStem || m.bol) && !p.laterA(i)
	case partExplain:
		return m.n == 0 && m.bol && p.runsOn(i) && len(p.cur.answers) == 0
	case partOption:
		return !p.emptyBefore(m) && p.sameList(i)
	default:
		return false
	}
}

// alone tells whether the answer comes right behind option A: the question has no
// other.
func (p *textParser) alone(i int) bool {
	return p.part == partStem && p.marks[i].form == formDot && i+1 < len(p.marks) && p.marks[i+1].kind == markAnswer && p.marks[i+1].bol && p.saysKey(p.marks[i+1])
}

// laterA tells whether a better option A follows in the same question: what stands
// first is then part of the stem.
func (p *textParser) laterA(i int) bool {
	a := p.marks[i]
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch m := p.marks[j]; m.kind {
		case markOption:
			if m.n == 0 && (m.bol || !a.bol) && p.runsOn(j) {
				return true
			}
		case markNumber:
			if m.n == p.lastN+1 || m.bol {
				return false
			}
		case markAnswer, markExplain, markSection, markKeys, markShared:
			return false
		case markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
}

// emptyBefore tells whether nothing stands between the letter before and this one.
func (p *textParser) emptyBefore(m mark) bool {
	return p.line == m.line && strings.TrimSpace(p.lines[m.line][p.at:m.at]) == "" && len(p.buf) == 0
}

// sameList tells whether a letter goes on the list of options, rather than being
// one that an option speaks of.
func (p *textParser) sameList(i int) bool {
	m := p.marks[i]
	if m.form == formBare || m.form == formWord {
		return (m.bol || m.apart && m.form == formWord) && p.cur.letters == m.form
	}
	if m.bol || m.apart {
		return true
	}
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch f := p.marks[j]; f.kind {
		case markOption:
			if f.n == m.n && (f.bol || f.apart) {
				return false
			}
			if f.n == m.n+1 {
				return true
			}
		case markNumber, markAnswer, markExplain, markSection, markKeys, markShared:
			return true
		case markMeta, markNoise, markJudged, markAsk:
		}
	}
	return true
}

// outOfOrder looks at a letter that is not the next one. At the beginning of a
// line a leap is a fault of the question: its letters would be shifted.
func (p *textParser) outOfOrder(i, want int) {
	m := p.marks[i]
	if p.part != partOption || want < 2 || m.form == formBare || m.form == formWord {
		return
	}
	leap := m.n > want && m.n <= want+3 && !p.comes(i, want)
	again := m.bol && m.n == want-1
	if (m.bol || m.apart && leap) && (leap || again) {
		p.cur.refuse("option_order", fmt.Sprintf("选项不连续：%c 之后是 %c", 'A'+want-1, 'A'+m.n))
	}
}

// comes tells whether the option that is wanted still comes.
func (p *textParser) comes(i, want int) bool {
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch m := p.marks[j]; m.kind {
		case markOption:
			if m.n == want {
				return true
			}
		case markNumber, markAnswer, markSection, markKeys, markShared:
			return false
		case markExplain, markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
}

// unnumbered opens a question that has no number: its stem is the paragraph before
// option A.
func (p *textParser) unnumbered(i int) {
	m := p.marks[i]
	if p.part == partExplain && !p.signed(i-1) && !p.answerFollows(i) {
		return
	}
	p.gather(m.line, m.at)
	stem := p.takeTail()
	if len(stem) == 0 {
		if p.cur != nil && p.part != partExplain {
			p.cur.refuse("option_order", "选项 A 出现了两次")
		}
		return
	}
	from := max(0, m.line-len(stem))
	p.assign(nil)
	p.endBefore(from)
	b := &block{line: from, last: m.line, section: len(p.headings) - 1, scope: p.scope, stem: stem, form: formWord, letters: m.form}
	p.add(b)
	p.buf, p.part, p.line, p.at = nil, partOption, m.line, m.end
	b.options = append(b.options, nil)
}

// endBefore ends the open question above a line that belongs to the next.
func (p *textParser) endBefore(line int) {
	if p.cur != nil {
		p.cur.last = max(p.cur.line, min(p.cur.last, line-1))
		for p.cur.last > p.cur.line && p.lines[p.cur.last] == "" {
			p.cur.last--
		}
	}
}

// answerFollows tells whether a labelled answer comes before the next number.
func (p *textParser) answerFollows(i int) bool {
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch m := p.marks[j]; m.kind {
		case markAnswer:
			return true
		case markNumber:
			if m.bol {
				return false
			}
		case markSection, markKeys, markShared:
			return false
		case markOption, markExplain, markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
}

// longestStem bounds the lines of a stem without a number.
const longestStem = 64

// takeTail takes the paragraph at the end of what was gathered: the stem of a
// question without a number. What the open part needs stays with it.
func (p *textParser) takeTail() []string {
	lines := p.buf
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	cut := 0
	for i := len(lines) - 1; i >= max(0, len(lines)-longestStem); i-- {
		if lines[i] == "" {
			cut = i + 1
			break
		}
	}
	if cut == 0 && p.cur != nil {
		switch p.part {
		case partAnswer:
			cut = min(1, len(lines))
		case partExplain:
			cut = max(1, len(lines)-1)
		default:
			cut = len(lines)
		}
	}
	cut = min(cut, len(lines))
	tail := slices.Clone(lines[cut:])
	p.buf = lines[:cut]
	return tail
}

// answer decides about a label such as 答案：, and returns the index of the next
// mark: the label may begin a section of keys.
func (p *textParser) answer(i int) int {
	m := p.marks[i]
	if m.bol && p.entriesFollow(m) {
		return p.keySection(i)
	}
	if p.cur == nil || p.part == partExplain && !m.bol || p.part == partExplain && len(p.cur.answers) > 0 && !p.cur.tailless() {
		return i + 1
	}
	if len(p.cur.answers) > 0 && m.bol && p.cur.word == "" && p.answerAgain(m) {
		return i + 1
	}
	p.enter(partAnswer, m)
	p.cur.answers = append(p.cur.answers, nil)
	return i + 1
}

// tailless tells a numbered question, which no other follows without a number.
func (b *block) tailless() bool { return b.word != "" }

// answerAgain opens a judge question without a number, where a text and a second
// answer follow the first.
func (p *textParser) answerAgain(m mark) bool {
	p.gather(m.line, m.at)
	stem := p.takeTail()
	if len(stem) == 0 {
		return false
	}
	p.assign(nil)
	p.endBefore(max(0, m.line-len(stem)))
	b := &block{line: max(0, m.line-len(stem)), last: m.line, section: len(p.headings) - 1, scope: p.scope, stem: stem, form: formWord}
	p.add(b)
	b.answers = append(b.answers, nil)
	p.buf, p.part, p.line, p.at = nil, partAnswer, m.line, m.end
	return true
}

func (p *textParser) explanation(m mark) {
	if p.cur == nil || p.part == partExplain || !m.bol && p.part == partStem && !p.judgedBefore(m) {
		return
	}
	p.enter(partExplain, m)
}

func (p *textParser) metadata(m mark) {
	if p.cur == nil || !m.bol && p.part != partAnswer && p.part != partMeta && p.part != partExplain || p.part == partStem && !m.bol {
		return
	}
	p.metaWord = m.word
	p.enter(partMeta, m)
}

// judgedLine opens a judge question without a number at a line that ends in a
// judge's mark.
func (p *textParser) judgedLine(m mark) {
	if p.cur != nil && (p.cur.word != "" || p.part != partStem && !p.cur.complete() || p.part == partExplain) {
		return
	}
	if p.cur != nil && trailingJudge(strings.Join(p.cur.stem, "")+strings.Join(p.buf, "")+p.lines[p.line]) == "" {
		return
	}
	m.end = 0
	p.enter(partStem, m)
	p.add(&block{line: m.line, last: m.line, section: len(p.headings) - 1, scope: p.scope, form: formWord})
}
