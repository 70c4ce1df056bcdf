package redisnode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisnode"
	"qingyuan/internal/waittest"
)

func TestKilledChildComesBackWithItsData(t *testing.T) {
	t.Parallel()
	ready := make(chan int, 8)
	n := start(t, redisnode.Options{Dir: t.TempDir(), OnReady: func(pid int) { ready <- pid }})
	conn := n.Conn()
	pid := receive(t, "the first start", ready)
	for round := range 3 {
		value := fmt.Sprint("round ", round)
		put(t, conn, "k", value)
		kill(t, pid, syscall.SIGKILL)
		next := receive(t, "a restart", ready)
		if next == pid || next != n.PID() {
			t.Errorf("PID after the kill of %d: ready with %d, PID() is %d", pid, next, n.PID())
		}
		pid = next
		wantValue(t, conn, "k", value)
		if n.Conn() != conn {
			t.Errorf("address moved from %v to %v", conn, n.Conn())
		}
	}
}

// TestRestartIsTriedAgain lets the second start fail, as on a full disk.
func TestRestartIsTriedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	log, ready := newLog(), make(chan int, 8)
	n := start(t, redisnode.Options{
		Dir:     dir,
		Binary:  wrapper(t, fmt.Sprintf(`[ ! -e %q ] || { echo "no room"; exit 1; }; exec redis-server "$@"`, broken)),
		Log:     log.logger(),
		OnReady: func(pid int) { ready <- pid },
	})
	receive(t, "the first start", ready)
	put(t, n.Conn(), "k", "v")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	kill(t, n.PID(), syscall.SIGKILL)
	waittest.Until(t, "two starts that fail", func() bool { return log.count("did not start again") >= 2 })
	if !strings.Contains(log.String(), "no room") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	receive(t, "a restart", ready)
	wantValue(t, n.Conn(), "k", "v")
}

func TestCloseWhileRestarting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken")
	log := newLog()
	n := start(t, redisnode.Options{
		Dir:    dir,
		Binary: wrapper(t, fmt.Sprintf(`[ ! -e %q ] || exit 1; exec redis-server "$@"`, broken)),
		Log:    log.logger(),
	})
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	kill(t, n.PID(), syscall.SIGKILL)
	waittest.Until(t, "a start that fails", func() bool { return log.count("did not start again") > 0 })
	closeNode(t, n)
	if _, err := redisnode.Attach(dir); !errors.Is(err, redisnode.ErrNotRunning) {
		t.Errorf("Attach after Close = %v, want %v", err, redisnode.ErrNotRunning)
	}
}

// TestStartWaitsForLoading makes loading slow and looks in from beside.
func TestStartWaitsForLoading(t *testing.T) {
	t.Parallel()
	o := slowToLoad(t, 400)
	started := make(chan *redisnode.Node, 1)
	go func() {
		n, err := redisnode.Start(t.Context(), o)
		if err != nil {
			t.Errorf("Start: %v", err)
		}
		started <- n
	}()
	waittest.Until(t, "an answer while loading", func() bool { return loading(t, o.Dir) })
	n := receive(t, "the start", started)
	if n == nil {
		return
	}
	t.Cleanup(func() { _ = n.Close() })
	if size, err := client(t, n.Conn()).DBSize(t.Context()).Result(); err != nil || size != 400 {
		t.Errorf("DBSIZE = %d, %v; want 400", size, err)
	}
}

func TestCancelledWhileLoading(t *testing.T) {
	t.Parallel()
	o := slowToLoad(t, 400)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := redisnode.Start(ctx, o)
		failed <- err
	}()
	waittest.Until(t, "an answer while loading", func() bool { return loading(t, o.Dir) })
	cancel()
	if err := receive(t, "the end of Start", failed); !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v, want %v", err, context.Canceled)
	}
	if _, err := redisnode.Attach(o.Dir); !errors.Is(err, redisnode.ErrNotRunning) {
		t.Errorf("Attach afterwards = %v, want %v", err, redisnode.ErrNotRunning)
	}
}

// slowToLoad returns options for a folder with so many keys that each take
// several milliseconds to load.
func slowToLoad(t *testing.T, keys int) redisnode.Options {
	t.Helper()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	fill(t, client(t, n.Conn()), keys)
	rewrite(t, n)
	closeNode(t, n)
	slow := `exec redis-server "$@" --key-load-delay 5000 --loading-process-events-interval-bytes 1024`
	return redisnode.Options{Dir: dir, Binary: wrapper(t, slow)}
}

// rewrite makes Redis write a new base file: only that is loaded with a look at
// the clients every few bytes.
func rewrite(t *testing.T, n *redisnode.Node) {
	t.Helper()
	db := client(t, n.Conn())
	if err := db.BgRewriteAOF(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	waittest.Until(t, "the end of the rewrite", func() bool {
		info := db.Info(t.Context(), "persistence").Val()
		return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
	})
}

func loading(t *testing.T, dir string) bool {
	t.Helper()
	conn, err := redisnode.Attach(dir)
	if err != nil {
		return false
	}
	o := conn.RedisOptions()
	o.DialerRetries = 1
	db := redis.NewClient(o)
	defer func() { _ = db.Close() }()
	return redis.HasErrorPrefix(db.Ping(t.Context()).Err(), "LOADING")
}

// wrapper returns a program that runs body in a shell.
func wrapper(t *testing.T, body string) string {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("%v: `make test` installs it", err)
	}
	path := filepath.Join(t.TempDir(), "redis-wrapper")
	text := "#!/bin/sh\nPATH=" + os.Getenv("PATH") + "\n" + body + "\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// logBuffer collects log records and may be read while they are written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newLog() *logBuffer { return &logBuffer{} }

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) count(what string) int { return strings.Count(l.String(), what) }
