// Package redisnode runs a private redis-server as a child of the server, for
// deployments that configure no Redis of their own.
//
// It promises three things. What Redis has acknowledged is on disk: every
// write is synced before its answer. Never do two Redis servers work on one
// data folder: a lock on the folder is held by the server and by the child, so
// that it outlives whichever is killed first. And the child never outlives the
// server for long: on Linux the kernel kills it, elsewhere the next start ends
// it. A child that dies alone is started again.
//
// What lies in Redis is of no concern here.
package redisnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

const (
	defaultLockWait = 10 * time.Second
	defaultStopWait = 10 * time.Second

	// A child that keeps dying is started less and less often, never given up:
	// a full disk, for one, mends when somebody makes room.
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
	// firstTries is how often a child that is killed in its first moments is
	// started.
	firstTries = 5
	// settled is how long a child must live for its next death to count as the
	// first one.
	settled = time.Minute
)

// Options says how to run the private Redis. Only Dir is required.
type Options struct {
	// Dir is the data folder. Redis keeps its files in Dir/redis; both are
	// created where they are missing.
	Dir string
	// Binary is the server program, by path or by name. Empty means
	// redis-server on the PATH, else valkey-server.
	Binary string
	// MaxMemory is the limit of the data in bytes, at which writes are refused.
	// Zero means none.
	MaxMemory int64
	// LockWait is how long to wait for another server to leave the data folder;
	// a killed one takes a moment to go. Zero means ten seconds.
	LockWait time.Duration
	// StopWait is how long Redis may take to stop before it is killed. Zero
	// means ten seconds.
	StopWait time.Duration
	// Log receives what happens to Redis and its own warnings. Nil means none.
	Log *slog.Logger
	// OnReady is called whenever Redis has become ready: before Start returns
	// and after every restart, when its script cache is empty again. It must
	// not block and must not call Close. Nil means nobody is told.
	OnReady func(pid int)
}

// Node is a running private Redis. Its methods may be called at any time from
// any goroutine.
type Node struct {
	o      Options
	binary string
	dir    string // Dir/redis
	conn   Conn
	lock   *os.File

	life   context.Context // of the node, no request's; Close ends it
	end    context.CancelFunc
	done   chan struct{}
	failed error // how stopping went; set before done is closed

	mu    sync.Mutex
	child *child
}

// Start runs a private Redis on o.Dir and returns when it has loaded its data
// and answers. ctx bounds the start only: the node runs until Close. There is
// no limit of its own for loading, which takes seconds for a million
// participants; progress is logged.
//
// It fails with ErrInUse while another server uses the folder, and with the
// last lines of Redis' log when Redis does not start.
func Start(ctx context.Context, o Options) (*Node, error) {
	n, err := prepare(o)
	if err != nil {
		return nil, err
	}
	if !diesWithParent {
		stopOrphan(ctx, n.dir, n.o.Log)
	}
	if n.lock, err = acquire(ctx, n.o.Dir, n.o.LockWait); err != nil {
		return nil, err
	}
	c, err := n.begin(ctx)
	if err != nil {
		n.clear()
		return nil, fmt.Errorf("start redis-server in %s: %w", n.dir, err)
	}
	go n.supervise(c)
	return n, nil
}

// prepare checks o, fills what it leaves out and makes the folders.
func prepare(o Options) (*Node, error) {
	if o.Dir == "" {
		return nil, errors.New("start redis-server: no data folder given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if o.LockWait == 0 {
		o.LockWait = defaultLockWait
	}
	if o.StopWait == 0 {
		o.StopWait = defaultStopWait
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnReady == nil {
		o.OnReady = func(int) {}
	}
	n := &Node{o: o, dir: redisDir(dir), done: make(chan struct{})}
	if n.binary, err = findBinary(o.Binary); err != nil {
		return nil, err
	}
	return n, makePrivate(n.dir)
}

// begin is the part of Start that needs the lock.
func (n *Node) begin(ctx context.Context) (*child, error) {
	socket, err := socketPath(n.dir)
	if err != nil {
		return nil, err
	}
	n.conn = Conn{Network: "unix", Addr: socket}
	if err := n.writeConfig(); err != nil {
		return nil, err
	}
	// Before the child starts, so that it can be found whenever we are killed.
	if err := writeNodeFile(n.dir, n.conn); err != nil {
		return nil, err
	}
	n.life, n.end = context.WithCancel(context.WithoutCancel(ctx))
	c, err := n.launch(ctx)
	for tries := 1; wasKilled(err) && tries < firstTries && ctx.Err() == nil; tries++ {
		n.o.Log.WarnContext(ctx, "redis-server was killed before it was ready; starting it again", "err", err)
		c, err = n.launch(ctx)
	}
	if err != nil {
		n.end()
		return nil, err
	}
	return c, nil
}

// wasKilled tells a child that somebody killed from one that cannot run: its
// files or its configuration are not at fault.
func wasKilled(err error) bool {
	e, ok := errors.AsType[*exec.ExitError](err)
	return ok && !e.Exited()
}

// launch starts one child and waits until it is ready. A child that does not
// get that far has ended when launch returns.
func (n *Node) launch(ctx context.Context) (*child, error) {
	if err := n.mendTail(ctx); err != nil {
		return nil, err
	}
	c, err := n.spawn(n.life) //nolint:contextcheck // ctx ends with the start, the child lives on
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.child = c
	n.mu.Unlock()
	if err := n.awaitReady(ctx, c); err != nil {
		c.stop()
		<-c.exited
		return nil, err
	}
	n.o.Log.InfoContext(ctx, "redis-server is ready", "pid", c.pid, "addr", n.conn.Addr)
	n.o.OnReady(c.pid)
	return c, nil
}

// supervise starts another child whenever one dies, until Close.
func (n *Node) supervise(c *child) {
	defer close(n.done)
	pause := firstPause
	for c != nil {
		calm := time.NewTimer(settled)
		select {
		case <-c.exited:
		case <-calm.C:
			pause = firstPause
			<-c.exited
		}
		calm.Stop()
		if n.life.Err() != nil {
			n.failed = c.killed(n.o.StopWait)
			break
		}
		n.o.Log.ErrorContext(n.life, "redis-server ended; starting it again",
			"pid", c.pid, "err", c.err, "log", c.log.tail(), "pause", pause)
		c, pause = n.revive(pause)
	}
	n.clear()
}

// revive tries until a new child is ready. It returns nil after Close, and the
// pause that comes before the next try otherwise.
func (n *Node) revive(pause time.Duration) (*child, time.Duration) {
	for {
		select {
		case <-n.life.Done():
			return nil, pause
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
		c, err := n.launch(n.life)
		if err == nil {
			return c, pause
		}
		if n.life.Err() != nil {
			return nil, pause
		}
		n.o.Log.ErrorContext(n.life, "redis-server did not start again", "err", err, "pause", pause)
	}
}

// clear removes what says that a Redis runs here, and lets go of the folder.
func (n *Node) clear() {
	removeNodeFile(n.dir)
	removeSocketDir(n.conn.Addr, n.dir)
	_ = n.lock.Close()
}

// Conn says how to reach the Redis. It stays the same over restarts.
func (n *Node) Conn() Conn { return n.conn }

// PID is the process id of the newest child, which may have ended.
func (n *Node) PID() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.child.pid
}

// Done is closed when the Redis has stopped for good, after Close.
func (n *Node) Done() <-chan struct{} { return n.done }

// Close stops the Redis and returns when it is gone and the data folder is
// free. A Redis that does not stop within Options.StopWait is killed, which
// loses nothing that was acknowledged but is reported. Close may be called more
// than once.
func (n *Node) Close() error {
	n.end()
	<-n.done
	return n.failed
}

// findBinary returns the path of the server program.
func findBinary(name string) (string, error) {
	names := []string{"redis-server", "valkey-server"}
	if name != "" {
		names = []string{name}
	}
	var first error
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			return filepath.Abs(path)
		}
		if first == nil {
			first = err
		}
	}
	return "", fmt.Errorf("find the Redis server: %w; install Redis 7.0 or newer "+
		"(on Debian: apt-get install redis-server), or configure redis.addrs", first)
}

// makePrivate makes dir for our user alone, whatever it was before: who can
// open the socket in it can do everything.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of redis-server: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // G302: a folder needs its search bit
		return fmt.Errorf("close the folder of redis-server to others: %w", err)
	}
	return nil
}
