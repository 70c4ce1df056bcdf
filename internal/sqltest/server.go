package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qingyuan/internal/porttest"
)

const (
	startLimit = 60 * time.Second // a loaded machine is slow, not broken
	startPoll  = 10 * time.Millisecond
	stopLimit  = 30 * time.Second
	superuser  = "qingyuan"
	database   = "qingyuan"
	empty      = "template1" // what PostgreSQL makes new databases of
)

// watch keeps the server as its child and ends it with the signal that it is
// told, or at once when the test binary is gone and can tell nothing more. The
// folder goes with the binary. It needs no goroutine of ours, and holds on every
// system. Descriptor 3 is left to the server.
const watch = `dir=$1; shift
"$@" </dev/null & pid=$!
exec 3>&-
read -r signal || signal=
kill -s "${signal:-QUIT}" "$pid" 2>/dev/null
wait "$pid"
[ -n "$signal" ] || rm -rf "$dir"`

// Server is one PostgreSQL server, for tests that take it away for a while.
type Server struct {
	bin  string // folder of the programs
	dir  string
	addr string // empty for a Unix socket only
	run  *running
}

// running is one life of a server.
type running struct {
	cmd  *exec.Cmd
	tell io.WriteCloser // to the watching shell
	gone *os.File       // ends when the last process of the server has ended
}

// StartPostgreSQL runs a server of the test's own on a loopback port, until t
// ends. It returns when the server answers.
func StartPostgreSQL(t testing.TB) *Server {
	t.Helper()
	s := &Server{bin: programs(t)}
	if err := s.create(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.end(t, "QUIT")
		_ = os.RemoveAll(s.dir)
	})
	s.addr = porttest.Addr(t)
	if err := s.start(t.Context()); err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	s.createDatabase(t, database, empty)
	return s
}

// URL is the address of an empty database. It survives Stop and Start.
func (s *Server) URL() string { return s.url(database) }

// Addr is HOST:PORT, for a proxy in between.
func (s *Server) Addr() string { return s.addr }

// Stop ends the server as an operator does: connections are cut, what was begun
// is rolled back, and the data are in order.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.end(t, "INT")
}

// Kill ends the server without a word, as kill -9 or a loss of power of the
// machine's processes does.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.end(t, "KILL")
}

// Start starts the server again, at the same address and on the same data. It
// returns when the server answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if s.run != nil {
		return
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatalf("start PostgreSQL again: %v", err)
	}
}

func (s *Server) end(t testing.TB, signal string) {
	t.Helper()
	r := s.run
	if r == nil {
		return
	}
	s.run = nil
	if _, err := io.WriteString(r.tell, signal+"\n"); err != nil {
		t.Errorf("tell PostgreSQL's watcher %s: %v", signal, err)
	}
	if !r.endsWithin(stopLimit) {
		t.Errorf("PostgreSQL ignored %s for %v", signal, stopLimit)
	}
	r.release()
}

// start runs the server and waits until it answers.
func (s *Server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	r, err := s.spawn()
	if err != nil {
		return err
	}
	if err := s.await(ctx, r); err != nil {
		log, _ := os.ReadFile(s.logPath())
		r.release()
		return fmt.Errorf("%w\n%s", err, log)
	}
	s.run = r
	return nil
}

// spawn starts the server below its watcher.
func (s *Server) spawn() (*running, error) {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of PostgreSQL: %w", err)
	}
	hear, tell, errTell := os.Pipe()
	gone, alive, errGone := os.Pipe()
	defer func() {
		for _, theirs := range []*os.File{log, hear, alive} {
			_ = theirs.Close() // nil where the pipe could not be made
		}
	}()
	cmd := s.command("sh", append([]string{"-c", watch, "sh", s.dir}, s.serve()...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = hear, log, log, []*os.File{alive}
	if err := errors.Join(errTell, errGone); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, tell.Close(), gone.Close())
	}
	return &running{cmd: cmd, tell: tell, gone: gone}, nil
}

// endsWithin waits until every process of the server is gone. Until then it
// could not be started again: its backends outlive it for a moment.
func (r *running) endsWithin(limit time.Duration) bool {
	_ = r.gone.SetReadDeadline(time.Now().Add(limit))
	_, err := r.gone.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// release ends what still runs, and waits for the watcher. One that was told
// nothing would take the folder for left behind.
func (r *running) release() {
	_, _ = io.WriteString(r.tell, "QUIT\n")
	_ = r.tell.Close()
	_ = r.cmd.Wait() // how it ended is in its log
	_ = r.gone.Close()
}

// serve is the command line of the server. It syncs, as it must for the program
// to take it; what else costs time and protects nothing here is off.
func (s *Server) serve() []string {
	listen, port := "", "1"
	if s.addr != "" {
		listen, port, _ = net.SplitHostPort(s.addr)
	}
	out := []string{filepath.Join(s.bin, "postgres"), "-D", s.data()}
	for _, set := range []string{
		"listen_addresses=" + listen, "port=" + port,
		"unix_socket_directories=" + s.dir,
		"max_connections=200", "shared_buffers=32MB", "dynamic_shared_memory_type=mmap",
		"full_page_writes=off", "checkpoint_timeout=1h", "max_wal_size=1GB",
		"autovacuum=off", "jit=off", "max_worker_processes=0", "max_logical_replication_workers=0",
	} {
		out = append(out, "-c", set)
	}
	return out
}

// await returns nil once the server takes connections.
func (s *Server) await(ctx context.Context, r *running) error {
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		switch {
		case err == nil:
			return conn.Close(ctx)
		case ctx.Err() != nil:
			return fmt.Errorf("wait for PostgreSQL: %w", err)
		case r.endsWithin(startPoll):
			return errors.New("PostgreSQL ended before it answered")
		}
	}
}

// createDatabase makes a database that is like another one, which nobody may have open.
func (s *Server) createDatabase(t testing.TB, name, like string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url("postgres"))
	if err != nil {
		t.Fatalf("reach PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	statement := "CREATE DATABASE " + pgx.Identifier{name}.Sanitize() + " TEMPLATE " + pgx.Identifier{like}.Sanitize()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("create a database: %v", err)
	}
}

func (s *Server) url(name string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + name}
	if s.addr != "" {
		u.Host = s.addr
		u.RawQuery = "sslmode=disable"
	} else {
		u.RawQuery = url.Values{"host": {s.dir}, "port": {"1"}}.Encode()
	}
	return u.String()
}

func (s *Server) data() string    { return filepath.Join(s.dir, "data") }
func (s *Server) logPath() string { return filepath.Join(s.dir, "log") }
