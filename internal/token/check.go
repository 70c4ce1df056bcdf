package token

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// macLength is the length of an HMAC-SHA256 in base64url. The decoder skips
// line breaks, so the length alone keeps one token from having two spellings.
const macLength = 43

// Refusals made before anything is parsed are ready, so that a flood of
// rubbish allocates nothing.
var (
	errScheme = ErrInvalid.Because(errors.New("token: authorization is not a bearer token"))
	errSize   = ErrInvalid.Because(errors.New("token: too large"))
	errShape  = ErrInvalid.Because(errors.New("token: not three parts with a full MAC"))
	errHeader = ErrInvalid.Because(errors.New("token: header is not one of ours"))
	errType   = ErrInvalid.Because(errors.New("token: of a type this use does not take"))
)

// digest names a token in the cache without keeping the token itself, which
// would let a memory dump act for everybody.
type digest = [sha256.Size]byte

// Check returns what raw says if this deployment signed it, it is of one of
// the types given, and its time has come and not run out. Otherwise the error
// is ErrMissing, ErrExpired or ErrInvalid. Check asks nobody and remembers
// tokens it has found good.
func (a *Authority) Check(raw string, types ...Type) (Claims, error) {
	if raw == "" {
		return Claims{}, ErrMissing
	}
	if len(raw) > MaxSize {
		return Claims{}, errSize
	}
	c, err := a.recall(raw)
	if err != nil {
		return Claims{}, err
	}
	if !slices.Contains(types, c.Type) {
		return Claims{}, errType
	}
	return c, nil
}

func digestOf(raw string) digest {
	var room [512]byte // a token of ours is shorter
	return sha256.Sum256(append(room[:0], raw...))
}

// recall answers from the cache where it can.
func (a *Authority) recall(raw string) (Claims, error) {
	if a.cache == nil {
		return a.verify(raw)
	}
	name := digestOf(raw)
	if c, ok := a.cache.Get(name); ok {
		if a.now().Before(c.ExpiresAt.Add(Leeway)) {
			return c, nil
		}
		a.cache.Remove(name)
		return Claims{}, ErrExpired
	}
	c, err := a.verify(raw)
	if err == nil {
		a.cache.Add(name, c)
	}
	return c, err
}

// verify checks everything about raw but its type. The header is compared as a
// whole with those this program writes, which settles the algorithm and the key
// and leaves no room for jku, x5u, jwk or crit.
func (a *Authority) verify(raw string) (Claims, error) {
	head, rest, _ := strings.Cut(raw, ".")
	body, mac, _ := strings.Cut(rest, ".")
	if body == "" || len(mac) != macLength {
		return Claims{}, errShape
	}
	secret, ok := a.heads[head]
	if !ok {
		return Claims{}, errHeader
	}
	var w wire
	_, err := a.parser.ParseWithClaims(raw, &w, func(*jwt.Token) (any, error) { return secret, nil })
	if err != nil {
		return Claims{}, refusal(err)
	}
	return w.claims(), nil
}

// refusal tells a token that merely ran out from one with anything else wrong.
func refusal(err error) error {
	if !errors.Is(err, jwt.ErrTokenExpired) {
		return ErrInvalid.Because(err)
	}
	for _, worse := range []error{
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenRequiredClaimMissing,
		jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, errClaims,
	} {
		if errors.Is(err, worse) {
			return ErrInvalid.Because(err)
		}
	}
	return ErrExpired
}

func newParser(o Options) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(o.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(Leeway),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(o.Now),
	)
}

func (w *wire) claims() Claims {
	c := Claims{Type: w.Type, ExpiresAt: time.Unix(w.Expires, 0)}
	switch w.Type {
	case Access:
		c.Participant, c.Family = w.Subject, w.Family
	case Viewer:
		c.Campaign, c.Scope = w.Campaign, w.Scope
	case Screen:
		c.Campaign, c.Scope, c.Office = w.Campaign, w.Scope, w.Role == roleOffice
	}
	return c
}
