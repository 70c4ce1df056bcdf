package casetest

import (
	"cmp"
	"fmt"
	"slices"
)

// attempt is one that was accepted.
type attempt struct {
	score, used int64 // used in ms
	at          Moment
	void        bool
}

// place is what puts a member where they are: an attempt, or a sum of points and
// when it was reached.
type place struct {
	score, used int64
	at          Moment
}

// member is everything about one participant.
type member struct {
	name     string
	attempts []attempt
	hidden   bool
}

// plain is the rules at their shortest: everybody's attempts, sorted whenever
// somebody asks.
type plain struct {
	rule    *Rule
	members map[string]*member
}

func newPlain(r *Rule) *plain { return &plain{rule: r, members: map[string]*member{}} }

func (p *plain) of(name string) *member {
	if p.members[name] == nil {
		p.members[name] = &member{name: name}
	}
	return p.members[name]
}

// do lets an act happen, and tells whether it was accepted.
func (p *plain) do(a act) (bool, error) {
	m := p.of(a.member)
	switch a.kind {
	case submits:
		if p.rule.Attempts > 0 && len(m.attempts) >= p.rule.Attempts || !p.rule.Encoding.holds(p.rule, a) {
			return false, nil
		}
		m.attempts = append(m.attempts, attempt{score: a.score, used: a.used, at: a.at})
	case hides, shows:
		m.hidden = a.kind == hides
	case voids, restores:
		if a.number < 1 || a.number > len(m.attempts) {
			return false, fmt.Errorf("%s has no attempt %d", a.member, a.number)
		}
		m.attempts[a.number-1].void = a.kind == voids
	}
	return true, nil
}

// place returns where a member's attempts before a moment put them.
func (p *plain) place(m *member, before *Moment) (place, bool) {
	var out place
	found := false
	days := map[Moment]int64{} // the best of each day so far
	for _, a := range m.attempts {
		if a.void || before != nil && a.at >= *before {
			continue
		}
		this := place{a.score, a.used, a.at}
		switch p.rule.Policy {
		case "", "last":
			out = this
		case "best":
			if !found || p.compare(this, out) < 0 {
				out = this
			}
		case "sum_days":
			day := a.at / (24 * 60 * 60 * 1000)
			this.score = max(a.score-days[day], 0)
			days[day] += this.score
			out = added(out, this, found)
		default:
			out = added(out, this, found)
		}
		found = true
	}
	return out, found
}

// added is a sum with points more. Nothing more does not change when it was
// reached.
func added(sum, more place, found bool) place {
	if !found || more.score != 0 {
		return place{score: sum.score + more.score, at: more.at}
	}
	return sum
}

// compare orders places, best first.
func (p *plain) compare(a, b place) int {
	c := cmp.Compare(b.score, a.score)
	if p.rule.Order == "asc" {
		c = -c
	}
	for _, tie := range p.rule.Tie {
		c = cmp.Or(c, p.tie(tie, a, b))
	}
	return c
}

func (p *plain) tie(name string, a, b place) int {
	usedUnit, atUnit := p.rule.Encoding.units()
	switch name {
	case "used_asc":
		return cmp.Compare(a.used/usedUnit, b.used/usedUnit)
	case "used_desc":
		return cmp.Compare(b.used/usedUnit, a.used/usedUnit)
	case "at_asc":
		return cmp.Compare(a.at/atUnit, b.at/atUnit)
	case "at_desc":
		return cmp.Compare(b.at/atUnit, a.at/atUnit)
	default:
		return 0 // by name, which the listing does
	}
}

// byName tells whether the names break ties, so that nobody shares a place.
func (r *Rule) byName() bool {
	return slices.Contains(r.Tie, "member_asc") || slices.Contains(r.Tie, "member_desc")
}

// line is one line of a list.
type line struct {
	Member string
	place
	Rank int64
}

// list returns everybody that an audience sees, best first.
func (p *plain) list(s sight) []line {
	var before *Moment
	if s.frozen {
		before = p.rule.Freeze
	}
	var out []line
	for _, m := range p.members {
		if at, ok := p.place(m, before); ok && (!m.hidden || s.admin) {
			out = append(out, line{Member: m.name, place: at})
		}
	}
	slices.SortFunc(out, func(a, b line) int {
		names := cmp.Compare(a.Member, b.Member)
		if slices.Contains(p.rule.Tie, "member_desc") {
			names = -names
		}
		return cmp.Or(p.compare(a.place, b.place), names)
	})
	for i := range out {
		out[i].Rank = int64(i) + 1
		if i > 0 && p.compare(out[i-1].place, out[i].place) == 0 {
			out[i].Rank = out[i-1].Rank
		}
	}
	return out
}

// Page implements board.
func (p *plain) Page(s sight, offset, limit int64) ([]line, int64, error) {
	if !s.admin && !p.rule.lists() {
		return nil, 0, errNotShown
	}
	all := p.list(s)
	n := int64(len(all))
	end := n
	if p.rule.TopN > 0 && !s.admin {
		end = min(n, int64(p.rule.TopN))
	}
	return all[min(offset, end):min(offset+limit, end)], n, nil
}

// Ranks implements board.
func (p *plain) Ranks(s sight, members []string) (map[string]int64, error) {
	out := map[string]int64{}
	for _, l := range p.list(s) {
		if slices.Contains(members, l.Member) {
			out[l.Member] = l.Rank
		}
	}
	return out, nil
}

// Own implements board.
func (p *plain) Own(s sight, name string, window int64) (own, bool, error) {
	if p.rule.Mode == "none" {
		return own{}, false, errNotShown
	}
	at, ok := p.place(p.of(name), nil)
	o := own{Score: at.score}
	all := p.list(sight{now: s.now})
	i := slices.IndexFunc(all, func(l line) bool { return l.Member == name })
	if !ok || i < 0 || p.rule.frozen(s.now) {
		return o, ok, nil
	}
	above, below := all[i].Rank-1, int64(0)
	for _, l := range all {
		if p.compare(all[i].place, l.place) < 0 {
			below++
		}
	}
	n := int64(len(all))
	switch p.rule.Mode {
	case "tiers":
		o.Tier = p.tier(above, n)
	case "", "top_n":
		o.Shown, o.Beat = true, 100*below/n
		size := min(window, n)
		first := min(max(int64(i)-size/2, 0), n-size)
		o.Around = all[first : first+size]
	}
	return o, true, nil
}

// tier is the best one whose share, rounded up to whole members, reaches as far as
// those who stand above.
func (p *plain) tier(above, of int64) string {
	for _, t := range p.rule.tiers() {
		if above < (t.Share*of+99)/100 {
			return t.ID
		}
	}
	return ""
}

// Record implements board.
func (p *plain) Record(name string) (place, bool, error) {
	at, ok := p.place(p.of(name), nil)
	return at, ok, nil
}

// ScoreRank implements board.
func (p *plain) ScoreRank(s sight, score int64) (int64, error) {
	if !s.admin && !p.rule.lists() {
		return 0, errNotShown
	}
	rank := int64(1)
	for _, l := range p.list(sight{frozen: s.frozen}) { // hidden people count for nobody
		if p.rule.Order == "asc" && l.score < score || p.rule.Order != "asc" && l.score > score {
			rank++
		}
	}
	return rank, nil
}
