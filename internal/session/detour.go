package session

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"

	"qingyuan/internal/wechat"
)

// A page in WeChat signs in by a detour: the browser goes to WeChat and comes back with
// a code. Between its steps the browser itself carries what must be remembered, in a
// cookie that scripts cannot read and that only the holder of the master secret can
// write: so any server may take the next step, and nobody can send somebody else's
// browser on the second half of a detour that it did not begin.

const (
	// DetourLimit is how long the way to WeChat and back may take, and then again how
	// long the page may take to redeem what it came back with: as long as WeChat takes
	// the code.
	DetourLimit = keepCode

	// authorisePage is where WeChat asks who somebody is.
	authorisePage = "https://open.weixin.qq.com/connect/oauth2/authorize"
	// maxReturn bounds the way back, in bytes.
	maxReturn = 512
)

// The steps of a detour, each with a note of its own, so that the note of one is never
// taken for that of the other.
const (
	stepAway = "away" // the browser is at WeChat
	stepBack = "back" // it is back, with a code
)

// note is what the browser carries.
type note struct {
	Step string `json:"s"`
	// Nonce is WeChat's "state": it binds the answer to the browser that asked.
	Nonce string `json:"n,omitempty"`
	// Return is the path of our own to go on at.
	Return string `json:"r,omitempty"`
	Code   string `json:"c,omitempty"`
	Until  int64  `json:"u"` // Unix seconds
}

// Detour begins the way to WeChat: the address to send the browser to, and the note it
// carries. back is the path to go on at afterwards; callback the address that WeChat
// sends the browser to. Without an official account it is fault.ErrNotFound.
func (s *Service) Detour(back, callback string) (address, carried string, err error) {
	appid, err := s.wechat.OfficialAccount()
	if err != nil {
		return "", "", err
	}
	nonce := rand.Text()
	carried = s.write(note{Step: stepAway, Nonce: nonce, Return: ownPath(back)})
	// WeChat wants the parameters in this order, and the fragment.
	address = authorisePage + "?appid=" + url.QueryEscape(appid) + "&redirect_uri=" + url.QueryEscape(callback) +
		"&response_type=code&scope=snsapi_base&state=" + nonce + "#wechat_redirect"
	return address, carried, nil
}

// Returned takes a browser back from WeChat: where it goes on, and the note it carries
// from there on, with the code in it. An answer that belongs to no detour of this browser
// is wechat.ErrCodeInvalid.
func (s *Service) Returned(carried, state, code string) (back, next string, err error) {
	n, err := s.read(carried, stepAway)
	if err != nil {
		return "", "", err
	}
	switch {
	case !hmac.Equal([]byte(n.Nonce), []byte(state)):
		return "", "", wechat.ErrCodeInvalid.Because(errors.New("the answer is to another browser's question"))
	case code == "" || len(code) > maxCode:
		return n.Return, "", wechat.ErrCodeInvalid.Because(errors.New("WeChat sent no code"))
	}
	return n.Return, s.write(note{Step: stepBack, Code: code}), nil
}

// Carried returns the code that a browser came back with, to sign in with once.
func (s *Service) Carried(carried string) (code string, err error) {
	n, err := s.read(carried, stepBack)
	return n.Code, err
}

// ownPath keeps a way back only if it is a path of our own: no scheme, no host, nothing
// that a browser could read as one.
func ownPath(back string) string {
	const home = "/"
	if len(back) > maxReturn || !strings.HasPrefix(back, home) || strings.ContainsAny(back, "\\") ||
		strings.ContainsFunc(back, unicode.IsControl) {
		return home
	}
	u, err := url.Parse(back)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return home
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

func (s *Service) write(n note) string {
	n.Until = s.now().Add(DetourLimit).Unix()
	raw, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings and a number only
	}
	body := base64.RawURLEncoding.EncodeToString(raw)
	return body + "." + base64.RawURLEncoding.EncodeToString(mac(s.keys.detour[:], body))
}

func (s *Service) read(carried, step string) (note, error) {
	refuse := func(why string) (note, error) { return note{}, wechat.ErrCodeInvalid.Because(errors.New(why)) }
	body, sum, _ := strings.Cut(carried, ".")
	if want := base64.RawURLEncoding.EncodeToString(mac(s.keys.detour[:], body)); !hmac.Equal([]byte(sum), []byte(want)) {
		return refuse("the browser carries no note of ours")
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return refuse("the browser's note is not base64url")
	}
	var n note
	if err := json.Unmarshal(raw, &n); err != nil || n.Step != step {
		return refuse("the browser's note is of another step")
	}
	if !s.now().Before(time.Unix(n.Until, 0)) {
		return refuse("the detour took too long")
	}
	return n, nil
}
