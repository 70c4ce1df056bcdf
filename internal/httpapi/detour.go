package httpapi

import (
	"net/url"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"qingyuan/internal/session"
)

// The way of a page to WeChat and back (session.Service.Detour). What must be remembered
// in between the browser carries in a cookie that scripts cannot read; tokens are in no
// address.
const (
	detourPath   = "/api/v1/sessions/wechat-web"
	detourCookie = "qy_wechat"
	// signInParam tells the page that it comes back from WeChat, and how that went.
	signInParam  = "signin"
	signInCame   = "wechat"
	signInFailed = "failed"
)

// leaveForWeChat handles GET /api/v1/sessions/wechat-web/start.
func (s *Server) leaveForWeChat(k *call) error {
	address, carried, err := s.Sessions.Detour(k.Query("return", "/"), s.publicBase(k)+detourPath+"/callback")
	if err != nil {
		return err
	}
	// Lax: the browser comes back from another site.
	s.carry(k, carried, fiber.CookieSameSiteLaxMode)
	return k.Redirect(address, fiber.StatusFound)
}

// returnFromWeChat handles GET /api/v1/sessions/wechat-web/callback. Nothing is spent
// here: WeChat's own browsers open such addresses twice, and shared ones open them
// again. A person sees this answer, so that also a failure leads to a page.
func (s *Server) returnFromWeChat(k *call) error {
	back, next, err := s.Sessions.Returned(k.Cookies(detourCookie), k.Query("state"), k.Query("code"))
	how := signInCame
	if err != nil {
		how = signInFailed
		s.state.metrics.failures.WithLabelValues(faultOf(err).Code).Inc()
	} else {
		s.carry(k, next, fiber.CookieSameSiteStrictMode)
	}
	return k.Redirect(withSignIn(back, how), fiber.StatusFound)
}

// withSignIn tells the page at path how its person comes back.
func withSignIn(path, how string) string {
	u, err := url.Parse(or(path, "/"))
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	q := u.Query()
	q.Set(signInParam, how)
	u.RawQuery = q.Encode()
	return u.String()
}

// redeemWeChat handles POST /api/v1/sessions/wechat-web/redeem: the page asks for what
// its browser came back with.
func (s *Server) redeemWeChat(k *call) error {
	var in struct {
		Ticket string `json:"ticket"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	code, err := s.Sessions.Carried(k.Cookies(detourCookie))
	if err != nil {
		return err
	}
	if err := s.enter(k, in.Ticket, "web", code); err != nil {
		return err
	}
	pair, err := s.Sessions.SignInWeb(k.ctx, code)
	if err == nil {
		s.carry(k, "", fiber.CookieSameSiteStrictMode)
	}
	return s.welcome(k, pair, err)
}

// carry gives the browser a note to carry, or takes it back where it is "".
func (s *Server) carry(k *call, note, sameSite string) {
	c := &fiber.Cookie{
		Name: detourCookie, Value: note, Path: detourPath, HTTPOnly: true, SameSite: sameSite,
		Secure: s.overTLS(k.Ctx), MaxAge: int(session.DetourLimit.Seconds()),
	}
	if note == "" {
		c.MaxAge = 0
		c.Expires = fasthttp.CookieExpireDelete
	}
	k.Cookie(c)
}

type wayList struct {
	Ways []string `json:"ways"`
}

// listWays handles GET /api/v1/sessions/ways: the doors that pages have here.
func (s *Server) listWays(k *call) error {
	return k.send(fiber.StatusOK, wayList{s.ways()})
}

func (s *Server) ways() []string {
	ways := []string{}
	if _, _, err := s.Sessions.Detour("/", ""); err == nil {
		ways = append(ways, "wechat-web")
	}
	if s.Rosters != nil {
		ways = append(ways, "roster")
	}
	if s.Demo {
		ways = append(ways, "sandbox")
	}
	return ways
}
