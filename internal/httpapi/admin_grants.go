package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/grant"
	"qingyuan/internal/operator"
)

// Grants give attempts back to those who were hit. *grant.Service is one.
type Grants interface {
	Create(ctx context.Context, who operator.Actor, d grant.Draft) (*grant.Grant, error)
	Find(ctx context.Context, who operator.Actor, campaignID, id string) (*grant.Grant, error)
	List(ctx context.Context, who operator.Actor, campaignID string, offset, limit int64) ([]*grant.Grant, error)
	Items(ctx context.Context, g *grant.Grant, after, limit int64) ([]grant.Item, error)
	Sample(ctx context.Context, g *grant.Grant) ([]grant.Item, error)
	Run(ctx context.Context, who operator.Actor, g *grant.Grant) error
	Cancel(ctx context.Context, who operator.Actor, g *grant.Grant) error
}

// grantRoutes are how an office gives attempts back.
func (s *Server) grantRoutes() []route {
	const all = officePath + "/campaigns/:campaign/grants"
	const one = all + "/:grant"
	mine := func(r route) route { return admin(r, operator.CorrectResults) }
	return []route{
		mine(get(all, staff, s.listGrants)),
		mine(post(all, staff, s.createGrant)),
		mine(get(one, staff, s.showGrant)),
		mine(get(one+"/items", staff, s.listGranted)),
		mine(post(one+"/run", staff, s.runGrant)),
		mine(post(one+"/cancel", staff, s.cancelGrant)),
	}
}

type givenT struct {
	ID        string          `json:"id"`
	State     string          `json:"state"`
	Unit      string          `json:"unit"`
	From      string          `json:"from"`
	To        string          `json:"to"`
	Reason    string          `json:"reason"`
	Login     string          `json:"login"`
	CreatedAt string          `json:"created_at"`
	RanAt     *string         `json:"ran_at"`
	Items     int64           `json:"items"`
	Ended     grant.Summary   `json:"ended"`
	Done      int64           `json:"done"`
	Counts    grantCounts     `json:"counts"`
	Sample    []grantedPerson `json:"sample,omitempty"`
	Job       string          `json:"job"`
	Code      string          `json:"code,omitempty"`
	Error     string          `json:"error,omitempty"`
}

type grantCounts struct {
	Given    int64 `json:"given"`
	Finished int64 `json:"finished"`
	Gone     int64 `json:"gone"`
}

type grantedPerson struct {
	N           int64  `json:"n"`
	Participant string `json:"participant"`
	Number      int    `json:"number"`
	Unit        string `json:"unit"`
	UnitName    string `json:"unit_name"`
	Ended       string `json:"ended"`
	At          string `json:"at"`
	Outcome     string `json:"outcome"`
}

func givenOf(c *campaign.Campaign, g *grant.Grant) givenT {
	return givenT{
		ID: g.ID, State: string(g.State), Unit: g.Node, From: stamp(g.From, c.Zone), To: stamp(g.To, c.Zone), Reason: g.Reason, Login: g.Login,
		CreatedAt: stamp(g.CreatedAt, c.Zone), RanAt: stampOrNull(g.RanAt, c.Zone), Items: g.Items, Ended: g.Summary, Done: g.Next,
		Counts: grantCounts{g.Given, g.Kept, g.Lost}, Job: g.Job, Code: g.Code, Error: g.Text,
	}
}

func grantedOf(c *campaign.Campaign, it *grant.Item, lang string) grantedPerson {
	return grantedPerson{
		N: it.N, Participant: it.Participant, Number: it.Number, Unit: it.Unit, UnitName: nameWithin(c, it.Unit, lang),
		Ended: string(it.How), At: stamp(it.At, c.Zone), Outcome: string(it.Outcome),
	}
}

// listGrants handles GET /api/v1/admin/campaigns/{campaign}/grants.
func (s *Server) listGrants(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	return sendPage(k, func(offset, limit int64) ([]*grant.Grant, error) {
		return s.Grants.List(k.ctx, k.actor, c.ID, offset, limit)
	}, func(g *grant.Grant) givenT { return givenOf(c, g) })
}

// createGrant handles POST /api/v1/admin/campaigns/{campaign}/grants. It only looks:
// whom it would reach is there once the state is ready.
func (s *Server) createGrant(k *call) error {
	var in struct {
		From   string `json:"from"`
		To     string `json:"to"`
		Unit   string `json:"unit"`
		Reason string `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	d := grant.Draft{Campaign: c.ID, Unit: in.Unit, Reason: in.Reason}
	if d.From, err = localTime("from", in.From); err != nil {
		return err
	}
	if d.To, err = localTime("to", in.To); err != nil {
		return err
	}
	g, err := s.Grants.Create(k.ctx, k.actor, d)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, givenOf(c, g))
}

// grant finds the one that the path names.
func (s *Server) grant(k *call) (*campaign.Campaign, *grant.Grant, error) {
	return found(s, k, "grant", s.Grants.Find)
}

// showGrant handles GET /api/v1/admin/campaigns/{campaign}/grants/{grant}.
func (s *Server) showGrant(k *call) error {
	c, g, err := s.grant(k)
	if err != nil {
		return err
	}
	return s.sendGrant(k, fiber.StatusOK, c, g)
}

func (s *Server) sendGrant(k *call, status int, c *campaign.Campaign, g *grant.Grant) error {
	sample, err := s.Grants.Sample(k.ctx, g)
	if err != nil {
		return err
	}
	out := givenOf(c, g)
	for i := range sample {
		out.Sample = append(out.Sample, grantedOf(c, &sample[i], k.lang()))
	}
	return k.send(status, out)
}

// listGranted handles GET /api/v1/admin/campaigns/{campaign}/grants/{grant}/items.
func (s *Server) listGranted(k *call) error {
	c, g, err := s.grant(k)
	if err != nil {
		return err
	}
	return sendPage(k, func(offset, limit int64) ([]grant.Item, error) {
		return s.Grants.Items(k.ctx, g, offset, limit)
	}, func(it grant.Item) grantedPerson { return grantedOf(c, &it, k.lang()) })
}

// runGrant handles POST /api/v1/admin/campaigns/{campaign}/grants/{grant}/run. After a
// stop it goes on.
func (s *Server) runGrant(k *call) error {
	c, g, err := s.grant(k)
	if err != nil {
		return err
	}
	if err := s.Grants.Run(k.ctx, k.actor, g); err != nil {
		return err
	}
	return s.sendGrant(k, fiber.StatusAccepted, c, g)
}

// cancelGrant handles POST /api/v1/admin/campaigns/{campaign}/grants/{grant}/cancel.
func (s *Server) cancelGrant(k *call) error {
	c, g, err := s.grant(k)
	if err != nil {
		return err
	}
	if err := s.Grants.Cancel(k.ctx, k.actor, g); err != nil {
		return err
	}
	return s.sendGrant(k, fiber.StatusOK, c, g)
}
