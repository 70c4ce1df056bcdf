package prize_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/prize"
)

var beijing = time.FixedZone("CST", 8*60*60)

// at is an hour of a day in June 2026, in Beijing.
func at(day, hour int) time.Time { return time.Date(2026, 6, day, hour, 0, 0, 0, beijing) }

// town opens on 1 June at 20:00 and has one region with a unit in it, and one beside it.
func town(t *testing.T) *campaign.Campaign {
	t.Helper()
	name := campaign.Text{campaign.DefaultLanguage: "甲"}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r", Kind: campaign.Region, Name: name}, {ID: "in", Parent: "r", Kind: campaign.Unit, Name: name}, {ID: "out", Kind: campaign.Unit, Name: name},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{ID: "c", Zone: beijing, OpensAt: at(1, 20), ClosesAt: at(30, 20), Tree: tree}
}

// TestReleased: each local day gives its share from midnight on, what a day leaves over
// stays to be won, and there is never more than the stock.
func TestReleased(t *testing.T) {
	t.Parallel()
	c := town(t)
	for _, x := range []struct {
		stock, daily int
		now          time.Time
		want         int
	}{
		{10, 3, at(1, 20), 3},
		{10, 3, at(1, 23), 3},
		{10, 3, at(2, 0).Add(-time.Millisecond), 3},
		{10, 3, at(2, 0), 6},
		{10, 3, at(2, 0).UTC(), 6}, // whatever the zone of the clock
		{10, 3, at(3, 12), 9},
		{10, 3, at(4, 0), 10},
		{10, 3, at(30, 0), 10},
		{10, 0, at(1, 20), 10},
		{10, 3, at(1, 0), 3}, // before the opening
	} {
		p := prize.Prize{Stock: x.stock, Daily: x.daily}
		if got := p.Released(c, x.now); got != x.want {
			t.Errorf("%d a day of %d by %s: %d, want %d", x.daily, x.stock, x.now, got, x.want)
		}
	}
}

// TestWithheld: tax and net sum to the value, but where the office bears the tax.
func TestWithheld(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		value, tax, net int64
		of              prize.Tax
	}{
		{100_000, 20_000, 80_000, prize.Tax{Percent: 20, PaidBy: prize.Winner}},
		{100_000, 20_000, 100_000, prize.Tax{Percent: 20, PaidBy: prize.Office}},
		{99, 19, 80, prize.Tax{Percent: 20, PaidBy: prize.Winner}},
		{prize.MaxValue, 0, prize.MaxValue, prize.Tax{PaidBy: prize.Winner}},
	} {
		p := prize.Prize{Value: x.value, Tax: x.of}
		if tax, net := p.Withheld(); tax != x.tax || net != x.net {
			t.Errorf("%+v of %d: %d and %d, want %d and %d", x.of, x.value, tax, net, x.tax, x.net)
		}
	}
}

// TestQualify: each word of who may try, alone and for a draw, for which any day will do.
func TestQualify(t *testing.T) {
	t.Parallel()
	c := town(t)
	second := prize.Attempt{StartedAt: at(5, 10), Score: 90, Passed: true}
	acts := prize.Acts{Unit: "in", Group: "public", Attempts: []prize.Attempt{
		{StartedAt: at(4, 9), First: true, Score: 80, Passed: true}, {StartedAt: at(5, 9), First: true, Score: 40}, second,
	}}
	signed := acts
	signed.Signed = true
	none := prize.Acts{Unit: "out", Group: "student"}
	day, first, whenever := prize.DaysAttempts, prize.FirstOfDay, prize.AnyAttempt
	for name, x := range map[string]struct {
		qualify     prize.Qualify
		acts        prize.Acts
		now         time.Time
		meets, ever bool
	}{
		"nothing asked":          {prize.Qualify{Attempts: day}, none, at(5, 12), true, true},
		"signed":                 {prize.Qualify{Signed: true, Attempts: day}, signed, at(5, 12), true, true},
		"not signed":             {prize.Qualify{Signed: true, Attempts: day}, acts, at(5, 12), false, false},
		"group":                  {prize.Qualify{Groups: []string{"public"}, Attempts: day}, acts, at(5, 12), true, true},
		"another group":          {prize.Qualify{Groups: []string{"public"}, Attempts: day}, none, at(5, 12), false, false},
		"region":                 {prize.Qualify{Regions: []string{"r"}, Attempts: day}, acts, at(5, 12), true, true},
		"another region":         {prize.Qualify{Regions: []string{"r"}, Attempts: day}, none, at(5, 12), false, false},
		"passed today":           {prize.Qualify{Passed: true, Attempts: day}, acts, at(5, 12), true, true},
		"passed, not today":      {prize.Qualify{Passed: true, Attempts: day}, acts, at(6, 0), false, true},
		"passed on any day":      {prize.Qualify{Passed: true, Attempts: whenever}, acts, at(6, 0), true, true},
		"first of day passed":    {prize.Qualify{Passed: true, Attempts: first}, acts, at(4, 12), true, true},
		"first of day failed":    {prize.Qualify{Passed: true, Attempts: first}, acts, at(5, 12), false, true},
		"a score today":          {prize.Qualify{MinScore: 90, Attempts: day}, acts, at(5, 12), true, true},
		"a score, first of day":  {prize.Qualify{MinScore: 90, Attempts: first}, acts, at(5, 12), false, false},
		"more than anybody had":  {prize.Qualify{MinScore: 91, Attempts: whenever}, acts, at(5, 12), false, false},
		"nobody tried":           {prize.Qualify{Passed: true, Attempts: whenever}, none, at(5, 12), false, false},
		"first of day, no other": {prize.Qualify{Attempts: first}, none, at(5, 12), false, false},
	} {
		if got := x.qualify.Meets(c, &x.acts, x.now); got != x.meets {
			t.Errorf("%s: may try %t, want %t", name, got, x.meets)
		}
		if got := x.qualify.Ever(c, &x.acts); got != x.ever {
			t.Errorf("%s: takes part in a draw %t, want %t", name, got, x.ever)
		}
	}
}

// TestRoll: the number of a chance is what docs/PRIZES.md says, lies below a million, and
// falls on the prizes in their order.
func TestRoll(t *testing.T) {
	t.Parallel()
	secret := prize.Secret(sha256.Sum256([]byte("secret")))
	const ticket = "0123456789abcdef0123456789abcdef"
	// Worked out from the description with another program.
	for chance, want := range map[int]int{1: 553827, 2: 374107, 1000: 185744} {
		if got := prize.Roll(secret, ticket, chance); got != want {
			t.Errorf("chance %d falls on %d, want %d", chance, got, want)
		}
	}
	plan := prize.Plan{Instant: []prize.Prize{{ID: "a", Odds: 20_000}, {ID: "b", Odds: 100}}}
	for number, want := range map[int]string{0: "a", 19_999: "a", 20_000: "b", 20_099: "b", 20_100: "", 999_999: ""} {
		if got := plan.Fall(number); got != want {
			t.Errorf("%d falls on %q, want %q", number, got, want)
		}
	}
	const rolls, parts = 100_000, 20
	var hit [parts]float64
	for i := range rolls {
		n := prize.Roll(secret, fmt.Sprint(i), 1)
		if n < 0 || n >= prize.Million {
			t.Fatalf("rolled %d", n)
		}
		hit[n*parts/prize.Million]++
	}
	sum := 0.0
	for _, n := range hit {
		d := n - rolls/parts
		sum += d * d / (rolls / parts)
	}
	if sum > 64 { // 19 degrees of freedom: one in a million lies above 63.7; this roll is always the same
		t.Errorf("chi-square %.1f", sum)
	}
}

// TestTellsAndStates: the secret is told a day after the close and never of a campaign
// without one; states follow as they may.
func TestTellsAndStates(t *testing.T) {
	t.Parallel()
	c := town(t)
	if told := c.ClosesAt.Add(24 * time.Hour); prize.Told(c, told.Add(-1)) || !prize.Told(c, told) {
		t.Error("the secret is told at another moment than a day after the close")
	}
	c.AlwaysOpen = true
	if prize.Told(c, at(30, 20).AddDate(9, 0, 0)) {
		t.Error("the secret of a campaign that is always open is told")
	}
	for _, x := range []struct {
		from, to prize.State
		may      bool
	}{
		{prize.Won, prize.Claimed, true},
		{prize.Won, prize.Sent, false},
		{prize.Claimed, prize.Sent, true},
		{prize.Claimed, prize.Expired, false},
		{prize.Sent, prize.Refused, false},
		{prize.Refused, prize.Won, true},
		{prize.Expired, prize.Won, false},
		{prize.Refused, prize.Sent, false},
	} {
		if x.from.May(x.to) != x.may {
			t.Errorf("from %s to %s: %t", x.from, x.to, !x.may)
		}
	}
	for text, want := range map[string]prize.WinID{"tea.3": {Prize: "tea", Item: 3}, "a-b.12": {Prize: "a-b", Item: 12}} {
		if got, err := prize.ParseWinID(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "tea", "tea.", ".3", "tea.0", "tea.03", "tea.-1", "tea.3x", "tea.+3"} {
		if got, err := prize.ParseWinID(text); !errors.Is(err, prize.ErrNoWin) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
