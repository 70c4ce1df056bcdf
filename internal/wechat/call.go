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
	// private are texts that no error may repeat, beside the secret and the code.
	private []string
}

// said is what WeChat says in every reply, and all it says in a refusal.
type said struct {
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// answer is what is read of WeChat's reply. The session key and the page's
// access token are left unread: nothing here needs them.
type answer struct {
	OpenID  string `json:"openid"`
	UnionID string `json:"unionid"`
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
	status, body, err := c.fetch(ctx, k, http.MethodGet, query, nil)
	if err != nil {
		return Identity{}, err
	}
	return k.read(status, body)
}

// fetch sends a request and reads the answer. Every error is an *Error.
func (c *Client) fetch(ctx context.Context, k call, method string, query url.Values, body io.Reader) (status int, answer []byte, err error) {
	address := c.base + k.path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return 0, nil, k.failed("build request", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, k.failed("send request", err)
	}
	defer func() { _ = res.Body.Close() }()
	if answer, err = io.ReadAll(io.LimitReader(res.Body, maxBody+1)); err != nil {
		return 0, nil, k.failed("read answer", err)
	}
	return res.StatusCode, answer, nil
}

// read takes an identity out of an answer.
func (k call) read(status int, body []byte) (Identity, error) {
	var a answer
	if err := k.parse(status, body, &a); err != nil {
		return Identity{}, err
	}
	if !plausible(a.OpenID, maxID) || a.UnionID != "" && !plausible(a.UnionID, maxID) {
		return Identity{}, k.failed("read answer", errors.New("no usable openid or unionid in it"))
	}
	return Identity(a), nil
}

// parse takes the body for JSON whatever its content type says, because WeChat
// sends text/plain, and trusts its errcode more than the status. Every error is an
// *Error.
func (k call) parse(status int, body []byte, into any) error {
	if len(body) > maxBody {
		return k.failed("read answer", fmt.Errorf("over %d bytes", maxBody))
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var s said
	err := json.Unmarshal(body, &s)
	if err == nil && s.ErrCode != 0 {
		return k.refused(s)
	}
	if err == nil {
		err = json.Unmarshal(body, into)
	}
	switch {
	case err != nil:
		// The decoder's own words may repeat what it read.
		return k.failed("read answer", fmt.Errorf("status %d, %d bytes that are not the JSON expected", status, len(body)))
	case status != http.StatusOK:
		return k.failed("read answer", fmt.Errorf("status %d", status))
	}
	return nil
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
