package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

const (
	// maxBody is the most bytes of an answer that are read; real ones have a
	// few hundred.
	maxBody = 64 << 10
	// maxID bounds an openid or unionid, which have 28 bytes today.
	maxID = 128
)

// call is one exchange of a code.
type call struct {
	name  string // for errors
	path  string
	app   App
	code  string
	query url.Values // without the secret, which is added last
}

// answer is what is read of WeChat's reply. The session key and the page's
// access token are left unread: nothing here needs them.
type answer struct {
	OpenID  string `json:"openid"`
	UnionID string `json:"unionid"`
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// exchange makes the call, once more if WeChat says that it is busy, and tells
// the breaker how it went.
func (c *Client) exchange(ctx context.Context, k call) (Identity, error) {
	if !plausible(k.code, maxCode) {
		return Identity{}, ErrCodeInvalid.Because(fmt.Errorf("wechat %s: code missing or malformed", k.name))
	}
	done, wait := c.breaker.enter()
	if done == nil {
		return Identity{}, ErrBusy.WithRetry(wait).Because(fmt.Errorf("wechat %s: not called after repeated outages", k.name))
	}
	who, err := c.try(ctx, k)
	if said := asError(err); said != nil && said.Code == codeBusy {
		if pause(ctx, c.retryPause) {
			who, err = c.try(ctx, k)
		}
	}
	done(verdictOf(err))
	if err != nil {
		return Identity{}, asFault(fmt.Errorf("wechat %s: %w", k.name, err))
	}
	return who, nil
}

// try makes the call once. Every error is an *Error.
func (c *Client) try(ctx context.Context, k call) (Identity, error) {
	query := url.Values{"secret": {k.app.Secret}, "grant_type": {"authorization_code"}}
	maps.Copy(query, k.query)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+k.path+"?"+query.Encode(), nil)
	if err != nil {
		return Identity{}, k.failed("build request", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return Identity{}, k.failed("send request", err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return Identity{}, k.failed("read answer", err)
	}
	return k.read(res.StatusCode, body)
}

// read takes the body for JSON whatever its content type says, because WeChat
// sends text/plain, and trusts its errcode more than the status.
func (k call) read(status int, body []byte) (Identity, error) {
	if len(body) > maxBody {
		return Identity{}, k.failed("read answer", fmt.Errorf("over %d bytes", maxBody))
	}
	var a answer
	err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &a)
	switch {
	case err != nil:
		// The decoder's own words may repeat what it read.
		return Identity{}, k.failed("read answer", fmt.Errorf("status %d, %d bytes that are not the JSON expected", status, len(body)))
	case a.ErrCode != 0:
		return Identity{}, k.refused(a)
	case status != http.StatusOK:
		return Identity{}, k.failed("read answer", fmt.Errorf("status %d", status))
	case !plausible(a.OpenID, maxID) || a.UnionID != "" && !plausible(a.UnionID, maxID):
		return Identity{}, k.failed("read answer", errors.New("no usable openid or unionid in it"))
	}
	return Identity{OpenID: a.OpenID, UnionID: a.UnionID}, nil
}

// plausible reports whether text may be a code or an id: printable ASCII
// without spaces, within a length.
func plausible(text string, most int) bool {
	if text == "" || len(text) > most {
		return false
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// pause reports whether d passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
