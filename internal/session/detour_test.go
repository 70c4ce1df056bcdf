package session_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

const callback = "https://jindu.example/api/v1/sessions/wechat-web/callback"

// stateIn reads what WeChat gives back.
func stateIn(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != "open.weixin.qq.com" || u.Fragment != "wechat_redirect" || q.Get("appid") != official || q.Get("scope") != "snsapi_base" ||
		q.Get("response_type") != "code" || q.Get("redirect_uri") != callback {
		t.Errorf("the way leads to %s", address)
	}
	// WeChat takes letters and digits, 128 of them at most.
	if s := q.Get("state"); len(s) < 20 || len(s) > 128 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("state %q", s)
	}
	return q.Get("state")
}

// TestDetour goes to WeChat from one server, comes back to another and signs in on a
// third, as the same person as through the mini-program.
func TestDetour(t *testing.T) {
	d := deploy(t)
	one, two, three := d.instance(t), d.instance(t), d.instance(t)
	address, away, err := one.Detour("/c/spring?x=1#part", callback)
	if err != nil {
		t.Fatal(err)
	}
	d.clock.Add(4 * time.Minute)
	who := wechattest.Person{OpenID: "o9", UnionID: "u9"}
	back, carried, err := two.Returned(away, stateIn(t, address), d.wx.Code(official, who))
	if err != nil || back != "/c/spring?x=1" {
		t.Fatalf("back at %q, %v", back, err)
	}
	d.clock.Add(4 * time.Minute)
	code, err := three.Carried(carried)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := three.SignInWeb(t.Context(), code)
	if err != nil || pair.Participant != d.signIn(t, one, program, wechattest.Person{OpenID: "o1", UnionID: "u9"}).Participant {
		t.Errorf("signed in as %s, %v", pair.Participant, err)
	}
	again, err := one.SignInWeb(t.Context(), code)
	if err != nil || again.RefreshToken != pair.RefreshToken {
		t.Errorf("a repeat after a lost reply: %v", err)
	}
}

func TestDetoursThatAreRefused(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	address, away, err := s.Detour("/", callback)
	if err != nil {
		t.Fatal(err)
	}
	state := stateIn(t, address)
	_, carried, err := s.Returned(away, state, "code")
	if err != nil {
		t.Fatal(err)
	}
	otherAddress, _, _ := s.Detour("/", callback)
	body, sum, _ := strings.Cut(away, ".")
	for name, c := range map[string]struct{ note, state, code string }{
		"no note": {"", state, "c"}, "no state": {away, "", "c"}, "another's state": {away, stateIn(t, otherAddress), "c"},
		"no code": {away, state, ""}, "a long code": {away, state, strings.Repeat("c", 513)}, "the note of the way back": {carried, state, "c"},
		"changed": {body[:len(body)-2] + "AA." + sum, state, "c"}, "unsigned": {body + ".", state, "c"}, "rubbish": {".", state, "c"},
	} {
		if _, next, err := s.Returned(c.note, c.state, c.code); !errors.Is(err, wechat.ErrCodeInvalid) || next != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, note := range map[string]string{"none": "", "the note of the way there": away, "changed": carried + "A"} {
		if _, err := s.Carried(note); !errors.Is(err, wechat.ErrCodeInvalid) {
			t.Errorf("redeem with %s: %v", name, err)
		}
	}
	d.clock.Add(session.DetourLimit)
	if _, _, err := s.Returned(away, state, "c"); !errors.Is(err, wechat.ErrCodeInvalid) {
		t.Errorf("too late: %v", err)
	}
	if _, err := s.Carried(carried); !errors.Is(err, wechat.ErrCodeInvalid) {
		t.Errorf("redeemed too late: %v", err)
	}
}

// TestWaysBackAreOurOwn: nobody is led to another site by a way that begins at ours.
func TestWaysBackAreOurOwn(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	for back, want := range map[string]string{
		"/": "/", "/c/x": "/c/x", "/c/x?y=%2F": "/c/x?y=%2F", "": "/", "c/x": "/", "//evil.example": "/", "///evil.example": "/", "/\\evil.example": "/",
		"https://evil.example/": "/", "javascript:alert(1)": "/", "/\t/evil.example": "/", "/%2F%2Fevil": "/", "/a\nb": "/", "/" + strings.Repeat("a", 600): "/",
	} {
		address, away, err := s.Detour(back, callback)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := s.Returned(away, stateIn(t, address), "c"); err != nil || got != want {
			t.Errorf("%q leads to %q, %v; want %q", back, got, err, want)
		}
	}
}

func TestNoDetourWithoutAnOfficialAccount(t *testing.T) {
	d := deploy(t)
	none, err := wechat.New(wechat.Options{Now: d.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := d.instance(t, func(o *session.Options) { o.WeChat = none })
	if _, away, err := s.Detour("/", callback); !errors.Is(err, fault.ErrNotFound) || away != "" {
		t.Errorf("%v", err)
	}
}
