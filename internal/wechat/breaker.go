package wechat

import (
	"sync"
	"time"
)

// verdict is what one call told about WeChat's health.
type verdict uint8

const (
	unknown verdict = iota
	healthy
	outage
)

// breaker stops calls while WeChat is away, so that every sign-in does not wait
// for a timeout of its own. After a number of outages in a row it opens; when
// its pause is over it lets one call through, and that one's verdict closes it
// or opens it again.
type breaker struct {
	most  int
	pause time.Duration
	now   func() time.Time

	mu      sync.Mutex
	outages int       // in a row
	until   time.Time // no calls before
	probing bool      // the one call after the pause is under way
}

func newBreaker(most int, pause time.Duration, now func() time.Time) *breaker {
	return &breaker{most: most, pause: pause, now: now}
}

// enter asks to make a call. It returns how to tell how the call went, or nil
// and how long to stay away.
func (b *breaker) enter() (done func(verdict), wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.outages < b.most {
		return func(v verdict) { b.leave(v, false) }, 0
	}
	if wait := b.until.Sub(b.now()); wait > 0 {
		return nil, wait
	}
	if b.probing {
		return nil, time.Second
	}
	b.probing = true
	return func(v verdict) { b.leave(v, true) }, 0
}

func (b *breaker) leave(v verdict, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe {
		b.probing = false
	}
	switch v {
	case healthy:
		b.outages = 0
	case outage:
		b.outages++
		if b.outages >= b.most {
			b.until = b.now().Add(b.pause)
		}
	case unknown:
	}
}
