package httpapi

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"qingyuan/internal/live"
)

// stream writes the newest frame of one hub to everybody who watches it.
//
// One goroutine serves all watchers with writes that do not block, so that a
// watcher costs little more than its socket and a slow one holds up nobody: what
// the kernel does not take is kept as a rest, and frames that appear meanwhile
// are skipped. The goroutine lives while somebody watches.
type stream struct {
	hub   *live.Hub
	rules Live
	now   func() time.Time
	// left is told of each watcher whose connection is about to be closed.
	left func(netip.Addr)
	// wake tells the goroutine that somebody joined.
	wake chan struct{}

	mu              sync.Mutex
	joined          []*watcher // not yet taken over by the goroutine
	running, closed bool
	// term counts the dismissals. Who came in an earlier one is to leave, however far
	// the greeting has got.
	term int
	// done counts the goroutine and whoever is being greeted.
	done sync.WaitGroup

	// Of the goroutine alone.
	all    []*watcher
	news   time.Time // when it last began to hand out a frame
	heeded int       // the term in which it last looked for who is to leave
}

// comment is what a watcher gets when there is no news: proxies keep the
// connection, and a departed client is noticed.
const comment = ": \n\n"

// add greets the watcher, with the newest frame if there is one, and takes it
// into the stream.
func (st *stream) add(w *watcher, head []byte) {
	if !st.enter(w.term) {
		w.begin(head, st.now()) // an answer that ends, rather than none
		st.drop(w)
		return
	}
	defer st.done.Done()
	w.sent = st.hub.Last()
	if w.sent != nil {
		head = append(head, w.sent.Bytes...)
	}
	if !w.begin(head, st.now()) {
		st.drop(w)
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed || w.term != st.term {
		st.drop(w)
		return
	}
	st.joined = append(st.joined, w)
	if !st.running {
		st.running = true
		st.done.Go(st.run)
	}
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// enter makes close wait for a watcher that is about to be greeted: it may have
// read the newest frame before it is taken in. It returns false on a closed
// stream, and to a watcher that was dismissed on its way.
func (st *stream) enter(term int) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed || term != st.term {
		return false
	}
	st.done.Add(1)
	return true
}

// close ends the stream and waits until every connection is closed.
func (st *stream) close() {
	st.mu.Lock()
	st.closed = true
	st.mu.Unlock()
	st.hub.Close()
	st.done.Wait()
}

// current is the term in which a watcher comes.
func (st *stream) current() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.term
}

// dismiss ends the stream for everybody who watches now or is about to. Who comes
// later is served.
func (st *stream) dismiss() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.term++
	if !st.running {
		return
	}
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

// run serves until nobody watches or the hub is closed.
func (st *stream) run() {
	watch := st.hub.Watch()
	defer watch.Close()
	upkeep := time.NewTicker(st.rules.Every)
	defer upkeep.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	unfinished := time.NewTimer(0)
	defer unfinished.Stop()
	for st.takeOver() {
		select {
		case _, open := <-watch.Frames():
			if !open {
				st.end()
				return
			}
			// At most one frame every so often; the hub keeps the newest.
			due.Reset(st.news.Add(st.rules.Every).Sub(st.now()))
			continue
		case <-due.C:
			st.news = st.now()
		case <-upkeep.C:
		case <-unfinished.C:
		case <-st.wake:
			continue // greeted already; a pass for each that joins would be quadratic
		}
		if !st.pass(st.now()) {
			unfinished.Reset(max(st.rules.Every/40, time.Millisecond))
		}
	}
}

// takeOver adopts who joined and tells whether anybody watches. The answer and
// the end of the goroutine are one step, so that nobody joins in between.
func (st *stream) takeOver() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.all = append(st.all, st.joined...)
	st.joined = nil
	if st.heeded != st.term {
		st.heeded = st.term
		st.all = slices.DeleteFunc(st.all, func(w *watcher) bool {
			if w.term == st.term {
				return false
			}
			st.drop(w)
			return true
		})
	}
	st.running = len(st.all) > 0
	return st.running
}

// end closes every connection when the hub was closed.
func (st *stream) end() {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, w := range append(st.all, st.joined...) {
		st.drop(w)
	}
	st.all, st.joined, st.running = nil, nil, false
}

// pass looks after every watcher once, and tells whether all have taken what
// was begun: a frame larger than a socket's buffer goes out in parts.
func (st *stream) pass(now time.Time) (finished bool) {
	latest := st.hub.Last()
	kept := st.all[:0]
	finished = true
	for _, w := range st.all {
		if !st.serve(w, latest, now) {
			st.drop(w)
			continue
		}
		kept = append(kept, w)
		finished = finished && len(w.rest) == 0
	}
	clear(st.all[len(kept):])
	st.all = kept
	return finished
}

// serve gives the watcher what is due: first the rest of what was begun, then
// news, else a sign of life. It returns false for a watcher that is gone or has
// taken nothing for too long.
func (st *stream) serve(w *watcher, latest *live.Frame, now time.Time) bool {
	if !w.until.IsZero() && !now.Before(w.until) {
		return false
	}
	if len(w.rest) > 0 {
		if !w.flush() {
			return false
		}
		if len(w.rest) > 0 {
			return now.Sub(w.since) < st.rules.Patience
		}
	}
	switch quiet := now.Sub(w.since); {
	case latest != nil && latest != w.sent && quiet >= st.rules.Every:
		w.sent = latest
		return w.begin(latest.Bytes, now)
	case quiet >= st.rules.Beat:
		return w.begin([]byte(comment), now)
	default:
		return true
	}
}

// drop gives the seat back first: whoever sees the end may ask for it again.
func (st *stream) drop(w *watcher) {
	st.left(w.addr)
	_ = w.conn.Close() // it is gone either way
}
