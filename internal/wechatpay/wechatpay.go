// Package wechatpay pays people out of a merchant's account at WeChat Pay, by its
// interface of transfers that their receiver confirms (商家转账, API v3).
//
// A transfer is known by a number of the merchant's. The same number is the same transfer,
// however often it is ordered; nobody is paid before they have confirmed it in WeChat.
// Keys, openids and signatures appear in no error.
package wechatpay

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Options is what a Client is built from. All but BaseURL and Timeout are required.
type Options struct {
	// Merchant is the merchant's number, Serial that of its API certificate, whose key Key
	// is.
	Merchant, Serial string
	Key              *rsa.PrivateKey
	// PublicKeyID and PublicKey are WeChat Pay's, which answers are signed with.
	PublicKeyID string
	PublicKey   *rsa.PublicKey
	// AppID is the mini-program in which people confirm, Scene the kind of transfer that
	// WeChat Pay has granted.
	AppID, Scene string
	// BaseURL is where WeChat Pay is; empty means the real one.
	BaseURL string
	// Timeout bounds one call; zero means 5 s.
	Timeout time.Duration
	Now     func() time.Time
}

const (
	defaultBase    = "https://api.mch.weixin.qq.com"
	defaultTimeout = 5 * time.Second
	bills          = "/v3/fund-app/mch-transfer/transfer-bills"
	// maxBody is the most bytes of an answer that are read.
	maxBody = 64 << 10
	// maxAge is how old a signed answer may be.
	maxAge = 5 * time.Minute
	// MostFen is the most that is paid without the receiver's name, which is never told.
	MostFen = 199_999
)

// Client orders transfers. It is safe for concurrent use; Close it in the end.
type Client struct {
	o    Options
	http *http.Client
}

// New returns a client, or an error that names what is missing and no key.
func New(o Options) (*Client, error) {
	missing := []string{}
	for name, absent := range map[string]bool{
		"merchant": o.Merchant == "", "serial": o.Serial == "", "key": o.Key == nil, "public key": o.PublicKey == nil,
		"public key id": o.PublicKeyID == "", "appid": o.AppID == "", "scene": o.Scene == "", "clock": o.Now == nil,
	} {
		if absent {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("wechat pay: lacks %s", strings.Join(missing, ", "))
	}
	if o.BaseURL == "" {
		o.BaseURL = defaultBase
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return &Client{o, &http.Client{
		Timeout: o.Timeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close gives idle connections back.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// State is how far a transfer has come.
type State string

// The states of a transfer. Done and Failed are final.
const (
	Underway State = "underway" // the outcome is open
	Waiting  State = "waiting"  // its receiver has to confirm it
	Done     State = "done"
	Failed   State = "failed" // nothing was paid, and nothing will be
)

// states are WeChat Pay's words.
var states = map[string]State{ //nolint:gochecknoglobals // A constant.
	"ACCEPTED": Underway, "PROCESSING": Underway, "TRANSFERING": Underway, "CANCELING": Underway, //nolint:misspell // As they write it.
	"WAIT_USER_CONFIRM": Waiting, "SUCCESS": Done, "FAIL": Failed, "CANCELLED": Failed,
}

// Transfer is an order.
type Transfer struct {
	// Number is the merchant's: at most 32 letters and digits.
	Number, OpenID string
	Fen            int64
	// Activity and Reward are what WeChat Pay has to be told of prizes.
	Activity, Reward string
}

// Bill is a transfer as WeChat Pay has it.
type Bill struct {
	// Ref is WeChat Pay's number.
	Ref   string
	State State
	// Package is what a mini-program confirms with while it is Waiting; only an order gives
	// it.
	Package string
	// Reason says why it failed, in WeChat Pay's words.
	Reason string
}

// What a caller must tell apart. Any other error leaves the outcome open: the same order
// may be given again, and no other.
var (
	// ErrNone is a number that WeChat Pay knows no transfer of.
	ErrNone = errors.New("wechat pay knows no such transfer")
	// ErrRefused is an order that WeChat Pay has refused as it is.
	ErrRefused = errors.New("wechat pay refuses the transfer")
)

// Order orders a transfer, or tells how the one of the number stands.
func (c *Client) Order(ctx context.Context, t Transfer) (Bill, error) {
	if t.Fen < 1 || t.Fen > MostFen {
		return Bill{}, fmt.Errorf("%w: %d fen, want 1 to %d", ErrRefused, t.Fen, MostFen)
	}
	type info struct {
		Type    string `json:"info_type"`
		Content string `json:"info_content"`
	}
	raw, err := json.Marshal(map[string]any{
		"appid": c.o.AppID, "out_bill_no": t.Number, "transfer_scene_id": c.o.Scene, "openid": t.OpenID, "transfer_amount": t.Fen,
		"transfer_remark": cut(t.Reward), "transfer_scene_report_infos": []info{{"活动名称", cut(t.Activity)}, {"奖励说明", cut(t.Reward)}},
	})
	if err != nil {
		return Bill{}, errors.New("wechat pay: the order cannot be written") // the cause might quote it
	}
	return c.bill(ctx, http.MethodPost, bills, raw)
}

// Look tells how a transfer stands.
func (c *Client) Look(ctx context.Context, number string) (Bill, error) {
	return c.bill(ctx, http.MethodGet, bills+"/out-bill-no/"+url.PathEscape(number), nil)
}

// longest is how many characters WeChat Pay takes of a remark.
const longest = 32

func cut(text string) string {
	if r := []rune(text); len(r) > longest {
		return string(r[:longest])
	}
	return text
}

// bill makes a call and reads the bill that it is answered with.
func (c *Client) bill(ctx context.Context, method, path string, body []byte) (Bill, error) {
	status, raw, err := c.call(ctx, method, path, body)
	if err != nil {
		return Bill{}, err
	}
	var a struct {
		Ref     string `json:"transfer_bill_no"`
		State   string `json:"state"`
		Package string `json:"package_info"`
		Reason  string `json:"fail_reason"`
		Code    string `json:"code"`
	}
	if json.Unmarshal(raw, &a) != nil {
		return Bill{}, fmt.Errorf("wechat pay: status %d, %d bytes that are not the JSON expected", status, len(raw))
	}
	switch {
	case status == http.StatusNotFound && a.Code == "NOT_FOUND":
		return Bill{}, ErrNone
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests:
		return Bill{}, fmt.Errorf("%w: status %d, %s", ErrRefused, status, word(a.Code))
	case status != http.StatusOK:
		return Bill{}, fmt.Errorf("wechat pay: status %d, %s", status, word(a.Code))
	}
	state, known := states[a.State]
	if !known {
		return Bill{}, fmt.Errorf("wechat pay: the transfer is in a state %s that is not known", word(a.State))
	}
	return Bill{a.Ref, state, a.Package, word(a.Reason)}, nil
}

// word keeps anything but WeChat Pay's own codes out of errors and records.
func word(text string) string {
	if text == "" || len(text) > 64 || strings.ContainsFunc(text, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' }) {
		return ""
	}
	return text
}

// call sends a signed request, and reads an answer whose signature holds.
func (c *Client) call(ctx context.Context, method, path string, body []byte) (status int, raw []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.o.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("wechat pay: the request cannot be made")
	}
	auth, err := c.authorise(method, path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", auth)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Wechatpay-Serial", c.o.PublicKeyID)
	res, err := c.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the address
		}
		return 0, nil, fmt.Errorf("wechat pay: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if raw, err = io.ReadAll(io.LimitReader(res.Body, maxBody)); err != nil {
		return 0, nil, fmt.Errorf("wechat pay: read the answer: %w", err)
	}
	if err := c.signed(res.Header, raw); err != nil {
		return 0, nil, fmt.Errorf("wechat pay: status %d: %w", res.StatusCode, err)
	}
	return res.StatusCode, raw, nil
}

// authorise signs a request: WECHATPAY2-SHA256-RSA2048.
func (c *Client) authorise(method, path string, body []byte) (string, error) {
	at, nonce := strconv.FormatInt(c.o.Now().Unix(), 10), rand.Text()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s\n", method, path, at, nonce, body))
	sig, err := rsa.SignPKCS1v15(rand.Reader, c.o.Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("wechat pay: the request cannot be signed")
	}
	return fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="%s",signature="%s",timestamp="%s",serial_no="%s"`,
		c.o.Merchant, nonce, base64.StdEncoding.EncodeToString(sig), at, c.o.Serial), nil
}

// errUnsigned is an answer that WeChat Pay has not signed, or not now.
var errUnsigned = errors.New("the answer is not signed by wechat pay")

func (c *Client) signed(h http.Header, body []byte) error {
	at, err := strconv.ParseInt(h.Get("Wechatpay-Timestamp"), 10, 64)
	if err != nil || h.Get("Wechatpay-Serial") != c.o.PublicKeyID || c.o.Now().Sub(time.Unix(at, 0)).Abs() > maxAge {
		return errUnsigned
	}
	sig, err := base64.StdEncoding.DecodeString(h.Get("Wechatpay-Signature"))
	if err != nil {
		return errUnsigned
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s\n%s\n", at, h.Get("Wechatpay-Nonce"), body))
	if rsa.VerifyPKCS1v15(c.o.PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return errUnsigned
	}
	return nil
}
