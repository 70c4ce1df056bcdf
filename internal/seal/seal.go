// Package seal keeps what only the servers may read: it derives one key per
// purpose from the deployment's secrets, and encrypts small values with them.
//
// It knows nothing of whose data it protects. Callers bind a value to its place
// by the additional data, so that a sealed value copied into another record
// does not open there.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// ErrOpen is a value that does not open: altered, cut short, moved to another
// record, or sealed with a key that is no longer configured. It says no more,
// so that nothing can be learned from trying.
var ErrOpen = errors.New("sealed value does not open")

// Box seals with the current key and opens with any key of its set. It is safe
// for concurrent use.
type Box struct {
	current string
	ciphers map[string]cipher.AEAD
}

// New returns a box for keys. Each secret is stretched to an AES-256 key of its
// own, so the secrets may be shared with other purposes only after Derive. The
// error names the key id that is unfit, never the secret.
//
// One key may seal 2^32 values; rotate it long before.
func New(keys Keys) (*Box, error) {
	if err := keys.Validate(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	b := &Box{current: keys.Current, ciphers: make(map[string]cipher.AEAD, len(keys.Secrets))}
	for id, secret := range keys.Secrets {
		key := Derive(secret, "seal aes-256-gcm")
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return nil, fmt.Errorf("seal: cipher for key %q: %w", id, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("seal: cipher for key %q: %w", id, err)
		}
		b.ciphers[id] = aead
	}
	return b, nil
}

// Seal encrypts plaintext under the current key and binds it to aad, which the
// caller must be able to give again and which is not stored. The result is
// one byte of length, the key id, the nonce, the ciphertext and its tag. Two
// calls never give the same bytes.
func (b *Box) Seal(plaintext, aad []byte) []byte {
	head := header(b.current)
	aead := b.ciphers[b.current]
	out := make([]byte, len(head), len(head)+len(plaintext)+aead.Overhead())
	copy(out, head)
	return aead.Seal(out, nil, plaintext, bind(head, aad)) //nolint:gosec // The cipher makes its own random nonce.
}

// Open is the inverse of Seal with the same aad. Every failure is ErrOpen.
func (b *Box) Open(sealed, aad []byte) ([]byte, error) {
	id, rest, ok := split(sealed)
	if !ok {
		return nil, ErrOpen
	}
	aead, ok := b.ciphers[id]
	if !ok {
		return nil, ErrOpen
	}
	plain, err := aead.Open(nil, nil, rest, bind(header(id), aad))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Current reports whether sealed names the key that Seal uses now. A value for
// which it is false should be sealed again when it is next at hand.
func (b *Box) Current(sealed []byte) bool {
	id, _, ok := split(sealed)
	return ok && id == b.current
}

func header(id string) []byte {
	return append([]byte{byte(len(id))}, id...) //nolint:gosec // Validate keeps ids under 33 bytes.
}

func split(sealed []byte) (id string, rest []byte, ok bool) {
	if len(sealed) == 0 {
		return "", nil, false
	}
	n := int(sealed[0])
	if n == 0 || n > maxID || len(sealed) < 1+n {
		return "", nil, false
	}
	return string(sealed[1 : 1+n]), sealed[1+n:], true
}

// bind puts the key id under the tag too, so that it cannot be exchanged. The
// header says its own length, which keeps the two parts apart.
func bind(head, aad []byte) []byte {
	out := make([]byte, 0, len(head)+len(aad))
	out = append(out, head...)
	return append(out, aad...)
}
