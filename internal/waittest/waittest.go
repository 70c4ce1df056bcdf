// Package waittest waits in tests for what no channel tells.
package waittest

import (
	"testing"
	"time"
)

const (
	// patience bounds every wait. It is long for the sake of machines with much else to do:
	// nothing waits for its end when all is well.
	patience = 5 * time.Minute
	every    = 5 * time.Millisecond
)

// Until returns once something holds, and fails the test where it never does.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(every)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}
