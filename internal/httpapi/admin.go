package httpapi

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/token"
)

// Operators knows who is signed in to the office. *operator.Service is one.
type Operators interface {
	// Actor returns whom a session belongs to, and operator.ErrSignIn for one that
	// is unknown, ended or idle for too long.
	Actor(ctx context.Context, session string, addr netip.Addr) (operator.Actor, error)
}

// office is where all routes of operators begin.
const officePath = "/api/v1/admin"

// adminRoutes is what operators reach, where this server has an office.
//
// Each area has a list of its own beside its handlers, in admin_<area>.go:
//
//	func (s *Server) bankRoutes() []route {
//		return []route{
//			admin(get(officePath+"/banks", staff, s.listBanks), operator.ReadBanks),
//			upload(admin(post(officePath+"/banks/:bank/imports", staff, s.importBank), operator.EditBanks)),
//		}
//	}
//
// To add an area: add its list here, describe its routes in openapi.yaml, and say in
// matrixSubjects (matrix_test.go) what each route acts on; the tests ask for both. A
// path that belongs to a campaign names it :campaign. The guard has asked for the right
// somewhere in that campaign; the handler asks where, by within, and of a list shows
// only what Actor.Scopes allows.
func (s *Server) adminRoutes() []route {
	if s.Operators == nil {
		return nil
	}
	return slices.Concat(
		s.deskRoutes(),
		s.accountRoutes(),
		s.markRoutes(),
		s.auditRoutes(),
		s.approvalRoutes(),
		s.correctionRoutes(),
		s.grantRoutes(),
		s.campaignDeskRoutes(),
		s.eveningRoutes(),
		s.treeRoutes(),
		s.jobRoutes(),
		s.appealRoutes(),
		s.flagRoutes(),
		s.reportRoutes(),
		s.retentionRoutes(),
		s.boardDeskRoutes(),
		s.hidingRoutes(),
		s.viewerRoutes(),
		s.rosterRoutes(),
		s.bankRoutes(),
		s.feedbackRoutes(),
		s.transferRoutes(),
		s.offlineRoutes(),
		s.dutyRoutes(),
		s.challengeRoutes(),
		s.prizeDeskRoutes(),
		s.drawDeskRoutes(),
	)
}

// admin puts a route into the operators' hands. The guard asks whether the actor
// may do the action somewhere in the campaign; the handler asks where, by within.
func admin(r route, a operator.Action) route {
	r.guard, r.action = staff, a
	return r
}

// always marks a route that stays open to who has to change their password first.
func always(r route) route {
	r.always = true
	return r
}

// admitOperator finds out who is asking and whether any of their roles grants the
// action in the campaign that the path names, or anywhere where it names none.
func (s *Server) admitOperator(k *call, r route) error {
	raw, err := token.Bearer(k.Get(fiber.HeaderAuthorization))
	if err != nil {
		return operator.ErrSignIn.Because(err)
	}
	if k.actor, err = s.Operators.Actor(k.ctx, raw, k.addr); err != nil {
		return err
	}
	if k.actor.MustChange && !r.always {
		return operator.ErrMustChange
	}
	return mayAct(k.actor, r.action, k.Params("campaign"))
}

// mayAct refuses an action that the actor may do nowhere in the campaign, or in none
// where it is "", and one that asks for a second factor.
func mayAct(actor operator.Actor, a operator.Action, campaignID string) error {
	if a == "" {
		return nil
	}
	if campaignID == "" && !actor.MayAnywhere(a) || campaignID != "" && !actor.May(a, campaignID) {
		return operator.ErrForbidden
	}
	if operator.NeedsTwoFactor(a) && !actor.TwoFactor {
		return operator.ErrTwoFactor
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

// record begins what the audit log is told of an act: object is what was acted on, such
// as "unit:350". The caller adds what was before, what is after, and the reason.
func (s *Server) record(k *call, a operator.Action, campaignID, object string) audit.Record {
	return k.actor.Record(s.Now(), a, campaignID, object)
}

// maxReason is the longest reason, in characters.
const maxReason = 500

// checkReason refuses a reason that says nothing, or cannot be shown in a list. An act
// that is not asked for its reason takes an empty one.
func checkReason(reason string, required bool) error {
	if reason == "" && !required {
		return nil
	}
	if strings.TrimSpace(reason) == "" {
		return fault.InvalidField("reason", "请填写原因")
	}
	if utf8.RuneCountInString(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return fault.InvalidField("reason", "至多 500 字，不含控制字符")
	}
	return nil
}
