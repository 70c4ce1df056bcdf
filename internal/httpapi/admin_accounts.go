package httpapi

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/approval"
	"qingyuan/internal/operator"
)

// Register is what those do who keep the accounts.
type Register interface {
	Accounts(ctx context.Context, by operator.Actor, from string, limit int) ([]operator.Account, error)
	Account(ctx context.Context, by operator.Actor, id string) (operator.Account, error)
	Create(ctx context.Context, by operator.Actor, n operator.Newcomer) (operator.Account, string, error)
	Change(ctx context.Context, by operator.Actor, id string, c operator.Change) (operator.Account, error)
	Reset(ctx context.Context, by operator.Actor, id string, what operator.Reset) (string, error)
	Grant(ctx context.Context, by operator.Actor, id string, g operator.Grant, reason string) (operator.Account, error)
	Revoke(ctx context.Context, by operator.Actor, id string, g operator.Grant, reason string) (operator.Account, error)
}

// accountRoutes are how accounts are kept.
func (s *Server) accountRoutes() []route {
	const all, one = officePath + "/operators", officePath + "/operators/:operator"
	keep := func(r route) route { return admin(r, operator.ManageOperators) }
	return []route{
		keep(get(all, staff, s.listAccounts)),
		keep(post(all, staff, s.createAccount)),
		keep(get(one, staff, s.showAccount)),
		keep(patch(one, staff, s.changeAccount)),
		keep(get(one+"/sessions", staff, s.listSessionsOf)),
		keep(post(one+"/reset", staff, s.resetAccount)),
		keep(put(one+"/grants", staff, s.grantRole)),
		keep(del(one+"/grants", staff, s.revokeRole)),
	}
}

// listAccounts handles GET /api/v1/admin/operators. The cursor is the last login.
func (s *Server) listAccounts(k *call) error {
	return sendBehind(k, func(last string, limit int) ([]operator.Account, error) {
		return s.Accounts.Accounts(k.ctx, k.actor, last, limit)
	}, func(a operator.Account) string { return a.Login }, accountOf)
}

// accountAnswer is an account whose password was just made: it is told here alone.
type accountAnswer struct {
	Operator accountT `json:"operator"`
	Password string   `json:"password"`
}

// createAccount handles POST /api/v1/admin/operators.
func (s *Server) createAccount(k *call) error {
	var in struct {
		Login    string `json:"login"`
		Name     string `json:"name"`
		Campaign string `json:"campaign"`
		Scope    string `json:"scope"`
		knownT   `json:",inline"`

		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	also, err := s.also(k, in.knownT, in.Reason)
	if err != nil {
		return err
	}
	a, once, err := s.Accounts.Create(k.ctx, k.actor, operator.Newcomer{
		Login: in.Login, Name: in.Name, Home: operator.Place{Campaign: in.Campaign, Scope: in.Scope}, Reason: in.Reason, Also: also,
	})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, accountAnswer{accountOf(a), once})
}

// showAccount handles GET /api/v1/admin/operators/{operator}.
func (s *Server) showAccount(k *call) error {
	return k.sendAccount(s.Accounts.Account(k.ctx, k.actor, k.Params("operator")))
}

func (k *call) sendAccount(a operator.Account, err error) error {
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, accountOf(a))
}

// changeAccount handles PATCH /api/v1/admin/operators/{operator}.
func (s *Server) changeAccount(k *call) error {
	var in struct {
		Name     *string `json:"name"`
		Disabled *bool   `json:"disabled"`
		Reason   string  `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if err := checkReason(in.Reason, in.Disabled != nil); err != nil {
		return err
	}
	return k.sendAccount(s.Accounts.Change(k.ctx, k.actor, k.Params("operator"), operator.Change{
		Name: in.Name, Disabled: in.Disabled, Reason: in.Reason,
	}))
}

// listSessionsOf handles GET /api/v1/admin/operators/{operator}/sessions.
func (s *Server) listSessionsOf(k *call) error { return s.sendSessions(k, k.Params("operator")) }

// resetAccount handles POST /api/v1/admin/operators/{operator}/reset. Where a second
// person has to approve, they are asked, and the request is to be sent again then.
func (s *Server) resetAccount(k *call) error {
	var in struct {
		Password  bool   `json:"password"`
		TwoFactor bool   `json:"two_factor"`
		Reason    string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	id := k.Params("operator")
	once, err := s.Accounts.Reset(k.ctx, k.actor, id, operator.Reset{Password: in.Password, TwoFactor: in.TwoFactor, Reason: in.Reason})
	if errors.Is(err, operator.ErrSecondPerson) {
		return s.ask(k, approval.KindReset, "", approval.ResetParams{Operator: id}, in.Reason)
	}
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		Password string `json:"password,omitempty"`
	}{once})
}

// grantRole handles PUT /api/v1/admin/operators/{operator}/grants.
func (s *Server) grantRole(k *call) error {
	var in struct {
		grantT `json:",inline"`

		Reason string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, true); err != nil {
		return err
	}
	id, g := k.Params("operator"), operator.Grant{Role: in.Role, Campaign: in.Campaign, Scope: in.Scope}
	a, err := s.Accounts.Grant(k.ctx, k.actor, id, g, in.Reason)
	if errors.Is(err, operator.ErrSecondPerson) {
		return s.ask(k, approval.KindGrant, g.Campaign, approval.GrantParams{Operator: id, Role: g.Role, Campaign: g.Campaign, Scope: g.Scope}, in.Reason)
	}
	return k.sendAccount(a, err)
}

// revokeRole handles DELETE /api/v1/admin/operators/{operator}/grants: which one is in
// the query.
func (s *Server) revokeRole(k *call) error {
	var values [3]string
	for i, name := range []string{"role", "campaign", "scope"} {
		var err error
		if values[i], err = k.text(name); err != nil {
			return err
		}
	}
	g := operator.Grant{Role: operator.Role(values[0]), Campaign: values[1], Scope: values[2]}
	return k.sendAccount(s.Accounts.Revoke(k.ctx, k.actor, k.Params("operator"), g, ""))
}

// ask lets a second person decide, and answers with what was asked.
func (s *Server) ask(k *call, kind, campaignID string, params any, reason string) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	id, err := s.Approvals.Ask(k.ctx, k.actor, kind, campaignID, raw, reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusAccepted, struct {
		Approval string `json:"approval"`
	}{id})
}
