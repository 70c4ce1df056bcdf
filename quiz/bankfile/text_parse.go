package bankfile

import (
	"context"
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
