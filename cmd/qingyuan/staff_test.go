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

// TestDrain stops a server behind a load balancer: it says so, serves on for a
// while, and only then closes.
func TestDrain(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	cfg.HTTP.DrainDelay = 2 * time.Second
	s := start(t, cfg)
	p := s.as("late")
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	unready(s, "draining")
	p.enrol(demoCampaign) // whoever still comes is served
	s.want(200, "GET", "/campaigns/"+demoCampaign+"/counts", nil)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < cfg.HTTP.DrainDelay {
		t.Errorf("stopped after %v", took)
	}
	if _, _, err := s.call("GET", "/readyz", nil); err == nil {
		t.Error("a stopped server answers")
	}
}
