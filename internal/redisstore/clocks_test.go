package redisstore

import (
	"errors"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// TestWhoHasNotHeardOfItDecidesNothing: from the moment on at which an act upon the
// clocks makes a difference, a server that does not know of it hands nothing in and
// expires nobody; until then, and with what it knows, it goes on.
func TestWhoHasNotHeardOfItDecidesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	since := noon.Add(time.Minute)
	knows := *r.def
	knows.Clocks = campaign.Clocks{
		{Number: 4, Kind: campaign.ClocksStop, At: noon.Add(-time.Hour), Until: noon},
		{Number: 7, Kind: campaign.ClocksStop, At: since, Until: since.Add(time.Hour)},
	}
	informed, stale := r.servers[0], r.servers[1]
	hand := func(s server, who string, number int64, at time.Time) error {
		r.enrol(who, "u1", "public")
		a := finished(r.start(who, noon), 50, at)
		a.Clocks = number
		_, err := s.quiz.Submit(t.Context(), r.person(who), a, false)
		return err
	}
	expire := func(s server, who string, number int64, at time.Time) error {
		r.enrol(who, "u1", "public")
		a := r.start(who, noon)
		gone := a.Expired(nil, at)
		gone.Result.SubmittedAt, gone.Clocks = at, number
		return s.quiz.Expire(t.Context(), r.person(who), gone)
	}
	if err := hand(stale, "before-it-was-told", 4, since); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := informed.campaigns.Clocks(t.Context(), &knows); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		number  int64
		at      time.Time
		refused bool
	}{
		"knows": {7, since, false}, "knows-more": {9, since, false}, "just-before": {4, since.Add(-time.Millisecond), false},
		"from-then-on": {4, since, true}, "two-behind": {0, since.Add(-time.Millisecond), true},
	} {
		for what, err := range map[string]error{
			"hand": hand(stale, "hand-"+name, tc.number, tc.at), "expire": expire(stale, "expire-"+name, tc.number, tc.at),
		} {
			if refused := errors.Is(err, fault.ErrUnavailable); refused != tc.refused || err != nil && !refused {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
	}
	// Somebody who comes late with what was known before takes nothing back.
	if err := stale.campaigns.Clocks(t.Context(), &campaign.Campaign{ID: r.def.ID, Clocks: knows.Clocks[:1]}); err != nil {
		t.Fatal(err)
	}
	if err := hand(stale, "late", 4, since); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("afterwards: %v", err)
	}
}
