package redisnode

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"syscall"
)

// stopOrphan ends the Redis of a server that was killed, where the kernel does
// not. It is known by node.json: its server is dead, and it answers at its
// address. Redis is asked, not killed by number, so that nobody else can be
// hit; one that does not listen any more stays, and the start then fails on the
// lock. Waiting for the orphan to go is the lock's business too.
func stopOrphan(ctx context.Context, redisDir string, log *slog.Logger) {
	node, err := readNodeFile(redisDir)
	if err != nil || alive(node.ServerPID) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	// NOSAVE concerns snapshots, of which there are none; the log is synced.
	_, err = ask(ctx, node.Conn, "SHUTDOWN NOSAVE")
	switch {
	case errors.Is(err, io.EOF): // it closed the connection and goes
		log.WarnContext(ctx, "stopped the redis-server of a server that was killed",
			"server_pid", node.ServerPID, "addr", node.Addr)
	case !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ENOENT):
		log.WarnContext(ctx, "the redis-server of a server that was killed does not stop",
			"server_pid", node.ServerPID, "addr", node.Addr, "err", err)
	}
}

// alive says whether a process exists; one of another user's does.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
