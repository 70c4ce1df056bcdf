package bankfile

import (
	"slices"
)

// answer decides about a label such as 答案：, and returns the index of the next
// mark: the label may begin a section of keys.
func (p *textParser) answer(i int) int {
	m := p.marks[i]
	if m.bol && (p.entriesFollow(m) || p.looseFollow(m)) {
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
