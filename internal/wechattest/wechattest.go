// Package wechattest is a WeChat for tests: it gives out one-use codes, answers
// as the real one does, and misbehaves on demand in every way that was met or
// may be feared.
package wechattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// SessionKey is in every good answer. It must turn up nowhere else.
const SessionKey = "canary-session-key"

// Person is who stands behind a code.
type Person struct {
	OpenID string
	// UnionID may be empty, as it is for apps that are not bound together.
	UnionID string
}

// Server is a running fake.
type Server struct {
	web    *httptest.Server
	closed chan struct{}

	mu      sync.Mutex
	secrets map[string]string // by appid
	codes   map[string]*code
	tokens  map[string]string // by appid
	issued  int
	lasts   int64          // seconds
	risks   map[string]int // by openid
	next    []Answer
	calls   []Call
}

type code struct {
	appid  string
	person Person
	used   bool
}

// Call is one request the server got.
type Call struct {
	Path  string
	Query url.Values
	Body  string
}

// Start runs a fake until tb ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{
		closed:  make(chan struct{}),
		secrets: make(map[string]string),
		codes:   make(map[string]*code),
		tokens:  make(map[string]string),
		lasts:   tokenLasts,
		risks:   make(map[string]int),
	}
	s.web = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(func() {
		close(s.closed) // first: it lets go of whoever is kept waiting
		s.web.Close()
	})
	return s
}

// URL is the base address to give to a client.
func (s *Server) URL() string { return s.web.URL }

// Register makes an app known: a mini-program or an official account.
func (s *Server) Register(appid, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[appid] = secret
}

// Code returns a new one-use code for a person in an app.
func (s *Server) Code(appid string, who Person) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("canary-code-%s-%d", appid, len(s.codes))
	s.codes[name] = &code{appid: appid, person: who}
	return name
}

// Next has the coming calls answered in this way, one after the other. What
// comes after them is answered properly again.
func (s *Server) Next(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, answers...)
}

// Calls returns the requests the server got so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20)) // the client may have left
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := s.note(r, string(body))
	if answer == nil {
		answer = s.proper
	}
	answer(w, r, s)
}

// note records a call and returns the answer that was ordered for it, if any.
func (s *Server) note(r *http.Request, body string) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{Path: r.URL.Path, Query: r.URL.Query(), Body: body})
	if len(s.next) == 0 {
		return nil
	}
	answer := s.next[0]
	s.next = s.next[1:]
	return answer
}

// proper answers as WeChat does.
func (s *Server) proper(w http.ResponseWriter, r *http.Request, _ *Server) {
	if ask := s.platform(r.URL.Path); ask != nil {
		ask(w, r)
		return
	}
	who, errcode, errmsg := s.exchange(r)
	if errcode != 0 {
		Refuse(errcode, errmsg)(w, r, s)
		return
	}
	body := map[string]string{"openid": who.OpenID, "session_key": SessionKey}
	if who.UnionID != "" {
		body["unionid"] = who.UnionID
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // strings only
	}
	Body(http.StatusOK, string(text))(w, r, s)
}

func (s *Server) exchange(r *http.Request) (who Person, errcode int, errmsg string) {
	query := r.URL.Query()
	param := map[string]string{"/sns/jscode2session": "js_code", "/sns/oauth2/access_token": "code"}[r.URL.Path]
	s.mu.Lock()
	defer s.mu.Unlock()
	secret, known := s.secrets[query.Get("appid")]
	c := s.codes[query.Get(param)]
	switch {
	case param == "" || r.Method != http.MethodGet || query.Get("grant_type") != "authorization_code":
		return Person{}, 43001, "require GET method"
	case !known:
		return Person{}, 40013, "invalid appid"
	case query.Get("secret") != secret:
		return Person{}, 40125, "invalid appsecret, view more at ..."
	case query.Get(param) == "":
		return Person{}, 41008, "missing code"
	case c == nil || c.appid != query.Get("appid"):
		return Person{}, 40029, "invalid code"
	case c.used:
		return Person{}, 40163, "code been used"
	}
	c.used = true
	return c.person, 0, ""
}
