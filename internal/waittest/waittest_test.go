package waittest_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"qingyuan/internal/waittest"
)

// victim is a test that may fail.
type victim struct {
	testing.TB

	said string
}

// Fatalf implements testing.TB.
func (v *victim) Fatalf(format string, _ ...any) {
	v.said = format
	runtime.Goexit()
}

// TestUntil asks until something holds, and no longer than there is patience.
func TestUntil(t *testing.T) {
	t.Parallel()
	for asks, failed := range map[int]bool{1: false, 1000: false, 1 << 30: true} {
		synctest.Test(t, func(t *testing.T) {
			v, asked := &victim{TB: t}, 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				waittest.Until(v, "it", func() bool { asked++; return asked == asks })
			}()
			<-done
			if got := strings.Contains(v.said, "in vain"); got != failed || !failed && asked != asks {
				t.Errorf("true at time %d: asked %d times, failed %t", asks, asked, got)
			}
		})
	}
}

// TestClock moves a clock, which does not move by itself.
func TestClock(t *testing.T) {
	t.Parallel()
	noon := time.Unix(1_800_000_000, 0)
	c := waittest.NewClock(noon)
	c.Add(time.Hour)
	c.Add(-time.Minute)
	if got := c.Now(); !got.Equal(noon.Add(59 * time.Minute)) {
		t.Errorf("moved to %s", got)
	}
	if c.Set(noon); !c.Now().Equal(noon) {
		t.Errorf("set to %s", c.Now())
	}
}
