package bankfile

import (
	"regexp"
	"slices"
	"strings"
)

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
	if m.form == formBare {
		return false
	}
	if m.form == formBracket || m.form == formParen { // mostly a list within a question
		return len(p.cur.options) > 1 && p.part != partExplain && m.n == p.lastN+1 && m.n > 1 && p.optionsFollow(i)
	}
	return (p.cur.complete() || p.part == partExplain) && (m.n == 1 || m.n == p.lastN+1) && p.signed(i)
}

// optionsFollow tells whether options come behind a number, before any other number.
func (p *textParser) optionsFollow(i int) bool {
	for j := i + 1; j < min(len(p.marks), i+lookAhead); j++ {
		switch f := p.marks[j]; f.kind {
		case markOption:
			return f.n == 0 && p.runsOn(j) || f.form == formBullet
		case markNumber, markAnswer, markSection, markKeys, markShared:
			return false
		case markExplain, markMeta, markNoise, markJudged, markAsk:
		}
	}
	return false
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
	if judgeThenNumber.MatchString(rest) {
		return true
	}
	return parseKey(firstWord.FindString(rest[:min(len(rest), 64)])).form != keyText
}

// judgeThenNumber is a judge's answer with the number of the next question right behind.
var judgeThenNumber = regexp.MustCompile(`^(?:对|错|正确|错误|√|×)\s*\d{1,4}\s*[.、]`)

var firstWord = regexp.MustCompile(`^[A-Za-z][A-Za-z,，、 ]*|^[^\s。；;]*`)
