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
}

type participantT struct {
	ID string `json:"id"`
}

func (k *call) sendPair(p session.Pair, err error) error {
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, pairAnswer{
		AccessToken: p.AccessToken, ExpiresIn: int64(p.ExpiresIn.Seconds()),
		RefreshToken: p.RefreshToken, Participant: participantT{p.Participant},
	})
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
	return k.sendPair(s.Sessions.SignInWeChat(k.ctx, in.AppID, in.Code))
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
	return k.sendPair(s.Sessions.SignInWeb(k.ctx, in.Code))
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
	return k.sendPair(s.Sessions.SignInSandbox(k.ctx, in.Name))
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
