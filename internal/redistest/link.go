package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Link carries what a primary sends to its replica, as late as it is told. What
// is under way when it is cut, or when the primary dies, is lost, as on a real
// network: between two processes of one machine nothing would be.
type Link struct {
	to       string
	listener net.Listener

	mu    sync.Mutex
	delay time.Duration
	conns []net.Conn
	wg    sync.WaitGroup
}

// NewLink returns a link to a primary, without delay, until t ends.
func NewLink(t testing.TB, primary *Server) *Link {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("open a link: %v", err)
	}
	l := &Link{to: primary.addr, listener: ln}
	l.wg.Go(l.accept)
	t.Cleanup(l.Cut)
	return l
}

// Through lets a replica follow its primary through a link.
func Through(l *Link) Option {
	host, port, _ := net.SplitHostPort(l.listener.Addr().String())
	return Set("replicaof", host, port)
}

// Delay makes everything that comes from now on that late. A replica's answers
// to the primary are not delayed.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Cut ends the link for good and loses what is under way.
func (l *Link) Cut() {
	_ = l.listener.Close()
	l.mu.Lock()
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
}

func (l *Link) accept() {
	for {
		replica, err := l.listener.Accept()
		if err != nil {
			return
		}
		primary, err := net.Dial("tcp", l.to)
		if err != nil {
			_ = replica.Close()
			continue
		}
		l.mu.Lock()
		l.conns = append(l.conns, replica, primary)
		l.mu.Unlock()
		l.wg.Go(func() { l.forward(primary, replica, func() time.Duration { return 0 }) })
		l.wg.Go(func() { l.forward(replica, primary, l.late) })
	}
}

func (l *Link) late() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delay
}

// chunk is something under way.
type chunk struct {
	bytes []byte
	due   time.Time
}

// forward passes on what one side sends when it is due. The end of that side
// ends the other at once: what is not due yet is lost.
func (l *Link) forward(to, from net.Conn, late func() time.Duration) {
	underway, gone := make(chan chunk, 1<<16), make(chan struct{})
	l.wg.Go(func() {
		for {
			select {
			case c := <-underway:
				if !wait(time.Until(c.due), gone) {
					return
				}
				if _, err := to.Write(c.bytes); err != nil {
					_ = from.Close()
				}
			case <-gone:
				return
			}
		}
	})
	defer func() {
		close(gone)
		_ = to.Close()
	}()
	for {
		buf := make([]byte, 16<<10)
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		underway <- chunk{buf[:n], time.Now().Add(late())}
	}
}

// wait returns false if gone is closed first.
func wait(d time.Duration, gone <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-gone:
		return false
	}
}
