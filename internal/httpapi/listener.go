package httpapi

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Lenient makes cheap what connections of a listener are asked for with every request:
// who is at their other end, which is worked out once, and the deadlines of reading. The
// framework sets two for every request, each nearly always later than the one before, and
// a timer is moved each time, which takes a twentieth of an answer from memory. Here a
// deadline that is put off stays where it is until it comes, and only then is it moved
// to where it is meant by that time.
func Lenient(ln net.Listener) net.Listener { return lenientListener{ln} }

type lenientListener struct{ net.Listener }

// Accept implements net.Listener.
func (l lenientListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lenientConn{Conn: conn, peer: addrOf(conn.RemoteAddr())}, nil
}

// lenientConn keeps two deadlines: the one that is meant, and the one that was set, which
// is never later.
type lenientConn struct {
	net.Conn

	peer netip.Addr

	mu         sync.Mutex
	meant, set time.Time // the zero time is none
}

// Read implements net.Conn.
func (c *lenientConn) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		moved, errMove := c.catchUp()
		switch {
		case errMove != nil:
			return 0, errMove
		case !moved:
			return 0, err
		}
	}
}

// catchUp sets the deadline that is meant. It tells whether that is another one.
func (c *lenientConn) catchUp() (moved bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.set.Equal(c.meant) {
		return false, nil
	}
	c.set = c.meant
	return true, c.Conn.SetReadDeadline(c.meant)
}

// SetReadDeadline implements net.Conn.
func (c *lenientConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.meant = t
	if !t.IsZero() && !c.set.IsZero() && !t.Before(c.set) {
		return nil
	}
	c.set = t
	return c.Conn.SetReadDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *lenientConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
