package redistest_test

import (
	"fmt"
	"runtime"
	"testing"
)

// recorder is a testing.TB whose Fatalf is remembered instead of failing the
// test. Everything else goes to the real one.
type recorder struct {
	testing.TB

	told string
}

// Fatalf ends the calling goroutine, as that of testing.T does.
func (r *recorder) Fatalf(format string, args ...any) {
	r.told = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
