package configs

import (
	"regexp"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/prize"
)

// prizeID is the form of what prizes and draws are called in addresses and records.
var prizeID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

const (
	prizeForm = "want small letters, digits and hyphens, at most 32"
	// mostChances bounds the chances of one participant, and maxClaimDays the time that a
	// winner has.
	mostChances  = 1000
	maxClaimDays = 365
	mostReserves = 10_000
	maxTax       = 50 // per cent
	maxReview    = 90 // days
	mostRisk     = 4  // the highest of WeChat's ranks
)

// prizeReader reads what a campaign promises about prizes.
type prizeReader struct {
	plan *prize.Plan
	seen map[string]bool // ids of prizes
	// draws and the others are kept for the cross-checks.
	draws                []value
	qualify              *object
	odds, review, askers value
}

func (r *prizeReader) read(v value) *prize.Plan {
	o := v.object("rules", "qualify", "chances", "claim_days", "instant", "draws", "review_days", "wechat_risk_from")
	r.seen, r.odds = map[string]bool{}, o.may("instant")
	r.review, r.askers = o.may("review_days"), o.may("wechat_risk_from")
	rules := o.must("rules").object("version", "text")
	r.plan = &prize.Plan{
		Rules:     prize.Rules{Version: rules.must("version").matching(versionForm, versionHint), Text: rules.must("text").langs()},
		Qualify:   r.readQualify(o.may("qualify")),
		ClaimDays: o.must("claim_days").whole(1, maxClaimDays),
	}
	if !r.review.absent() {
		r.plan.ReviewDays = r.review.whole(1, maxReview)
	}
	if !r.askers.absent() {
		r.plan.RiskFrom = r.askers.whole(1, mostRisk)
	}
	if o.has("instant") {
		r.plan.Chances = readChances(o.must("chances"))
	} else if o.has("chances") {
		o.may("chances").bad("only goes with instant")
	}
	r.plan.Instant = r.readPrizes(o.may("instant"), true)
	r.readDraws(o.may("draws"))
	if len(r.plan.Instant) == 0 && len(r.plan.Draws) == 0 && !o.absent() {
		o.bad("there is nothing to win: name instant prizes, draws, or both")
	}
	if sum := r.plan.Odds(); sum > prize.Million {
		r.odds.bad("the odds of all prizes sum to %d, at most %d", sum, prize.Million)
	}
	return r.plan
}

func (r *prizeReader) readQualify(v value) prize.Qualify {
	r.qualify = v.object("signed", "passed", "min_score", "attempts", "groups", "regions")
	o := r.qualify
	return prize.Qualify{
		Signed: o.may("signed").yes(), Passed: o.may("passed").yes(), MinScore: o.may("min_score").whole(0, 1<<20), //nolint:mnd // The cross-check knows the true bound.
		Attempts: orElse(oneOf(o.may("attempts"), prize.AnyAttempt, prize.DaysAttempts, prize.FirstOfDay), prize.DaysAttempts),
		Groups:   o.may("groups").texts(), Regions: o.may("regions").texts(),
	}
}

func readChances(v value) prize.Chances {
	o := v.object("per_day", "in_all", "wins")
	return prize.Chances{
		PerDay: o.may("per_day").whole(0, mostChances), InAll: o.must("in_all").whole(1, mostChances), Wins: o.may("wins").whole(0, mostChances),
	}
}

func (r *prizeReader) readPrizes(v value, instant bool) []prize.Prize {
	names := []string{"id", "kind", "name", "stock", "value_fen", "tax"}
	if instant {
		names = append(names, "odds", "daily")
	}
	var out []prize.Prize
	for _, e := range v.list() {
		o := e.object(names...)
		p := prize.Prize{
			ID:    o.must("id").matching(prizeID, prizeForm),
			Kind:  oneOf(o.must("kind"), prize.Voucher, prize.Credit, prize.Goods, prize.RedPacket),
			Name:  o.must("name").langs(),
			Stock: o.must("stock").whole(1, prize.MaxStock),
			Value: int64(o.must("value_fen").whole(1, prize.MaxValue)),
			Tax:   readTax(o.may("tax")),
		}
		if instant {
			p.Odds, p.Daily = o.must("odds").whole(1, prize.Million), o.may("daily").whole(0, prize.MaxStock)
		}
		if p.Daily > p.Stock {
			o.may("daily").bad("%d a day are more than the stock of %d", p.Daily, p.Stock)
		}
		if r.seen[p.ID] {
			o.may("id").bad("%q stands twice", p.ID)
		}
		r.seen[p.ID] = true
		out = append(out, p)
	}
	if len(out) > prize.MaxPrizes {
		v.bad("%d prizes, at most %d", len(out), prize.MaxPrizes)
	}
	return out
}

func readTax(v value) prize.Tax {
	o := v.object("percent", "paid_by")
	return prize.Tax{
		Percent: o.may("percent").whole(0, maxTax),
		PaidBy:  orElse(oneOf(o.may("paid_by"), prize.Winner, prize.Office), prize.Winner),
	}
}

func (r *prizeReader) readDraws(v value) {
	seen := map[string]bool{}
	r.draws = v.list()
	for _, e := range r.draws {
		o := e.object("id", "name", "entrants_at", "prizes", "reserves", "source")
		d := prize.Draw{
			ID:         o.must("id").matching(prizeID, prizeForm),
			Name:       o.must("name").langs(),
			EntrantsAt: o.must("entrants_at").moment(Zone()),
			Prizes:     r.readPrizes(o.must("prizes"), false),
			Reserves:   o.may("reserves").whole(0, mostReserves),
			Source:     o.must("source").text(),
		}
		if seen[d.ID] {
			o.may("id").bad("%q stands twice", d.ID)
		}
		seen[d.ID] = true
		if len(d.Prizes) == 0 && o.has("prizes") {
			o.may("prizes").bad("at least one is needed")
		}
		r.plan.Draws = append(r.plan.Draws, d)
	}
	if len(r.plan.Draws) > prize.MaxDraws {
		v.bad("%d draws, at most %d", len(r.plan.Draws), prize.MaxDraws)
	}
}

// cross compares a plan with the rest of its campaign.
func (r *prizeReader) cross(d Definition) {
	if r.plan == nil {
		return
	}
	q, o := &r.plan.Qualify, r.qualify
	if d.Pledge == nil && q.Signed {
		o.may("signed").bad("needs a pledge, and the campaign has none")
	}
	if d.Quiz == nil && (q.Passed || q.MinScore > 0 || o.has("attempts")) {
		o.bad("asks for an attempt, and the campaign has no quiz")
	}
	if d.Quiz != nil && q.MinScore > d.Quiz.MaxScore() {
		o.may("min_score").bad("%d is more than the %d points of a paper", q.MinScore, d.Quiz.MaxScore())
	}
	for _, g := range q.Groups {
		if _, ok := d.Campaign.Group(g); !ok {
			o.may("groups").bad("there is no group %q", g)
		}
	}
	r.crossRegions(d.Campaign)
	r.crossTimes(d.Campaign)
	r.crossReview(d.Campaign)
	r.crossNotice(d.Campaign)
}

// crossReview lets the boards stand still until winners were reviewed. From when on is for
// the file to say: it must not move with the close on an evening that is made longer.
func (r *prizeReader) crossReview(c *campaign.Campaign) {
	if r.plan.ReviewDays == 0 || c.Ranking != campaign.TopN && c.Ranking != campaign.Tiers {
		return
	}
	until := c.ClosesAt.AddDate(0, 0, r.plan.ReviewDays)
	switch {
	case c.Freeze.At.IsZero():
		r.review.bad("needs freeze_at: the boards stand still from a moment that is announced until the winners were reviewed")
	case c.Freeze.Until.IsZero():
		c.Freeze.Until = until
	case c.Freeze.Until.Before(until):
		r.review.bad("the boards move again at %s, and winners are reviewed until %s", c.Freeze.Until.Format(time.DateTime), until.Format(time.DateTime))
	}
}

// crossNotice wants people to agree to what WeChat is told of them: the notice has to name
// it, in every language.
func (r *prizeReader) crossNotice(c *campaign.Campaign) {
	if r.plan.RiskFrom == 0 {
		return
	}
	for _, word := range []string{"微信", "网络地址", "风险"} {
		if !strings.Contains(c.Consent.Text.In(campaign.DefaultLanguage), word) {
			r.askers.bad("WeChat is told who claims a prize and from which network address: consent_notice has to say so, and has no word of %s", word)
			return
		}
	}
}

// crossRegions asks for regions where the tree is known.
func (r *prizeReader) crossRegions(c *campaign.Campaign) {
	if c.Tree == nil {
		return
	}
	for _, id := range r.plan.Qualify.Regions {
		if _, ok := c.Tree.Node(id); !ok {
			r.qualify.may("regions").bad("there is no region or unit %q", id)
		}
	}
}

func (r *prizeReader) crossTimes(c *campaign.Campaign) {
	for i := range r.plan.Draws {
		at := r.plan.Draws[i].EntrantsAt
		if !at.IsZero() && (!at.After(c.OpensAt) || at.After(c.ClosesAt)) && !c.AlwaysOpen {
			r.draws[i].under("entrants_at").bad("%s is not within the campaign, which is open from %s to %s",
				at.Format("2006-01-02 15:04"), c.OpensAt.Format("2006-01-02 15:04"), c.ClosesAt.Format("2006-01-02 15:04"))
		}
	}
}
