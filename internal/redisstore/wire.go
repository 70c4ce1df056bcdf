package redisstore

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/redis/go-redis/v9"
)

// wire is one connection of Joined. What is written to it is answered in the same
// order, so that there may be any number of commands whose answers are still to
// come: whoever writes puts them into a list, and one goroutine reads the answers
// and crosses them out.
type wire struct {
	joined *Joined
	slot   int
	conn   net.Conn
	end    func() // closes conn and what opened it
	limit  time.Duration

	// Guarded by joined.mu.
	open    bool
	gone    bool // its answers will not come any more
	writing bool // somebody writes, or is about to
	under   int  // bytes of which the answers are still to come
	sent    []*order
	cause   error // why it was closed on our side

	out []byte // of who writes

	// Of who reads.
	in      replies
	reading []*order // the next ones whose answers come
}

// openWire begins to open a connection. Call it with mu.
func (j *Joined) openWire(slot int) *wire {
	w := &wire{joined: j, slot: slot, limit: j.db.Options().ReadTimeout}
	j.work.Go(func() {
		pprof.SetGoroutineLabels(j.labels)
		if !w.connect() {
			return
		}
		j.work.Go(w.write)
		w.readAll()
	})
	return w
}

// connect opens the connection, and takes it into use for writing.
func (w *wire) connect() bool {
	j := w.joined
	err := w.dial()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil && j.closed {
		w.end()
		err = redis.ErrClosed
	}
	if err == nil {
		w.open, w.writing = true, true
		return true
	}
	w.gone, j.wires[w.slot] = true, nil
	for _, other := range j.wires {
		if other != nil && other.open {
			return false // what waits can go there
		}
	}
	j.failWaiting(err)
	return false
}

// dial lets go-redis open the connection, with all that it does there, such as to
// ask for a password and who the server is: see Vetting. Afterwards nobody but the
// wire uses it.
func (w *wire) dial() error {
	o := *w.joined.db.Options()
	taken := make(chan net.Conn, 1)
	dial := o.Dialer
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err == nil {
			select {
			case taken <- conn:
			default: // the first one was no good
				_ = conn.Close()
				err = errors.New("dialled twice")
			}
		}
		return conn, err
	}
	// With room for one more go-redis leaves nobody behind, after a failure, who would
	// dial every second: during an outage that would be one for each attempt.
	o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.PipelinePoolSize, o.Protocol, o.MaxRetries = 2, 0, 0, 0, 2, -1
	client := redis.NewClient(&o)
	session := client.Conn()
	err := session.Ping(w.joined.opening).Err()
	w.end = func() {
		if w.conn != nil {
			_ = w.conn.Close()
		}
		_, _ = session.Close(), client.Close()
	}
	if err == nil {
		w.conn = <-taken
		err = w.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		w.end()
		return fmt.Errorf("connect: %w", err)
	}
	w.in = replies{bufio.NewReaderSize(w.conn, cmp.Or(w.joined.Buffer, window))}
	return nil
}

// until is when the server must have taken or answered something, never where the
// client has no limit.
func (w *wire) until() time.Time {
	if w.limit <= 0 {
		return time.Time{}
	}
	return clock().Add(w.limit)
}

// write sends until nothing waits or there is no room.
func (w *wire) write() {
	for w.writeOnce() {
	}
}

// writeOnce sends what waits and has room, and tells whether its caller has to see
// to the rest: if not, nobody writes any more. Those who are about to run come
// first, because they may bring something.
func (w *wire) writeOnce() bool {
	runtime.Gosched()
	if w.take() {
		_ = w.conn.SetWriteDeadline(w.until())
		if _, err := w.conn.Write(w.out); err != nil {
			w.abandon(err)
		}
	}
	return w.goOn()
}

// take moves what waits into out, the orders of callers that have left not among
// them.
func (w *wire) take() bool {
	j := w.joined
	j.mu.Lock()
	defer j.mu.Unlock()
	if w.gone || w.cause != nil {
		return false
	}
	idle, n := w.under == 0, 0
	w.out = w.out[:0]
	for ; n < len(j.waiting) && w.under < window; n++ {
		o := j.waiting[n]
		if o.state.CompareAndSwap(orderWaiting, orderSent) {
			w.out = append(w.out, o.out...)
			w.sent = append(w.sent, o)
			w.under += len(o.out)
		}
	}
	j.waiting = append(j.waiting[:0], j.waiting[n:]...)
	if idle && w.under > 0 {
		_ = w.conn.SetReadDeadline(w.until())
	}
	return len(w.out) > 0
}

// goOn tells whether more is to be written to this connection, and lets somebody
// write to another if that has to be.
func (w *wire) goOn() bool {
	j := w.joined
	j.mu.Lock()
	defer j.mu.Unlock()
	usable := !w.gone && w.cause == nil && !j.closed
	if usable && w.under < window && len(j.waiting) > 0 {
		return true
	}
	w.writing = false
	j.pass()
	return false
}

// abandon closes the connection after a failure to write to it. Who reads from it
// learns of that.
func (w *wire) abandon(err error) {
	w.joined.mu.Lock()
	defer w.joined.mu.Unlock()
	w.cause = err
	_ = w.conn.Close()
}

// readAll hands out answers until the connection ends. Everybody whose answer has
// not come then learns that its outcome is unknown.
func (w *wire) readAll() {
	err := w.answer()
	w.end()
	j := w.joined
	j.mu.Lock()
	defer j.mu.Unlock()
	if w.cause != nil {
		err = w.cause
	}
	w.gone, j.wires[w.slot] = true, nil
	for _, o := range append(w.reading, w.sent...) {
		o.fail(err)
	}
	w.sent, w.under = nil, 0
	if j.closed {
		j.failWaiting(redis.ErrClosed)
	}
	j.pass()
}

// answer reads replies and hands them out.
func (w *wire) answer() error {
	freed := 0
	for {
		if w.in.Buffered() == 0 && freed > 0 {
			w.free(freed)
			freed = 0
		}
		if _, err := w.in.Peek(1); err != nil {
			return err
		}
		if len(w.reading) == 0 && !w.claim() {
			return fmt.Errorf("%w: nobody has asked", errProtocol)
		}
		o := w.reading[0]
		if err := o.read(w.in); err != nil {
			return unexpected(err)
		}
		w.reading = w.reading[1:]
		freed += len(o.out)
		demoted := o.refusedByReplica()
		o.done <- struct{}{}
		if demoted {
			return errDemoted
		}
	}
}

// errDemoted is a server that has become a replica: who connects anew is told so,
// or sent to the primary.
var errDemoted = errors.New("redis has become a replica")

// refusedByReplica tells whether an order was answered by a replica that takes no
// writes.
func (o *order) refusedByReplica() bool {
	err := o.answeredWith()
	return err != nil && redis.HasErrorPrefix(err, "READONLY")
}

// claim takes over the orders that were sent meanwhile.
func (w *wire) claim() bool {
	w.joined.mu.Lock()
	defer w.joined.mu.Unlock()
	w.reading, w.sent = w.sent, nil
	return len(w.reading) > 0
}

// free makes room for more. While an answer is to come, something must come in
// time.
func (w *wire) free(n int) {
	j := w.joined
	j.mu.Lock()
	defer j.mu.Unlock()
	w.under -= n
	until := time.Time{}
	if w.under > 0 {
		until = w.until()
	}
	_ = w.conn.SetReadDeadline(until)
	j.pass()
}
