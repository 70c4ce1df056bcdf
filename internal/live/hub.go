// Package live hands the newest frame to everybody who watches.
//
// A frame replaces its predecessor, so a slow reader is not disconnected and
// not queued for: it skips what it missed. Publishing never waits.
package live

import "sync"

// Frame is one published state. Bytes must not change after Publish: all
// watchers share them.
type Frame struct {
	Bytes []byte
	// ETag names the content, quotes included.
	ETag string
}

// Hub fans the newest frame of one topic out. The zero value is not usable; call
// NewHub.
type Hub struct {
	mu     sync.Mutex
	last   *Frame
	subs   map[*Watch]struct{}
	closed bool
}

// NewHub returns a hub without a frame.
func NewHub() *Hub { return &Hub{subs: map[*Watch]struct{}{}} }

// Watch is one subscription.
type Watch struct {
	hub *Hub
	c   chan *Frame
}

// Frames yields the newest frame, at once if there is one; it is closed when
// the watch or the hub is.
func (w *Watch) Frames() <-chan *Frame { return w.c }

// Close ends the watch. It may be called twice.
func (w *Watch) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.hub.drop(w)
}

func (h *Hub) drop(w *Watch) {
	if _, ok := h.subs[w]; ok {
		delete(h.subs, w)
		close(w.c)
	}
}

// Watch subscribes. On a closed hub the watch is closed from the start.
func (h *Hub) Watch() *Watch {
	w := &Watch{hub: h, c: make(chan *Frame, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(w.c)
		return w
	}
	h.subs[w] = struct{}{}
	if h.last != nil {
		w.c <- h.last
	}
	return w
}

// Publish makes f the newest frame.
func (h *Hub) Publish(f *Frame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = f
	for w := range h.subs {
		select {
		case <-w.c: // a frame nobody took
		default:
		}
		w.c <- f // cannot block: only Publish sends, and it holds mu
	}
}

// Last returns the newest frame, or nil before the first.
func (h *Hub) Last() *Frame {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// Watchers returns how many watch now.
func (h *Hub) Watchers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs)
}

// Close ends every watch. Call it before the HTTP server shuts down, which
// waits for open streams.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.subs {
		h.drop(w)
	}
}
