package redisnode

import "syscall"

// diesWithParent says whether the kernel ends the child when we are killed.
const diesWithParent = true

// childAttributes asks the kernel to kill the child when the thread that forked
// it ends: nothing acknowledged is lost by that, for it is synced already. The
// process group of its own keeps a Ctrl-C in the terminal from stopping Redis
// while the server still answers its last requests.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
