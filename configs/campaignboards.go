package configs

import (
	"math/big"
	"regexp"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// phaseID is the form of what a phase's boards are asked for by. It must not look
// like a day.
var phaseID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

const (
	wholePeriod = "all" // the boards' word for the whole time, not to be taken by a phase
	maxPhases   = 64
)

// readBoards reads who is ranked, how, when, and what of it is shown.
func (r *campaignReader) readBoards(o *object, c *campaign.Campaign) {
	readRanking(o, c)
	c.Tiers = readTiers(o.may("tiers"), c)
	c.Phases = r.readPhases(o.may("phases"))
	c.Combined = o.may("combined_boards").yes()
	r.freeze, r.unfreeze = o.may("freeze_at"), o.may("unfreeze_at")
	c.Freeze = campaign.Freeze{At: r.freeze.moment(Zone()), Until: r.unfreeze.moment(Zone())}
	c.Composite = campaign.PresetWeights()
	if o.has("composite") {
		c.Composite = readWeights(o.may("composite").object("weights").must("weights"))
	}
}

func readRanking(o *object, c *campaign.Campaign) {
	c.Ranking = oneOf(o.must("ranking_mode"), campaign.RankNone, campaign.ProgressOnly, campaign.Tiers, campaign.TopN)
	if c.Ranking == campaign.TopN {
		c.TopN = o.must("top_n").whole(1, maxTopN)
	} else if o.has("top_n") {
		o.may("top_n").bad("only goes with ranking_mode top_n")
	}
}

// readTiers reads how large a part of everybody each tier takes in, with those
// above it; best first.
func readTiers(v value, c *campaign.Campaign) []campaign.Tier {
	switch {
	case c.Ranking != campaign.Tiers && !v.absent():
		v.bad("only goes with ranking_mode tiers")
		return nil
	case c.Ranking != campaign.Tiers:
		return nil
	case v.absent():
		return campaign.PresetTiers()
	}
	var out []campaign.Tier
	left, share := []string{"gold", "silver", "bronze"}, 0
	for _, e := range v.list() {
		o := e.object("tier", "share")
		t := campaign.Tier{ID: oneOf(o.must("tier"), "gold", "silver", "bronze")}
		if i := slices.Index(left, t.ID); i >= 0 {
			left = left[i+1:]
		} else if t.ID != "" {
			o.may("tier").bad("%q stands twice or below a lesser tier: the best comes first", t.ID)
		}
		n := o.must("share").whole(1, 100)
		if n != 0 && n <= share {
			o.may("share").bad("%d is not more than %d: a share takes in the better tiers", n, share)
		}
		t.Share, share = int64(n), n
		out = append(out, t)
	}
	if len(out) == 0 {
		v.bad("at least one is needed")
	}
	return out
}

func (r *campaignReader) readPhases(v value) []campaign.Phase {
	var out []campaign.Phase
	seen := map[string]bool{}
	r.phases = v.list()
	for _, e := range r.phases {
		o := e.object("id", "title", "from", "to")
		p := campaign.Phase{
			ID:    o.must("id").matching(phaseID, "want a small letter, then small letters, digits and hyphens, at most 32"),
			Title: o.must("title").langs(),
			From:  o.must("from").moment(Zone()),
			To:    o.must("to").moment(Zone()),
		}
		if p.ID == wholePeriod {
			o.may("id").bad("%q means the whole time", p.ID)
		}
		if seen[p.ID] {
			o.may("id").bad("%q stands twice", p.ID)
		}
		seen[p.ID] = true
		out = append(out, p)
	}
	if len(out) > maxPhases {
		v.bad("%d phases, at most %d", len(out), maxPhases)
	}
	return out
}

func readWeights(v value) campaign.Weights {
	o := v.object("school_rate", "student_rate", "pass_rate", "full_rate", "average")
	w := campaign.Weights{
		SchoolRate: o.may("school_rate").perCent(), StudentRate: o.may("student_rate").perCent(),
		PassRate: o.may("pass_rate").perCent(), FullRate: o.may("full_rate").perCent(), Average: o.may("average").perCent(),
	}
	if sum := w.Sum(); !o.absent() && sum != campaign.WholeWeight {
		v.bad("sum to %s per cent, not to 100", big.NewRat(sum, 100).RatString())
	}
	return w
}

// perCent returns a share in per cent, with at most two decimals, in hundredths.
func (v value) perCent() int64 {
	s := v.text()
	if s == "" {
		return 0
	}
	n, ok := new(big.Rat).SetString(s)
	if ok {
		n.Mul(n, big.NewRat(100, 1))
	}
	if !ok || !percentForm.MatchString(s) || !n.IsInt() || n.Num().Int64() > campaign.WholeWeight {
		v.bad("want per cent from 0 to 100, with at most two decimals")
		return 0
	}
	return n.Num().Int64()
}

var percentForm = regexp.MustCompile(`^\d{1,3}(\.\d{1,2})?$`)

// crossWindow wants a window that ends after it begins, and that a board can
// hold: submit times are kept as the distance from the opening, and the longer
// the window, the less room is left for the used time or the points.
func (r *campaignReader) crossWindow(d Definition) {
	c := d.Campaign
	if c.OpensAt.IsZero() || c.ClosesAt.IsZero() {
		return
	}
	if !c.ClosesAt.After(c.OpensAt) {
		r.window.bad("%s is not after opens_at %s", c.ClosesAt.Format(time.DateTime), c.OpensAt.Format(time.DateTime))
		return
	}
	if c.Policy.Sums() {
		r.crossSums(d)
	} else {
		r.crossBest(d)
	}
	r.crossPhases(c)
	r.crossFreeze(c)
}

func (r *campaignReader) crossBest(d Definition) {
	c := d.Campaign
	layout, err := leaderboard.ChooseLayout(c.OpensAt, c.ClosesAt)
	if err != nil {
		r.window.bad("%s is more than eight years after opens_at: no board holds that", c.ClosesAt.Format(time.DateTime))
		return
	}
	if d.Quiz != nil && d.Quiz.TimeLimit > layout.MaxUsed() {
		r.window.bad("%s is so long after opens_at that boards hold attempts of at most %s, and quiz.time_limit is %s",
			c.ClosesAt.Format(time.DateTime), layout.MaxUsed().Truncate(time.Minute), d.Quiz.TimeLimit)
	}
}

// crossSums wants a board that holds the greatest sum that anybody can reach,
// where there is one.
func (r *campaignReader) crossSums(d Definition) {
	c := d.Campaign
	layout := leaderboard.SumLayout(c.OpensAt)
	if !c.ClosesAt.Before(layout.Base.Add(layout.Span())) {
		r.window.bad("%s is more than thirteen years after opens_at: no board of sums holds that", c.ClosesAt.Format(time.DateTime))
		return
	}
	if d.Quiz == nil {
		return
	}
	counted, bounded := mostCounted(d)
	if total := counted * d.Quiz.MaxScore(); bounded && total > layout.MaxScore() {
		r.policy.bad("%d attempts of %d points may count, %d together: a board holds sums up to %d",
			counted, d.Quiz.MaxScore(), total, layout.MaxScore())
	}
}

// mostCounted returns how many attempts of one participant may count in a sum,
// and false where nothing bounds them.
func mostCounted(d Definition) (int, bool) {
	n, bounded := 0, false
	atMost := func(bound int) {
		if !bounded || bound < n {
			n, bounded = bound, true
		}
	}
	days := daysOf(d.Campaign)
	if d.Campaign.Policy == campaign.PolicySumDays {
		atMost(days)
	}
	if d.Quiz.AttemptsPerDay > 0 {
		atMost(days * d.Quiz.AttemptsPerDay)
	}
	if d.Quiz.AttemptsInAll > 0 {
		atMost(d.Quiz.AttemptsInAll)
	}
	return n, bounded
}

// daysOf returns how many local days the window touches.
func daysOf(c *campaign.Campaign) int {
	n := 0
	for at := c.OpensAt; at.Before(c.ClosesAt); at = c.NextDay(at) {
		n++
	}
	return n
}

// crossPhases wants phases that lie within the window, one behind the other.
func (r *campaignReader) crossPhases(c *campaign.Campaign) {
	for i, p := range c.Phases {
		switch {
		case p.From.IsZero() || p.To.IsZero():
			continue // said already
		case !p.To.After(p.From):
			r.phases[i].bad("ends at %s and begins at %s", p.To.Format(time.DateTime), p.From.Format(time.DateTime))
		case p.From.Before(c.OpensAt) || p.To.After(c.ClosesAt):
			r.phases[i].bad("does not lie within the campaign, which is open from %s to %s",
				c.OpensAt.Format(time.DateTime), c.ClosesAt.Format(time.DateTime))
		}
		for _, q := range c.Phases[:i] {
			if p.From.Before(q.To) && q.From.Before(p.To) {
				r.phases[i].bad("overlaps with %s", q.ID)
			}
		}
	}
}

// crossFreeze wants boards that stand still while there is something to see, and
// move again later if at all.
func (r *campaignReader) crossFreeze(c *campaign.Campaign) {
	f := c.Freeze
	switch {
	case f.At.IsZero() && !r.unfreeze.absent():
		r.unfreeze.bad("only goes with freeze_at")
	case f.At.IsZero():
	case f.At.Before(c.OpensAt) || !f.At.Before(c.ClosesAt):
		r.freeze.bad("%s is not within the campaign, which is open from %s to %s",
			f.At.Format(time.DateTime), c.OpensAt.Format(time.DateTime), c.ClosesAt.Format(time.DateTime))
	case !f.Until.IsZero() && !f.Until.After(f.At):
		r.unfreeze.bad("%s is not after freeze_at %s", f.Until.Format(time.DateTime), f.At.Format(time.DateTime))
	}
}
