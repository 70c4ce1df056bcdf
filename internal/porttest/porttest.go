// Package porttest hands out loopback addresses for servers of tests that must be found
// at the same one after a restart. A port that the kernel chooses is one of those that it
// gives to connections as well: while its server is down, any client may be given it.
//
// An address is its process' own until the process ends, also where several test binaries
// run at once.
package porttest

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// The ports that are handed out, below those that systems give to connections.
const first, last = 10_000, 29_999

// book is what this process has been given.
type book struct {
	mu   sync.Mutex
	file *os.File // in which a byte is locked for each port; the system lets go of them when the process ends
	next int
}

var ours book

// Addr returns a loopback address that nobody listens at and nobody else is given.
func Addr(t testing.TB) string {
	t.Helper()
	port, err := ours.port()
	if err != nil {
		t.Fatalf("find a port for a server: %v", err)
	}
	return address(port)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func (b *book) port() (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(); err != nil {
		return 0, err
	}
	for ; b.next <= last; b.next++ {
		if b.claim(b.next) && free(b.next) {
			b.next++ // never twice in one process
			return b.next - 1, nil
		}
	}
	return 0, fmt.Errorf("all from %d to %d are taken", first, last)
}

// open begins somewhere of its own, so that processes seldom ask for the same ports.
func (b *book) open() error {
	if b.file != nil {
		return nil
	}
	// Before it first looks for a process, a program tries what the kernel can do, on a child
	// that no lock tells of: see free.
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Release()
	}
	// Where TMPDIR leads is not the same for all.
	file, err := os.OpenFile(fmt.Sprintf("/tmp/qingyuan-ports-%d", os.Getuid()), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	b.file, b.next = file, first+os.Getpid()*97%(last-first)/2
	return nil
}

// claim locks the byte of a port, and tells whether nobody else has.
func (b *book) claim(port int) bool {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: int64(port), Len: 1}
	return syscall.FcntlFlock(b.file.Fd(), syscall.F_SETLK, &lock) == nil
}

// free tells whether nobody listens there, as programs may that know nothing of the book. No
// child begins meanwhile: until it is another program it would listen there as well, longer
// than this process does.
func free(port int) bool {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	ln, err := net.Listen("tcp", address(port)) //nolint:noctx // It is there for a moment.
	if err != nil {
		return false
	}
	return ln.Close() == nil
}
