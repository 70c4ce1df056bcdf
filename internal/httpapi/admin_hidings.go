package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/hiding"
	"qingyuan/internal/operator"
)

// Hidings take people off the public boards and put them back. *hiding.Service is one.
type Hidings interface {
	Hide(ctx context.Context, who operator.Actor, campaignID, participant, reason string) (kept *hiding.Hiding, fresh bool, err error)
	Show(ctx context.Context, who operator.Actor, h *hiding.Hiding, reason string) error
	List(ctx context.Context, who operator.Actor, campaignID string, all bool, before string, limit int) ([]*hiding.Hiding, error)
	Find(ctx context.Context, who operator.Actor, campaignID, id string) (*hiding.Hiding, error)
}

// hidingRoutes are how an office takes people off the public boards.
func (s *Server) hidingRoutes() []route {
	const all = officePath + "/campaigns/:campaign/hidings"
	mine := func(r route) route { return admin(r, operator.CorrectResults) }
	return []route{
		mine(get(all, staff, s.listHidings)),
		mine(post(all, staff, s.hideParticipant)),
		mine(post(all+"/:hiding/show", staff, s.showParticipant)),
	}
}

type hidingT struct {
	ID          string  `json:"id"`
	Participant string  `json:"participant"`
	Name        string  `json:"name"`
	Unit        string  `json:"unit"`
	UnitName    string  `json:"unit_name"`
	Reason      string  `json:"reason"`
	Login       string  `json:"login"`
	At          string  `json:"at"`
	ShownAt     *string `json:"shown_at"`
	ShownLogin  *string `json:"shown_login"`
	ShownReason *string `json:"shown_reason"`
}

func hidingOf(c *campaign.Campaign, h *hiding.Hiding, lang string) hidingT {
	return hidingT{
		ID: h.ID, Participant: h.Participant, Name: h.Name, Unit: h.Unit, UnitName: nameWithin(c, h.Unit, lang), Reason: h.Reason, Login: h.Login,
		At: stamp(h.At, c.Zone), ShownAt: stampOrNull(h.ShownAt, c.Zone), ShownLogin: textOrNull(h.ShownLogin), ShownReason: textOrNull(h.ShownReason),
	}
}

// listHidings handles GET …/hidings. The cursor is the last id.
func (s *Server) listHidings(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	state, err := k.text("state")
	if err != nil {
		return err
	}
	all := state == "all"
	if !all && state != "" && state != "hidden" {
		return fault.InvalidField("state", "应为 hidden 或 all")
	}
	return sendBehind(k, func(last string, limit int) ([]*hiding.Hiding, error) {
		return s.Hidings.List(k.ctx, k.actor, c.ID, all, last, limit)
	}, func(h *hiding.Hiding) string { return h.ID }, func(h *hiding.Hiding) hidingT { return hidingOf(c, h, k.lang()) })
}

// hideParticipant handles POST …/hidings.
func (s *Server) hideParticipant(k *call) error {
	var in struct {
		Participant string `json:"participant"`
		Reason      string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	h, fresh, err := s.Hidings.Hide(k.ctx, k.actor, c.ID, in.Participant, in.Reason)
	if err != nil {
		return err
	}
	return k.send(created(fresh), hidingOf(c, h, k.lang()))
}

// showParticipant handles POST …/hidings/{hiding}/show.
func (s *Server) showParticipant(k *call) error {
	reason, err := k.why(true)
	if err != nil {
		return err
	}
	c, h, err := found(s, k, "hiding", s.Hidings.Find)
	if err != nil {
		return err
	}
	if err := s.Hidings.Show(k.ctx, k.actor, h, reason); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, hidingOf(c, h, k.lang()))
}
