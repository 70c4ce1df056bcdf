package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
)

// carrying is a request of a browser with a note.
func carrying(method, path, note, body string) *http.Request {
	req := request(method, path, "", body)
	if note != "" {
		req.AddCookie(&http.Cookie{Name: detourCookie, Value: note})
	}
	return req
}

// TestWayToWeChatAndBack walks a browser through all three steps.
func TestWayToWeChatAndBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.PublicURL = "https://jindu.example"
	b.sessions.signIn = func(door, _, code string) (session.Pair, error) {
		if door != "web" || code != "c1" {
			t.Errorf("signed in by %s with %s", door, code)
		}
		return session.Pair{AccessToken: "a", ExpiresIn: time.Hour, RefreshToken: "r", Participant: "ann"}, nil
	}
	away := b.get(t, detourPath+"/start?return=/c/spring%3Fa=1", "")
	note := cookieOf(t, away)
	if want := "https://open.example/?redirect_uri=https://jindu.example" + detourPath + "/callback"; away.status != 302 ||
		away.header.Get("Location") != want || note.Value != "away/c/spring?a=1" {
		t.Fatalf("start: %d to %s with %q", away.status, away.header.Get("Location"), note.Value)
	}
	if !note.HttpOnly || note.SameSite != http.SameSiteLaxMode || note.Path != detourPath || note.MaxAge != 300 {
		t.Errorf("the note is %+v", note)
	}
	back := b.do(t, carrying(http.MethodGet, detourPath+"/callback?code=c1&state=s", note.Value, ""))
	note = cookieOf(t, back)
	if back.status != 302 || back.header.Get("Location") != "/c/spring?a=1&signin=wechat" || note.Value != "backc1" ||
		note.SameSite != http.SameSiteStrictMode || !note.HttpOnly {
		t.Fatalf("callback: %d to %s with %+v", back.status, back.header.Get("Location"), note)
	}
	in := b.do(t, carrying(http.MethodPost, detourPath+"/redeem", note.Value, "{}"))
	if in.status != 200 || decoded[pairAnswer](t, in).AccessToken != "a" {
		t.Errorf("redeem: %d %s", in.status, in.body)
	}
	if gone := cookieOf(t, in); gone.Value != "" || gone.Expires.After(noon()) {
		t.Errorf("the note stays: %+v", gone)
	}
	if strings.Contains(b.logs.String(), "c1") {
		t.Errorf("the code is logged: %s", b.logs)
	}
}

func TestDetoursThatLeadNowhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, path := range map[string]string{
		"no note": "?code=c&state=s", "another's state": "?code=c&state=x", "refused": "?state=s", "nothing": "",
	} {
		note := "away/c"
		if name == "no note" {
			note = ""
		}
		a := b.do(t, carrying(http.MethodGet, detourPath+"/callback"+path, note, ""))
		if a.status != 302 || a.header.Get("Location") != "/?signin=failed" || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d to %s, %q", name, a.status, a.header.Get("Location"), a.header.Get("Set-Cookie"))
		}
	}
	if a := b.do(t, carrying(http.MethodPost, detourPath+"/redeem", "away/", "{}")); a.status != 401 {
		t.Errorf("redeem before the return: %d %s", a.status, a.body)
	}
	b.sessions.noOfficial = fault.ErrNotFound
	if a := b.get(t, detourPath+"/start", ""); a.status != 404 || a.header.Get("Set-Cookie") != "" {
		t.Errorf("without an official account: %d", a.status)
	}
	if a := b.get(t, "/api/v1/sessions/ways", ""); a.body != `{"ways":["roster","sandbox"]}` {
		t.Errorf("ways: %s", a.body)
	}
	b.sessions.noOfficial = nil
	if a := b.get(t, "/api/v1/sessions/ways", ""); a.body != `{"ways":["wechat-web","roster","sandbox"]}` {
		t.Errorf("ways: %s", a.body)
	}
}

// TestWithSignIn keeps what the page's address has.
func TestWithSignIn(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "/?signin=failed", "/": "/?signin=failed", "/c/x?b=2&a=1": "/c/x?a=1&b=2&signin=failed", "/?signin=wechat": "/?signin=failed",
	} {
		if got := withSignIn(path, signInFailed); got != want {
			t.Errorf("withSignIn(%q) = %q, want %q", path, got, want)
		}
	}
}

// cookieOf returns the only cookie that an answer sets.
func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v", cookies)
	}
	return cookies[0]
}
