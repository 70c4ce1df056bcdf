package redisnode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// drain is how long to read on after the child has ended. Its last words are
// in the pipe by then, but a rewrite of its own may hold the pipe open.
const drain = 500 * time.Millisecond

// child is one life of the redis-server.
type child struct {
	cmd  *exec.Cmd
	pid  int
	log  *childLog
	stop context.CancelFunc // asks the child to end: SIGTERM, and a kill later

	exited chan struct{} // closed when the child is gone and its log is read
	err    error         // why it ended; set before exited is closed
}

// spawn starts a child that lives until it dies, is stopped, or life ends.
func (n *Node) spawn(life context.Context) (*child, error) {
	ctx, stop := context.WithCancel(life)
	//nolint:gosec // G204: the operator chooses the program
	cmd := exec.CommandContext(ctx, n.binary, n.configPath())
	cmd.Dir = n.dir
	// Nothing of our environment, which may hold secrets.
	cmd.Env = []string{"LC_ALL=C"}
	// The lock's descriptor: the child holds the lock as long as it lives.
	cmd.ExtraFiles = []*os.File{n.lock}
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = n.o.StopWait

	c := &child{cmd: cmd, stop: stop, log: newChildLog(n.o.Log), exited: make(chan struct{})}
	if err := c.start(life); err != nil {
		stop()
		return nil, err
	}
	return c, nil
}

// start forks the child and returns; the child is then waited for.
//
// On Linux the parent-death signal is sent when the thread that forked ends,
// not the process, and Go ends a thread whose locked goroutine returns. So the
// child gets a thread of its own, which stays until the child is gone.
func (c *child) start(ctx context.Context) error {
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for the log of redis-server: %w", err)
	}
	// A file, not a writer: Wait then waits for the child alone, and not for
	// whatever else holds the pipe.
	c.cmd.Stdout, c.cmd.Stderr = in, in
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		_ = in.Close()
		if err != nil {
			_ = out.Close()
			started <- err
			return
		}
		c.pid = c.cmd.Process.Pid
		started <- nil
		c.wait(ctx, out)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("run %s: %w", c.cmd.Path, err)
	}
	return nil
}

func (c *child) wait(ctx context.Context, out *os.File) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.log.readFrom(ctx, out)
	}()
	c.err = c.cmd.Wait()
	enough := time.AfterFunc(drain, func() { _ = out.Close() })
	<-read
	enough.Stop()
	_ = out.Close()
	c.stop() // releases the context
	close(c.exited)
}

// killed returns an error when the child had to be killed after patience, and
// nil when it ended by itself. Call it after exited is closed.
func (c *child) killed(patience time.Duration) error {
	exit, ok := errors.AsType[*exec.ExitError](c.err)
	if !ok {
		return nil
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return nil
	}
	return fmt.Errorf("stop redis-server %d: it did not end within %v and was killed", c.pid, patience)
}
