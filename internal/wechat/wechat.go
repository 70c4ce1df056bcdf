// Package wechat asks WeChat who stands behind a one-use code, and how risky it holds
// somebody to be.
//
// It knows WeChat's addresses, answers and moods, and keeps them from the rest:
// callers see an Identity or one of three faults. Secrets, codes and openids
// appear in no error and no log; session keys are not even read.
package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"qingyuan/internal/fault"
)

// What a caller may do about a sign-in that failed. Any other error is a
// mistake in our configuration, and internal.
var (
	// ErrCodeInvalid is a code that WeChat does not know, or no longer: ask
	// for another one.
	ErrCodeInvalid = fault.New(fault.Unauthenticated, "wechat.code_invalid", "微信登录凭证无效或已使用，请重新登录")
	// ErrBlocked is a person whom WeChat itself keeps out as a high risk.
	ErrBlocked = fault.New(fault.Forbidden, "wechat.blocked", "微信提示该账号存在风险，暂时无法登录")
	// ErrBusy is WeChat overloaded, out of our quota, or out of reach.
	ErrBusy = fault.New(fault.Unavailable, "wechat.busy", "微信服务繁忙，请稍后重试").WithRetry(2 * time.Second)
)

// Identity is the person behind a code, as WeChat names them. It never prints
// itself.
type Identity struct {
	// OpenID names the person within one app.
	OpenID string
	// UnionID names the person across the apps of one owner; empty where the
	// apps are not bound together.
	UnionID string
}

// String implements fmt.Stringer without the person.
func (Identity) String() string { return "wechat identity" }

// GoString implements fmt.GoStringer without the person.
func (Identity) GoString() string { return "wechat identity" }

// LogValue implements slog.LogValuer without the person.
func (Identity) LogValue() slog.Value { return slog.StringValue("wechat identity") }

// App is one registration with WeChat.
type App struct {
	ID     string
	Secret string
}

// String implements fmt.Stringer without the secret.
func (a App) String() string { return "wechat app " + a.ID }

// GoString implements fmt.GoStringer without the secret.
func (a App) GoString() string { return a.String() }

// LogValue implements slog.LogValuer without the secret.
func (a App) LogValue() slog.Value { return slog.StringValue(a.String()) }

// Options is what a Client is built from. Only Now is required; without any
// app every sign-in is refused.
type Options struct {
	// MiniPrograms lists the mini-programs of the deployment; the first is
	// taken where a request names none.
	MiniPrograms []App
	// Official is the official account whose pages may sign in; an empty ID
	// means none.
	Official App
	// BaseURL is where WeChat's API is; empty means the real one.
	BaseURL string
	// Timeout bounds one call; zero means 4 s.
	Timeout time.Duration
	// RetryPause is the wait before the one repeat after errcode -1; zero
	// means 200 ms.
	RetryPause time.Duration
	// BreakAfter is how many outages in a row make the client stop calling;
	// zero means 5.
	BreakAfter int
	// BreakFor is how long it then stops; zero means 10 s.
	BreakFor time.Duration
	// Now is the clock of the breakers and of access tokens.
	Now func() time.Time
}

const (
	defaultBase       = "https://api.weixin.qq.com"
	defaultTimeout    = 4 * time.Second
	defaultRetryPause = 200 * time.Millisecond
	defaultBreakAfter = 5
	defaultBreakFor   = 10 * time.Second

	// maxConns bounds what a slow WeChat can make us hold open.
	maxConns = 128
	// maxCode is the longest code any of WeChat's pages speaks of, in bytes.
	maxCode = 512
)

// Client calls WeChat. It is safe for concurrent use; Close it in the end.
type Client struct {
	base       string
	programs   map[string]App
	first      App
	official   App
	http       *http.Client
	retryPause time.Duration
	breaker    *breaker // of sign-ins
	risks      *breaker // of what is asked about people who are signed in
	tokens     tokens
	now        func() time.Time
}

// New returns a client, or an error that names each unfit option and no secret.
func New(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("wechat: %w", err)
	}
	c := &Client{
		base:       or(o.BaseURL, defaultBase),
		programs:   make(map[string]App, len(o.MiniPrograms)),
		official:   o.Official,
		http:       newHTTP(or(o.Timeout, defaultTimeout)),
		retryPause: or(o.RetryPause, defaultRetryPause),
		breaker:    newBreaker(or(o.BreakAfter, defaultBreakAfter), or(o.BreakFor, defaultBreakFor), o.Now),
		risks:      newBreaker(or(o.BreakAfter, defaultBreakAfter), or(o.BreakFor, defaultBreakFor), o.Now),
		now:        o.Now,
	}
	for i, app := range o.MiniPrograms {
		if i == 0 {
			c.first = app
		}
		c.programs[app.ID] = app
	}
	return c, nil
}

func (o Options) validate() error {
	var errs []error
	if o.Now == nil {
		errs = append(errs, errors.New("no clock"))
	}
	if o.BaseURL != "" {
		u, err := url.Parse(o.BaseURL)
		if err != nil || u.Host == "" || u.RawQuery != "" || u.User != nil {
			errs = append(errs, errors.New("base URL is not a plain address"))
		}
	}
	seen := map[string]bool{}
	for _, app := range o.MiniPrograms {
		if app.ID == "" || app.Secret == "" || seen[app.ID] {
			errs = append(errs, fmt.Errorf("mini-program %q is given twice or lacks its id or secret", app.ID))
		}
		seen[app.ID] = true
	}
	if (o.Official.ID == "") != (o.Official.Secret == "") {
		errs = append(errs, errors.New("the official account lacks its id or secret"))
	}
	if o.Timeout < 0 || o.RetryPause < 0 || o.BreakAfter < 0 || o.BreakFor < 0 {
		errs = append(errs, errors.New("a limit is negative"))
	}
	return errors.Join(errs...)
}

// newHTTP follows no redirect, because the next host would get the secret.
func newHTTP(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			ForceAttemptHTTP2:     true,
			MaxConnsPerHost:       maxConns,
			MaxIdleConnsPerHost:   maxConns,
			IdleConnTimeout:       90 * time.Second,
			TLSHandshakeTimeout:   timeout,
			ResponseHeaderTimeout: timeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close gives idle connections back. The client may not be used afterwards.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// MiniProgram returns the id of the mini-program that a request means by
// appid: that one if it is configured, the first one for an empty appid.
// Another appid is an invalid request, and without any mini-program the whole
// way of signing in does not exist.
func (c *Client) MiniProgram(appid string) (string, error) {
	if c.first.ID == "" {
		return "", fault.ErrNotFound.Because(errors.New("wechat: no mini-program is configured"))
	}
	if appid == "" {
		return c.first.ID, nil
	}
	if _, ok := c.programs[appid]; !ok {
		return "", fault.InvalidField("appid", "该小程序未在本平台登记")
	}
	return appid, nil
}

// OfficialAccount returns the id of the official account, or fault.ErrNotFound
// without one.
func (c *Client) OfficialAccount() (string, error) {
	if c.official.ID == "" {
		return "", fault.ErrNotFound.Because(errors.New("wechat: no official account is configured"))
	}
	return c.official.ID, nil
}

// CodeToSession exchanges a code of wx.login for the person behind it. appid is
// as in MiniProgram. The code is spent, whatever the answer.
func (c *Client) CodeToSession(ctx context.Context, appid, code string) (Identity, error) {
	id, err := c.MiniProgram(appid)
	if err != nil {
		return Identity{}, err
	}
	app := c.programs[id]
	return c.exchange(ctx, call{
		name: "code2session", path: "/sns/jscode2session", app: app, code: code,
		query: url.Values{"appid": {app.ID}, "js_code": {code}},
	})
}

// WebAuthorise exchanges a code that a page in WeChat got from the official
// account with scope snsapi_base. The code is spent, whatever the answer.
func (c *Client) WebAuthorise(ctx context.Context, code string) (Identity, error) {
	id, err := c.OfficialAccount()
	if err != nil {
		return Identity{}, err
	}
	return c.exchange(ctx, call{
		name: "oauth2/access_token", path: "/sns/oauth2/access_token", app: c.official, code: code,
		query: url.Values{"appid": {id}, "code": {code}},
	})
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
