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
