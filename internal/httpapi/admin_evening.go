package httpapi

import (
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/catalog"
	"qingyuan/internal/operator"
)

// eveningRoutes are for the evening on which something goes wrong.
func (s *Server) eveningRoutes() []route {
	const one = officePath + "/campaigns/:campaign"
	edit := func(r route) route { return admin(r, operator.EditCampaigns) }
	return []route{
		edit(post(one+"/clocks/stop", staff, s.stopClocks)),
		edit(post(one+"/clocks/run", staff, s.runClocks)),
		edit(post(one+"/extend", staff, s.extendCampaign)),
		edit(put(one+"/banner", staff, s.showBanner)),
		edit(del(one+"/banner", staff, s.removeBanner)),
	}
}

// deskBanner is a banner as the office has written it.
type deskBanner struct {
	Text  campaign.Text `json:"text"`
	Level string        `json:"level"`
	From  *string       `json:"from"`
	Until *string       `json:"until"`
}

func deskBannerOf(c *campaign.Campaign) *deskBanner {
	b := c.Banner
	if b == nil {
		return nil
	}
	return &deskBanner{b.Text, string(b.Level), stampOrNull(b.From, c.Zone), stampOrNull(b.Until, c.Zone)}
}

// deskStop is a stretch in which the clocks stand.
type deskStop struct {
	From  string `json:"from"`
	Until string `json:"until"`
}

func deskStopsOf(c *campaign.Campaign) []deskStop {
	var out []deskStop
	for _, s := range c.Clocks.Stops() {
		out = append(out, deskStop{stamp(s.From, c.Zone), stamp(s.Until, c.Zone)})
	}
	return out
}

// mayEdit checks reason and right of an act upon a campaign as a whole.
func (s *Server) mayEdit(k *call, reason string) error {
	if err := checkReason(reason, true); err != nil {
		return err
	}
	return s.editsWhole(k)
}

// optionalTime is localTime for a time that may be left out.
func optionalTime(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return localTime(field, text)
}

// stopClocks handles POST /api/v1/admin/campaigns/{campaign}/clocks/stop.
func (s *Server) stopClocks(k *call) error {
	var in struct {
		Version int64  `json:"version"`
		Reason  string `json:"reason"`
		Until   string `json:"until"`
		Pause   bool   `json:"pause"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	until, err := optionalTime("until", in.Until)
	if err == nil {
		err = s.mayEdit(k, in.Reason)
	}
	if err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.StopClocks(k.ctx, act, k.Params("campaign"), until, in.Pause)
	return s.sendOutcome(k, out, err)
}

// runClocks handles POST /api/v1/admin/campaigns/{campaign}/clocks/run.
func (s *Server) runClocks(k *call) error {
	var in struct {
		Version int64  `json:"version"`
		Reason  string `json:"reason"`
		Resume  bool   `json:"resume"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if err := s.mayEdit(k, in.Reason); err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.RunClocks(k.ctx, act, k.Params("campaign"), in.Resume)
	return s.sendOutcome(k, out, err)
}

// extendCampaign handles POST /api/v1/admin/campaigns/{campaign}/extend.
func (s *Server) extendCampaign(k *call) error {
	in, err := s.steering(k)
	if err != nil {
		return err
	}
	closes, err := localTime("closes_at", in.ClosesAt)
	if err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.Extend(k.ctx, act, k.Params("campaign"), closes)
	return s.sendOutcome(k, out, err)
}

// showBanner handles PUT /api/v1/admin/campaigns/{campaign}/banner.
func (s *Server) showBanner(k *call) error {
	var in struct {
		Version int64         `json:"version"`
		Reason  string        `json:"reason"`
		Text    campaign.Text `json:"text"`
		Level   string        `json:"level"`
		From    string        `json:"from"`
		Until   string        `json:"until"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	b := campaign.Banner{Text: in.Text, Level: campaign.BannerLevel(in.Level)}
	var err error
	if b.From, err = optionalTime("from", in.From); err != nil {
		return err
	}
	if b.Until, err = optionalTime("until", in.Until); err != nil {
		return err
	}
	if err := s.mayEdit(k, in.Reason); err != nil {
		return err
	}
	act := catalog.Act{Actor: k.actor, Reason: in.Reason, Version: in.Version}
	out, err := s.Campaigns.SetBanner(k.ctx, act, k.Params("campaign"), &b)
	return s.sendOutcome(k, out, err)
}

// removeBanner handles DELETE /api/v1/admin/campaigns/{campaign}/banner.
func (s *Server) removeBanner(k *call) error {
	reason := k.Query("reason")
	if err := s.mayEdit(k, reason); err != nil {
		return err
	}
	out, err := s.Campaigns.SetBanner(k.ctx, catalog.Act{Actor: k.actor, Reason: reason}, k.Params("campaign"), nil)
	return s.sendOutcome(k, out, err)
}
