package catalog

import (
	"maps"
	"slices"

	"qingyuan/prize"
)

// prizes checks what is fixed of prizes once people may have tried for them: what was
// promised is kept, and by the odds that were published. There may be more of a prize,
// other bounds of chances and a longer time to claim.
func (c *changes) prizes() {
	old, next := c.old.Prizes, c.next.Prizes
	c.fixed((old == nil) == (next == nil), "prizes", "cannot come or go once the campaign has opened")
	if old == nil || next == nil {
		return
	}
	c.fixed(!prize.Told(c.old.Campaign, c.now) || !c.next.Campaign.ClosesAt.After(c.old.Campaign.ClosesAt), "closes_at",
		"the secret of the chances was told: who knows it could tell which chances win")
	same := old.Rules.Version == next.Rules.Version
	c.fixed(!same || maps.Equal(old.Rules.Text, next.Rules.Text), "prizes.rules.text", "changes need a new version: people took part by %s", old.Rules.Version)
	c.fixed(sameQualify(&old.Qualify, &next.Qualify), "prizes.qualify", "cannot change once the campaign has opened")
	c.fixed(next.ClaimDays >= old.ClaimDays, "prizes.claim_days", "%d days were promised", old.ClaimDays)
	c.fixed(next.ReviewDays >= old.ReviewDays, "prizes.review_days", "%d days were promised", old.ReviewDays)
	c.fixed(next.RiskFrom == old.RiskFrom || next.RiskFrom == 0, "prizes.wechat_risk_from", "people took part without agreeing to it")
	same = len(old.Instant) == len(next.Instant)
	for i := range old.Instant {
		if same = same && old.Instant[i].ID == next.Instant[i].ID; same {
			c.prize("prizes.instant", &old.Instant[i], &next.Instant[i])
		}
	}
	c.fixed(same, "prizes.instant", "prizes cannot come or go: the odds lie one behind the other")
	for i := range old.Draws {
		was := &old.Draws[i]
		is, there := next.Draw(was.ID)
		c.fixed(there && sameDraw(was, is), "prizes.draws", "%s was announced and cannot change", was.ID)
	}
	for i := range next.Draws {
		_, known := old.Draw(next.Draws[i].ID)
		c.fixed(known, "prizes.draws", "%s was not announced before the opening", next.Draws[i].ID)
	}
}

// prize wants one prize to stay what was promised; there may be more of it, sooner.
func (c *changes) prize(key string, was, is *prize.Prize) {
	c.fixed(is.Stock >= was.Stock, key, "%s: %d were promised, and there would be %d", was.ID, was.Stock, is.Stock)
	sooner := is.Daily == 0 || was.Daily != 0 && is.Daily >= was.Daily
	c.fixed(sooner, key, "%s: less would be released each day than was promised", was.ID)
	c.fixed(is.Odds == was.Odds, key, "%s: the odds were published and cannot change", was.ID)
	c.fixed(samePrize(was, is), key, "%s: kind, name, value and tax were published and cannot change", was.ID)
}

func samePrize(a, b *prize.Prize) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Value == b.Value && a.Tax == b.Tax && maps.Equal(a.Name, b.Name)
}

func sameQualify(a, b *prize.Qualify) bool {
	return a.Signed == b.Signed && a.Passed == b.Passed && a.MinScore == b.MinScore && a.Attempts == b.Attempts &&
		slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Regions, b.Regions)
}

func sameDraw(a, b *prize.Draw) bool {
	return a.EntrantsAt.Equal(b.EntrantsAt) && a.Reserves == b.Reserves && a.Source == b.Source && maps.Equal(a.Name, b.Name) &&
		slices.EqualFunc(a.Prizes, b.Prizes, func(p, q prize.Prize) bool { return samePrize(&p, &q) && p.Stock == q.Stock })
}
