//go:build chaos

package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// dieWithParent has the kernel kill the program when the test binary is killed.
// Its own process group keeps a Ctrl-C in the terminal from reaching it first.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// RedisPID finds the private Redis of the program: its only child. It returns
// zero when there is none at the moment.
func (p *Program) RedisPID() int {
	server := p.PID()
	if server == 0 {
		return 0
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if pid, parent := parentOf(path); parent == server {
			return pid
		}
	}
	return 0
}

// parentOf reads a process and its parent from /proc/PID/stat. The name stands
// in brackets between them and may hold anything.
func parentOf(path string) (pid, parent int) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0
	}
	before, _, _ := strings.Cut(string(text), " ")
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 2 || fields[0] == "Z" {
		return 0, 0
	}
	pid, _ = strconv.Atoi(before)
	parent, _ = strconv.Atoi(fields[1])
	return pid, parent
}

// KillRedis ends the private Redis as kill -9 does, waiting for it to exist if
// it is about to be started again.
func (p *Program) KillRedis(ctx context.Context) error {
	return poll(ctx, patience, "a private Redis to kill", func() (bool, error) {
		pid := p.RedisPID()
		if pid == 0 {
			if !p.Running() {
				return false, ErrExited
			}
			return false, nil
		}
		return true, syscall.Kill(pid, syscall.SIGKILL)
	})
}

// RedisListens tells whether the private Redis takes connections, which it does
// before it loads.
func (p *Program) RedisListens(ctx context.Context) bool {
	conn, err := p.dialRedis(ctx)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// errRedisAway says that the private Redis does not listen.
var errRedisAway = errors.New("the private Redis does not answer")

// AskRedis sends one command to the private Redis and returns the answer, which
// begins with "-" for an error. A Redis that loads takes the connection and
// answers late.
func (p *Program) AskRedis(ctx context.Context, command string) (string, error) {
	conn, err := p.dialRedis(ctx)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errRedisAway, err)
	}
	defer func() { _ = conn.Close() }()
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(5 * time.Second)
	}
	_ = conn.SetDeadline(until)
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return "", err
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(line, "$") {
		return strings.TrimSpace(line), nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil || n < 0 {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(r, text)
	return string(text), err
}

func (p *Program) dialRedis(ctx context.Context) (net.Conn, error) {
	text, err := os.ReadFile(filepath.Join(p.Data, "redis", "node.json"))
	if err != nil {
		return nil, err
	}
	var node struct{ Network, Addr string }
	if err := json.Unmarshal(text, &node); err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, node.Network, node.Addr)
}

// redisWith is a redis-server that reads a file of further arguments when it
// starts, so that a test can change how the next one runs.
const redisWith = `#!/bin/sh
exec %q "$@" $(cat %q 2>/dev/null)
`

// RedisWith makes a redis-server that takes the arguments in a file as well. It
// returns the environment that has the program use it, and the file.
func RedisWith(dir string) (env, arguments string, err error) {
	server, err := exec.LookPath("redis-server")
	if err != nil {
		return "", "", fmt.Errorf("find redis-server (`make test` installs it): %w", err)
	}
	binary, arguments := filepath.Join(dir, "redis-with"), filepath.Join(dir, "redis-arguments")
	script := fmt.Appendf(nil, redisWith, server, arguments)
	return "QINGYUAN_REDIS_BINARY=" + binary, arguments, os.WriteFile(binary, script, 0o700)
}
