package redisnode_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qingyuan/internal/redisnode"
	"qingyuan/internal/waittest"
)

const briefly = 100 * time.Millisecond

func TestNeverTwoOnOneFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	put(t, n.Conn(), "k", "v")
	pid := n.PID()

	_, err := redisnode.Start(t.Context(), redisnode.Options{Dir: dir, LockWait: briefly})
	if !errors.Is(err, redisnode.ErrInUse) {
		t.Fatalf("second Start = %v, want %v", err, redisnode.ErrInUse)
	}
	for _, want := range []string{dir, strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	if said := startServer(t, dir).said; !strings.Contains(said, redisnode.ErrInUse.Error()) {
		t.Errorf("another process said %q, want %q", said, redisnode.ErrInUse)
	}

	if n.PID() != pid {
		t.Error("the first one's Redis was started again")
	}
	wantValue(t, n.Conn(), "k", "v")
	if got, err := redisnode.Attach(dir); err != nil || got != n.Conn() {
		t.Errorf("Attach = %v, %v; want %v", got, err, n.Conn())
	}
}

func TestStartWaitsForTheFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, redisnode.Options{Dir: dir})
	put(t, first.Conn(), "k", "handed over")
	second := make(chan *redisnode.Node, 1)
	go func() {
		n, err := redisnode.Start(t.Context(), redisnode.Options{Dir: dir})
		if err != nil {
			t.Errorf("second Start: %v", err)
		}
		second <- n
	}()
	closeNode(t, first)
	n := receive(t, "the second start", second)
	if n == nil {
		return
	}
	t.Cleanup(func() { _ = n.Close() })
	wantValue(t, n.Conn(), "k", "handed over")
}

func TestWaitingForTheFolderCanBeCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, redisnode.Options{Dir: dir})
	ctx, cancel := context.WithTimeout(t.Context(), briefly)
	defer cancel()
	_, err := redisnode.Start(ctx, redisnode.Options{Dir: dir, LockWait: time.Hour})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Start = %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestKilledServer is kill -9 of the process that holds the node: nothing that
// was acknowledged is lost and the next one can start.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		s := startServer(t, dir)
		if s.nodePID == 0 {
			t.Fatalf("round %d: the server said %q", round, s.said)
		}
		conn, err := redisnode.Attach(dir)
		if err != nil {
			t.Fatal(err)
		}
		put(t, conn, strconv.Itoa(round), "acknowledged")
		s.kill(t)
		waittest.Until(t, "the end of the child", func() bool { return gone(s.nodePID) })
		// Its other threads may take a moment longer.
		waittest.Until(t, "a free folder", func() bool {
			_, err := redisnode.Attach(dir)
			return errors.Is(err, redisnode.ErrNotRunning)
		})
	}
	n := start(t, redisnode.Options{Dir: dir})
	for round := range 3 {
		wantValue(t, n.Conn(), strconv.Itoa(round), "acknowledged")
	}
}

// TestKilledServerWhileRewriting: the kernel does not kill the child's own
// child, which rewrites the log. It holds the folder until it notices, a second
// later or two, which LockWait has to cover.
func TestKilledServerWhileRewriting(t *testing.T) {
	t.Parallel()
	const keys = 20_000
	dir := t.TempDir()
	s := startServer(t, dir)
	conn, err := redisnode.Attach(dir)
	if err != nil {
		t.Fatal(err)
	}
	db := client(t, conn)
	fill(t, db, keys)
	// A millisecond a key: left alone, the rewrite would take twenty seconds.
	if err := db.ConfigSet(t.Context(), "rdb-key-save-delay", "1000").Err(); err != nil {
		t.Fatal(err)
	}
	if err := db.BgRewriteAOF(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	waittest.Until(t, "the first report of the rewrite", func() bool {
		info := db.Info(t.Context(), "persistence").Val()
		return strings.Contains(info, "current_save_keys_processed:") &&
			!strings.Contains(info, "current_save_keys_processed:0\r")
	})
	s.kill(t)
	begin := time.Now()
	n := start(t, redisnode.Options{Dir: dir})
	t.Logf("the folder was free again after %v", time.Since(begin))
	if size, err := client(t, n.Conn()).DBSize(t.Context()).Result(); err != nil || size != keys {
		t.Errorf("DBSIZE = %d, %v; want %d", size, err, keys)
	}
}

// gone says whether a process has ended; nobody may have collected it yet.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// TestLingeringChildKeepsOthersOut plays a child that outlives its server by
// holding the descriptor that Start hands down.
func TestLingeringChildKeepsOthersOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := os.OpenFile(filepath.Join(dir, "server.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	child := exec.Command("sleep", "60")
	child.ExtraFiles = []*os.File{lock}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	_ = lock.Close() // the server is gone
	_, err = redisnode.Start(t.Context(), redisnode.Options{Dir: dir, LockWait: briefly})
	if !errors.Is(err, redisnode.ErrInUse) {
		t.Errorf("Start beside the child = %v, want %v", err, redisnode.ErrInUse)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	start(t, redisnode.Options{Dir: dir})
}

func TestAttachFindsNothing(t *testing.T) {
	t.Parallel()
	if _, err := redisnode.Attach(t.TempDir()); !errors.Is(err, redisnode.ErrNotRunning) {
		t.Errorf("Attach to an empty folder = %v, want %v", err, redisnode.ErrNotRunning)
	}
}
