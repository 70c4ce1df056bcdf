package httpapi

import (
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"qingyuan/internal/live"
)

// TestCloseWaitsForWhoIsBeingGreeted ends a stream at the moment a watcher has
// its greeting and has not been taken in: Close must wait for it all the same.
func TestCloseWaitsForWhoIsBeingGreeted(t *testing.T) {
	t.Parallel()
	for range 300 {
		var left atomic.Int64
		st := &stream{
			hub: live.NewHub(), rules: Live{Every: time.Second, Beat: time.Minute, Patience: time.Minute},
			now: time.Now, left: func(netip.Addr) { left.Add(1) }, wake: make(chan struct{}, 1),
		}
		ours, theirs := net.Pipe()
		added := make(chan struct{})
		go func() {
			defer close(added)
			st.add(newWatcher(theirs, netip.Addr{}), []byte("hello"))
		}()
		if _, err := io.ReadFull(ours, make([]byte, len("hello"))); err != nil {
			t.Fatal(err)
		}
		st.close()
		if n := left.Load(); n != 1 {
			t.Fatalf("%d watchers have left when close returns, want 1", n)
		}
		_ = ours.Close()
		<-added
	}
}

// greeting is a connection that does something while it takes the greeting.
type greeting struct {
	net.Conn
	meanwhile func()
}

func (g *greeting) SetWriteDeadline(time.Time) error { return nil }

func (g *greeting) Write(p []byte) (int, error) {
	if g.meanwhile != nil {
		g.meanwhile()
	}
	return len(p), nil
}

func (g *greeting) Close() error { return nil }

// TestDismissalFindsWhoIsBeingGreeted ends a stream at the moment a watcher has its
// greeting and has not been taken in: once as the first, for whom nobody serves yet, and
// once after the others were seen off.
func TestDismissalFindsWhoIsBeingGreeted(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]int{"alone": 0, "among others": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan netip.Addr, others+1)
			st := &stream{
				hub: live.NewHub(), rules: Live{Every: time.Hour, Beat: time.Hour, Patience: time.Hour},
				now: time.Now, left: func(a netip.Addr) { left <- a }, wake: make(chan struct{}, 1),
			}
			defer st.close()
			for range others {
				st.add(newWatcher(&greeting{}, netip.Addr{}), []byte("hello"))
			}
			st.add(newWatcher(&greeting{meanwhile: func() {
				st.dismiss()
				for range others {
					<-left
				}
			}}, netip.Addr{}), []byte("hello"))
			if len(left) != 1 {
				t.Error("who was being greeted stays")
			}
		})
	}
}

// TestDismissalSparesWhoComesLater takes in at once who is to leave and who is not.
func TestDismissalSparesWhoComesLater(t *testing.T) {
	t.Parallel()
	gone := 0
	st := &stream{
		hub: live.NewHub(), now: time.Now, left: func(netip.Addr) { gone++ }, wake: make(chan struct{}, 1),
		running: true, // by the test, step by step
	}
	st.add(newWatcher(&greeting{}, netip.Addr{}), []byte("hello"))
	st.takeOver()
	st.add(newWatcher(&greeting{}, netip.Addr{}), []byte("hello"))
	st.dismiss()
	later := newWatcher(&greeting{}, netip.Addr{})
	later.term = st.current()
	st.add(later, []byte("hello"))
	if !st.takeOver() || gone != 2 || len(st.all) != 1 || st.all[0] != later {
		t.Errorf("%d left and %d stay, want 2 and who came later", gone, len(st.all))
	}
}
