package retention

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/failpoint"
)

// Line is what one holder keeps of a campaign's people.
type Line struct {
	Name string        `json:"name"`
	Kind campaign.Kept `json:"kind"`
	// At is when its time is over; zero where the campaign has no rule.
	At time.Time `json:"at,omitzero"`
	// Due tells whether it is taken away now.
	Due bool `json:"due"`
	// Left is how much there is: rows, or persons.
	Left int64 `json:"left"`
}

// Plan counts what every holder keeps of a campaign, and says which of it is taken away
// where kinds are. It changes nothing.
func (hs Holders) Plan(ctx context.Context, c *campaign.Campaign, kinds []campaign.Kept) ([]Line, error) {
	out := []Line{}
	for _, h := range hs {
		if h.Left == nil {
			continue
		}
		left, err := h.Left(ctx, c.ID)
		if err != nil {
			return nil, fmt.Errorf("count what %s keeps of %s: %w", h.Name, c.ID, err)
		}
		at, _ := c.ForgetsAt(h.Kind)
		out = append(out, Line{Name: h.Name, Kind: h.Kind, At: at, Due: slices.Contains(kinds, h.Kind), Left: left})
	}
	return out, nil
}

// forgetAtOnce bounds how long others wait for the database.
const forgetAtOnce = 500

// Forget takes the kinds away in small steps, and tells after each how much it has taken
// altogether. It may be interrupted anywhere and begun again.
func (hs Holders) Forget(ctx context.Context, c *campaign.Campaign, kinds []campaign.Kept, tell func(taken int64)) (map[string]int64, error) {
	taken, all := map[string]int64{}, int64(0)
	for _, h := range hs {
		if h.Forget == nil || !slices.Contains(kinds, h.Kind) {
			continue
		}
		for {
			n, err := h.Forget(ctx, c.ID, forgetAtOnce)
			if err != nil {
				return taken, fmt.Errorf("forget what %s keeps of %s: %w", h.Name, c.ID, err)
			}
			if n == 0 {
				break
			}
			taken[h.Name] += n
			all += n
			tell(all)
			if err := failpoint.Hit("retention.after_step"); err != nil {
				return taken, err
			}
			if err := ctx.Err(); err != nil {
				return taken, err
			}
		}
	}
	return taken, nil
}
