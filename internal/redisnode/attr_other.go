//go:build !linux

package redisnode

import "syscall"

// diesWithParent says whether the kernel ends the child when we are killed.
// There is no such signal here: the child of a killed server runs on, holding
// the lock, until the next start finds and ends it (see stopOrphan).
const diesWithParent = false

// childAttributes gives the child a process group of its own, so that a Ctrl-C
// in the terminal does not stop Redis while the server still answers.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
