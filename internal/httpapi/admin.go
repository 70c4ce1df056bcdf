package httpapi

import (
	"context"
	"net/netip"
	"slices"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/token"
)

// Operators knows who is signed in to the office.
type Operators interface {
	// Actor returns whom a session belongs to, and operator.ErrSignIn for one that
	// is unknown, ended or idle for too long.
	Actor(ctx context.Context, session string, addr netip.Addr) (operator.Actor, error)
}

// adminRoutes is what operators reach, where this server has an office. Each area
// keeps its own list beside its handlers.
func (s *Server) adminRoutes() []route {
	if s.Operators == nil {
		return nil
	}
	return slices.Concat[[]route]()
}

// admin puts a route into the operators' hands. The guard asks whether the actor
// may do the action somewhere in the campaign; the handler asks where, by within.
func admin(r route, a operator.Action) route {
	r.guard, r.action = staff, a
	return r
}

// admitOperator finds out who is asking and whether any of their roles grants the
// action in the campaign that the path names.
func (s *Server) admitOperator(k *call, a operator.Action) error {
	raw, err := token.Bearer(k.Get(fiber.HeaderAuthorization))
	if err != nil {
		return err
	}
	if k.actor, err = s.Operators.Actor(k.ctx, raw, k.addr); err != nil {
		return err
	}
	if a != "" && !k.actor.May(a, k.Params("campaign")) {
		return operator.ErrForbidden
	}
	return nil
}

// within refuses what lies outside the part of the tree that the actor may do the
// action in; node "" is the campaign as a whole. What is outside is not found:
// nobody learns what another office has.
func (k *call) within(a operator.Action, c *campaign.Campaign, node string) error {
	if !k.actor.Within(a, c, node) {
		return fault.ErrNotFound
	}
	return nil
}
