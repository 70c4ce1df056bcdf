package redisnode_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"qingyuan/internal/redisnode"
)

// The test binary runs itself again as another server process: one that starts
// a node and stays until it is killed, or says why it could not.
const (
	helperEnv = "QINGYUAN_TEST_NODE_DIR"
	saidReady = "ready"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperEnv); dir != "" {
		os.Exit(serve(dir, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

// serve is the helper process. It ends when its standard input does.
func serve(dir string, out io.Writer) int {
	n, err := redisnode.Start(context.Background(), redisnode.Options{Dir: dir, LockWait: 100 * time.Millisecond})
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	fmt.Fprintln(out, saidReady, n.PID())
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = n.Close()
	return 0
}

// server is a helper process as its parent sees it.
type server struct {
	cmd     *exec.Cmd
	said    string // its one line
	nodePID int    // of its redis-server, when it said it is ready
}

// startServer runs a helper process on dir until t ends and returns when it has
// said whether it is ready.
func startServer(t *testing.T, dir string) *server {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("run the test binary as a server: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("hear from the server process: %v", err)
	}
	s := &server{cmd: cmd, said: strings.TrimSpace(line)}
	if pid, ok := strings.CutPrefix(s.said, saidReady+" "); ok {
		s.nodePID, _ = strconv.Atoi(pid)
	}
	return s
}

// kill is kill -9 of the server process alone.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()
}

// start runs a node on dir until t ends.
func start(t *testing.T, o redisnode.Options) *redisnode.Node {
	t.Helper()
	n, err := redisnode.Start(t.Context(), o)
	if err != nil {
		t.Fatalf("%v\n(the tests need Redis 7.0 or newer: `make test` installs it)", err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// patience bounds every wait, for machines with much else to do.
const patience = 2 * time.Minute

func client(t *testing.T, c redisnode.Conn) *redis.Client {
	t.Helper()
	o := c.RedisOptions()
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = patience, patience, patience
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func put(t *testing.T, c redisnode.Conn, key, value string) {
	t.Helper()
	if err := client(t, c).Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// fill writes n keys.
func fill(t *testing.T, db *redis.Client, n int) {
	t.Helper()
	_, err := db.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(t.Context(), "key"+strconv.Itoa(i), strings.Repeat("x", 500), 0)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantValue(t *testing.T, c redisnode.Conn, key, want string) {
	t.Helper()
	got, err := client(t, c).Get(t.Context(), key).Result()
	if err != nil || got != want {
		t.Errorf("GET %s = %q, %v; want %q", key, got, err, want)
	}
}

func closeNode(t *testing.T, n *redisnode.Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("send %v to %d: %v", sig, pid, err)
	}
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited too long: %s", what)
		panic("unreachable")
	}
}
