package live_test

import (
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"qingyuan/internal/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func frame(n int) *live.Frame {
	return &live.Frame{Bytes: []byte(strconv.Itoa(n)), ETag: strconv.Quote(strconv.Itoa(n))}
}

// waiting returns the frame that a watch has ready, or nil.
func waiting(w *live.Watch) *live.Frame {
	select {
	case f := <-w.Frames():
		return f
	default:
		return nil
	}
}

func isClosed(w *live.Watch) bool {
	select {
	case _, open := <-w.Frames():
		return !open
	default:
		return false
	}
}

func TestTheFirstFrameComesAtOnce(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	early := h.Watch()
	if f := waiting(early); f != nil || h.Last() != nil {
		t.Fatalf("a hub without a frame gave %v, last %v", f, h.Last())
	}
	first := frame(1)
	h.Publish(first)
	late := h.Watch()
	for name, w := range map[string]*live.Watch{"before": early, "after": late} {
		if f := waiting(w); f != first {
			t.Errorf("who watched %s the frame got %v", name, f)
		}
		if f := waiting(w); f != nil {
			t.Errorf("who watched %s the frame got it twice: %v", name, f)
		}
	}
	if h.Last() != first {
		t.Errorf("Last = %v", h.Last())
	}
}

func TestASlowReaderSkips(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	slow, fast := h.Watch(), h.Watch()
	for n := range 100 {
		h.Publish(frame(n))
		if f := waiting(fast); string(f.Bytes) != strconv.Itoa(n) {
			t.Fatalf("the fast reader got %s after frame %d", f.Bytes, n)
		}
	}
	if f := waiting(slow); string(f.Bytes) != "99" {
		t.Errorf("the slow reader got %s, want the newest", f.Bytes)
	}
	if f := waiting(slow); f != nil {
		t.Errorf("the slow reader got %s after the newest", f.Bytes)
	}
}

func TestClosingTwice(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	one, other := h.Watch(), h.Watch()
	one.Close()
	one.Close()
	if !isClosed(one) || h.Watchers() != 1 {
		t.Errorf("closed %t with %d left, want true and 1", isClosed(one), h.Watchers())
	}
	h.Publish(frame(1))
	if f := waiting(other); f == nil {
		t.Error("closing one watch ended another")
	}
	h.Close()
	h.Close()
	other.Close()
	if !isClosed(other) || h.Watchers() != 0 {
		t.Errorf("after Close of the hub: closed %t with %d left", isClosed(other), h.Watchers())
	}
}

func TestAClosedHubTakesNobody(t *testing.T) {
	t.Parallel()
	h := live.NewHub()
	h.Publish(frame(1))
	h.Close()
	w := h.Watch()
	if !isClosed(w) || h.Watchers() != 0 {
		t.Errorf("a watch on a closed hub is open, or one of %d", h.Watchers())
	}
	h.Publish(frame(2))
	w.Close()
}

// TestWatchersComeAndGo is for the race detector: publishing, watching and
// closing at once. Every watcher sees frames in order and the last one ends.
func TestWatchersComeAndGo(t *testing.T) {
	t.Parallel()
	const watchers, frames = 32, 500
	h := live.NewHub()
	var ready, done sync.WaitGroup
	ready.Add(watchers)
	for range watchers {
		done.Go(func() {
			w := h.Watch()
			ready.Done()
			last := -1
			for f := range w.Frames() {
				n, _ := strconv.Atoi(string(f.Bytes))
				if n <= last {
					t.Errorf("frame %d came after %d", n, last)
				}
				last = n
				if n%7 == 0 {
					w.Close()
				}
			}
		})
	}
	ready.Wait()
	for n := range frames {
		h.Publish(frame(n))
		h.Watchers()
	}
	h.Close()
	done.Wait()
}
