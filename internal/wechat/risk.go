package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

// Visit is somebody who is here now, by a mini-program. It never prints the person.
type Visit struct {
	AppID, OpenID string
	// Addr is where they come from.
	Addr netip.Addr
}

// String implements fmt.Stringer without the person.
func (v Visit) String() string { return "wechat visit to " + v.AppID }

// GoString implements fmt.GoStringer without the person.
func (v Visit) GoString() string { return v.String() }

// ErrUntold means that WeChat tells nothing of somebody, and will not tell it later
// either: they were not there within two hours, came by something else than a
// mini-program, or the mini-program may not ask.
var ErrUntold = errors.New("wechat does not tell how risky the person is")

const (
	// sceneMarketing says what the rank is asked for: cheating at prizes.
	sceneMarketing = 1
	// MostRisk is the highest rank.
	MostRisk = 4
)

// UserRisk asks how risky WeChat holds somebody to be, from 0 to MostRisk. The error is
// ErrBusy where a later attempt may succeed, and ErrUntold where none will.
func (c *Client) UserRisk(ctx context.Context, v Visit) (rank int, err error) {
	app, known := c.programs[v.AppID]
	if !known || !v.Addr.IsValid() {
		return 0, ErrUntold
	}
	done, wait := c.risks.enter()
	if done == nil {
		return 0, ErrBusy.WithRetry(wait).Because(errors.New("wechat getuserriskrank: not called after repeated outages"))
	}
	rank, err = c.userRisk(ctx, app, v)
	done(verdictOf(err))
	if err == nil {
		return rank, nil
	}
	err = fmt.Errorf("wechat getuserriskrank: %w", err)
	if e := asError(err); e != nil && !e.Retryable {
		return 0, fmt.Errorf("%w: %w", ErrUntold, err)
	}
	return 0, ErrBusy.Because(err)
}

// userRisk asks, and once more where WeChat is busy or wants another token.
func (c *Client) userRisk(ctx context.Context, app App, v Visit) (int, error) {
	bad := ""
	for again := false; ; again = true {
		token, err := c.token(ctx, app, bad)
		if err != nil {
			return 0, err
		}
		rank, err := c.askRisk(ctx, app, token, v)
		e := asError(err)
		switch {
		case e == nil || again:
			return rank, err
		case slices.Contains([]int{codeTokenInvalid, codeTokenUnknown, codeTokenExpired}, e.Code):
			bad = token
		case e.Code != codeBusy || !pause(ctx, c.retryPause):
			return rank, err
		}
	}
}

// askRisk asks once. Every error is an *Error.
func (c *Client) askRisk(ctx context.Context, app App, token string, v Visit) (int, error) {
	k := call{name: "getuserriskrank", path: "/wxa/getuserriskrank", app: app, private: []string{token, v.OpenID, v.Addr.String()}}
	raw, err := json.Marshal(map[string]any{"appid": v.AppID, "openid": v.OpenID, "scene": sceneMarketing, "client_ip": v.Addr.Unmap().String()})
	if err != nil {
		return 0, k.failed("build request", errors.New("it cannot be written")) // the cause might quote it
	}
	status, body, err := c.fetch(ctx, k, http.MethodPost, url.Values{"access_token": {token}}, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	var a struct {
		Rank *int `json:"risk_rank"`
	}
	if err := k.parse(status, body, &a); err != nil {
		return 0, err
	}
	if a.Rank == nil || *a.Rank < 0 || *a.Rank > MostRisk {
		return 0, k.failed("read answer", errors.New("no rank from 0 to 4 in it"))
	}
	return *a.Rank, nil
}
