//go:build !failpoints

package failpoint_test

import (
	"testing"

	"qingyuan/internal/failpoint"
)

// TestOff: a program that is shipped cannot be told to fail.
func TestOff(t *testing.T) {
	t.Setenv(failpoint.Env, "a=error@1")
	if err := failpoint.Hit("a"); err != nil || failpoint.Armed {
		t.Errorf("Hit = %v, Armed = %t; want nothing", err, failpoint.Armed)
	}
}
