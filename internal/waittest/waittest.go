// Package waittest waits in tests for what no channel tells, and has a clock for what needs
// no waiting.
package waittest

import (
	"sync"
	"testing"
	"time"
)

const (
	// patience bounds every wait. It is long for the sake of machines with much else to do:
	// nothing waits for its end when all is well.
	patience = 5 * time.Minute
	// soon is the time before the second look. Each further one waits longer by half, up to
	// atLast: what takes long is not hurried by asking, and asking takes a processor's time.
	soon   = 2 * time.Millisecond
	atLast = 50 * time.Millisecond
)

// Until returns once something holds, and fails the test where it never does.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	late := time.After(patience)
	for pause := soon; !holds(); pause = min(pause*3/2, atLast) {
		select {
		case <-time.After(pause):
		case <-late:
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

// Clock is a time that a test moves by hand, so that nobody waits for it.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock that stands still at a moment.
func NewClock(at time.Time) *Clock { return &Clock{at: at} }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Add moves the clock on, or back.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Set moves the clock to a moment.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}
