package httpapi

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/pledge"
)

// serve listens on a free port of loopback until the test ends.
func serve(t testing.TB, b *bench) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- b.app.Listener(ln) }()
	t.Cleanup(func() {
		b.Close()
		if err := b.app.ShutdownWithTimeout(time.Minute); err != nil {
			t.Errorf("shut down: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return ln.Addr().String()
}

// dial opens a connection that ends with the test, or when nothing has come for
// too long.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// exchange writes raw bytes and reads one answer.
func exchange(t *testing.T, addr, raw string) (status int, body string, closed bool) {
	t.Helper()
	conn := dial(t, addr)
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Close
}

// TestAmbiguousRequests sends what two readers could understand differently.
func TestAmbiguousRequests(t *testing.T) {
	t.Parallel()
	addr := serve(t, newBench(t))
	const post = "POST /api/v1/sessions/wechat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, raw := range map[string]string{
		"two lengths":            post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
		"two equal lengths":      post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"length and chunks":      post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunks and length":      post + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"identity and length":    post + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
		"chunked twice":          post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a strange encoding":     post + "Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a hidden encoding":      post + "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"blank before a colon":   post + "Content-Length : 2\r\n\r\n{}",
		"a signed length":        post + "Content-Length: +2\r\n\r\n{}",
		"a length of words":      post + "Content-Length: two\r\n\r\n{}",
		"a chunk of words":       post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
		"chunks":                 post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"chunks without end":     post + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat("x", 1001) + "\r\n",
		"a chunk with extension": post + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
		"no host, rubbish":       "GARBAGE\r\n\r\n",
		"a nul in a header":      "GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n",
		"two hosts":              "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
	} {
		status, body, closed := exchange(t, addr, raw)
		if status != 400 || !closed || !strings.Contains(body, `"code":"request.invalid"`) {
			t.Errorf("%s: %d closed %t %s, want 400 and the connection closed", name, status, closed, body)
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	addr := serve(t, newBench(t, func(b *bench) { b.BodyLimit = 1000 }))
	const post = "POST /api/v1/sessions/wechat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, raw := range map[string]string{
		"a length":       post + "Content-Length: 1001\r\n\r\n" + strings.Repeat("x", 1001),
		"a length alone": post + "Content-Length: 999999999\r\n\r\n",
		"headers":        "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 9000) + "\r\n\r\n",
	} {
		status, body, closed := exchange(t, addr, raw)
		if status != 413 || !closed || !strings.Contains(body, `"code":"request.too_large"`) {
			t.Errorf("%s: %d closed %t %s, want 413 and the connection closed", name, status, closed, body)
		}
	}
	// A header that a chain of proxies makes long is read.
	if status, _, _ := exchange(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nA: "+strings.Repeat("x", 7000)+"\r\n\r\n"); status != 200 {
		t.Errorf("7 KB of headers: %d", status)
	}
}

// TestSlowSenders shows that half a request does not hold a connection.
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	addr := serve(t, newBench(t, func(b *bench) { b.ReadTimeout = 50 * time.Millisecond }))
	for name, raw := range map[string]string{
		"nothing":       "",
		"half a line":   "GET / HT",
		"half a header": "GET / HTTP/1.1\r\nHost: x\r\nX-A",
		"half a body":   "POST /api/v1/sessions/wechat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
	} {
		conn := dial(t, addr)
		if _, err := io.WriteString(conn, raw); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); timedOut(err) {
			t.Errorf("%s: the connection is still open", name)
		}
	}
}

// timedOut tells whether our own patience ended a read, and not the server.
func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// TestStringsOutliveTheirRequest keeps what one request said while others write
// over the connection's buffers.
func TestStringsOutliveTheirRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var kept []string
	b.pledges.bySerial = func(serial string) (pledge.Receipt, *campaign.Campaign, error) {
		kept = append(kept, serial)
		return pledge.Receipt{}, nil, pledge.ErrNotSigned
	}
	conn := dial(t, serve(t, b))
	r := bufio.NewReader(conn)
	for i := range 8 {
		serial := "S-" + strings.Repeat(string(rune('a'+i)), i+1)
		if _, err := io.WriteString(conn, "GET /api/v1/signatures/"+serial+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	for i, got := range kept {
		if want := "S-" + strings.Repeat(string(rune('a'+i)), i+1); got != want {
			t.Errorf("kept %q became %q", want, got)
		}
	}
}
