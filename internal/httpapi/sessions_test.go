package httpapi

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	const pair = `{"access_token":"a","expires_in":7200,"refresh_token":"r","participant":{"id":"ann"}}`
	in := func(door, what, code string, err error) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.sessions.signIn = func(d, w, c string) (session.Pair, error) {
				if d != door || w != what || c != code {
					t.Errorf("called for %s %s %s", d, w, c)
				}
				return session.Pair{AccessToken: "a", ExpiresIn: 2 * time.Hour, RefreshToken: "r", Participant: "ann"}, err
			}
		}
	}
	// As package wechat declares them, which this one does not know.
	var (
		codeInvalid = fault.New(fault.Unauthenticated, "wechat.code_invalid", "")
		blocked     = fault.New(fault.Forbidden, "wechat.blocked", "")
		busy        = fault.New(fault.Unavailable, "wechat.busy", "")
	)
	const at = "/api/v1/sessions/"
	run(t, asAnn(http.MethodPost, "", map[string]scenario{
		"wechat":                {as: "-", path: at + "wechat", body: `{"code":"c"}`, set: in("wechat", "", "c", nil), status: 200, want: pair},
		"one of several apps":   {as: "-", path: at + "wechat", body: `{"code":"c","appid":"wx1","ticket":"t"}`, set: in("wechat", "wx1", "c", nil), status: 200, want: pair},
		"a code used up":        {as: "-", path: at + "wechat", body: `{"code":"c"}`, set: in("wechat", "", "c", codeInvalid), status: 401, code: "wechat.code_invalid"},
		"a person kept out":     {as: "-", path: at + "wechat", body: `{"code":"c"}`, set: in("wechat", "", "c", blocked), status: 403, code: "wechat.blocked"},
		"WeChat is away":        {as: "-", path: at + "wechat", body: `{"code":"c"}`, set: in("wechat", "", "c", busy), status: 503, code: "wechat.busy"},
		"no code":               {as: "-", path: at + "wechat", body: `{}`, status: 400, code: "request.invalid"},
		"a page":                {as: "-", path: at + "wechat-web", body: `{"code":"c"}`, set: in("web", "", "c", nil), status: 200, want: pair},
		"a page without a code": {as: "-", path: at + "wechat-web", body: `{}`, status: 400, code: "request.invalid"},
		"a page with an appid":  {as: "-", path: at + "wechat-web", body: `{"code":"c","appid":"x"}`, status: 400, code: "request.invalid"},
		"sandbox":               {as: "-", path: at + "sandbox", body: `{"name":"小明"}`, set: in("sandbox", "小明", "", nil), status: 200, want: pair},
		"sandbox nobody":        {as: "-", path: at + "sandbox", body: `{}`, status: 400, code: "request.invalid"},
		"refresh":               {as: "-", path: at + "refresh", body: `{"refresh_token":"r0"}`, set: in("refresh", "r0", "", nil), status: 200, want: pair},
		"refresh reused":        {as: "-", path: at + "refresh", body: `{"refresh_token":"r0"}`, set: in("refresh", "r0", "", session.ErrReused), status: 401, code: "auth.reused"},
		"refresh unknown":       {as: "-", path: at + "refresh", body: `{"refresh_token":"r0"}`, set: in("refresh", "r0", "", token.ErrInvalid), status: 401, code: "auth.invalid"},
		"refresh nothing":       {as: "-", path: at + "refresh", body: `{}`, status: 400, code: "request.invalid"},
		"out": {
			method: http.MethodDelete, path: at + "current", status: 204,
			set: func(t *testing.T, b *bench) {
				t.Helper()
				b.sessions.signOut = func(raw string) error {
					if raw != "p:ann" {
						t.Errorf("signed out with %s", raw)
					}
					return nil
				}
			},
		},
		"out of nothing": {as: "-", method: http.MethodDelete, path: at + "current", status: 401, code: "auth.missing"},
	}))
}

func TestSandboxOnlyInDemo(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) { b.Demo = false })
	a := b.do(t, request(http.MethodPost, "/api/v1/sessions/sandbox", "", `{"name":"x"}`))
	if a.status != 404 || a.problem(t).Code != "request.not_found" {
		t.Errorf("%d %s, want 404", a.status, a.body)
	}
}

func TestSignInGate(t *testing.T) {
	t.Parallel()
	outage := errors.New("redis: connection refused at 10.0.0.7")
	var verdict error
	b := newBench(t, func(b *bench) {
		b.SignIns = gateFunc(func(addr netip.Addr) error {
			if addr != netip.MustParseAddr("0.0.0.0") { // what the test connection calls itself
				t.Errorf("asked about %s", addr)
			}
			return verdict
		})
		b.sessions.signIn = func(string, string, string) (session.Pair, error) { return session.Pair{}, nil }
	})
	ask := func(path string) answer {
		return b.do(t, request(http.MethodPost, "/api/v1/sessions/"+path, "", `{"code":"c"}`))
	}
	if a := ask("wechat"); a.status != 200 {
		t.Errorf("let in: %d %s", a.status, a.body)
	}
	verdict = session.ErrRateLimited.WithRetry(1500 * time.Millisecond)
	a := ask("wechat-web")
	if p := a.problem(t); a.status != 429 || p.RetryAfterMS != 1500 || a.header.Get("Retry-After") != "2" {
		t.Errorf("refused: %d %s, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
	}
	verdict = outage
	if a := ask("wechat"); a.status != 500 || strings.Contains(a.body, "10.0.0.7") {
		t.Errorf("cannot tell: %d %s", a.status, a.body)
	}
	// Not a sign-in: whoever holds a session may keep it.
	a = b.do(t, request(http.MethodPost, "/api/v1/sessions/refresh", "", `{"refresh_token":"r"}`))
	if a.status != 200 {
		t.Errorf("refresh: %d %s", a.status, a.body)
	}
}
