//go:build !linux

package redistest

import "syscall"

// dieWithParent can only ask for a process group here: a test binary that is
// killed leaves its servers running.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
