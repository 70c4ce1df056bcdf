package main

import (
	"maps"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"qingyuan/internal/redisstore"
)

// staff is everybody who works beside the requests. It knows them by name, so that
// a stop can say who does not go.
type staff struct {
	mu      sync.Mutex
	working map[string]int
	all     sync.WaitGroup
}

// start lets somebody work. Nobody may start after wait, but for those who are
// started by somebody at work.
func (s *staff) start(name string, work func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working == nil {
		s.working = map[string]int{}
	}
	s.working[name]++
	s.all.Go(func() {
		defer s.leave(name)
		// Profiles tell the work of one from that of another, and from requests.
		kind, _, _ := strings.Cut(name, " ")
		pprof.SetGoroutineLabels(redisstore.Labelled(kind))
		work()
	})
}

func (s *staff) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.working[name]--; s.working[name] == 0 {
		delete(s.working, name)
	}
}

// wait waits until everybody has gone, or patience is at its end: it then returns
// who is still there, sorted.
func (s *staff) wait(patience time.Duration) []string {
	gone := make(chan struct{})
	go func() {
		s.all.Wait()
		close(gone)
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-gone:
		return nil
	case <-limit.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.working))
}
