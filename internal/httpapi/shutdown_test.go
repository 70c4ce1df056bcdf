package httpapi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
)

// TestLastAnswerSaysThatItIs stops a server while a request is under way. It is
// answered, and told that nothing more comes on its connection.
func TestLastAnswerSaysThatItIs(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	b := newBench(t, func(b *bench) {
		b.Ready = func(context.Context) Readiness {
			close(entered)
			<-release
			return Readiness{}
		}
	})
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	app := b.App()
	served, stopped := make(chan error, 1), make(chan error, 1)
	go func() { served <- app.Listener(ln) }()
	go func() {
		<-entered
		go func() {
			if err := <-served; err != nil { // the listener is closed first
				t.Error(err)
			}
			close(release)
		}()
		stopped <- app.Shutdown()
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String()+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(resp.Body.Close(), <-stopped); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusOK || !resp.Close {
		t.Errorf("the last answer is %s, close %t", resp.Status, resp.Close)
	}
}
