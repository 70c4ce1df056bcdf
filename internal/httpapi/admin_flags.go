package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
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
		out.UnitName = unitName(c, f.Unit, lang)
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
	limit, err := k.whole("limit", leaderboard.MaxPage, 1, leaderboard.MaxPage)
	if err != nil {
		return err
	}
	var state, rule, before string
	for name, into := range map[string]*string{"state": &state, "rule": &rule, "cursor": &before} {
		if *into, err = k.text(name); err != nil {
			return err
		}
	}
	if state != "" && !correction.FlagState(state).Known() {
		return fault.InvalidField("state", "没有这个状态")
	}
	if rule != "" && !correction.Rule(rule).Known() {
		return fault.InvalidField("rule", "没有这条规则")
	}
	q := correction.FlagQuery{State: correction.FlagState(state), Rule: correction.Rule(rule), Before: before}
	all, err := s.Flags.Flags(k.ctx, k.actor, c.ID, q, int(limit)+1)
	if err != nil {
		return err
	}
	out := list[flagT]{Items: []flagT{}}
	if len(all) > int(limit) {
		all = all[:limit]
		out.NextCursor = new(all[limit-1].ID)
	}
	for _, f := range all {
		out.Items = append(out.Items, flagOf(c, f, k.lang()))
	}
	return k.send(fiber.StatusOK, out)
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
	if err := k.decode(&in); err != nil {
		return err
	}
	if err := checkReason(in.Reason, true); err != nil {
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
