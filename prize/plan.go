// Package prize holds the rules of prizes: what a campaign promises, who may try for
// it, which chance wins, and what becomes of a prize that was won.
//
// Nobody chooses a winner. Whether a chance wins follows from a keyed hash whose key is
// bound by a hash that everybody reads before the opening (see Keys), and scheduled
// draws are computed by package prize/draw. The package knows no store, no transport
// and no clock.
package prize

import (
	"slices"
	"time"

	"qingyuan/campaign"
)

// MaxValue is the most that a prize may be worth, in fen: 50,000 CNY (反不正当竞争法 on
// prize promotions; docs/PRIZES.md has the articles).
const MaxValue = 5_000_000

// Limits of a plan.
const (
	// MaxStock bounds how many there may be of one prize.
	MaxStock = 1_000_000
	// MaxPrizes bounds the prizes of instant wins, and those of one draw.
	MaxPrizes = 50
	// MaxDraws bounds the draws of a campaign.
	MaxDraws = 20
	// Million is what odds are parts of.
	Million = 1_000_000
)

// Kind says what a prize is.
type Kind string

// The kinds of prize.
const (
	Voucher   Kind = "voucher"      // a code out of an uploaded list
	Credit    Kind = "phone_credit" // to a phone number
	Goods     Kind = "goods"        // to an address
	RedPacket Kind = "red_packet"   // paid out by an adapter
)

// Payer bears the tax on a prize.
type Payer string

// Who bears the tax.
const (
	Winner Payer = "winner"
	Office Payer = "office"
)

// Tax is what is withheld: chance income is taxed by each payment (个人所得税法 arts. 2,
// 3 and 6).
type Tax struct {
	Percent int
	PaidBy  Payer
}

// Prize is one kind of thing to win.
type Prize struct {
	ID   string
	Kind Kind
	Name campaign.Text
	// Stock is how many there are. Once the campaign has opened it only grows, so that a
	// server which has not heard of it gives too few and never too many.
	Stock int
	// Value of one, in fen.
	Value int64
	Tax   Tax
	// Odds are those of one chance, in millionths, and Daily how many more of the stock
	// there are to be had from each day on, 0 for all at once. Draws have neither.
	Odds, Daily int
}

// Withheld is the tax on one, and Net what its winner gets after it, in fen.
func (p *Prize) Withheld() (tax, net int64) {
	tax = p.Value * int64(p.Tax.Percent) / 100 //nolint:mnd // Per cent.
	if p.Tax.PaidBy == Office {
		return tax, p.Value
	}
	return tax, p.Value - tax
}

// Released is how many of the stock may have been won by now: what a day leaves over
// may be won later.
func (p *Prize) Released(c *campaign.Campaign, now time.Time) int {
	if p.Daily == 0 {
		return p.Stock
	}
	days := days(c, c.OpensAt, now)
	return int(min(int64(p.Stock), (max(days, 0)+1)*int64(p.Daily)))
}

// days counts the local midnights from one moment to another.
func days(c *campaign.Campaign, from, to time.Time) int64 {
	const day = 24 * 60 * 60
	local := func(at time.Time) int64 {
		y, m, d := at.In(c.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / day
	}
	return local(to) - local(from)
}

// Draw is a scheduled draw. Nothing of it changes once the campaign has opened.
type Draw struct {
	ID   string
	Name campaign.Text
	// EntrantsAt is when the entrants are frozen: who qualifies by then takes part.
	EntrantsAt time.Time
	Prizes     []Prize
	Reserves   int
	// Source names the public value that is mixed in, so precisely that nobody can
	// choose between two.
	Source string
}

// Attempts says which attempts count for taking part.
type Attempts string

// Which attempts count.
const (
	AnyAttempt   Attempts = "any"
	DaysAttempts Attempts = "day"          // those of the same local day
	FirstOfDay   Attempts = "first_of_day" // the first of the same local day alone
)

// Qualify says who may try. What is not asked for is zero.
type Qualify struct {
	Signed, Passed bool
	MinScore       int
	// Attempts says which attempts Passed and MinScore are about.
	Attempts Attempts
	// Groups and Regions are those that may; none is all.
	Groups, Regions []string
}

// asksAttempt tells whether an attempt is needed.
func (q *Qualify) asksAttempt() bool { return q.Passed || q.MinScore > 0 || q.Attempts == FirstOfDay }

// Chances are the bounds of one participant; 0 is no bound.
type Chances struct {
	PerDay, InAll int
	// Wins is how many instant wins one may have.
	Wins int
}

// Rules are the published text, under its version.
type Rules struct {
	Version string
	Text    campaign.Text
}

// Plan is everything that a campaign promises about prizes.
type Plan struct {
	Rules   Rules
	Qualify Qualify
	Chances Chances
	// ClaimDays is how many days a winner has to claim, from the win.
	ClaimDays int
	// ReviewDays is how many days after the close winners are reviewed; for so long the
	// boards stand still. 0 is no such rule.
	ReviewDays int
	// RiskFrom is from which of WeChat's ranks of risk on, 1 to 4, somebody looks before a
	// prize is given; 0 asks WeChat nothing.
	RiskFrom int
	// Instant are won by chances, in the order in which odds are laid out.
	Instant []Prize
	Draws   []Draw
}

// Odds sums those of all prizes, in millionths.
func (p *Plan) Odds() int {
	sum := 0
	for i := range p.Instant {
		sum += p.Instant[i].Odds
	}
	return sum
}

// Prize finds a prize by its id, among those of draws as well.
func (p *Plan) Prize(id string) (*Prize, bool) {
	for _, list := range p.lists() {
		if i := slices.IndexFunc(list, func(x Prize) bool { return x.ID == id }); i >= 0 {
			return &list[i], true
		}
	}
	return nil, false
}

func (p *Plan) lists() [][]Prize {
	out := [][]Prize{p.Instant}
	for i := range p.Draws {
		out = append(out, p.Draws[i].Prizes)
	}
	return out
}

// Draw finds a draw by its id.
func (p *Plan) Draw(id string) (*Draw, bool) {
	i := slices.IndexFunc(p.Draws, func(d Draw) bool { return d.ID == id })
	if i < 0 {
		return nil, false
	}
	return &p.Draws[i], true
}

// told is how long after the close the secret of the chances is told.
const told = 24 * time.Hour

// TellsAt is when the secret of the chances becomes public: a day after the close, from
// when on nobody can open the campaign again. A campaign without an end never tells it.
func TellsAt(c *campaign.Campaign) time.Time {
	if c.AlwaysOpen {
		return time.Time{}
	}
	return c.ClosesAt.Add(told)
}

// Told tells whether the secret of the chances is public at a moment.
func Told(c *campaign.Campaign, now time.Time) bool {
	at := TellsAt(c)
	return !at.IsZero() && !now.Before(at)
}

// ClaimBy is until when a prize that was won at a moment may be claimed.
func (p *Plan) ClaimBy(won time.Time) time.Time { return won.AddDate(0, 0, p.ClaimDays) }
