package redistest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Replica starts a server that follows primary, which must listen on TCP, and
// returns once it holds what the primary has. Restarted, it follows the same
// address again.
func Replica(t testing.TB, primary *Server, options ...Option) *Server {
	t.Helper()
	// The primary's usual pause before a copy is for several replicas to share it.
	if err := primary.Client(t).ConfigSet(t.Context(), "repl-diskless-sync-delay", "0").Err(); err != nil {
		t.Fatalf("let replicas copy at once: %v", err)
	}
	host, port := primary.hostPort()
	s := Start(t, append([]Option{TCP(), Set("replicaof", host, port), quickCopy()}, options...)...)
	// An option may have put a link in between, with an address of its own.
	eventually(t, s.addr+" to follow "+primary.addr, func() error {
		return s.replication(t, "role:slave", "master_link_status:up")
	})
	return s
}

// quickCopy is for servers that may become the primary of others.
func quickCopy() Option { return Set("repl-diskless-sync-delay", "0") }

// Follows waits until the server is a replica of primary and their link is up,
// whoever sees to it.
func (s *Server) Follows(t testing.TB, primary *Server) {
	t.Helper()
	eventually(t, s.addr+" to follow "+primary.addr, func() error { return s.follows(t, primary) })
}

// follows fails unless the server is a replica of primary and their link is up.
func (s *Server) follows(t testing.TB, primary *Server) error {
	t.Helper()
	host, port := primary.hostPort()
	return s.replication(t, "role:slave", "master_link_status:up", "master_host:"+host, "master_port:"+port)
}

// Promote makes a replica a primary, as an operator does by hand.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if err := s.Client(t).ReplicaOf(t.Context(), "NO", "ONE").Err(); err != nil {
		t.Fatalf("promote %s: %v", s.addr, err)
	}
}

// Follow makes the server a replica of primary and waits until it is.
func (s *Server) Follow(t testing.TB, primary *Server) {
	t.Helper()
	host, port := primary.hostPort()
	if err := s.Client(t).ReplicaOf(t.Context(), host, port).Err(); err != nil {
		t.Fatalf("let %s follow %s: %v", s.addr, primary.addr, err)
	}
	s.Follows(t, primary)
}

// replication fails unless INFO says all these lines of it.
func (s *Server) replication(t testing.TB, lines ...string) error {
	t.Helper()
	db := redis.NewClient(s.Options())
	defer func() { _ = db.Close() }()
	text, err := db.Info(t.Context(), "replication").Result()
	if err != nil {
		return err
	}
	for _, line := range lines {
		if !strings.Contains(text, line+"\r\n") {
			return fmt.Errorf("%s is not so:\n%s", line, text)
		}
	}
	return nil
}

// eventually asks again and again, and fails the test with the last answer.
func eventually(t testing.TB, what string, ask func() error) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startLimit)
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %v in vain for %s: %v", startLimit, what, err)
		}
	}
}
