package httpapi

import (
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
	"qingyuan/leaderboard"
)

// guard says what a route asks of its caller before its handler runs.
type guard uint8

const (
	// probe is for machines that watch this one: no limit, no identity.
	probe guard = iota
	// files is for what the pages are made of and the pictures of questions: it lies ready
	// in memory, and a school behind one address loads it at once. No limit, no identity.
	files
	// public is for everybody, a limited number of times per address.
	public
	// door is for signing in: limited per address over all instances.
	door
	// lookup is public, with a tighter limit against guessing.
	lookup
	// person asks for a participant's access token.
	person
	// office is public, and a viewer token shows more.
	office
	// screener asks for an office's viewer token, or for an operator's session with the
	// right to read figures.
	screener
	// staff asks for an operator's session and for the right to the route's action.
	staff
	// desk is where operators sign in: public, with a tighter limit per address.
	desk
)

// call is one request on its way through a handler.
type call struct {
	*fiber.Ctx
	ctx   context.Context //nolint:containedctx // It lives exactly as long as the request.
	began time.Time
	// addr is who is at the other end.
	addr netip.Addr
	// participant and family are set behind the guard person.
	participant, family string
	// viewer is the public unless the guard office saw a viewer token.
	viewer leaderboard.Viewer
	// actor is set behind the guard staff.
	actor operator.Actor
}

func (s *Server) newCall(c *fiber.Ctx, now time.Time) *call {
	return &call{Ctx: c, ctx: context.Background(), began: now, addr: s.address(c)}
}

// edge wraps a route's handler with everything that is the same for all: it
// answers for panics, times and counts, sets the headers, refuses what no
// handler should see, and asks for the proof of identity.
func (s *Server) edge(r route) fiber.Handler {
	m := s.state.metrics.route(r)
	braking := s.Brake != nil && r.guard == person && !r.quick && !r.slow
	return func(c *fiber.Ctx) error {
		began := s.Now()
		if err := s.guarded(c, r, began); err != nil {
			s.fail(c, r.path, err)
		}
		took := s.Now().Sub(began)
		m.observe(c.Method(), c.Response().StatusCode(), took)
		if braking {
			s.Brake.Note(took)
		}
		return nil
	}
}

// guarded runs the handler and turns a panic into an internal error.
func (s *Server) guarded(c *fiber.Ctx, r route, now time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %s %s: %v\n%s", r.method, r.path, p, debug.Stack())
		}
	}()
	s.guardHeaders(c)
	if err := wellFormed(c); err != nil {
		return err
	}
	k := s.newCall(c, now)
	switch {
	case r.quick:
	case r.slow:
		ctx, cancel := context.WithTimeout(k.ctx, s.SlowTimeout)
		defer cancel()
		k.ctx = ctx
	default:
		k.ctx = s.state.deadlines.next()
	}
	if err := s.admit(k, r); err != nil {
		return err
	}
	if r.feature != "" && s.off(k.Params("campaign"), r.feature) {
		return errSwitchedOff
	}
	return r.handle(k)
}

// admit checks the limits and the identity that a guard asks for: the cheapest
// first, so that a flood of forged tokens costs little.
func (s *Server) admit(k *call, r route) error {
	if r.guard == probe || r.guard == files {
		return nil
	}
	if err := s.withinLimits(k, r.guard); err != nil {
		return err
	}
	switch r.guard {
	case person:
		return s.admitPerson(k)
	case office:
		return s.recogniseViewer(k)
	case screener:
		return s.admitScreener(k)
	case staff:
		return s.admitOperator(k, r)
	case probe, files, public, door, lookup, desk:
	}
	return nil
}

// withinLimits counts the request against its address. Networks on the allow
// list are counted nowhere.
func (s *Server) withinLimits(k *call, g guard) error {
	if trusted(s.Limits.Allow, k.addr) {
		return nil
	}
	net := network(k.addr)
	if err := s.refusal(s.state.addresses.take(net, k.began), byAddress); err != nil {
		return err
	}
	switch g {
	case door:
		return s.admitSignIn(k)
	case lookup:
		return s.refusal(s.state.lookups.take(net, k.began), byLookup)
	case desk:
		return s.refusal(s.state.desks.take(net, k.began), byDesk)
	case probe, files, public, person, office, screener, staff:
	}
	return nil
}

// refusal turns a wait into the fault to answer.
func (s *Server) refusal(wait time.Duration, by string) error {
	if wait <= 0 {
		return nil
	}
	s.state.metrics.limited.WithLabelValues(by).Inc()
	return session.ErrRateLimited.WithRetry(wait)
}

func (s *Server) admitPerson(k *call) error {
	if err := s.identify(k); err != nil || trusted(s.Limits.Allow, k.addr) {
		return err
	}
	return s.refusal(s.state.people.take(k.participant, k.began), byParticipant)
}

func (s *Server) admitSignIn(k *call) error {
	if s.SignIns == nil {
		return nil
	}
	err := s.SignIns.Admit(k.ctx, k.addr)
	if err != nil && fault.From(err).Kind == fault.Limited {
		s.state.metrics.limited.WithLabelValues(bySignIn).Inc()
	}
	return err
}

// identify asks for a participant's token. A viewer's is good, but not here.
func (s *Server) identify(k *call) error {
	raw, err := token.Bearer(k.authorization())
	if err != nil {
		return err
	}
	claims, err := s.Tokens.Check(raw, token.Access, token.Viewer)
	if err != nil {
		return err
	}
	if claims.Type != token.Access {
		return errForbidden
	}
	k.participant, k.family = claims.Participant, claims.Family
	return nil
}

// authorization is the header of that name. It is the request's own memory: nobody may
// keep it, and who checks tokens does not.
func (k *call) authorization() string {
	return utils.UnsafeString(k.Request().Header.Peek(fiber.HeaderAuthorization))
}

// recogniseViewer lets everybody through as the public, and an office as what
// its token says. A token that is no good is refused rather than ignored: its
// holder would take the public's figures for their own.
func (s *Server) recogniseViewer(k *call) error {
	header := k.authorization()
	if header == "" {
		return nil
	}
	raw, err := token.Bearer(header)
	if err != nil {
		return err
	}
	claims, err := s.Tokens.Check(raw, token.Access, token.Viewer)
	if err != nil {
		return err
	}
	if claims.Type == token.Viewer {
		k.viewer = leaderboard.Viewer{Office: true, Campaign: claims.Campaign, Scope: claims.Scope}
	}
	return nil
}
