package redistest

import (
	"syscall"
	"testing"
)

// Pause stops the server as a machine that hangs does: its connections stay and
// nothing is answered until Resume.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Resume lets a paused server go on where it stopped.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

func (s *Server) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if s.process == nil {
		t.Fatalf("send %v to a redis-server that does not run", sig)
	}
	if err := s.process.os.Signal(sig); err != nil {
		t.Fatalf("send %v to redis-server %d: %v", sig, s.process.os.Pid, err)
	}
}
