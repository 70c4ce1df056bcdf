package bankfile

import (
	"fmt"
	"regexp"
	"slices"
)

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
	if len(blocks) == 0 {
		blocks = p.below(groups[0].scope)
	}
	for _, g := range groups {
		if own := p.under(&g); len(own) > 0 {
			p.applyGroup(&g, own)
			continue
		}
		p.applyGroup(&g, p.meant(&g, blocks, len(groups) > 1))
	}
}

// under are the questions that follow keys under the same heading.
func (p *textParser) under(g *keyGroup) []*block {
	var out []*block
	for _, b := range p.blocks {
		if g.under > 0 && b.section == g.under {
			out = append(out, b)
		}
	}
	return out
}

// below are the questions behind keys that stand at the head of a text, unless they have
// keys of their own.
func (p *textParser) below(scope int) []*block {
	if scope != 0 || slices.ContainsFunc(p.groups, func(g keyGroup) bool { return g.scope != 0 }) {
		return nil
	}
	return p.blocks
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
		func(h heading) bool {
			return g.is == hintNone && ordinalOnly.MatchString(title) && ordinalOf(h.title) == title && h.chapter == g.chapter
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

var (
	ordinalOnly = regexp.MustCompile(`^[一二三四五六七八九十]+$`)
	ordinalLead = regexp.MustCompile(`^第?[（(]?([一二三四五六七八九十]+)[）)]?\s*(?:[、.:：]|部分|大题)`)
)

// ordinalOf is the numeral that a heading begins with: 一、单选题.
func ordinalOf(title string) string {
	if g := ordinalLead.FindStringSubmatch(title); g != nil {
		return g[1]
	}
	return ""
}

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
