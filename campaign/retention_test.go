package campaign_test

import (
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
)

func TestForgets(t *testing.T) {
	t.Parallel()
	closes := time.Date(2026, 7, 1, 0, 0, 0, 0, time.FixedZone("CST", 8*3600))
	rule := campaign.Retention{campaign.KeptPersonal: 180, campaign.KeptOrigins: 30, campaign.KeptFlags: 0}
	tests := map[string]struct {
		c    campaign.Campaign
		at   time.Time
		want []campaign.Kept
	}{
		"without a rule":   {campaign.Campaign{ClosesAt: closes}, closes.AddDate(9, 0, 0), nil},
		"without an end":   {campaign.Campaign{ClosesAt: closes, AlwaysOpen: true, Retention: rule}, closes.AddDate(9, 0, 0), nil},
		"before the close": {campaign.Campaign{ClosesAt: closes, Retention: rule}, closes.Add(-time.Second), nil},
		"at the close":     {campaign.Campaign{ClosesAt: closes, Retention: rule}, closes, []campaign.Kept{campaign.KeptFlags}},
		"just before":      {campaign.Campaign{ClosesAt: closes, Retention: rule}, closes.AddDate(0, 0, 30).Add(-time.Second), []campaign.Kept{campaign.KeptFlags}},
		"a month later":    {campaign.Campaign{ClosesAt: closes, Retention: rule}, closes.AddDate(0, 0, 30), []campaign.Kept{campaign.KeptOrigins, campaign.KeptFlags}},
		"in the end": {
			campaign.Campaign{ClosesAt: closes, Retention: rule},
			closes.AddDate(0, 0, 180),
			[]campaign.Kept{campaign.KeptPersonal, campaign.KeptOrigins, campaign.KeptFlags},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.c.Forgets(tt.at); !slices.Equal(got, tt.want) {
				t.Errorf("forgets %v, want %v", got, tt.want)
			}
		})
	}
}
