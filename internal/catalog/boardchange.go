package catalog

import (
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// notice is how long beforehand a change of the boards' times must be known. Every
// server has taken it up long before, so that all of them count an act alike.
const notice = time.Minute

// ahead tells whether a moment lies far enough in the future to be changed, or to
// be changed to.
func (c *changes) ahead(at time.Time) bool { return !at.Before(c.now.Add(notice)) }

// boards checks what is fixed of the boards once people may stand on them: which
// there are.
func (c *changes) boards() {
	o, n := c.old.Campaign, c.next.Campaign
	c.fixed(o.Combined == n.Combined, "combined_boards", "cannot change once the campaign has opened: acts until then would be missing")
	for _, p := range o.Phases {
		c.phase(p)
	}
	for _, p := range n.Phases {
		known := slices.ContainsFunc(o.Phases, func(q campaign.Phase) bool { return q.ID == p.ID && q.From.Equal(p.From) })
		c.fixed(known || c.ahead(p.From), "phases", "%s would begin less than a minute from now: acts since then would be missing", p.ID)
	}
}

// phase wants a phase that has begun to stay, and one that is over to have ended
// when it did.
func (c *changes) phase(old campaign.Phase) {
	if c.ahead(old.From) {
		return
	}
	i := slices.IndexFunc(c.next.Campaign.Phases, func(p campaign.Phase) bool { return p.ID == old.ID })
	if i < 0 {
		c.fixed(false, "phases", "%s has begun and cannot go", old.ID)
		return
	}
	next := c.next.Campaign.Phases[i]
	c.fixed(next.From.Equal(old.From), "phases", "%s has begun and cannot begin at another time", old.ID)
	c.fixed(next.To.Equal(old.To) || c.ahead(old.To) && c.ahead(next.To), "phases",
		"%s cannot end at another time less than a minute beforehand, nor afterwards", old.ID)
}

// layout wants what changes to fit the boards. They are laid out, for good, when the
// first server takes the campaign up, which may be long before it opens; a window
// that was shortened since is taken for that one, which errs on the safe side.
func (c *changes) layout() {
	o, n := c.old.Campaign, c.next.Campaign
	c.fixed(o.Policy == n.Policy, "quiz.policy", "%s cannot become %s: the boards are laid out for it", o.Policy, n.Policy)
	if o.AlwaysOpen {
		return
	}
	c.fixed(!n.OpensAt.Before(o.OpensAt), "opens_at", "cannot become earlier: the times on the boards count from it")
	layout, err := layoutOf(o)
	if err != nil {
		return // it was refused when it was read
	}
	end := layout.Base.Add(layout.Span())
	// What the clocks stood comes on top for those who are under way at the close.
	c.fixed(n.ClosesAt.Add(n.Clocks.Stood()).Before(end), "closes_at", "%s is later than the boards can hold, which is before %s",
		n.ClosesAt.Format(time.DateTime), end.In(n.Zone).Format(time.DateTime))
	if c.next.Quiz != nil {
		c.fixed(c.next.Quiz.TimeLimit <= layout.MaxUsed(), "quiz.time_limit", "%s is more than the boards can hold, which is %s",
			c.next.Quiz.TimeLimit, layout.MaxUsed().Truncate(time.Minute))
	}
}

func layoutOf(c *campaign.Campaign) (leaderboard.Layout, error) {
	if c.Policy.Sums() {
		return leaderboard.SumLayout(c.OpensAt), nil
	}
	return leaderboard.ChooseLayout(c.OpensAt, c.ClosesAt)
}

// freeze wants the standstill of the public boards to be announced: nobody may set
// it, move it or take it back when it is already known whom that would favour.
func (c *changes) freeze() {
	o, n := c.old.Campaign.Freeze, c.next.Campaign.Freeze
	if !o.At.Equal(n.At) {
		c.fixed(o.At.IsZero() || c.ahead(o.At), "freeze_at", "cannot change less than a minute beforehand, nor afterwards: the boards stand still as announced")
		c.fixed(n.At.IsZero() || c.ahead(n.At), "freeze_at", "%s is not at least a minute ahead: a freeze is announced beforehand", n.At.Format(time.DateTime))
	}
	if !o.Until.Equal(n.Until) {
		c.fixed(o.Until.IsZero() || c.ahead(o.Until), "unfreeze_at", "cannot change less than a minute beforehand, nor afterwards")
		c.fixed(n.Until.IsZero() || c.ahead(n.Until), "unfreeze_at", "%s is not at least a minute ahead", n.Until.Format(time.DateTime))
	}
	if o.Active(c.now) {
		c.fixed(slices.Equal(c.old.Campaign.Tiers, c.next.Campaign.Tiers) || c.next.Campaign.Ranking != campaign.Tiers,
			"tiers", "cannot change while the boards stand still")
		c.fixed(c.old.Campaign.Weighting() == c.next.Campaign.Weighting(), "composite", "cannot change while the boards stand still")
	}
}
