package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"qingyuan/configs"
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

// TestDrain stops a server behind a load balancer: it says so, serves on for a
// while, and only then closes. The while is as long as the machine needs to look at it.
func TestDrain(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	cfg.HTTP.DrainDelay = time.Second
	for !drains(t, cfg) && !t.Failed() && cfg.HTTP.DrainDelay < patience {
		cfg.HTTP.DrainDelay *= 2
	}
}

// drains stops a server, and returns false where the machine was too slow to ask it
// anything in its delay.
func drains(t *testing.T, cfg configs.Config) (asked bool) {
	t.Helper()
	s := start(t, cfg)
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	s.eventually("the server to drain", func() bool {
		status, r, err := s.call("GET", "/readyz", nil)
		asked = err == nil
		return !asked || status == 503 && strings.Contains(fmt.Sprint(r), "draining")
	})
	if asked {
		status, _, err := s.call("POST", "/sessions/sandbox", map[string]string{"name": "late"})
		if asked = err == nil; asked && status != 200 {
			t.Errorf("who still comes is told %d", status)
		}
	}
	err, took := <-stopped, time.Since(began)
	if err != nil || took < cfg.HTTP.DrainDelay {
		t.Errorf("stopped after %v, %v", took, err)
	}
	if _, _, err := s.call("GET", "/readyz", nil); err == nil {
		t.Error("a stopped server answers")
	}
	return asked
}
