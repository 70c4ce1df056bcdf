package wechattest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
)

// Answer is one way of treating a call.
type Answer func(w http.ResponseWriter, r *http.Request, s *Server)

// Refuse answers with an errcode, as WeChat words it.
func Refuse(errcode int, errmsg string) Answer {
	text, err := json.Marshal(map[string]any{
		"errcode": errcode, "errmsg": errmsg + ", rid: 65f0a1b2-3c4d5e6f-0a1b2c3d",
	})
	if err != nil {
		panic(err) // a number and a text
	}
	return Body(http.StatusOK, string(text))
}

// Body answers with any text at all, under the content type WeChat uses.
func Body(status int, text string) Answer {
	return func(w http.ResponseWriter, _ *http.Request, _ *Server) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text)) // the client may have left
	}
}

// Huge answers with a great deal that would be JSON if it ended.
func Huge(bytes int) Answer {
	return Body(http.StatusOK, `{"openid":"`+strings.Repeat("o", bytes))
}

// Redirect sends the client elsewhere, where the secret must not go.
func Redirect(to string) Answer {
	return func(w http.ResponseWriter, r *http.Request, _ *Server) {
		http.Redirect(w, r, to+"?"+r.URL.RawQuery, http.StatusFound)
	}
}

// Silence takes the call and never answers.
func Silence() Answer {
	return func(_ http.ResponseWriter, r *http.Request, s *Server) { s.linger(r) }
}

// Stall begins an answer and never ends it.
func Stall() Answer {
	return func(w http.ResponseWriter, r *http.Request, s *Server) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"openid":`))
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		s.linger(r)
	}
}

// Hangup closes the connection without a word.
func Hangup() Answer {
	return func(http.ResponseWriter, *http.Request, *Server) { panic(http.ErrAbortHandler) }
}

// Gate keeps one call waiting until it is opened.
type Gate struct {
	reached, open chan struct{}
	opened        sync.Once
}

// NewGate returns a closed gate. Give its Answer to Next.
func NewGate() *Gate {
	return &Gate{reached: make(chan struct{}), open: make(chan struct{})}
}

// Reached is closed once the call stands before the gate.
func (g *Gate) Reached() <-chan struct{} { return g.reached }

// Open lets the call through to its proper answer.
func (g *Gate) Open() { g.opened.Do(func() { close(g.open) }) }

// Answer waits for the gate. Use it for one call.
func (g *Gate) Answer(w http.ResponseWriter, r *http.Request, s *Server) {
	close(g.reached)
	select {
	case <-g.open:
		s.proper(w, r, s)
	case <-r.Context().Done():
	case <-s.closed:
	}
}

func (s *Server) linger(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closed:
	}
}
