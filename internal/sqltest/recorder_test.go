package sqltest_test

import (
	"fmt"
	"runtime"
	"testing"
)

// recorder is a testing.TB whose Fatal is remembered instead of failing the
// test. Everything else goes to the real one.
type recorder struct {
	testing.TB

	told string
}

// Fatal ends the calling goroutine, as that of testing.T does.
func (r *recorder) Fatal(args ...any) {
	r.told = fmt.Sprint(args...)
	runtime.Goexit()
}

// failure runs start with a recorder in the place of t and returns what it was
// told, or an empty text when start succeeded.
func failure[T any](t *testing.T, start func(testing.TB) T) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // Fatal ends its goroutine
		defer close(done)
		start(r)
	}()
	<-done
	return r.told
}
