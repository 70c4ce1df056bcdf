package redisnode_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"qingyuan/internal/redisnode"
	"qingyuan/internal/waittest"
)

// TestChildHoldsTheLock looks among the files that the child has open.
func TestChildHoldsTheLock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	files, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(n.PID()), "fd", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if target, _ := os.Readlink(file); target == filepath.Join(dir, "server.lock") {
			return
		}
	}
	t.Errorf("redis-server %d does not have the lock open", n.PID())
}

// TestChildOutlivesTheStartingThread would fail if the child were forked from
// the caller's thread: that one ends here, and the kernel then kills its
// children.
func TestChildOutlivesTheStartingThread(t *testing.T) {
	t.Parallel()
	started := make(chan *redisnode.Node, 1)
	tid := onDyingThread(func() {
		n, err := redisnode.Start(t.Context(), redisnode.Options{Dir: t.TempDir()})
		if err != nil {
			t.Errorf("Start: %v", err)
		}
		started <- n
	})
	n := receive(t, "the start", started)
	if n == nil {
		return
	}
	t.Cleanup(func() { _ = n.Close() })
	pid := n.PID()
	waittest.Until(t, "the end of the thread", func() bool {
		_, err := os.Stat(filepath.Join("/proc/self/task", strconv.Itoa(tid)))
		return errors.Is(err, fs.ErrNotExist)
	})
	db := client(t, n.Conn())
	for range 500 { // the signal was sent by now; leave it time to arrive
		if err := db.Ping(t.Context()).Err(); err != nil {
			t.Fatalf("PING after the end of the thread: %v", err)
		}
	}
	if n.PID() != pid {
		t.Error("the child died with the thread and was started again")
	}
}

// onDyingThread runs f on a thread that ends with it and returns the thread's
// number. The main thread never ends, so f is not run there.
func onDyingThread(f func()) int {
	done := make(chan int, 1)
	go func() {
		runtime.LockOSThread()
		if syscall.Gettid() == os.Getpid() {
			defer runtime.UnlockOSThread()
			done <- onDyingThread(f)
			return
		}
		f()
		done <- syscall.Gettid()
	}()
	return <-done
}

// TestCtrlCSparesTheChild: a terminal signals a whole process group.
func TestCtrlCSparesTheChild(t *testing.T) {
	t.Parallel()
	n := start(t, redisnode.Options{Dir: t.TempDir()})
	group, err := syscall.Getpgid(n.PID())
	if err != nil || group != n.PID() {
		t.Errorf("the process group of redis-server %d is %d, %v; want its own", n.PID(), group, err)
	}
}

// TestChildSeesNoSecrets: the server's environment may hold some.
func TestChildSeesNoSecrets(t *testing.T) {
	t.Setenv("QINGYUAN_TOKEN_KEY", "a secret")
	n := start(t, redisnode.Options{Dir: t.TempDir()})
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(n.PID()), "environ"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(env), "QINGYUAN") {
		t.Errorf("the environment of redis-server holds %q", env)
	}
}
