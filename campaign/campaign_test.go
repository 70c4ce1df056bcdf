package campaign_test

import (
	"errors"
	"testing"
	"time"

	"qingyuan/campaign"
)

// shanghai is the zone of every campaign here. It is fixed, so that the tests
// need no zone files.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

func clock(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05.999", s, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func window(t *testing.T) *campaign.Campaign {
	t.Helper()
	return &campaign.Campaign{
		ID: "antidrug", Zone: shanghai,
		OpensAt: clock(t, "2026-06-01 09:00:00"), ClosesAt: clock(t, "2026-06-27 00:00:00"),
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at             string
		paused, always bool
		want           campaign.State
		fault          error
	}{
		"a moment before the start":     {at: "2026-06-01 08:59:59.999", want: campaign.Scheduled, fault: campaign.ErrNotOpen},
		"at the start":                  {at: "2026-06-01 09:00:00", want: campaign.Open},
		"a moment before the close":     {at: "2026-06-26 23:59:59.999", want: campaign.Open},
		"at the close":                  {at: "2026-06-27 00:00:00", want: campaign.Closed, fault: campaign.ErrClosed},
		"paused":                        {at: "2026-06-10 12:00:00", paused: true, want: campaign.Paused, fault: campaign.ErrPaused},
		"paused before the start":       {at: "2026-05-31 12:00:00", paused: true, want: campaign.Paused, fault: campaign.ErrPaused},
		"paused and over":               {at: "2026-06-27 00:00:00", paused: true, want: campaign.Closed, fault: campaign.ErrClosed},
		"always open before the start":  {at: "2020-01-01 00:00:00", always: true, want: campaign.Open},
		"always open after the close":   {at: "2040-01-01 00:00:00", always: true, want: campaign.Open},
		"always open and paused for it": {at: "2040-01-01 00:00:00", always: true, paused: true, want: campaign.Paused, fault: campaign.ErrPaused},
	} {
		c := window(t)
		c.Paused, c.AlwaysOpen = tc.paused, tc.always
		at := clock(t, tc.at)
		if got := c.StateAt(at); got != tc.want {
			t.Errorf("%s: StateAt = %s, want %s", name, got, tc.want)
		}
		if err := c.CheckOpen(at); !errors.Is(err, tc.fault) || tc.fault == nil && err != nil {
			t.Errorf("%s: CheckOpen = %v, want %v", name, err, tc.fault)
		}
		if got := c.Over(at); got != (tc.want == campaign.Closed) {
			t.Errorf("%s: Over = %t", name, got)
		}
	}
}

// TestDays proves invariant 9: a day is a local date of the campaign's zone,
// wherever the server stands.
func TestDays(t *testing.T) {
	t.Parallel()
	c := window(t)
	for _, tc := range []struct{ at, day, next string }{
		{"2026-06-10 23:59:59.999", "2026-06-10", "2026-06-11 00:00:00"},
		{"2026-06-11 00:00:00", "2026-06-11", "2026-06-12 00:00:00"},
		{"2026-06-30 12:00:00", "2026-06-30", "2026-07-01 00:00:00"},
		{"2026-12-31 23:00:00", "2026-12-31", "2027-01-01 00:00:00"},
		{"2028-02-28 23:00:00", "2028-02-28", "2028-02-29 00:00:00"},
	} {
		at, next := clock(t, tc.at), clock(t, tc.next)
		for _, zone := range []*time.Location{shanghai, time.UTC, time.FixedZone("far", -12*60*60)} {
			if got := c.Day(at.In(zone)); got != tc.day {
				t.Errorf("Day(%s in %s) = %s, want %s", tc.at, zone, got, tc.day)
			}
			if got := c.NextDay(at.In(zone)); !got.Equal(next) {
				t.Errorf("NextDay(%s in %s) = %s, want %s", tc.at, zone, got, next)
			}
		}
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	c := &campaign.Campaign{Groups: []campaign.Group{{ID: "public"}, {ID: "under14", Guardian: true}}}
	if g, ok := c.Group("under14"); !ok || !g.Guardian {
		t.Errorf("Group(under14) = %+v, %t", g, ok)
	}
	if g, ok := c.Group(""); ok {
		t.Errorf("Group of no name = %+v", g)
	}
}

func TestAudienceOfAGroup(t *testing.T) {
	t.Parallel()
	c := &campaign.Campaign{Groups: []campaign.Group{{ID: "public"}, {ID: "under14", Audience: "student"}}}
	for group, want := range map[string]string{"public": "public", "under14": "student", "gone": "gone", "": ""} {
		if got := c.Audience(group); got != want {
			t.Errorf("the papers of %q are for %q, want %q", group, got, want)
		}
	}
}

func TestOnlyTopNRanks(t *testing.T) {
	t.Parallel()
	for mode, want := range map[campaign.RankingMode]bool{
		campaign.RankNone: false, campaign.ProgressOnly: false, campaign.TopN: true, "": false,
	} {
		c := &campaign.Campaign{Ranking: mode}
		now := time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
		if got := c.Ranks(now); got != want {
			t.Errorf("%q ranks: %t, want %t", mode, got, want)
		}
		c.Freeze = campaign.Freeze{At: now, Until: now.Add(time.Hour)}
		if c.Ranks(now) {
			t.Errorf("%q tells a place while the boards stand still", mode)
		}
		if got := c.Ranks(c.Freeze.Until); got != want {
			t.Errorf("%q ranks after the freeze: %t, want %t", mode, got, want)
		}
	}
}

func TestTextFallsBack(t *testing.T) {
	t.Parallel()
	text := campaign.Text{"zh-CN": "禁毒", "bo": "དུག་རྫས་འགོག་པ།"}
	for lang, want := range map[string]string{"bo": text["bo"], "zh-CN": "禁毒", "ug": "禁毒", "": "禁毒"} {
		if got := text.In(lang); got != want {
			t.Errorf("In(%q) = %q, want %q", lang, got, want)
		}
	}
}
