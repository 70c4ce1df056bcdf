// Package redistest runs private redis-servers for tests. Scripts and stores
// are proved on the server that runs them in production; nothing is shared
// between tests, and nothing is mocked.
//
// A server lives in a temporary folder of its own and ends with the test that
// started it, also when the test binary is killed (on Linux). A missing
// redis-server fails the test: a skipped store test would prove nothing.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"qingyuan/internal/porttest"
)

// BinaryEnv names the environment variable that chooses another server
// program, so that the same tests can be run on Valkey or on a newer Redis.
const BinaryEnv = "QINGYUAN_TEST_REDIS"

const (
	startLimit = 2 * time.Minute // a loaded machine is slow, not broken
	stopLimit  = 10 * time.Second
	maxSocket  = 100 // bytes; a socket's path ends at 103 on some systems
)

// Option changes how Start runs the server.
type Option func(*Server)

// Durable makes the server write and sync every command before it answers, as
// in production, so that data outlives Kill and Restart.
func Durable() Option {
	return func(s *Server) {
		s.set("appendonly", "yes")
		s.set("appendfsync", "always")
		s.set("no-appendfsync-on-rewrite", "no")
	}
}

// Packed makes the server keep a participant's hash in one piece, as the program's own
// Redis does: what memory and reads cost depends on it.
func Packed() Option {
	return func(s *Server) {
		s.set("hash-max-listpack-value", "512")
		s.set("hash-max-listpack-entries", "512")
	}
}

// TCP makes the server listen on a loopback port instead of a Unix socket, for
// tests that put a proxy in between.
func TCP() Option { return func(s *Server) { s.network = "tcp" } }

// Set gives the server one more setting, as in redis.conf. A later one wins.
func Set(name string, values ...string) Option {
	return func(s *Server) { s.set(name, values...) }
}

// Server is one running redis-server.
type Server struct {
	binary  string
	dir     string
	network string
	addr    string
	bus     string // host and port of a cluster's own traffic; empty outside one
	args    []string
	process *process // nil while it does not run
}

// process is one life of a server.
type process struct {
	os     *os.Process
	exited chan struct{} // closed once the process has been waited for
}

// Start runs a redis-server until t ends: on a Unix socket and without
// persistence, unless options say otherwise. It returns when the server
// answers, and fails t when it does not.
func Start(t testing.TB, options ...Option) *Server {
	t.Helper()
	s := &Server{network: "unix", binary: binary(t), dir: tempDir(t)}
	s.set("save", "")
	s.set("appendonly", "no")
	s.set("dir", s.dir)
	for _, option := range options {
		option(s)
	}
	t.Cleanup(func() { s.stop(t) })
	s.addr = filepath.Join(s.dir, "s")
	if s.network == "tcp" {
		s.addr = porttest.Addr(t)
	}
	s.run(t)
	return s
}

// Network is "unix" or "tcp".
func (s *Server) Network() string { return s.network }

// Addr is the socket's path, or host and port. It survives Restart.
func (s *Server) Addr() string { return s.addr }

// Options returns what a client needs to reach the server: no retries, which
// would hide what a test wants to see, and deadlines that hold.
func (s *Server) Options() *redis.Options {
	return &redis.Options{
		Network:                  s.network,
		Addr:                     s.addr,
		MaxRetries:               -1,
		DialerRetries:            1,
		ContextTimeoutEnabled:    true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Client returns a new client of the server and closes it when t ends.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	db := redis.NewClient(s.Options())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// PID is the process id of the running server, or zero.
func (s *Server) PID() int {
	if s.process == nil {
		return 0
	}
	return s.process.os.Pid
}

// Kill ends the server as kill -9 does and waits until it is gone.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.end(t, syscall.SIGKILL)
}

// Restart starts the server again at the same address and on the same files,
// after stopping it in an orderly way if it still runs.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.stop(t)
	s.run(t)
}

func (s *Server) set(name string, values ...string) {
	s.args = append(append(s.args, "--"+name), values...)
}

func (s *Server) logPath() string { return filepath.Join(s.dir, "log") }

func (s *Server) stop(t testing.TB) {
	t.Helper()
	s.end(t, syscall.SIGTERM)
}

func (s *Server) end(t testing.TB, sig os.Signal) {
	t.Helper()
	p := s.process
	if p == nil {
		return
	}
	s.process = nil
	if err := p.os.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("send %v to redis-server %d: %v", sig, p.os.Pid, err)
	}
	_ = p.os.Signal(syscall.SIGCONT) // a paused server hears nothing else
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		_ = p.os.Kill()
		<-p.exited
		t.Errorf("redis-server %d ignored %v for %v", p.os.Pid, sig, stopLimit)
	}
}

func (s *Server) run(t testing.TB) {
	t.Helper()
	if err := s.tryRun(t.Context()); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
}

// tryRun starts the process and waits until it answers.
func (s *Server) tryRun(ctx context.Context) error {
	p, err := spawn(s.binary, s.logPath(), slices.Concat(s.args, s.listen()))
	if err != nil {
		return err
	}
	s.process = p
	if err := s.await(ctx, p); err != nil {
		_ = p.os.Kill()
		<-p.exited
		s.process = nil
		log, _ := os.ReadFile(s.logPath())
		return fmt.Errorf("%w\n%s", err, log)
	}
	return nil
}

func (s *Server) listen() []string {
	if s.network == "unix" {
		return []string{"--port", "0", "--unixsocket", s.addr, "--unixsocketperm", "700"}
	}
	host, port := s.hostPort()
	args := []string{"--bind", host, "--port", port}
	if s.bus != "" {
		_, bus, _ := net.SplitHostPort(s.bus)
		args = append(args, "--cluster-port", bus)
	}
	return args
}

func (s *Server) hostPort() (host, port string) {
	host, port, _ = net.SplitHostPort(s.addr)
	return host, port
}

// await returns nil once the server answers PING. A server that asks for a
// password or is still part of no cluster answers too.
func (s *Server) await(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	db := redis.NewClient(s.Options())
	defer func() { _ = db.Close() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.listens(ctx)
		if err == nil {
			err = db.Ping(ctx).Err()
		}
		if err == nil || redis.HasErrorPrefix(err, "NOAUTH") {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("redis-server ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("wait for an answer at %s: %w", s.addr, err)
		case <-tick.C:
		}
	}
}

// listens asks without the client, which logs every dial that fails.
func (s *Server) listens(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, s.network, s.addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// spawn forks from a thread that is kept until the process ends: on Linux the
// server is killed when its parent thread dies, and Go ends some threads.
func spawn(binary, logPath string, args []string) (*process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of redis-server: %w", err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(binary, args...)
	cmd.SysProcAttr = dieWithParent()
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = log, log
	p := &process{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.os = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(p.exited)
		}
	}()
	return p, <-started
}

func binary(t testing.TB) string {
	t.Helper()
	name := os.Getenv(BinaryEnv)
	if name == "" {
		name = "redis-server"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: the tests need Redis 7.0 or newer; `make test` installs it, "+
			"or on Debian: apt-get install redis-server", err)
	}
	return path
}

// tempDir makes a folder whose name stays short: t.TempDir carries the test's
// name, and the path of a socket must fit in about 100 bytes.
func tempDir(t testing.TB) string {
	t.Helper()
	parent := ""
	if len(os.TempDir()) > maxSocket-len("/qy-4294967295/s") {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "qy-")
	if err != nil {
		t.Fatalf("make a folder for redis-server: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
