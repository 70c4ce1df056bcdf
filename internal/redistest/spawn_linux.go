package redistest

import "syscall"

// dieWithParent has the kernel kill the server when the thread that forked it
// ends, so that a test binary that is killed leaves no server behind. The
// server's own process group keeps a Ctrl-C in the terminal from reaching it
// before the test's clean-up does.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
