package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
)

// pairAnswer is what every sign-in gives.
type pairAnswer struct {
	AccessToken  string       `json:"access_token"`
	ExpiresIn    int64        `json:"expires_in"` // seconds
	RefreshToken string       `json:"refresh_token"`
	Participant  participantT `json:"participant"`
	// Home is what the person would ask next, where the query names a campaign.
	Home *homeAnswer `json:"home,omitempty"`
}

type participantT struct {
	ID string `json:"id"`
}

func (k *call) sendPair(p session.Pair, err error) error {
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, pairOf(p))
}

func pairOf(p session.Pair) pairAnswer {
	return pairAnswer{
		AccessToken: p.AccessToken, ExpiresIn: int64(p.ExpiresIn.Seconds()),
		RefreshToken: p.RefreshToken, Participant: participantT{p.Participant},
	}
}

// welcome answers a sign-in: with the person's home where the query names a campaign,
// so that a page on a bad network asks once. Without it the sign-in is as good, so
// nothing that goes wrong with it is an error.
func (s *Server) welcome(k *call, p session.Pair, err error) error {
	if err != nil || k.Query("campaign") == "" {
		return k.sendPair(p, err)
	}
	answer := pairOf(p)
	if c, err := s.Catalog.Campaign(k.Query("campaign")); err == nil {
		if h, err := s.homeOf(k.ctx, c, p.Participant, k.lang()); err == nil {
			answer.Home = &h
		}
	}
	return k.send(fiber.StatusOK, answer)
}

// signInWeChat handles POST /api/v1/sessions/wechat.
func (s *Server) signInWeChat(k *call) error {
	var in struct {
		Code  string `json:"code"`
		AppID string `json:"appid"`
		// Ticket is what the waiting room gave.
		Ticket string `json:"ticket"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if in.Code == "" {
		return errNoCode
	}
	if err := s.enter(k, in.Ticket, "wechat", in.AppID, in.Code); err != nil {
		return err
	}
	pair, err := s.Sessions.SignInWeChat(k.ctx, in.AppID, in.Code)
	return s.welcome(k, pair, err)
}

// signInWeb handles POST /api/v1/sessions/wechat-web.
func (s *Server) signInWeb(k *call) error {
	var in struct {
		Code   string `json:"code"`
		Ticket string `json:"ticket"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if in.Code == "" {
		return errNoCode
	}
	if err := s.enter(k, in.Ticket, "web", in.Code); err != nil {
		return err
	}
	pair, err := s.Sessions.SignInWeb(k.ctx, in.Code)
	return s.welcome(k, pair, err)
}

var errNoCode = fault.InvalidField("code", "请提供微信登录凭证")

// signInSandbox handles POST /api/v1/sessions/sandbox, which exists in a
// demonstration only.
func (s *Server) signInSandbox(k *call) error {
	var in struct {
		Name   string `json:"name"`
		Ticket string `json:"ticket"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if in.Name == "" {
		return fault.InvalidField("name", "请填写名称")
	}
	if err := s.enter(k, in.Ticket, "sandbox", in.Name); err != nil {
		return err
	}
	pair, err := s.Sessions.SignInSandbox(k.ctx, in.Name)
	return s.welcome(k, pair, err)
}

// refresh handles POST /api/v1/sessions/refresh.
func (s *Server) refresh(k *call) error {
	var in struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if in.RefreshToken == "" {
		return fault.InvalidField("refresh_token", "请提供刷新凭证")
	}
	return k.sendPair(s.Sessions.Refresh(k.ctx, in.RefreshToken))
}

// signOut handles DELETE /api/v1/sessions/current. It is not behind the guard for
// persons, which would refuse the repeat after a lost reply.
func (s *Server) signOut(k *call) error {
	raw, err := token.Bearer(k.Get(fiber.HeaderAuthorization))
	if err != nil {
		return err
	}
	if err := s.Sessions.SignOut(k.ctx, raw); err != nil {
		return err
	}
	return k.SendStatus(fiber.StatusNoContent)
}
