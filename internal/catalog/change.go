package catalog

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/pledge"
)

// CheckChange names every part of next that a campaign known as old may not
// change any more at now.
//
// At no time: shards, because keys lie by them; the serial prefix, because
// certificates carry it; how attempts make places, because the boards are laid out
// for it; and the window has to stay within what the boards were laid out for.
//
// From the opening on, too: opens_at; whether
// there is a quiz, what a paper is worth and what passes, and whether there is a pledge; groups
// and units that people may belong to, and the regions above a unit, because
// boards are kept by region; published texts of the consent notice and the
// pledge under their version, because people agreed to them; whether boards are
// combined, and every phase that has begun; and what is kept of people is kept no longer
// than the notice says that they agreed to. Prizes stay what was promised of them: there
// may only be more.
//
// From a minute beforehand on: when the public boards stand still and move again.
// Meanwhile tiers and the weights of units stay.
//
// Everything else may change at any time, closes_at, limits, bank and rosters
// among it, and whatever is added.
func CheckChange(old, next configs.Definition, now time.Time) error {
	c := changes{old: old, next: next, now: now}
	o, n := old.Campaign, next.Campaign
	c.fixed(o.Shards == n.Shards, "shards", "%d cannot become %d: keys lie by shard", o.Shards, n.Shards)
	if old.Pledge != nil && next.Pledge != nil {
		c.fixed(old.Pledge.Prefix == next.Pledge.Prefix, "pledge.prefix",
			"%s cannot become %s: serials carry it", old.Pledge.Prefix, next.Pledge.Prefix)
	}
	if o.AlwaysOpen || !now.Before(o.OpensAt) {
		c.opened()
		c.boards()
	}
	c.layout()
	c.freeze()
	return errors.Join(c.faults...)
}

type changes struct {
	old, next configs.Definition
	now       time.Time
	faults    []error
}

func (c *changes) fixed(ok bool, key, format string, args ...any) {
	if !ok {
		c.faults = append(c.faults, &ChangeError{
			Campaign: c.old.Campaign.ID, Key: key, Reason: fmt.Sprintf(format, args...), form: format, args: args,
		})
	}
}

// opened checks what is fixed once people may have taken part.
func (c *changes) opened() {
	o, n := c.old.Campaign, c.next.Campaign
	c.fixed(o.OpensAt.Equal(n.OpensAt), "opens_at", "cannot change once the campaign has opened")
	c.fixed((c.old.Quiz == nil) == (c.next.Quiz == nil), "quiz", "cannot come or go once the campaign has opened")
	c.fixed((c.old.Pledge == nil) == (c.next.Pledge == nil), "pledge", "cannot come or go once the campaign has opened")
	if c.old.Quiz != nil && c.next.Quiz != nil {
		was, is := c.old.Quiz.MaxScore(), c.next.Quiz.MaxScore()
		c.fixed(was == is, "quiz.strata", "a paper was worth %d points and would be worth %d: scores could not be compared", was, is)
		c.fixed(c.old.Quiz.PassScore == c.next.Quiz.PassScore, "quiz.pass_score",
			"%d cannot become %d: who passed is counted already", c.old.Quiz.PassScore, c.next.Quiz.PassScore)
		c.fixed(c.old.Quiz.Marking == c.next.Quiz.Marking, "quiz.marking",
			"%s cannot become %s: attempts are marked by it already", c.old.Quiz.Marking, c.next.Quiz.Marking)
	}
	for _, g := range o.Groups {
		h, ok := n.Group(g.ID)
		c.fixed(ok && h.Guardian == g.Guardian, "groups", "%s cannot go or change its guardian rule", g.ID)
	}
	if o.Consent.Version == n.Consent.Version {
		c.fixed(maps.Equal(o.Consent.Text, n.Consent.Text), "consent_notice.text", "changes need a new version: people agreed to %s", o.Consent.Version)
	}
	c.retention()
	c.prizes()
	if c.old.Pledge != nil && c.next.Pledge != nil {
		c.versions(c.old.Pledge.Versions, c.next.Pledge.Versions)
	}
	c.tree(o.Tree, n.Tree)
}

// retention wants nothing to be kept longer than people were told.
func (c *changes) retention() {
	o, n := c.old.Campaign, c.next.Campaign
	if o.Consent.Version != n.Consent.Version {
		return
	}
	for _, k := range campaign.AllKept() {
		was, ruled := o.Retention[k]
		is, still := n.Retention[k]
		c.fixed(!ruled || still && is <= was, "retention."+string(k),
			"people were told %d days: a longer time needs a new version of consent_notice", was)
	}
}

// versions wants the published versions to stay, in their order.
func (c *changes) versions(old, next []pledge.Version) {
	for i, v := range old {
		same := i < len(next) && next[i].Version == v.Version &&
			maps.Equal(next[i].Text, v.Text) && maps.Equal(next[i].Title, v.Title)
		c.fixed(same, "pledge.versions", "%s was published: add a version behind it instead", v.Version)
	}
}

// tree wants every unit to stay below the same regions.
func (c *changes) tree(old, next *campaign.Tree) {
	for u := range old.Units {
		n, ok := next.Node(u.ID)
		if !ok || n.Kind != campaign.Unit {
			c.fixed(false, "tree", "unit %s cannot go: people may belong to it", u.ID)
			continue
		}
		c.fixed(n.Parent == u.Parent, "tree", "unit %s cannot move from %q to %q", u.ID, u.Parent, n.Parent)
	}
	for r := range old.Nodes {
		if n, ok := next.Node(r.ID); ok && r.Kind == campaign.Region {
			c.fixed(n.Kind == r.Kind && n.Parent == r.Parent, "tree", "region %s cannot move or become a unit", r.ID)
		}
	}
}
