package httpapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/operator"
)

// deskRate bounds sign-ins of operators by address, beside what package operator counts:
// it keeps one address from filling the line where passwords are stretched.
func deskRate() Rate { return Rate{PerSecond: 1, Burst: 20} }

// deskRoutes are how operators come and go, and what they do with their own account.
func (s *Server) deskRoutes() []route {
	const me = officePath + "/me"
	return []route{
		post(officePath+"/sessions", desk, s.beginOffice),
		always(admin(del(officePath+"/sessions/current", staff, s.endOffice), "")),
		always(admin(get(officePath+"/sessions", staff, s.listOwnSessions), "")),
		admin(del(officePath+"/sessions/:session", staff, s.endOfficeSession), ""),
		always(admin(get(me, staff, s.showOwnAccount), "")),
		admin(patch(me, staff, s.renameOwnAccount), ""),
		always(admin(post(me+"/password", staff, s.changeOwnPassword), "")),
		admin(post(me+"/totp", staff, s.enrolSecondFactor), ""),
		admin(post(me+"/totp/confirm", staff, s.confirmSecondFactor), ""),
		admin(del(me+"/totp", staff, s.dropSecondFactor), ""),
		always(admin(get(officePath+"/roles", staff, s.listRoles), "")),
	}
}

type grantT struct {
	Role     operator.Role `json:"role"`
	Campaign string        `json:"campaign"`
	Scope    string        `json:"scope"`
}

type accountT struct {
	ID         string   `json:"id"`
	Login      string   `json:"login"`
	Name       string   `json:"name"`
	Campaign   string   `json:"campaign"`
	Scope      string   `json:"scope"`
	Grants     []grantT `json:"grants"`
	Disabled   bool     `json:"disabled"`
	TwoFactor  bool     `json:"two_factor"`
	MustChange bool     `json:"must_change_password"`
	CreatedAt  string   `json:"created_at"`
	PasswordAt string   `json:"password_at"`
}

func accountOf(a operator.Account) accountT {
	out := accountT{
		ID: a.ID, Login: a.Login, Name: a.Name, Campaign: a.Home.Campaign, Scope: a.Home.Scope, Grants: make([]grantT, len(a.Grants)),
		Disabled: a.Disabled, TwoFactor: a.TwoFactor, MustChange: a.MustChange,
		CreatedAt: stamp(a.CreatedAt, nil), PasswordAt: stamp(a.PasswordAt, nil),
	}
	for i, g := range a.Grants {
		out.Grants[i] = grantT{g.Role, g.Campaign, g.Scope}
	}
	return out
}

type sessionT struct {
	ID        string `json:"id"`
	Operator  string `json:"operator"`
	BegunAt   string `json:"begun_at"`
	SeenAt    string `json:"seen_at"`
	Addr      string `json:"addr"`
	TwoFactor bool   `json:"two_factor"`
	Current   bool   `json:"current"`
}

// beginOffice handles POST /api/v1/admin/sessions.
func (s *Server) beginOffice(k *call) error {
	var in struct {
		Login    string `json:"login"`
		Password string `json:"password"`
		Code     string `json:"code"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	o, err := s.Accounts.SignIn(k.ctx, operator.SignIn{Login: in.Login, Password: in.Password, Code: in.Code, Addr: k.addr})
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, struct {
		Token     string   `json:"token"`
		ExpiresAt string   `json:"expires_at"`
		Session   string   `json:"session"`
		TwoFactor bool     `json:"two_factor"`
		Operator  accountT `json:"operator"`
	}{o.Token, stamp(o.ExpiresAt, nil), o.Actor.Session, o.Actor.TwoFactor, accountOf(o.Account)})
}

// endOffice handles DELETE /api/v1/admin/sessions/current.
func (s *Server) endOffice(k *call) error {
	return k.done(s.Accounts.EndSession(k.ctx, k.actor, k.actor.Session))
}

// done answers for what gives nothing back.
func (k *call) done(err error) error {
	if err != nil {
		return err
	}
	return k.SendStatus(fiber.StatusNoContent)
}

// listOwnSessions handles GET /api/v1/admin/sessions.
func (s *Server) listOwnSessions(k *call) error { return s.sendSessions(k, k.actor.ID) }

func (s *Server) sendSessions(k *call, id string) error {
	all, err := s.Accounts.Sessions(k.ctx, k.actor, id)
	if err != nil {
		return err
	}
	return sendStretch(k, all, func(v operator.SessionInfo) sessionT {
		return sessionT{v.ID, v.Operator, stamp(v.BegunAt, nil), stamp(v.SeenAt, nil), v.Addr, v.TwoFactor, v.Current}
	})
}

// endOfficeSession handles DELETE /api/v1/admin/sessions/{session}: one's own, or of an
// account that one manages.
func (s *Server) endOfficeSession(k *call) error {
	return k.done(s.Accounts.EndSession(k.ctx, k.actor, k.Params("session")))
}

// showOwnAccount handles GET /api/v1/admin/me.
func (s *Server) showOwnAccount(k *call) error {
	a, err := s.Accounts.Account(k.ctx, k.actor, k.actor.ID)
	if err != nil {
		return err
	}
	return k.sendSelf(a)
}

// sendSelf answers with one's account and what the session may do now.
func (k *call) sendSelf(a operator.Account) error {
	a.MustChange = k.actor.MustChange
	return k.send(fiber.StatusOK, struct {
		Operator  accountT `json:"operator"`
		Session   string   `json:"session"`
		TwoFactor bool     `json:"two_factor"`
	}{accountOf(a), k.actor.Session, k.actor.TwoFactor})
}

// renameOwnAccount handles PATCH /api/v1/admin/me.
func (s *Server) renameOwnAccount(k *call) error {
	var in struct {
		Name string `json:"name"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	a, err := s.Accounts.Rename(k.ctx, k.actor, in.Name)
	if err != nil {
		return err
	}
	return k.sendSelf(a)
}

// changeOwnPassword handles POST /api/v1/admin/me/password.
func (s *Server) changeOwnPassword(k *call) error {
	var in struct {
		Old string `json:"old_password"`
		New string `json:"password"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	return k.done(s.Accounts.ChangePassword(k.ctx, k.actor, in.Old, in.New))
}

// enrolSecondFactor handles POST /api/v1/admin/me/totp.
func (s *Server) enrolSecondFactor(k *call) error {
	var in struct {
		Password string `json:"password"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	secret, err := s.Accounts.EnrolSecret(k.ctx, k.actor, in.Password)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		Secret string `json:"secret"`
		URI    string `json:"uri"`
	}{secret.Text, secret.URI})
}

// confirmSecondFactor handles POST /api/v1/admin/me/totp/confirm.
func (s *Server) confirmSecondFactor(k *call) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	codes, err := s.Accounts.ConfirmSecret(k.ctx, k.actor, in.Code)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, struct {
		Recovery []string `json:"recovery_codes"`
	}{codes})
}

// dropSecondFactor handles DELETE /api/v1/admin/me/totp.
func (s *Server) dropSecondFactor(k *call) error {
	var in struct {
		Password string `json:"password"`
		Code     string `json:"code"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	return k.done(s.Accounts.DropSecret(k.ctx, k.actor, in.Password, in.Code))
}

// listRoles handles GET /api/v1/admin/roles: what each role may do.
func (s *Server) listRoles(k *call) error {
	type actionT struct {
		ID        operator.Action `json:"id"`
		TwoFactor bool            `json:"two_factor"`
	}
	type roleT struct {
		ID           operator.Role `json:"id"`
		Name         string        `json:"name"`
		Exclusive    bool          `json:"exclusive"`
		SecondPerson bool          `json:"second_person"`
		Actions      []actionT     `json:"actions"`
	}
	out := []roleT{}
	for _, r := range operator.Roles() {
		row := roleT{ID: r, Name: r.Name(), Exclusive: r.Exclusive(), SecondPerson: r.Deciding(), Actions: []actionT{}}
		for _, a := range r.Actions() {
			row.Actions = append(row.Actions, actionT{a, operator.NeedsTwoFactor(a)})
		}
		out = append(out, row)
	}
	return k.send(fiber.StatusOK, list[roleT]{Items: out})
}

// Accounts keeps the people of the office. *operator.Service is one.
type Accounts interface {
	Desk
	Register
}

// Desk is what people do with their own account.
type Desk interface {
	SignIn(ctx context.Context, in operator.SignIn) (operator.Opened, error)
	Sessions(ctx context.Context, by operator.Actor, id string) ([]operator.SessionInfo, error)
	EndSession(ctx context.Context, by operator.Actor, session string) error
	Rename(ctx context.Context, by operator.Actor, name string) (operator.Account, error)
	ChangePassword(ctx context.Context, by operator.Actor, old, password string) error
	EnrolSecret(ctx context.Context, by operator.Actor, password string) (operator.Secret, error)
	ConfirmSecret(ctx context.Context, by operator.Actor, code string) ([]string, error)
	DropSecret(ctx context.Context, by operator.Actor, password, code string) error
}
