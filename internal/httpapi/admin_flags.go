package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/operator"
)

// Flags are what rules have noticed. *correction.Service keeps them.
type Flags interface {
	Flags(ctx context.Context, who operator.Actor, campaignID string, q correction.FlagQuery, limit int) ([]*correction.Flag, error)
	Flag(ctx context.Context, who operator.Actor, campaignID, id string) (*correction.Flag, error)
	Decide(ctx context.Context, who operator.Actor, f *correction.Flag, to correction.FlagState, why string) error
}

// flagRoutes are how operators look at what rules have noticed.
func (s *Server) flagRoutes() []route {
	const all = officePath + "/campaigns/:campaign/flags"
	mine := func(r route) route { return admin(r, operator.CorrectResults) }
	return []route{
		mine(get(all, staff, s.listFlags)),
		mine(get(all+"/:flag", staff, s.showFlag)),
		mine(post(all+"/:flag/decision", staff, s.decideFlag)),
	}
}

type flagT struct {
	ID           string             `json:"id"`
	Rule         string             `json:"rule"`
	Unit         string             `json:"unit"`
	UnitName     string             `json:"unit_name"`
	Acts         int64              `json:"acts"`
	Participants int64              `json:"participants"`
	Evidence     []correction.ActID `json:"evidence"`
	State        string             `json:"state"`
	CreatedAt    string             `json:"created_at"`
	SeenAt       string             `json:"seen_at"`
	Login        string             `json:"login"`
	Reason       string             `json:"reason"`
	DecidedAt    *string            `json:"decided_at"`
}

func flagOf(c *campaign.Campaign, f *correction.Flag, lang string) flagT {
	out := flagT{
		ID: f.ID, Rule: string(f.Rule), Unit: f.Unit, Acts: f.Acts, Participants: f.Participants, Evidence: f.Evidence,
		State: string(f.State), CreatedAt: stamp(f.CreatedAt, c.Zone), SeenAt: stamp(f.SeenAt, c.Zone),
		Login: f.Login, Reason: f.Reason, DecidedAt: stampOrNull(f.DecidedAt, c.Zone),
	}
	if f.Unit != "" {
		out.UnitName = nameWithin(c, f.Unit, lang)
	}
	if out.Evidence == nil {
		out.Evidence = []correction.ActID{}
	}
	return out
}

// listFlags handles GET /api/v1/admin/campaigns/{campaign}/flags. The cursor is the last
// id.
func (s *Server) listFlags(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	var q correction.FlagQuery
	if q.State, err = stateAsked[correction.FlagState](k); err != nil {
		return err
	}
	if q.Rule, err = known[correction.Rule](k, "rule", "没有这条规则"); err != nil {
		return err
	}
	return sendBehind(k, func(last string, limit int) ([]*correction.Flag, error) {
		q.Before = last
		return s.Flags.Flags(k.ctx, k.actor, c.ID, q, limit)
	}, func(f *correction.Flag) string { return f.ID }, func(f *correction.Flag) flagT { return flagOf(c, f, k.lang()) })
}

// showFlag handles GET /api/v1/admin/campaigns/{campaign}/flags/{flag}.
func (s *Server) showFlag(k *call) error {
	c, f, err := s.flagOf(k)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, flagOf(c, f, k.lang()))
}

// flagOf finds the flag that the path names, and its campaign.
func (s *Server) flagOf(k *call) (*campaign.Campaign, *correction.Flag, error) {
	c, err := s.campaign(k)
	if err != nil {
		return nil, nil, err
	}
	f, err := s.Flags.Flag(k.ctx, k.actor, c.ID, k.Params("flag"))
	return c, f, err
}

// decideFlag handles POST …/flags/{flag}/decision.
func (s *Server) decideFlag(k *call) error {
	var in struct {
		State  string `json:"state"`
		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	c, f, err := s.flagOf(k)
	if err != nil {
		return err
	}
	if err := s.Flags.Decide(k.ctx, k.actor, f, correction.FlagState(in.State), in.Reason); err != nil {
		return err
	}
	return k.send(fiber.StatusOK, flagOf(c, f, k.lang()))
}
