package redisnode_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qingyuan/internal/redisnode"
)

func TestDataOutlivesCloseAndStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	put(t, n.Conn(), "k", "before")
	closeNode(t, n)
	wantValue(t, start(t, redisnode.Options{Dir: dir}).Conn(), "k", "before")
}

// TestSettings proves invariant 3: acknowledged means durable, nothing is
// evicted; and that participants stay packed.
func TestSettings(t *testing.T) {
	t.Parallel()
	n := start(t, redisnode.Options{Dir: t.TempDir(), MaxMemory: 64 << 20})
	db := client(t, n.Conn())
	for name, want := range map[string]string{
		"appendonly":                "yes",
		"appendfsync":               "always",
		"no-appendfsync-on-rewrite": "no",
		"aof-use-rdb-preamble":      "yes",
		"save":                      "",
		"maxmemory":                 "67108864",
		"maxmemory-policy":          "noeviction",
		"hash-max-listpack-value":   "512",
		"hash-max-listpack-entries": "512",
		"port":                      "0",
	} {
		got, err := db.ConfigGet(t.Context(), name).Result()
		if err != nil || got[name] != want {
			t.Errorf("%s = %q, %v; want %q", name, got[name], err, want)
		}
	}
}

func TestFilesAreClosedToOthers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	redis := filepath.Join(dir, "redis")
	if err := os.MkdirAll(redis, 0o777); err != nil {
		t.Fatal(err)
	}
	n := start(t, redisnode.Options{Dir: dir})
	for path, want := range map[string]fs.FileMode{
		redis:                                0o700,
		filepath.Join(redis, "node.json"):    0o600,
		filepath.Join(redis, "redis.conf"):   0o600,
		filepath.Join(dir, "server.lock"):    0o600,
		n.Conn().Addr:                        0o700,
		filepath.Join(redis, "no-such-file"): 0,
	} {
		info, err := os.Stat(path)
		switch {
		case want == 0 && err == nil:
			t.Errorf("%s exists", path)
		case want != 0 && (err != nil || info.Mode().Perm() != want):
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
}

func TestCloseTwiceLeavesTheFolderFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	pid := n.PID()
	closeNode(t, n)
	closeNode(t, n)
	select {
	case <-n.Done():
	default:
		t.Error("Done is open after Close")
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("redis-server %d after Close: %v, want %v", pid, err, syscall.ESRCH)
	}
	for _, name := range []string{"redis.sock", "node.json"} {
		if _, err := os.Stat(filepath.Join(dir, "redis", name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s after Close: %v, want %v", name, err, fs.ErrNotExist)
		}
	}
}

func TestCloseKillsWhatDoesNotStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir, StopWait: 100 * time.Millisecond})
	put(t, n.Conn(), "k", "acknowledged")
	kill(t, n.PID(), syscall.SIGSTOP) // SIGTERM cannot reach it now
	if err := n.Close(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("Close = %v, want a word on the kill", err)
	}
	wantValue(t, start(t, redisnode.Options{Dir: dir}).Conn(), "k", "acknowledged")
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	n := start(t, redisnode.Options{Dir: dir})
	socket := n.Conn().Addr
	if len(socket) > 107 || strings.HasPrefix(socket, dir) {
		t.Errorf("socket = %s, want a short path elsewhere", socket)
	}
	put(t, n.Conn(), "k", "far away")
	closeNode(t, n)
	if _, err := os.Stat(filepath.Dir(socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the socket after Close: %v, want %v", err, fs.ErrNotExist)
	}
	wantValue(t, start(t, redisnode.Options{Dir: dir}).Conn(), "k", "far away")
}

func TestStrangePath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "清源 \"data\"\n'x'\\")
	n := start(t, redisnode.Options{Dir: dir})
	put(t, n.Conn(), "k", "v")
	closeNode(t, n)
	if _, err := os.Stat(filepath.Join(dir, "redis", "appendonlydir")); err != nil {
		t.Errorf("the data is not where it belongs: %v", err)
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	n := start(t, redisnode.Options{Dir: "data"})
	put(t, n.Conn(), "k", "v")
	got, err := redisnode.Attach("data")
	if err != nil || got != n.Conn() {
		t.Errorf("Attach = %v, %v; want %v", got, err, n.Conn())
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o    redisnode.Options
		want string
	}{
		"no folder":         {redisnode.Options{}, "no data folder"},
		"no such program":   {redisnode.Options{Dir: t.TempDir(), Binary: "no-such-redis"}, "apt-get install redis-server"},
		"another program":   {redisnode.Options{Dir: t.TempDir(), Binary: "false"}, "exit status 1"},
		"refused by Redis":  {redisnode.Options{Dir: t.TempDir(), MaxMemory: -1}, "FATAL CONFIG FILE ERROR"},
		"folder is a file":  {redisnode.Options{Dir: os.Args[0]}, "not a directory"},
		"broken data files": {redisnode.Options{Dir: brokenData(t)}, "Bad file format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := redisnode.Start(t.Context(), tc.o)
			if err == nil {
				_ = n.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("Start = %v, want %q in it", err, tc.want)
			}
			if _, err := redisnode.Attach(tc.o.Dir); err == nil {
				t.Error("Attach finds a server after a failed start")
			}
		})
	}
}

// brokenData returns a data folder whose file is damaged in the middle, which
// Redis must not mend by itself.
func brokenData(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	put(t, n.Conn(), "k", "damaged")
	put(t, n.Conn(), "k", "whole")
	closeNode(t, n)
	files, err := filepath.Glob(filepath.Join(dir, "redis", "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) != 1 {
		t.Fatalf("find the data: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), "$7\r\ndamaged", "!!!!!!!!!!!", 1)
	if err := os.WriteFile(files[0], []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
