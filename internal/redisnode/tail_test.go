package redisnode_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisnode"
)

// TestEndsThatAPowerCutLeaves stops Redis and gives its file the ends that a loss
// of power may leave on a file system: half a command, zeros, and both. What was
// acknowledged is there after the start, and more can be written.
func TestEndsThatAPowerCutLeaves(t *testing.T) {
	t.Parallel()
	half := "*3\r\n$3\r\nSET\r\n$6\r\nuns"
	open := "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$6\r\nunseen\r\n$1\r\nx\r\n"
	for name, end := range map[string]string{
		"nothing":             "",
		"half a command":      half,
		"zeros":               strings.Repeat("\x00", 300),
		"many zeros":          strings.Repeat("\x00", 200_000),
		"half and zeros":      half + strings.Repeat("\x00", 4096),
		"a length and zeros":  "*3\r\n$3\r\nSET\r\n$5\r\nunsee\r\n$9\r\n" + strings.Repeat("\x00", 4000),
		"an open transaction": open + strings.Repeat("\x00", 77),
		"a transaction cut off between two commands": open,
		"a transaction cut off within a command":     open + half,
		"a transaction cut off within its end":       open + "*1\r\n$4\r\nEX",
		"a transaction cut off within a length":      open + "*3\r\n$1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := start(t, redisnode.Options{Dir: dir})
			put(t, n.Conn(), "k", "acknowledged")
			closeNode(t, n)
			appendTo(t, filepath.Join(dir, "redis", "appendonlydir", "appendonly.aof.1.incr.aof"), end)

			n = start(t, redisnode.Options{Dir: dir})
			wantValue(t, n.Conn(), "k", "acknowledged")
			if got := client(t, n.Conn()).Exists(t.Context(), "unsee", "unseen").Val(); got != 0 {
				t.Errorf("what was never acknowledged is half there")
			}
			transact(t, n.Conn(), "k", "again")
			closeNode(t, n)
			n = start(t, redisnode.Options{Dir: dir})
			wantValue(t, n.Conn(), "k", "again")
			if got := client(t, n.Conn()).Exists(t.Context(), "unsee", "unseen").Val(); got != 0 {
				t.Errorf("what was never acknowledged came back with the next act")
			}
		})
	}
}

// TestZerosInTheMiddle are damage, and for a person to look at.
func TestZerosInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, redisnode.Options{Dir: dir})
	put(t, n.Conn(), "k", "acknowledged")
	closeNode(t, n)
	appendTo(t, filepath.Join(dir, "redis", "appendonlydir", "appendonly.aof.1.incr.aof"),
		strings.Repeat("\x00", 300)+"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nx\r\n")
	if n, err := redisnode.Start(t.Context(), redisnode.Options{Dir: dir}); err == nil {
		_ = n.Close()
		t.Error("Redis started on a damaged file")
	}
}

// transact writes as a script does that writes more than once.
func transact(t *testing.T, at redisnode.Conn, key, value string) {
	t.Helper()
	_, err := client(t, at).TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		p.Set(t.Context(), key, value, 0)
		p.Set(t.Context(), key+" too", value, 0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		t.Error(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}
