// Package retention is the list of who keeps something of participants beside the
// ledger. By it a person is erased everywhere and told what is kept of them, and by it
// a campaign that is over forgets its people when its own rule says so
// (个人信息保护法 arts. 19, 45 and 47).
//
// It knows neither the ledger nor Redis: how facts keep their counts when the names
// behind them go is not its business.
package retention

import (
	"context"
	"fmt"
	"time"

	"qingyuan/campaign"
)

// Holder is an area of the program that keeps something of people. Where a function is
// nil there is nothing to be done.
type Holder struct {
	// Name is what reports and logs call it: the table, mostly.
	Name string
	// Kind says which part of a campaign's rule it follows.
	Kind campaign.Kept
	// Tables are those whose old rows must not stay on the disk.
	Tables []string
	// Erase takes away what is kept of a participant, in every campaign. A repeat
	// changes nothing.
	Erase func(ctx context.Context, participant string) error
	// Tell returns what is kept of a participant, in every campaign.
	Tell func(ctx context.Context, participant string) ([]Told, error)
	// Left counts what a campaign still keeps.
	Left func(ctx context.Context, campaignID string) (int64, error)
	// Forget takes at most limit of it away and returns how many it took: 0 once
	// nothing is left. Figures do not change.
	Forget func(ctx context.Context, campaignID string, limit int) (int64, error)
}

// Told is what is kept of a participant in one place.
type Told struct {
	Campaign string
	// Kind names what it is, such as "feedback" or "flag".
	Kind string
	At   time.Time
	// State is how far it has come, or which rule it is of; "" where that says nothing.
	State string
	// Text is what they wrote, and Answer what they were told.
	Text, Answer string
}

// Holders are all of them.
type Holders []Holder

// Erase takes away everywhere what is kept of a participant.
func (hs Holders) Erase(ctx context.Context, participant string) error {
	for _, h := range hs {
		if h.Erase == nil {
			continue
		}
		if err := h.Erase(ctx, participant); err != nil {
			return fmt.Errorf("erase participant %s in %s: %w", participant, h.Name, err)
		}
	}
	return nil
}

// Tell collects what is kept of a participant, campaign by campaign.
func (hs Holders) Tell(ctx context.Context, participant string) (map[string][]Told, error) {
	out := map[string][]Told{}
	for _, h := range hs {
		if h.Tell == nil {
			continue
		}
		all, err := h.Tell(ctx, participant)
		if err != nil {
			return nil, fmt.Errorf("tell participant %s what is in %s: %w", participant, h.Name, err)
		}
		for _, t := range all {
			out[t.Campaign] = append(out[t.Campaign], t)
		}
	}
	return out, nil
}

// Tables are all that an erasure may have touched.
func (hs Holders) Tables() []string {
	var out []string
	for _, h := range hs {
		out = append(out, h.Tables...)
	}
	return out
}
