package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestStaffNamesWhoHangs lets one of several workers not go.
func TestStaffNamesWhoHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s staff
		stop, never := make(chan struct{}), make(chan struct{})
		s.start("crew", func() {
			s.start("fold a/0", func() { <-never })
			<-stop
		})
		s.start("ready", func() { <-stop })
		s.start("fold a/0", func() { <-stop })
		close(stop)
		began := time.Now()
		if got := s.wait(10 * time.Second); !slices.Equal(got, []string{"fold a/0"}) || time.Since(began) != 10*time.Second {
			t.Errorf("after %v, still there: %q", time.Since(began), got)
		}
		close(never)
		synctest.Wait()
		if got := s.wait(time.Hour); got != nil || time.Since(began) != 10*time.Second {
			t.Errorf("after %v, still there: %q", time.Since(began), got)
		}
	})
}
