package httpapi

import "qingyuan/campaign"

// What a campaign's page tells beforehand of its boards.
type (
	tierAnswer struct {
		Tier string `json:"tier"`
		// Share is in per cent, with the better tiers.
		Share int64 `json:"share"`
	}
	phaseAnswer struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		From  string `json:"from"`
		To    string `json:"to"`
	}
	freezeAnswer struct {
		At string `json:"at"`
		// Until is null where the boards stay as they are.
		Until *string `json:"until"`
	}
)

func tiersOf(c *campaign.Campaign) []tierAnswer {
	var out []tierAnswer
	for _, t := range c.Tiers {
		out = append(out, tierAnswer{t.ID, t.Share})
	}
	return out
}

func phasesOf(c *campaign.Campaign, lang string) []phaseAnswer {
	var out []phaseAnswer
	for _, p := range c.Phases {
		out = append(out, phaseAnswer{p.ID, p.Title.In(lang), stamp(p.From, c.Zone), stamp(p.To, c.Zone)})
	}
	return out
}

func freezeOf(c *campaign.Campaign) *freezeAnswer {
	if c.Freeze.At.IsZero() {
		return nil
	}
	return &freezeAnswer{stamp(c.Freeze.At, c.Zone), stampOrNull(c.Freeze.Until, c.Zone)}
}

// policyOf says how attempts make a place.
func policyOf(c *campaign.Campaign) string {
	if c.Policy == "" {
		return string(campaign.PolicyBest)
	}
	return string(c.Policy)
}
