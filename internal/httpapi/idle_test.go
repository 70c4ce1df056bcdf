package httpapi

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// TestIdleConnectionIsClosedInSilence opens a connection and sends nothing: an
// answer nobody asked for would be taken for that of the next request.
func TestIdleConnectionIsClosedInSilence(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{"nothing": "", "half a header": "GET /healthz HTT"} {
		b := newBench(t, func(b *bench) { b.ReadTimeout = 50 * time.Millisecond })
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		app := b.App()
		done := make(chan error, 1)
		go func() { done <- app.Listener(ln) }()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		got, err := io.ReadAll(conn)
		// Half a header that comes after the server has gone is answered by a reset.
		if err != nil && !errors.Is(err, syscall.ECONNRESET) || len(got) > 0 {
			t.Errorf("%s: the server said %q, %v; want silence and the end", name, got, err)
		}
		_ = conn.Close()
		if err := errors.Join(app.Shutdown(), <-done); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
