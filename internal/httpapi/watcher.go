package httpapi

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"qingyuan/internal/live"
)

// watcher is one client of a stream. There may be tens of thousands: it holds
// no buffer of its own.
type watcher struct {
	conn net.Conn
	// raw writes without waiting; nil where the connection is not a socket.
	raw  syscall.RawConn
	addr netip.Addr
	// term is that of the stream when it came.
	term int
	// until is when its ticket runs out; zero for the public.
	until time.Time
	// sent is the frame last begun.
	sent *live.Frame
	// rest is what of the last write is still to be taken. It mostly shares the
	// frame's bytes.
	rest []byte
	// since is when the last write was begun.
	since time.Time
}

const (
	// socketBuffer bounds what the kernel holds back for a slow watcher: without
	// it, that would be megabytes of frames that nobody will look at.
	socketBuffer = 64 << 10
	// blockingWrite bounds a write to what is not a socket.
	blockingWrite = 50 * time.Millisecond
)

func newWatcher(conn net.Conn, addr netip.Addr) *watcher {
	w := &watcher{conn: conn, addr: addr}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(socketBuffer) // a larger buffer does no harm
	}
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
		}
	}
	return w
}

// begin starts to write b. It returns false when the client is gone.
func (w *watcher) begin(b []byte, now time.Time) bool {
	w.rest, w.since = b, now
	return w.flush()
}

// flush writes what the connection takes at once and keeps the rest.
func (w *watcher) flush() bool {
	for len(w.rest) > 0 {
		n, err := w.write()
		w.rest = w.rest[max(n, 0):]
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN), errors.Is(err, os.ErrDeadlineExceeded):
			return true
		case err != nil:
			return false
		}
	}
	w.rest = nil
	return true
}

func (w *watcher) write() (n int, err error) {
	if w.raw == nil {
		deadline := time.Now().Add(blockingWrite) //nolint:forbidigo // The connection looks at the real clock.
		if err := w.conn.SetWriteDeadline(deadline); err != nil {
			return 0, err
		}
		return w.conn.Write(w.rest)
	}
	gone := w.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), w.rest)
		return true // whatever came of it: waiting is for the next pass
	})
	return n, errors.Join(gone, err)
}
