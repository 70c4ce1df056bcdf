package seal

import (
	"errors"
	"fmt"
	"log/slog"
)

const (
	// minSecret is the least length of a secret in bytes: what HMAC-SHA256 and
	// AES-256 can use in full.
	minSecret = 32
	// maxID bounds a key id, which travels in tokens and sealed values.
	maxID = 32
)

// Keys is a set of secrets by key id, one of them current. New values are made
// with the current one; older ones stay readable until their key is taken out.
// It never prints a secret.
type Keys struct {
	// Current is the key id that new values are made with.
	Current string
	// Secrets maps a key id (1 to 32 of A-Z a-z 0-9 - _) to at least 32 random
	// bytes.
	Secrets map[string][]byte
}

// Validate names every fault of the set by key id, and never a secret.
func (k Keys) Validate() error {
	var errs []error
	if _, ok := k.Secrets[k.Current]; !ok {
		errs = append(errs, fmt.Errorf("current key id %q has no secret", k.Current))
	}
	for id, secret := range k.Secrets {
		if !validID(id) {
			errs = append(errs, fmt.Errorf("key id %q: want 1 to %d letters, digits, - or _", id, maxID))
		}
		if len(secret) < minSecret {
			errs = append(errs, fmt.Errorf("key %q: secret has %d bytes, want at least %d", id, len(secret), minSecret))
		}
	}
	return errors.Join(errs...)
}

// Derive returns the set with every secret replaced by the one for label.
func (k Keys) Derive(label string) Keys {
	out := Keys{Current: k.Current, Secrets: make(map[string][]byte, len(k.Secrets))}
	for id, secret := range k.Secrets {
		key := Derive(secret, label)
		out.Secrets[id] = key[:]
	}
	return out
}

// String implements fmt.Stringer without the secrets.
func (k Keys) String() string { return fmt.Sprintf("%d keys, current %q", len(k.Secrets), k.Current) }

// GoString implements fmt.GoStringer without the secrets.
func (k Keys) GoString() string { return k.String() }

// LogValue implements slog.LogValuer without the secrets.
func (k Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }

func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
