package bankfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

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

// looseLetter tells answers by letters, of which several may be one question's, from judgements.
var looseLetter = regexp.MustCompile(`[A-P]`)

// looseAnswers takes ABCAD or √ × √ apart; nil for a text.
func looseAnswers(s string) []string {
	if strings.Trim(looseAnswer.ReplaceAllString(s, ""), " \t,，、;；|.。") != "" {
		return nil
	}
	return looseAnswer.FindAllString(s, -1)
}
