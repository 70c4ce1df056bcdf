package wechat_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

var visit = wechat.Visit{AppID: program, OpenID: "canary-openid", Addr: netip.MustParseAddr("::ffff:192.0.2.77")}

// tokensAsked counts the calls for a token.
func (b bundle) tokensAsked() (n int) {
	for _, c := range b.server.Calls() {
		if c.Path == "/cgi-bin/stable_token" {
			n++
		}
	}
	return n
}

// TestUserRisk: a rank is told, the token is asked for once for all, ahead of its end, and
// neither it nor the secret stands in an address that the other call does not need.
func TestUserRisk(t *testing.T) {
	b := setup(t)
	b.server.Risk(visit.OpenID, 3)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if rank, err := b.client.UserRisk(t.Context(), visit); err != nil || rank != 3 {
				t.Errorf("rank %d, %v", rank, err)
			}
		})
	}
	wg.Wait()
	if n := b.tokensAsked(); n != 1 {
		t.Errorf("%d tokens were asked for, want one for all", n)
	}
	for _, c := range b.server.Calls() {
		if strings.Contains(c.Query.Encode(), "secret") {
			t.Errorf("the secret stands in the address of %s", c.Path)
		}
		if c.Path == "/wxa/getuserriskrank" && (!strings.Contains(c.Body, `"client_ip":"192.0.2.77"`) || !strings.Contains(c.Body, `"scene":1`)) {
			t.Errorf("asked %s", c.Body)
		}
	}
	b.clock.Add(7200*time.Second - 5*time.Minute - time.Second)
	for _, want := range []int{1, 2} {
		if _, err := b.client.UserRisk(t.Context(), visit); err != nil || b.tokensAsked() != want {
			t.Errorf("%d tokens were asked for, want %d: %v", b.tokensAsked(), want, err)
		}
		b.clock.Add(time.Second)
	}
}

// TestTokensThatEnd: one that was ended elsewhere is asked for again, once; one that lasts
// no longer than it is renewed ahead is used all the same.
func TestTokensThatEnd(t *testing.T) {
	b := setup(t)
	b.server.Risk(visit.OpenID, 1)
	b.server.TokensLast(300)
	ask := func(want int) {
		t.Helper()
		if rank, err := b.client.UserRisk(t.Context(), visit); err != nil || rank != 1 || b.tokensAsked() != want {
			t.Errorf("rank %d with %d tokens, want %d: %v", rank, b.tokensAsked(), want, err)
		}
	}
	ask(1)
	b.clock.Add(29 * time.Second)
	ask(1)
	b.clock.Add(2 * time.Second)
	ask(2)
	b.server.EndToken(program)
	ask(3)
	b.server.Next(wechattest.Refuse(-1, "system error"))
	ask(3)
}

// TestUserRiskIsNotTold: what cannot change by waiting is ErrUntold, the rest ErrBusy; none
// of them repeats what is private.
func TestUserRiskIsNotTold(t *testing.T) {
	busy, refuse := wechattest.Refuse(-1, "system error canary-openid"), wechattest.Refuse
	for name, tc := range map[string]struct {
		visit   wechat.Visit
		answers []wechattest.Answer // behind that of the token
		want    error
	}{
		"not seen for two hours":      {visit, nil, wechat.ErrUntold},
		"not by a mini-program":       {wechat.Visit{AppID: official, OpenID: "o", Addr: visit.Addr}, nil, wechat.ErrUntold},
		"without an address":          {wechat.Visit{AppID: program, OpenID: "o"}, nil, wechat.ErrUntold},
		"the app may not ask":         {visit, []wechattest.Answer{refuse(48001, "api unauthorized")}, wechat.ErrUntold},
		"busy twice":                  {visit, []wechattest.Answer{busy, busy}, wechat.ErrBusy},
		"beyond the quota":            {visit, []wechattest.Answer{refuse(45009, "reach max api daily quota limit")}, wechat.ErrBusy},
		"hung up":                     {visit, []wechattest.Answer{wechattest.Hangup()}, wechat.ErrBusy},
		"no JSON, with what was sent": {visit, []wechattest.Answer{wechattest.Body(502, "<html>canary-token canary-openid 192.0.2.77")}, wechat.ErrBusy},
		"a rank that is none":         {visit, []wechattest.Answer{wechattest.Body(200, `{"errcode":0,"risk_rank":9}`)}, wechat.ErrBusy},
		"no rank":                     {visit, []wechattest.Answer{wechattest.Body(200, `{"errcode":0}`)}, wechat.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			if len(tc.answers) > 0 {
				b.server.Risk("canary-first", 0)
				if _, err := b.client.UserRisk(t.Context(), wechat.Visit{AppID: program, OpenID: "canary-first", Addr: visit.Addr}); err != nil {
					t.Fatal(err)
				}
				b.server.Next(tc.answers...)
			}
			_, err := b.client.UserRisk(t.Context(), tc.visit)
			if !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			secretless(t, err)
			if err != nil && strings.Contains(err.Error(), "192.0.2.77") {
				t.Errorf("the error tells the address: %v", err)
			}
		})
	}
	if text := fmt.Sprintf("%v %+v %#v %s", visit, visit, visit, visit); strings.Contains(text, "canary") {
		t.Errorf("a visit prints as %s", text)
	}
}

// TestNoTokenIsToBeHad: a wrong secret is no reason to wait, an outage is; the breaker of
// risks opens without that of sign-ins.
func TestNoTokenIsToBeHad(t *testing.T) {
	b := setup(t)
	b.server.Register(program, "another")
	if _, err := b.client.UserRisk(t.Context(), visit); !errors.Is(err, wechat.ErrUntold) {
		t.Errorf("with a wrong secret: %v", err)
	} else {
		secretless(t, err)
	}
	b.server.Register(program, secretOf+program)
	for range 5 {
		b.server.Next(wechattest.Hangup())
		if _, err := b.client.UserRisk(t.Context(), visit); !errors.Is(err, wechat.ErrBusy) {
			t.Errorf("hung up: %v", err)
		}
	}
	before := len(b.server.Calls())
	if _, err := b.client.UserRisk(t.Context(), visit); !errors.Is(err, wechat.ErrBusy) || len(b.server.Calls()) != before {
		t.Errorf("after five outages: %v, %d calls", err, len(b.server.Calls())-before)
	}
	if _, err := b.client.CodeToSession(t.Context(), program, b.server.Code(program, person)); err != nil {
		t.Errorf("a sign-in meanwhile: %v", err)
	}
}
