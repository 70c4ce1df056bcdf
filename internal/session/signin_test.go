package session_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{16}$`)

func TestSignInGivesAPair(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	for door, p := range map[string]session.Pair{
		"mini-program": d.signIn(t, s, program, wechattest.Person{OpenID: "o1"}),
		"page":         d.signInWeb(t, s, wechattest.Person{OpenID: "o2"}),
		"sandbox":      sandbox(t, s, "张三"),
	} {
		if !idPattern.MatchString(p.Participant) {
			t.Errorf("%s: participant %q", door, p.Participant)
		}
		if p.ExpiresIn != 2*time.Hour || len(p.RefreshToken) > 256 {
			t.Errorf("%s: %v, refresh token of %d bytes", door, p.ExpiresIn, len(p.RefreshToken))
		}
		c := claims(t, s, p.AccessToken)
		if c.Participant != p.Participant || c.Family == "" || !c.ExpiresAt.Equal(start.Add(2*time.Hour)) {
			t.Errorf("%s: the access token says %+v", door, c)
		}
	}
}

func TestSandbox(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	first, again, other := sandbox(t, s, "甲"), sandbox(t, s, "甲"), sandbox(t, s, "乙")
	if first.Participant != again.Participant || first.Participant == other.Participant {
		t.Errorf("participants %s, %s and %s", first.Participant, again.Participant, other.Participant)
	}
	if first.RefreshToken == again.RefreshToken {
		t.Error("two sign-ins share a session")
	}
	for _, name := range []string{"", strings.Repeat("x", 257)} {
		if _, err := s.SignInSandbox(t.Context(), name); fault.From(err).Kind != fault.Invalid {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
	}
	public := d.instance(t, func(o *session.Options) { o.Sandbox = false })
	if _, err := public.SignInSandbox(t.Context(), "甲"); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("outside a demonstration: %v, want %v", err, fault.ErrNotFound)
	}
}

// The ids are the same in every instance and after every restart: they hang on
// the master secret alone.
func TestParticipantIDsAreFixed(t *testing.T) {
	d := deploy(t)
	want := map[string]string{
		"sandbox": sandbox(t, d.instance(t), "甲").Participant,
		"wechat":  d.signIn(t, d.instance(t), program, wechattest.Person{OpenID: "o1"}).Participant,
	}
	if err := d.db.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"sandbox": sandbox(t, d.instance(t), "甲").Participant,
		"wechat":  d.signIn(t, d.instance(t), program, wechattest.Person{OpenID: "o1"}).Participant,
	}
	for door := range want {
		if got[door] != want[door] {
			t.Errorf("%s: %s after Redis was emptied, %s before", door, got[door], want[door])
		}
	}
	other := secrets()
	other.Master = append([]byte("other "), master...)
	if p := sandbox(t, d.instance(t, with(deriveKeys(t, other))), "丙"); p.Participant == sandbox(t, d.instance(t), "丙2").Participant {
		t.Error("another deployment names people alike")
	}
}

func TestCodeRepeatedGivesTheSameSession(t *testing.T) {
	d := deploy(t)
	s, other := d.instance(t), d.instance(t)
	code := d.wx.Code(program, wechattest.Person{OpenID: "o1"})
	first, err := s.SignInWeChat(t.Context(), program, code)
	if err != nil {
		t.Fatal(err)
	}
	d.clock.Add(4 * time.Minute)
	for name, in := range map[string]*session.Service{"same instance": s, "another": other} {
		again, err := in.SignInWeChat(t.Context(), "", code) // the default app
		if err != nil || again.RefreshToken != first.RefreshToken || again.Participant != first.Participant {
			t.Errorf("%s: %v, the same session: %t", name, err, again.RefreshToken == first.RefreshToken)
		}
	}
	if got := len(d.wx.Calls()); got != 1 {
		t.Errorf("WeChat was called %d times, want 1", got)
	}
	next := refreshed(t, s, first.RefreshToken)
	late, err := other.SignInWeChat(t.Context(), program, code)
	if err != nil || late.RefreshToken != next.RefreshToken {
		t.Errorf("after a refresh the code gives %v; want the newest token, an older one would end the session", err)
	}
}

func TestCodesOfTwoAppsAreTwoCodes(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	code := d.wx.Code(program, wechattest.Person{OpenID: "o1"})
	if _, err := s.SignInWeChat(t.Context(), program, code); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignInWeChat(t.Context(), second, code); !errors.Is(err, wechat.ErrCodeInvalid) {
		t.Errorf("a code of another app: %v, want %v", err, wechat.ErrCodeInvalid)
	}
	if _, err := s.SignInWeb(t.Context(), code); !errors.Is(err, wechat.ErrCodeInvalid) {
		t.Errorf("a code of wx.login on a page: %v, want %v", err, wechat.ErrCodeInvalid)
	}
}

func TestCodeShownByManyAtOnce(t *testing.T) {
	d := deploy(t)
	gate := wechattest.NewGate()
	d.wx.Next(gate.Answer)
	code := d.wx.Code(program, wechattest.Person{OpenID: "o1", UnionID: "u1"})
	instances := []*session.Service{d.instance(t), d.instance(t), d.instance(t)}
	pairs := make([]session.Pair, 60)
	var wg sync.WaitGroup
	for i := range pairs {
		wg.Go(func() {
			var err error
			if pairs[i], err = instances[i%3].SignInWeChat(t.Context(), program, code); err != nil {
				t.Error(err)
			}
		})
	}
	<-gate.Reached()
	gate.Open()
	wg.Wait()
	for _, p := range pairs {
		if p.RefreshToken != pairs[0].RefreshToken {
			t.Fatal("one code gave two sessions")
		}
	}
	if got := len(d.wx.Calls()); got != 1 {
		t.Errorf("WeChat was called %d times, want 1", got)
	}
}

func TestCallerLeavesAndComesBack(t *testing.T) {
	d := deploy(t)
	s, other := d.instance(t), d.instance(t)
	gate := wechattest.NewGate()
	d.wx.Next(gate.Answer)
	code := d.wx.Code(program, wechattest.Person{OpenID: "o1"})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-gate.Reached()
		cancel()
	}()
	if _, err := s.SignInWeChat(ctx, program, code); !errors.Is(err, wechat.ErrBusy) {
		t.Errorf("a caller that left: %v, want %v", err, wechat.ErrBusy)
	}
	var wg sync.WaitGroup
	for _, in := range []*session.Service{s, other} { // while WeChat still thinks
		wg.Go(func() {
			if _, err := in.SignInWeChat(t.Context(), program, code); err != nil {
				t.Errorf("back again: %v", err)
			}
		})
	}
	gate.Open()
	wg.Wait()
	if got := len(d.wx.Calls()); got != 1 {
		t.Errorf("WeChat was called %d times, want 1", got)
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	gate := wechattest.NewGate()
	d.wx.Next(gate.Answer)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.SignInWeChat(t.Context(), program, d.wx.Code(program, wechattest.Person{OpenID: "o1"})); !errors.Is(err, wechat.ErrBusy) {
			t.Errorf("err = %v, want %v", err, wechat.ErrBusy)
		}
	})
	<-gate.Reached()
	s.Close()
	s.Close() // twice is allowed
	wg.Wait()
}

func TestFailuresOfWeChat(t *testing.T) {
	cases := map[string]struct {
		answer wechattest.Answer
		want   *fault.Error
	}{
		"code invalid": {wechattest.Refuse(40029, "invalid code"), wechat.ErrCodeInvalid},
		"blocked":      {wechattest.Refuse(40226, "code blocked"), wechat.ErrBlocked},
		"quota":        {wechattest.Refuse(45011, "minute quota"), wechat.ErrBusy},
		"secret wrong": {wechattest.Refuse(40125, "invalid appsecret"), fault.ErrInternal},
		"rubbish":      {wechattest.Body(502, "<html>"), wechat.ErrBusy},
	}
	d := deploy(t)
	s := d.instance(t)
	for name, tc := range cases {
		code := d.wx.Code(program, wechattest.Person{OpenID: "o1"})
		d.wx.Next(tc.answer)
		_, err := s.SignInWeChat(t.Context(), program, code)
		if got := fault.From(err); got.Code != tc.want.Code {
			t.Errorf("%s: %v, want %s", name, err, tc.want.Code)
		}
		if _, err := s.SignInWeChat(t.Context(), program, code); err != nil {
			t.Errorf("%s: the code still works at WeChat, and here: %v", name, err)
		}
	}
}

func TestMisuseOfSignIn(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	for name, call := range map[string]func() (session.Pair, error){
		"no code":         func() (session.Pair, error) { return s.SignInWeChat(t.Context(), program, "") },
		"no code, page":   func() (session.Pair, error) { return s.SignInWeb(t.Context(), "") },
		"far too long":    func() (session.Pair, error) { return s.SignInWeChat(t.Context(), program, strings.Repeat("c", 513)) },
		"with a line end": func() (session.Pair, error) { return s.SignInWeChat(t.Context(), program, "a\r\nb") },
	} {
		if _, err := call(); !errors.Is(err, wechat.ErrCodeInvalid) {
			t.Errorf("%s: %v, want %v", name, err, wechat.ErrCodeInvalid)
		}
	}
	if _, err := s.SignInWeChat(t.Context(), "wx-stranger", "code"); fault.From(err).Kind != fault.Invalid {
		t.Errorf("an unknown app: %v", err)
	}
	if got := len(d.wx.Calls()); got != 0 {
		t.Errorf("WeChat was called %d times", got)
	}
}

func TestWithoutRedis(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	d.redis.Kill(t)
	code := d.wx.Code(program, wechattest.Person{OpenID: "o1"})
	for name, call := range map[string]func() error{
		"wechat":  func() error { _, err := s.SignInWeChat(t.Context(), program, code); return err },
		"sandbox": func() error { _, err := s.SignInSandbox(t.Context(), "甲"); return err },
		"refresh": func() error { _, err := s.Refresh(t.Context(), p.RefreshToken); return err },
		"revoke":  func() error { return s.Revoke(t.Context(), p.Participant, "f") },
		"sync":    func() error { return s.Sync(t.Context()) },
	} {
		if err := call(); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%s: %v, want %v", name, err, fault.ErrUnavailable)
		}
	}
	if got := len(d.wx.Calls()); got != 0 {
		t.Errorf("WeChat was called %d times: the code would be lost", got)
	}
	claims(t, s, p.AccessToken) // checked without Redis
	d.redis.Restart(t)
	if _, err := s.SignInWeChat(t.Context(), program, code); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	refreshed(t, s, p.RefreshToken)
}

func TestOptionsAreRequired(t *testing.T) {
	if _, err := session.New(session.Options{}); err == nil {
		t.Error("no error without anything")
	}
	short := secrets()
	short.Master = short.Master[:31]
	weak := secrets()
	weak.Tokens.Secrets["t1"] = []byte("short")
	unsealed := secrets()
	unsealed.Seals.Current = "none"
	for name, sec := range map[string]session.Secrets{"master": short, "tokens": weak, "seals": unsealed} {
		if _, err := session.DeriveKeys(sec); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	d := deploy(t)
	if _, err := session.New(session.Options{
		Store: nil, WeChat: nil, Tokens: &token.Authority{}, Now: d.clock.Now,
	}); err == nil || !strings.Contains(err.Error(), "store") || !strings.Contains(err.Error(), "log") {
		t.Errorf("err = %v, want all that is missing", err)
	}
}
