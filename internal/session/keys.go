package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"qingyuan/internal/seal"
)

// Secrets is what an operator configures for the sign-in.
type Secrets struct {
	// Master is at least 32 random bytes and never changes: who a participant
	// is hangs on it.
	Master []byte
	// Tokens sign access and refresh tokens. A key may be taken out when no
	// session of its time is left.
	Tokens seal.Keys
	// Seals protect what WeChat told about people. A key may be taken out when
	// nothing sealed with it is kept.
	Seals seal.Keys
}

// Keys holds one key for each purpose of the sign-in. It never prints itself.
type Keys struct {
	// Access is for package token.
	Access seal.Keys

	refresh seal.Keys
	doors   *seal.Box
	person  [32]byte
	door    [32]byte
	code    [32]byte
	address [32]byte
	detour  [32]byte
}

// DeriveKeys makes the keys of the sign-in. The error names what is unfit, and
// no secret.
func DeriveKeys(s Secrets) (Keys, error) {
	if len(s.Master) < sha256.Size {
		return Keys{}, fmt.Errorf("session keys: the master secret has %d bytes, want at least %d", len(s.Master), sha256.Size)
	}
	if err := s.Tokens.Validate(); err != nil {
		return Keys{}, fmt.Errorf("session keys: tokens: %w", err)
	}
	if err := s.Seals.Validate(); err != nil {
		return Keys{}, fmt.Errorf("session keys: seals: %w", err)
	}
	doors, err := seal.New(s.Seals.Derive("session doors"))
	if err != nil {
		return Keys{}, fmt.Errorf("session keys: %w", err)
	}
	return Keys{
		Access:  s.Tokens.Derive("access token"),
		refresh: s.Tokens.Derive("refresh token"),
		doors:   doors,
		person:  seal.Derive(s.Master, "participant id"),
		door:    seal.Derive(s.Master, "door hash"),
		code:    seal.Derive(s.Master, "code hash"),
		address: seal.Derive(s.Master, "address hash"),
		detour:  seal.Derive(s.Master, "wechat detour"),
	}, nil
}

// DoorsBox seals and opens what WeChat told about people, bound to the hash of
// the door.
func (k Keys) DoorsBox() *seal.Box { return k.doors }

// String implements fmt.Stringer without the keys.
func (Keys) String() string { return "session keys" }

// GoString implements fmt.GoStringer without the keys.
func (Keys) GoString() string { return "session keys" }

// LogValue implements slog.LogValuer without the keys.
func (Keys) LogValue() slog.Value { return slog.StringValue("session keys") }

func (k Keys) validate() error {
	if k.doors == nil {
		return errors.New("no keys: make them with DeriveKeys")
	}
	return nil
}

// entrance is a door by name: the hash it is stored under, and the participant
// it leads to if nothing else is known.
type entrance struct{ hash, participant string }

// entrance names a door: "unionid:…", "wx:<appid>:<openid>" or "sandbox:…". A
// participant's id is 96 bits of a keyed hash, 16 characters of base64url.
func (k Keys) entrance(door string) entrance {
	return entrance{
		hash:        base64.RawURLEncoding.EncodeToString(mac(k.door[:], door)[:16]),
		participant: base64.RawURLEncoding.EncodeToString(mac(k.person[:], door)[:12]),
	}
}

func (k Keys) codeHash(appid, code string) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.code[:], appid+"\x00"+code)[:16])
}

// addressHash names a caller for one purpose. Of an IPv6 address only the
// network counts, because a caller chooses the rest at will.
func (k Keys) addressHash(purpose string, addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			addr = network.Addr()
		}
	}
	return base64.RawURLEncoding.EncodeToString(mac(k.address[:], purpose+"\x00"+addr.String())[:16])
}

// triedHash names whom somebody claims to be, for counting how often that is tried.
func (k Keys) triedHash(door string) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.address[:], "try\x00"+door)[:16])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
