package bankfile

import (
	"fmt"
	"strings"
)

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
