package session

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Limiter counts callers, named by a keyed hash. It grants perMinute calls a
// minute for good and burst of them at once; retryAfter says when a call that
// was refused will be granted.
type Limiter interface {
	Allow(ctx context.Context, hash string, perMinute, burst int) (ok bool, retryAfter time.Duration, err error)
}

// Gate bounds how often one address may come to a door, across all instances. Many
// people share an address, so its bound is against floods, not against persons.
type Gate struct {
	Limiter Limiter
	Keys    Keys
	// PerMinute and Burst are as in Limiter; Burst zero means PerMinute.
	PerMinute, Burst int
	// Purpose keeps the counts of one door from those of another; "sign-in" when
	// empty.
	Purpose string
	// Spare lists networks that are not counted.
	Spare []netip.Prefix
}

// Admit counts one coming from addr, which must be the caller's own address and
// not what a header claims. It returns ErrRateLimited with the time to wait
// when there were too many, and the limiter's error when it cannot tell.
func (g *Gate) Admit(ctx context.Context, addr netip.Addr) error {
	for _, network := range g.Spare {
		if network.Contains(addr.Unmap()) {
			return nil
		}
	}
	burst := g.Burst
	if burst == 0 {
		burst = g.PerMinute
	}
	ok, wait, err := g.Limiter.Allow(ctx, g.Keys.addressHash(cmp.Or(g.Purpose, "sign-in"), addr), g.PerMinute, burst)
	if err != nil {
		return fmt.Errorf("count %s of an address: %w", cmp.Or(g.Purpose, "sign-in"), err)
	}
	if !ok {
		return ErrRateLimited.WithRetry(wait)
	}
	return nil
}

// Tries bounds how often one person of a roster may be tried, across all instances and
// from wherever, so that a name cannot be found by trying.
type Tries struct {
	Limiter Limiter
	Keys    Keys
}

// triesAtOnce and triesPerMinute are generous for somebody who mistypes, and let a
// stranger try a hundred names in an hour and a half.
const triesAtOnce, triesPerMinute = 10, 1

// Count counts one try of the person. It returns ErrRateLimited with the time to wait
// when there were too many.
func (t *Tries) Count(ctx context.Context, r RosterEntry) error {
	ok, wait, err := t.Limiter.Allow(ctx, t.Keys.triedHash(r.door()), triesPerMinute, triesAtOnce)
	if err != nil {
		return fmt.Errorf("count a try of a person of a roster of %s: %w", r.Campaign, err)
	}
	if !ok {
		return ErrRateLimited.WithRetry(wait)
	}
	return nil
}
