// Package token signs and checks the access tokens of the API: JWTs with
// HMAC-SHA256 and rotating keys.
//
// It knows what a token says and until when, and asks nobody. Whether the
// session behind a token was ended meanwhile is package session's to know.
package token

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"qingyuan/internal/fault"
	"qingyuan/internal/seal"
)

// Why a token is refused. All three mean: sign in.
var (
	// ErrMissing is a request without a token.
	ErrMissing = fault.New(fault.Unauthenticated, "auth.missing", "请先登录")
	// ErrInvalid is a token that is not ours, or not for this use. The cause
	// is for the log.
	ErrInvalid = fault.New(fault.Unauthenticated, "auth.invalid", "登录信息无效，请重新登录")
	// ErrExpired is a token that was ours and has run out.
	ErrExpired = fault.New(fault.Unauthenticated, "auth.expired", "登录已过期，请重新登录")
)

const (
	// Leeway is how far the clocks of two servers may lie apart: a token is
	// taken that much before and after its time.
	Leeway = 2 * time.Second
	// MaxSize is the most bytes a token may have. Longer ones are neither
	// made nor looked at.
	MaxSize = 2 << 10
	// DefaultAccessLifetime is how long an access token lasts if Options do
	// not say otherwise.
	DefaultAccessLifetime = 2 * time.Hour

	// MaxViewer bounds how long an office's screen may read by one token: it cannot be
	// called back.
	MaxViewer = 7 * 24 * time.Hour

	issuer       = "qingyuan"
	defaultCache = 1 << 16
)

// Type is what a token is for.
type Type string

// The types of token. One is never taken for another.
const (
	// Access lets a participant act.
	Access Type = "access"
	// Viewer lets an office read the counts of one subtree of one campaign.
	Viewer Type = "viewer"
	// Screen opens the live stream of one subtree of one campaign for a few minutes. It
	// stands in an address, because a browser's event streams send no headers.
	Screen Type = "screen"
)

// Claims is what a checked token says.
type Claims struct {
	Type Type
	// Participant and Family (the session) are set for Access only.
	Participant string
	Family      string
	// Campaign and Scope are set for Viewer and Screen only. Scope is a region's or
	// unit's id; empty means the whole campaign.
	Campaign string
	Scope    string
	// Office is set for Screen only: what it shows is for the office's own eyes, and not
	// for an audience.
	Office bool
	// ExpiresAt is when the token runs out, to the second, without Leeway.
	ExpiresAt time.Time
}

// Options is what an Authority is built from.
type Options struct {
	// Keys sign and check; older ones check only.
	Keys seal.Keys
	// Audience names the deployment: tokens of another one are refused even
	// under the same key.
	Audience string
	// AccessLifetime is how long an access token lasts; zero means
	// DefaultAccessLifetime.
	AccessLifetime time.Duration
	// CacheSize is how many checked tokens are remembered, about 300 bytes
	// each; zero means 65,536, less than zero none.
	CacheSize int
	// Now is the clock.
	Now func() time.Time
}

// Authority signs and checks tokens. It is safe for concurrent use.
type Authority struct {
	audience string
	lifetime time.Duration
	now      func() time.Time
	current  string
	secrets  map[string][]byte
	// heads maps the only header this program writes for a key to the key.
	// A token with any other header is not ours, whatever it contains.
	heads  map[string][]byte
	parser *jwt.Parser
	cache  *lru.Cache[digest, Claims] // nil when switched off
}

// New returns an authority, or an error that names each unfit option.
func New(o Options) (*Authority, error) {
	errs := []error{o.Keys.Validate()}
	if o.Audience == "" {
		errs = append(errs, errors.New("no audience"))
	}
	if o.Now == nil {
		errs = append(errs, errors.New("no clock"))
	}
	if o.AccessLifetime < 0 {
		errs = append(errs, fmt.Errorf("access lifetime %v is negative", o.AccessLifetime))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	a := &Authority{
		audience: o.Audience,
		lifetime: o.AccessLifetime,
		now:      o.Now,
		current:  o.Keys.Current,
		secrets:  o.Keys.Secrets,
		heads:    make(map[string][]byte, len(o.Keys.Secrets)),
		parser:   newParser(o),
	}
	if a.lifetime == 0 {
		a.lifetime = DefaultAccessLifetime
	}
	for id, secret := range a.secrets {
		head, err := headOf(id)
		if err != nil {
			return nil, fmt.Errorf("token: header for key %q: %w", id, err)
		}
		a.heads[head] = secret
	}
	return a, a.makeCache(o.CacheSize)
}

func (a *Authority) makeCache(size int) error {
	if size < 0 {
		return nil
	}
	if size == 0 {
		size = defaultCache
	}
	cache, err := lru.New[digest, Claims](size)
	if err != nil {
		return fmt.Errorf("token: cache of %d: %w", size, err)
	}
	a.cache = cache
	return nil
}

// AccessLifetime is how long an access token lasts from when it is signed.
func (a *Authority) AccessLifetime() time.Duration { return a.lifetime }

// SignAccess returns an access token for a participant in one session.
func (a *Authority) SignAccess(participant, family string) (string, error) {
	return a.sign(wire{Type: Access, Subject: participant, Family: family}, a.lifetime)
}

// SignViewer returns a token that lets an office's screen read one campaign
// for as long as lifetime says. Scope is a region's or unit's id, or empty for
// the whole campaign. It cannot be called back before it runs out, save by
// taking its key away.
func (a *Authority) SignViewer(campaign, scope string, lifetime time.Duration) (string, error) {
	return a.sign(wire{
		Type: Viewer, Subject: string(Viewer), Role: string(Viewer),
		Campaign: campaign, Scope: scope,
	}, lifetime)
}

// SignScreen returns a ticket for one screen. With office it shows what the office itself
// sees, else what an audience may see.
func (a *Authority) SignScreen(campaign, scope string, office bool, lifetime time.Duration) (string, error) {
	role := roleAudience
	if office {
		role = roleOffice
	}
	return a.sign(wire{Type: Screen, Subject: string(Screen), Role: role, Campaign: campaign, Scope: scope}, lifetime)
}

// For whose eyes a screen is.
const (
	roleAudience = "audience"
	roleOffice   = "office"
)

func (a *Authority) sign(w wire, lifetime time.Duration) (string, error) {
	if lifetime < time.Second {
		return "", fmt.Errorf("sign %s token: lifetime %v is under a second", w.Type, lifetime)
	}
	now := a.now()
	w.Issuer, w.Audience = issuer, a.audience
	w.IssuedAt, w.NotBefore = now.Unix(), now.Unix()
	w.Expires = now.Add(lifetime).Unix()
	if err := w.Validate(); err != nil {
		return "", fmt.Errorf("sign %s token: %w", w.Type, err)
	}
	raw, err := unsigned(a.current, &w).SignedString(a.secrets[a.current])
	if err != nil {
		return "", fmt.Errorf("sign %s token: %w", w.Type, err)
	}
	if len(raw) > MaxSize {
		return "", fmt.Errorf("sign %s token: %d bytes are over %d", w.Type, len(raw), MaxSize)
	}
	return raw, nil
}

// Bearer returns the token in the value of an Authorization header: ErrMissing
// when there is none, ErrInvalid for another scheme.
func Bearer(header string) (string, error) {
	if header == "" {
		return "", ErrMissing
	}
	scheme, raw, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", errScheme
	}
	if raw == "" {
		return "", ErrMissing
	}
	return raw, nil
}

func unsigned(id string, claims jwt.Claims) *jwt.Token {
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	t.Header["kid"] = id
	return t
}

// headOf returns the first part of every token signed under key id.
func headOf(id string) (string, error) {
	text, err := unsigned(id, &wire{}).SigningString()
	if err != nil {
		return "", err
	}
	head, _, _ := strings.Cut(text, ".")
	return head, nil
}
