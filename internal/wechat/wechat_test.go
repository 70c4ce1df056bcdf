package wechat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/internal/fault"
	"qingyuan/internal/waittest"
	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	program  = "wx-program"
	second   = "wx-second"
	official = "wx-official"
	// secretOf + an appid is that app's secret. The & and the space change
	// when they are written into an address.
	secretOf = "canary secret&"
)

var person = wechattest.Person{OpenID: "canary-openid", UnionID: "canary-unionid"}

type bundle struct {
	server *wechattest.Server
	client *wechat.Client
	clock  *waittest.Clock
}

// setup starts a WeChat and a client that waits for nothing longer than it must.
func setup(t *testing.T, change ...func(*wechat.Options)) bundle {
	t.Helper()
	b := bundle{server: wechattest.Start(t), clock: waittest.NewClock(time.Unix(1_800_000_000, 0))}
	o := wechat.Options{
		BaseURL: b.server.URL(), Now: b.clock.Now, RetryPause: time.Millisecond,
		MiniPrograms: []wechat.App{{ID: program, Secret: secretOf + program}, {ID: second, Secret: secretOf + second}},
		Official:     wechat.App{ID: official, Secret: secretOf + official},
	}
	for _, f := range change {
		f(&o)
	}
	for _, id := range []string{program, second, official} {
		b.server.Register(id, secretOf+id)
	}
	c, err := wechat.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	b.client = c
	return b
}

func impatient(o *wechat.Options) { o.Timeout = 50 * time.Millisecond }

// secretless fails t if err tells what only WeChat and we may know.
func secretless(t *testing.T, err error) {
	t.Helper()
	var all strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		_, _ = fmt.Fprintf(&all, "%v %+v %#v ", err, err, err)
	}
	shown := all.String()
	if i := strings.Index(shown, "canary"); i >= 0 {
		t.Errorf("the error shows %q", shown[max(0, i-80):min(len(shown), i+60)])
	}
}

func TestCodeToSession(t *testing.T) {
	b := setup(t)
	cases := map[string]struct {
		appid, issuer string
		person        wechattest.Person
	}{
		"named":           {program, program, person},
		"the other":       {second, second, person},
		"none named":      {"", program, person},
		"without unionid": {program, program, wechattest.Person{OpenID: "o"}},
	}
	for name, tc := range cases {
		who, err := b.client.CodeToSession(t.Context(), tc.appid, b.server.Code(tc.issuer, tc.person))
		if want := (wechat.Identity{OpenID: tc.person.OpenID, UnionID: tc.person.UnionID}); err != nil || who != want {
			t.Errorf("%s: CodeToSession = %t, %v", name, who == want, err)
		}
	}
}

func TestWebAuthorise(t *testing.T) {
	b := setup(t)
	who, err := b.client.WebAuthorise(t.Context(), b.server.Code(official, person))
	if err != nil || who.OpenID != person.OpenID || who.UnionID != person.UnionID {
		t.Errorf("WebAuthorise: %v", err)
	}
	if got := b.server.Calls()[0].Path; got != "/sns/oauth2/access_token" {
		t.Errorf("called %s", got)
	}
}

func TestAnswers(t *testing.T) {
	refuse := wechattest.Refuse
	busy := refuse(-1, "system error")
	// An outcome of nil is an error that is no fault: internal.
	cases := map[string]struct {
		answers []wechattest.Answer
		want    *fault.Error
		calls   int
	}{
		"busy, then well":       {[]wechattest.Answer{busy}, nil, 2},
		"busy twice":            {[]wechattest.Answer{busy, busy}, wechat.ErrBusy, 2},
		"code invalid":          {[]wechattest.Answer{refuse(40029, "invalid code")}, wechat.ErrCodeInvalid, 1},
		"code used":             {[]wechattest.Answer{refuse(40163, "code been used")}, wechat.ErrCodeInvalid, 1},
		"code missing":          {[]wechattest.Answer{refuse(41008, "missing code")}, wechat.ErrCodeInvalid, 1},
		"busy, then used":       {[]wechattest.Answer{busy, refuse(40163, "code been used")}, wechat.ErrCodeInvalid, 2},
		"blocked":               {[]wechattest.Answer{refuse(40226, "code blocked")}, wechat.ErrBlocked, 1},
		"minute quota":          {[]wechattest.Answer{refuse(45011, "api minute-quota reach limit")}, wechat.ErrBusy, 1},
		"day quota":             {[]wechattest.Answer{refuse(45009, "reach max api daily quota limit")}, wechat.ErrBusy, 1},
		"appid invalid":         {[]wechattest.Answer{refuse(40013, "invalid appid")}, fault.ErrInternal, 1},
		"secret invalid":        {[]wechattest.Answer{refuse(40125, "invalid appsecret")}, fault.ErrInternal, 1},
		"address not allowed":   {[]wechattest.Answer{refuse(40164, "invalid ip")}, fault.ErrInternal, 1},
		"an unknown errcode":    {[]wechattest.Answer{refuse(99999, "who knows")}, fault.ErrInternal, 1},
		"errcode with 500":      {[]wechattest.Answer{wechattest.Body(500, `{"errcode":40029,"errmsg":"invalid code"}`)}, wechat.ErrCodeInvalid, 1},
		"empty":                 {[]wechattest.Answer{wechattest.Body(200, "")}, wechat.ErrBusy, 1},
		"null":                  {[]wechattest.Answer{wechattest.Body(200, "null")}, wechat.ErrBusy, 1},
		"empty object":          {[]wechattest.Answer{wechattest.Body(200, "{}")}, wechat.ErrBusy, 1},
		"errcode 0 and nobody":  {[]wechattest.Answer{wechattest.Body(200, `{"errcode":0,"errmsg":"ok"}`)}, wechat.ErrBusy, 1},
		"errcode a text":        {[]wechattest.Answer{wechattest.Body(200, `{"errcode":"canary"}`)}, wechat.ErrBusy, 1},
		"openid a number":       {[]wechattest.Answer{wechattest.Body(200, `{"openid":4711}`)}, wechat.ErrBusy, 1},
		"openid with a newline": {[]wechattest.Answer{wechattest.Body(200, `{"openid":"a\nb"}`)}, wechat.ErrBusy, 1},
		"openid far too long":   {[]wechattest.Answer{wechattest.Body(200, `{"openid":"`+strings.Repeat("o", 129)+`"}`)}, wechat.ErrBusy, 1},
		"unionid with NUL":      {[]wechattest.Answer{wechattest.Body(200, `{"openid":"o","unionid":"\u0000"}`)}, wechat.ErrBusy, 1},
		"a page":                {[]wechattest.Answer{wechattest.Body(502, "<html>canary-code bad gateway</html>")}, wechat.ErrBusy, 1},
		"good body, bad status": {[]wechattest.Answer{wechattest.Body(500, `{"openid":"o"}`)}, wechat.ErrBusy, 1},
		"JSON cut":              {[]wechattest.Answer{wechattest.Body(200, `{"openid":"o"`)}, wechat.ErrBusy, 1},
		"JSON twice":            {[]wechattest.Answer{wechattest.Body(200, `{"openid":"o"}{"openid":"p"}`)}, wechat.ErrBusy, 1},
		"invalid UTF-8":         {[]wechattest.Answer{wechattest.Body(200, "\xff\xfe")}, wechat.ErrBusy, 1},
		"huge":                  {[]wechattest.Answer{wechattest.Huge(8 << 20)}, wechat.ErrBusy, 1},
		"redirect":              {[]wechattest.Answer{wechattest.Redirect("/elsewhere")}, wechat.ErrBusy, 1},
		"connection closed":     {[]wechattest.Answer{wechattest.Hangup()}, wechat.ErrBusy, 1},
		"byte order mark":       {[]wechattest.Answer{wechattest.Body(200, "\xef\xbb\xbf"+`{"openid":"o"}`)}, nil, 1},
		"a message with code and secret": {
			[]wechattest.Answer{refuse(40125, "secret "+secretOf+program+" for canary-code-"+program+"-0")}, fault.ErrInternal, 1,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			code := b.server.Code(program, person)
			b.server.Next(tc.answers...)
			who, err := b.client.CodeToSession(t.Context(), program, code)
			if got := len(b.server.Calls()); got != tc.calls {
				t.Errorf("WeChat was called %d times, want %d", got, tc.calls)
			}
			if tc.want == nil {
				if err != nil || who.OpenID == "" {
					t.Errorf("err = %v", err)
				}
				return
			}
			if f := fault.From(err); f.Code != tc.want.Code || f.Kind != tc.want.Kind || who != (wechat.Identity{}) {
				t.Errorf("got %s (%v), want %s", f.Code, err, tc.want.Code)
			}
			if f := fault.From(err); f.Kind == fault.Unavailable && f.RetryAfter <= 0 {
				t.Error("busy, and no word on when to come back")
			}
			secretless(t, err)
		})
	}
}

func TestErrorIsTyped(t *testing.T) {
	b := setup(t)
	b.server.Next(wechattest.Refuse(45011, "api minute-quota reach limit\r\n\x1b[31mreset"))
	_, err := b.client.CodeToSession(t.Context(), "", b.server.Code(program, person))
	e, ok := errors.AsType[*wechat.Error](err)
	if !ok {
		t.Fatalf("%v holds no *wechat.Error", err)
	}
	if e.Code != 45011 || e.RID != "65f0a1b2-3c4d5e6f-0a1b2c3d" || !e.Retryable {
		t.Errorf("error = %+v", e)
	}
	if strings.ContainsAny(err.Error(), "\r\n\x1b") {
		t.Errorf("%q breaks a line of the log", err)
	}
	if got := fault.From(err).RetryAfter; got != time.Minute {
		t.Errorf("retry after %v, want a minute: that is what the quota counts", got)
	}
}

func TestSlowness(t *testing.T) {
	for name, answer := range map[string]wechattest.Answer{
		"no answer":       wechattest.Silence(),
		"half an answer":  wechattest.Stall(),
		"behind the gate": wechattest.NewGate().Answer,
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, impatient)
			b.server.Next(answer)
			_, err := b.client.CodeToSession(t.Context(), program, b.server.Code(program, person))
			if !errors.Is(err, wechat.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("err = %v, want %v", err, wechat.ErrBusy)
			}
			if got := len(b.server.Calls()); got != 1 {
				t.Errorf("%d calls: a code that may be spent is not shown again", got)
			}
			secretless(t, err)
		})
	}
}

func TestUnreachable(t *testing.T) {
	for name, base := range map[string]string{
		"nobody listens": "http://127.0.0.1:1",
		"no such host":   "http://wechat.invalid",
		"not TLS":        "https://127.0.0.1:1",
	} {
		b := setup(t, impatient, func(o *wechat.Options) { o.BaseURL = base })
		_, err := b.client.WebAuthorise(t.Context(), "canary-code")
		if !errors.Is(err, wechat.ErrBusy) {
			t.Errorf("%s: err = %v", name, err)
		}
		if strings.Contains(err.Error(), "/sns/") {
			t.Errorf("%s: the error shows the address: %v", name, err)
		}
		secretless(t, err)
	}
}

func TestCallerLeaves(t *testing.T) {
	b := setup(t, func(o *wechat.Options) { o.BreakAfter = 1 })
	gate := wechattest.NewGate()
	b.server.Next(gate.Answer)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-gate.Reached()
		cancel()
	}()
	_, err := b.client.CodeToSession(ctx, program, b.server.Code(program, person))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	secretless(t, err)
	if _, err := b.client.CodeToSession(t.Context(), program, b.server.Code(program, person)); err != nil {
		t.Errorf("a caller that left opened the breaker: %v", err)
	}
}

func TestCallerLeavesBetweenTwoTries(t *testing.T) {
	b := setup(t, func(o *wechat.Options) { o.RetryPause = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	b.server.Next(func(w http.ResponseWriter, r *http.Request, s *wechattest.Server) {
		wechattest.Refuse(-1, "system error")(w, r, s)
		cancel()
	})
	if _, err := b.client.CodeToSession(ctx, program, b.server.Code(program, person)); err == nil {
		t.Error("no error")
	}
	if got := len(b.server.Calls()); got != 1 {
		t.Errorf("%d calls", got)
	}
}

func TestMisuseIsRefusedWithoutACall(t *testing.T) {
	b := setup(t)
	for name, code := range map[string]string{
		"no code": "", "spaces": "a b", "line end": "a\r\nb", "NUL": "a\x00", "not ASCII": "码",
		"far too long": strings.Repeat("c", 513),
	} {
		if _, err := b.client.CodeToSession(t.Context(), program, code); !errors.Is(err, wechat.ErrCodeInvalid) {
			t.Errorf("%s: err = %v, want %v", name, err, wechat.ErrCodeInvalid)
		}
		if _, err := b.client.WebAuthorise(t.Context(), code); !errors.Is(err, wechat.ErrCodeInvalid) {
			t.Errorf("%s: err = %v, want %v", name, err, wechat.ErrCodeInvalid)
		}
	}
	_, err := b.client.CodeToSession(t.Context(), "wx-stranger", "code")
	if f := fault.From(err); f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != "appid" {
		t.Errorf("unknown appid: %v", err)
	}
	if got := len(b.server.Calls()); got != 0 {
		t.Errorf("WeChat was called %d times", got)
	}
}

func TestNothingConfigured(t *testing.T) {
	c, err := wechat.New(wechat.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CodeToSession(t.Context(), "", "code"); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("mini-program: %v", err)
	}
	if _, err := c.WebAuthorise(t.Context(), "code"); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("official account: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	app := wechat.App{ID: program, Secret: "canary-secret"}
	for name, o := range map[string]wechat.Options{
		"no clock":            {},
		"no secret":           {Now: time.Now, MiniPrograms: []wechat.App{{ID: program}}},
		"no id":               {Now: time.Now, MiniPrograms: []wechat.App{{Secret: "canary-secret"}}},
		"twice":               {Now: time.Now, MiniPrograms: []wechat.App{app, app}},
		"official, no secret": {Now: time.Now, Official: wechat.App{ID: official}},
		"official, no id":     {Now: time.Now, Official: wechat.App{Secret: "canary-secret"}},
		"base of no host":     {Now: time.Now, BaseURL: "api.weixin.qq.com"},
		"base with password":  {Now: time.Now, BaseURL: "https://canary:canary@api.weixin.qq.com"},
		"base with query":     {Now: time.Now, BaseURL: "https://api.weixin.qq.com?a=b"},
		"negative timeout":    {Now: time.Now, Timeout: -1},
	} {
		_, err := wechat.New(o)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		secretless(t, err)
	}
}

func TestPeopleAndSecretsDoNotPrint(t *testing.T) {
	var log bytes.Buffer
	who := wechat.Identity{OpenID: "canary", UnionID: "canary"}
	app := wechat.App{ID: program, Secret: "canary"}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "who", who, "app", app)
	_, _ = fmt.Fprintf(&log, "%v %+v %#v %s %v %+v %#v %s", who, who, who, who, app, app, app, app)
	if strings.Contains(log.String(), "canary") {
		t.Errorf("shown: %s", log.String())
	}
}
