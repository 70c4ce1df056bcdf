package simulate

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clientFor returns a client for h with a clock of its own.
func clientFor(t *testing.T, h http.HandlerFunc) (*client, *testClock) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, clock := testConfig(&fake{url: srv.URL}, 1)
	c, err := c.complete()
	if err != nil {
		t.Fatal(err)
	}
	cl := newClient(c, newMeter())
	t.Cleanup(cl.close)
	return cl, clock
}

// A write whose connection dies must reach the simulator as an unknown outcome:
// were net/http to send it again, the repeat would be invisible.
func TestTransportNeverRepeatsAWrite(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	cl, _ := clientFor(t, func(http.ResponseWriter, *http.Request) {
		if hits.Add(1)%2 == 0 { // on a connection that has been used before
			panic(http.ErrAbortHandler)
		}
	})
	for _, method := range []string{http.MethodPost, http.MethodPut} {
		hits.Store(0)
		q := call{op: opSubmit, method: method, path: "/", body: []byte("{}")}
		if _, err := cl.once(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		if _, err := cl.once(t.Context(), q); err == nil {
			t.Errorf("%s: the lost reply was hidden", method)
		}
		if n := hits.Load(); n != 2 {
			t.Errorf("%s: the server saw %d requests, want 2", method, n)
		}
	}
}

// net/http does repeat reads; that is harmless, and counted.
func TestTransportRepeatsOfReadsAreCounted(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	cl, _ := clientFor(t, func(http.ResponseWriter, *http.Request) {
		if hits.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
	})
	for range 2 {
		if _, err := cl.do(t.Context(), call{op: opMe, method: http.MethodGet, path: "/"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := cl.meter.again[opMe].Load(); n != 1 || hits.Load() != 3 {
		t.Errorf("%d repeats counted, %d requests seen", n, hits.Load())
	}
}

// Both ways to lose a reply must deliver the whole request.
func TestLoseDelivers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	got := make(chan struct{}, 2)
	cl, _ := clientFor(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization")+" "+string(body))
		mu.Unlock()
		got <- struct{}{}
		w.WriteHeader(http.StatusOK)
	})
	for _, await := range []bool{true, false} {
		q := call{op: opSign, method: http.MethodPost, path: "/x", token: "t", body: []byte(`{"a":1}`)}
		cl.lose(t.Context(), q, await)
		<-got
	}
	for _, s := range seen {
		if s != `POST /x Bearer t {"a":1}` {
			t.Errorf("the server saw %q", s)
		}
	}
	if len(seen) != 2 || cl.meter.lost.Load() != 2 {
		t.Errorf("%d requests seen, %d lost", len(seen), cl.meter.lost.Load())
	}
}

// A server that is away, or never answers, holds nobody up for longer than one
// exchange may take.
func TestLoseGivesUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	cl, _ := clientFor(t, func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	cl.lose(ctx, call{op: opSign, method: http.MethodPost, path: "/", body: []byte("{}")}, true)
	close(release)
	cl.cfg.Target = "http://127.0.0.1:1"
	cl.lose(t.Context(), call{op: opSign, method: http.MethodPost, path: "/", body: []byte("{}")}, true)
}

func TestHalfAReplyIsUnknown(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	cl, _ := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "15")
		if hits.Add(1) == 1 {
			_, _ = io.WriteString(w, `{"serial"`)
			return // short of what was promised
		}
		_, _ = io.WriteString(w, `{"serial":"QY"}`)
	})
	var s signature
	_, err := cl.do(t.Context(), call{op: opSign, method: http.MethodPost, path: "/", body: []byte("{}")}, &s)
	if err != nil || s.Serial != "QY" || hits.Load() != 2 {
		t.Errorf("%+v, %v after %d requests", s, err, hits.Load())
	}
}

// An acceptance that cannot be read acknowledges nothing, and may have been
// counted.
func TestUnreadableAcceptance(t *testing.T) {
	t.Parallel()
	cl, _ := clientFor(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	var s signature
	_, err := cl.do(t.Context(), call{op: opSign, method: http.MethodPost, path: "/", body: []byte("{}")}, &s)
	if !isCode(err, codeUnreadable) || afterError(err) != unknown {
		t.Errorf("%v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	cl, _ := clientFor(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
	})
	_, err := cl.do(t.Context(), call{op: opSign, method: http.MethodPost, path: "/", body: []byte("{}")}, nil)
	if !isCode(err, codeUnreadable) {
		t.Errorf("err = %v", err)
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	cl, clock := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 503, map[string]any{"code": "service.unavailable", "retry_after_ms": 1500})
	})
	start := clock.now()
	_, err := cl.do(t.Context(), call{op: opSubmit, method: http.MethodPost, path: "/", body: []byte("{}")}, nil)
	if !isUnknown(err) || afterError(err) != unknown || !strings.Contains(err.Error(), "service.unavailable") {
		t.Errorf("err = %v", err)
	}
	if took := clock.now().Sub(start); took > time.Minute || took < 57*time.Second {
		t.Errorf("patience lasted %v, want up to a minute", took)
	}
}

func TestCodesOfTheReport(t *testing.T) {
	t.Parallel()
	for code, kept := range map[string]bool{
		"quiz.submitted": true, "internal": true, "": false, "张三": false, "a b": false,
		strings.Repeat("a", 41): false,
	} {
		if got := readProblem(encode(map[string]string{"code": code})).Code; (got == code) != kept {
			t.Errorf("code %q is reported as %q", code, got)
		}
	}
}
