package httpapi

import (
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/token"
	"qingyuan/leaderboard"
)

// Tickets signs tickets for screens, and the tokens by which a screen gets them without
// anybody who is signed in. *session.Service is one.
type Tickets interface {
	SignViewer(campaign, scope string, lifetime time.Duration) (string, error)
	SignScreen(campaign, scope string, office bool, lifetime time.Duration) (string, error)
}

// ticketLife is how long a screen may watch on one ticket. It is short, because a ticket
// stands in an address and cannot be called back: whoever loses their rights sees no more
// after it. Screens renew it at half time, while whoever set them up is signed in.
const ticketLife = 5 * time.Minute

// For whose eyes a screen is.
const (
	viewAudience = "audience"
	viewOffice   = "office"
)

type ticketAnswer struct {
	Ticket       string  `json:"ticket"`
	ExpiresAt    string  `json:"expires_at"`
	RenewAfterMS int64   `json:"renew_after_ms"`
	Scope        *string `json:"scope"`
	View         string  `json:"view"`
}

// giveTicket handles POST /api/v1/campaigns/{campaign}/screen-tickets.
func (s *Server) giveTicket(k *call) error {
	var in struct {
		Scope string `json:"scope"`
		View  string `json:"view"`
	}
	if err := k.decodeOptional(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	view := or(in.View, viewAudience)
	if view != viewAudience && view != viewOffice {
		return fault.InvalidField("view", "应为 audience 或 office")
	}
	scope := in.Scope
	if scope == "" {
		scope = k.viewer.Scope // an office's token is for its own part
	}
	if err := k.mayWatch(c, scope); err != nil {
		return err
	}
	if _, ok := c.Tree.Node(scope); scope != "" && !ok {
		return fault.InvalidField("scope", "没有这个地区或单位")
	}
	ticket, err := s.ScreenTickets.SignScreen(c.ID, scope, view == viewOffice, ticketLife)
	if err != nil {
		return err
	}
	out := ticketAnswer{
		Ticket: ticket, ExpiresAt: stamp(k.began.Add(ticketLife), c.Zone), RenewAfterMS: (ticketLife / 2).Milliseconds(), View: view,
	}
	if scope != "" {
		out.Scope = &scope
	}
	return k.send(fiber.StatusCreated, out)
}

// mayWatch asks whether whoever was admitted may see the figures of a part. What is
// outside is not found.
func (k *call) mayWatch(c *campaign.Campaign, scope string) error {
	if !k.viewer.Office {
		return k.within(operator.ReadFigures, c, scope)
	}
	if k.viewer.Campaign != c.ID || !c.Tree.Within(scope, k.viewer.Scope) {
		return fault.ErrNotFound
	}
	return nil
}

// admitScreener lets in who may set up a screen: an office's viewer token, or an operator
// who reads figures somewhere in the campaign.
func (s *Server) admitScreener(k *call) error {
	raw, err := token.Bearer(k.Get(fiber.HeaderAuthorization))
	if err != nil {
		return err
	}
	claims, err := s.Tokens.Check(raw, token.Access, token.Viewer)
	switch {
	case err == nil && claims.Type == token.Viewer:
		k.viewer = leaderboard.Viewer{Office: true, Campaign: claims.Campaign, Scope: claims.Scope}
		return nil
	case err == nil:
		return errForbidden
	case s.Operators == nil || errors.Is(err, token.ErrExpired):
		return err
	}
	if k.actor, err = s.Operators.Actor(k.ctx, raw, k.addr); err != nil {
		return err
	}
	if k.actor.MustChange {
		return operator.ErrMustChange
	}
	return mayAct(k.actor, operator.ReadFigures, k.Params("campaign"))
}

// watched says which feed a request for frames means: the public's, or that of its
// ticket. until is when the ticket runs out, zero without one.
func (s *Server) watched(k *call, c *campaign.Campaign) (key feedKey, until time.Time, err error) {
	key = feedKey{campaign: c.ID, lang: published(c, k.lang())}
	raw := k.Query("ticket")
	if raw == "" {
		return key, until, nil
	}
	claims, err := s.Tokens.Check(raw, token.Screen)
	if err != nil {
		return key, until, err
	}
	if claims.Campaign != c.ID {
		return key, until, errForbidden
	}
	key.scope, key.view = claims.Scope, viewAudience
	if claims.Office {
		key.view = viewOffice
	}
	return key, claims.ExpiresAt, nil
}
