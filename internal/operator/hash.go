package operator

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"runtime"

	"github.com/alexedwards/argon2id"
)

// Stretch is how passwords are stretched: Argon2id with 19 MiB, two passes and one
// lane, which the OWASP Password Storage Cheat Sheet names as its minimum and as
// equal to fewer passes over more memory. It is about 30 ms of one processor: a
// flood of sign-ins shall not slow the people who answer.
func Stretch() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// Stretchers is how many passwords a server stretches at once: a quarter of its
// processors, so that the rest is left to participants.
func Stretchers() int { return max(1, runtime.GOMAXPROCS(0)/4) }

// waiting is how many may wait for a place where a password is stretched. Whoever
// comes then is asked to come again: they would wait longer than a request may.
const waiting = 32

// hasher stretches passwords, few at a time.
type hasher struct {
	params *argon2id.Params
	places chan struct{} // those who stretch
	line   chan struct{} // those and who waits
	// nobody is the hash of the logins that nobody has, so that comparing takes as long
	// as with any other. No password leads to it.
	nobody string
}

func newHasher(p *argon2id.Params, at int) (*hasher, error) {
	if p == nil {
		p = Stretch()
	}
	if p.Iterations < 1 || p.Parallelism < 1 || p.Memory < 8*uint32(p.Parallelism) || p.SaltLength < 8 || p.KeyLength < 16 {
		return nil, fmt.Errorf("operators: argon2id cannot work with %+v", *p)
	}
	return &hasher{params: p, places: make(chan struct{}, at), line: make(chan struct{}, at+waiting), nobody: drawn(p)}, nil
}

// drawn is a hash in the form of argon2id whose salt and key are drawn: making it takes no
// stretching, which every start and every command would wait for.
func drawn(p *argon2id.Params) string {
	salt, key := make([]byte, p.SaltLength), make([]byte, p.KeyLength)
	_, _ = rand.Read(salt) // never fails; it ends the program instead
	_, _ = rand.Read(key)
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Iterations, p.Parallelism,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// make stretches a password with a salt of its own.
func (h *hasher) make(ctx context.Context, password string) (hash string, err error) {
	err = h.in(ctx, func() error {
		hash, err = argon2id.CreateHash(password, h.params)
		return err
	})
	return hash, err
}

// matches tells whether a password is the one of a hash; an empty hash is nobody's,
// takes as long and never matches. stale says that the hash was made in another way
// than Stretch is now.
func (h *hasher) matches(ctx context.Context, password, hash string) (ok, stale bool, err error) {
	err = h.in(ctx, func() error {
		against := hash
		if hash == "" {
			against = h.nobody
		}
		match, params, err := argon2id.CheckHash(password, against)
		if err != nil {
			return fmt.Errorf("compare a password: %w", err)
		}
		ok, stale = match && hash != "", *params != *h.params
		return nil
	})
	return ok, stale, err
}

// in runs fn at one of the places.
func (h *hasher) in(ctx context.Context, fn func() error) error {
	select {
	case h.line <- struct{}{}:
		defer func() { <-h.line }()
	default:
		return ErrBusy
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
		return fn()
	case <-ctx.Done():
		return ErrBusy.Because(ctx.Err())
	}
}
