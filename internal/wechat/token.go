package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// tokenAhead is how long before its end a token is asked for anew: for that long
	// WeChat takes both.
	tokenAhead = 5 * time.Minute
	// tokenLeast is how long a token is used at least. WeChat was seen to give some that
	// last no longer than tokenAhead.
	tokenLeast = 30 * time.Second
	// maxToken is the longest token, in bytes; WeChat asks for room for 512.
	maxToken = 2048
)

// tokens keeps an access token for each app.
//
// They are stable ones, of which WeChat gives the same one to whoever asks while it
// lasts, and ends none by giving another. So every server keeps its own copy in memory,
// and none lies anywhere that has to be guarded. A token is never asked for by force: that
// would end the one that others use.
type tokens struct {
	flight singleflight.Group

	mu   sync.Mutex
	kept map[string]keptToken // by appid
}

type keptToken struct {
	text  string
	until time.Time
}

// token returns the access token of an app. One that WeChat has refused is passed as bad,
// and is not returned again unless WeChat gives it again.
func (c *Client) token(ctx context.Context, app App, bad string) (string, error) {
	c.tokens.mu.Lock()
	t := c.tokens.kept[app.ID]
	c.tokens.mu.Unlock()
	if t.text != "" && t.text != bad && c.now().Before(t.until) {
		return t.text, nil
	}
	// Who comes meanwhile waits for the same answer, whose call outlives who began it.
	asked := c.tokens.flight.DoChan(app.ID, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.http.Timeout)
		defer cancel()
		return c.fetchToken(ctx, app)
	})
	select {
	case got := <-asked:
		text, _ := got.Val.(string)
		return text, got.Err
	case <-ctx.Done():
		return "", &Error{Msg: "wait for an access token: " + ctx.Err().Error(), Retryable: true, cause: ctx.Err()}
	}
}

// fetchToken asks WeChat for an app's token and keeps it. Every error is an *Error.
func (c *Client) fetchToken(ctx context.Context, app App) (string, error) {
	k := call{name: "stable_token", path: "/cgi-bin/stable_token", app: app}
	raw, err := json.Marshal(map[string]string{"grant_type": "client_credential", "appid": app.ID, "secret": app.Secret})
	if err != nil {
		return "", k.failed("build request", err)
	}
	status, body, err := c.fetch(ctx, k, http.MethodPost, nil, bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	var a struct {
		Token   string `json:"access_token"`
		Seconds int64  `json:"expires_in"`
	}
	if err := k.parse(status, body, &a); err != nil {
		return "", err
	}
	if !plausible(a.Token, maxToken) || a.Seconds <= 0 || a.Seconds > 24*60*60 {
		return "", k.failed("read answer", fmt.Errorf("no usable token in it: %d bytes for %d s", len(a.Token), a.Seconds))
	}
	life := time.Duration(a.Seconds) * time.Second
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	if c.tokens.kept == nil {
		c.tokens.kept = map[string]keptToken{}
	}
	c.tokens.kept[app.ID] = keptToken{a.Token, c.now().Add(max(life-tokenAhead, min(life, tokenLeast)))}
	return a.Token, nil
}
