package configs

import (
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// under14 is the group whose members need a guardian's consent. The name is part
// of the API, so that the pages can ask for the guardian.
const under14 = "under14"

// audienceStudent is the audience of pupils and students.
const audienceStudent = "student"

// cross checks what takes more than one field. With open set, the campaign will
// be open from that day on.
func (r *campaignReader) cross(d Definition, open time.Time) {
	c := d.Campaign
	r.crossWindow(d)
	for _, f := range c.Fields {
		if f.Name == "unit" && f.Required && !r.unitsLater() && !hasUnits(c.Tree) {
			r.fields.bad("a unit is required, but the tree has none")
		}
	}
	r.crossGuardian(c)
	r.prizes.cross(d)
	if d.Quiz == nil || d.Bank == nil {
		return
	}
	r.crossTopics(d)
	r.crossAudience(d)
	r.crossSupply(d, open)
}

// unitsLater tells whether the tree may still be empty: it comes from elsewhere, or
// the campaign is a draft.
func (r *campaignReader) unitsLater() bool {
	return r.treeless || r.parts != nil && r.parts.Draft
}

// hasUnits tells whether anybody can belong to the tree.
func hasUnits(t *campaign.Tree) bool {
	for range t.Units {
		return true
	}
	return false
}

// crossGuardian holds the rule for children (个人信息保护法 arts. 28 and 31):
// whoever is under 14 has a group of their own, which needs a guardian.
func (r *campaignReader) crossGuardian(c *campaign.Campaign) {
	pupils := value{}
	for i, g := range c.Groups {
		if g.Guardian != (g.ID == under14) {
			r.groups[i].bad("guardian: true goes with the group %s, and with no other", under14)
		}
		if g.Audience == audienceStudent {
			pupils = r.groups[i]
		}
	}
	if _, ok := c.Group(under14); !ok && !pupils.absent() {
		pupils.bad("a campaign for pupils needs the group %s with guardian: true", under14)
	}
}

// crossTopics finds misspelt topics: a stratum would silently never draw them.
func (r *campaignReader) crossTopics(d Definition) {
	for i := range d.Quiz.Strata {
		for _, topic := range d.Quiz.Strata[i].Topics {
			if !slices.ContainsFunc(d.Bank.Questions, func(q quiz.Question) bool { return q.Topic == topic }) {
				r.strata[i].under("topics").bad("no question of the bank has the topic %q", topic)
			}
		}
	}
}

// crossAudience finds groups that no question is written for.
func (r *campaignReader) crossAudience(d Definition) {
	for i, g := range d.Campaign.Groups {
		named := func(q quiz.Question) bool { return slices.Contains(q.Audience, g.Audience) }
		if g.Audience != "" && !slices.ContainsFunc(d.Bank.Questions, named) {
			r.groups[i].under("audience").bad("no question of the bank is for %q: name an audience it has, or %q",
				g.Audience, quiz.AllAudiences)
		}
	}
}

// crossSupply makes sure that every group finds a whole paper on every day: on
// the first and last, and on each day on which some question begins or ceases
// to hold.
func (r *campaignReader) crossSupply(d Definition, open time.Time) {
	for _, s := range shortages(d, open) {
		r.strata[s.Stratum].under("count").bad("group %s on %s: %d questions wanted, %d to be had", s.Group, s.Day, s.Want, s.Left)
	}
}

// Shortage is a group that finds no whole paper on a day, because a stratum wants
// more questions than are to be had.
type Shortage struct {
	Stratum    int
	Group, Day string
	Want, Left int
}

// ShortagesWithout returns who would find no whole paper from now on if questions were
// withdrawn.
func ShortagesWithout(d Definition, out *quiz.Withdrawn, now time.Time) []Shortage {
	d.Bank = out.Left(d.Bank)
	if !d.Campaign.AlwaysOpen && now.Before(d.Campaign.OpensAt) {
		return shortages(d, time.Time{})
	}
	if d.Campaign.AlwaysOpen {
		return shortages(d, now)
	}
	c := *d.Campaign
	c.OpensAt = now
	d.Campaign = &c
	if !now.Before(c.ClosesAt) {
		return nil // nobody draws any more
	}
	return shortages(d, time.Time{})
}

// shortages names each stratum and group once: one day is enough to see it.
func shortages(d Definition, open time.Time) []Shortage {
	var out []Shortage
	days := checkDays(d, open)
	for i := range d.Quiz.Strata {
		for _, g := range d.Campaign.Groups {
			for _, day := range days {
				want, left := d.Quiz.Strata[i].Count, supply(d, i, g.Audience, day)
				if left < want {
					out = append(out, Shortage{i, g.ID, day, want, left})
					break
				}
			}
		}
	}
	return out
}

// checkDays returns the local dates of the window on which the bank changes,
// and its first and last day.
func checkDays(d Definition, open time.Time) []string {
	c := d.Campaign
	first, last := c.Day(c.OpensAt), c.Day(c.ClosesAt.Add(-time.Nanosecond))
	days := []string{first, last}
	if !open.IsZero() {
		first, last = c.Day(open), "9999-12-31"
		days = []string{first}
	}
	for i := range d.Bank.Questions {
		q := &d.Bank.Questions[i]
		days = append(days, q.ValidFrom)
		if end, err := time.Parse(time.DateOnly, q.ValidTo); err == nil {
			days = append(days, end.AddDate(0, 0, 1).Format(time.DateOnly))
		}
	}
	days = slices.DeleteFunc(days, func(day string) bool { return day < first || day > last })
	slices.Sort(days)
	return slices.Compact(days)
}

// supply returns how many questions stratum i can count on, whatever the strata
// before it have drawn: a question on a paper is not drawn again.
func supply(d Definition, i int, audience, day string) int {
	own := admitted(d, i, audience, day)
	n := len(own)
	taken := 0
	shared := map[int]bool{}
	for j := range i {
		common := 0
		for q := range admitted(d, j, audience, day) {
			if own[q] {
				common++
				shared[q] = true
			}
		}
		taken += min(common, d.Quiz.Strata[j].Count)
	}
	return n - min(taken, len(shared))
}

// admitted returns the places of the questions that stratum i may draw.
func admitted(d Definition, i int, audience, day string) map[int]bool {
	s := &d.Quiz.Strata[i]
	out := map[int]bool{}
	for n := range d.Bank.Questions {
		q := &d.Bank.Questions[n]
		fits := anyOr(s.Kinds, q.Kind) && anyOr(s.Topics, q.Topic) && anyOr(s.Difficulties, q.Difficulty)
		if fits && q.Suits(audience) && q.ValidOn(day) {
			out[n] = true
		}
	}
	return out
}

// anyOr is the rule of quiz.Stratum: an empty list allows everything.
func anyOr[T comparable](allowed []T, v T) bool {
	return len(allowed) == 0 || slices.Contains(allowed, v)
}
