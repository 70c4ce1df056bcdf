package httpapi

import (
	"bufio"
	"context"
	"mime"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"qingyuan/internal/token"
)

// uploads lets few large bodies in at a time, and only from operators who are signed
// in: fasthttp asks it between the head of a request and its body. Everybody else, and
// every other route, keeps Server.BodyLimit.
type uploads struct {
	s *Server
	// paths are the patterns of the routes that take files, in their parts.
	paths []pattern

	mu sync.Mutex
	// open is until when each body may still be on its way, by its session, the oldest
	// first. Nobody hears of one that was broken off: it only runs out.
	open map[string][]time.Time
	// large says, by the head of a request, whose its body is that was let in and is not
	// read yet; "" is nobody's, which nobody reads.
	large map[*fasthttp.RequestHeader]string
	// looks bounds how often somebody unknown may have the database asked.
	looks *buckets[struct{}]
}

type pattern struct {
	method string
	parts  []string
}

const (
	// largeBodies is how many are let in at once: each takes room on the disk. One session
	// has bodiesEach of them, so that one that was broken off can be sent again.
	largeBodies, bodiesEach = 8, 3
	// uploadPatience is how long one may take to arrive.
	uploadPatience = 5 * time.Minute
)

func newUploads(s *Server) *uploads {
	u := &uploads{s: s, open: map[string][]time.Time{}, large: map[*fasthttp.RequestHeader]string{}, looks: newBuckets[struct{}](Rate{PerSecond: 50, Burst: 100}, shardCount)}
	for _, r := range s.adminRoutes() {
		if r.uploads {
			u.paths = append(u.paths, pattern{r.method, strings.Split(r.path, "/")})
		}
	}
	return u
}

// admit tells fasthttp how large the body of a request may be. It allows no more than
// the server's own limit unless everything is in order. Of a body that is refused
// nothing is read: fasthttp would wait for its beginning first.
func (u *uploads) admit(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if h.ContentLength() <= u.s.BodyLimit {
		return fasthttp.RequestConfig{}
	}
	session := u.owner(h)
	u.mu.Lock()
	u.large[h] = session
	u.mu.Unlock()
	if session == "" {
		h.SetContentLength(0)
		return fasthttp.RequestConfig{}
	}
	return fasthttp.RequestConfig{MaxRequestBodySize: u.s.UploadLimit, ReadTimeout: uploadPatience}
}

// owner returns the session that a large body is let in for, "" for none.
func (u *uploads) owner(h *fasthttp.RequestHeader) string {
	if u.s.Spool == nil || h.ContentLength() > u.s.UploadLimit || !u.known(string(h.Method()), string(h.RequestURI())) {
		return ""
	}
	raw, err := token.Bearer(string(h.Peek(fiber.HeaderAuthorization)))
	now := u.s.Now()
	if err != nil || u.looks.take(struct{}{}, now) > 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), u.s.Timeout)
	defer cancel()
	a, err := u.s.Operators.Actor(ctx, raw, netip.Addr{})
	if err != nil || a.MustChange || !u.enter(a.Session, now) {
		return ""
	}
	return a.Session
}

// told returns what was decided on the large body of a request, once.
func (u *uploads) told(h *fasthttp.RequestHeader) (session string, large bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	session, large = u.large[h]
	delete(u.large, h)
	return session, large
}

// known tells whether a request is for a route that takes files.
func (u *uploads) known(method, uri string) bool {
	path, _, _ := strings.Cut(uri, "?")
	parts := strings.Split(path, "/")
	for _, p := range u.paths {
		if p.method == method && p.matches(parts) {
			return true
		}
	}
	return false
}

func (p pattern) matches(parts []string) bool {
	if len(parts) != len(p.parts) {
		return false
	}
	for i, want := range p.parts {
		if parts[i] != want && (!strings.HasPrefix(want, ":") || parts[i] == "") {
			return false
		}
	}
	return true
}

// enter takes a place for a large body of a session.
func (u *uploads) enter(session string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := 0
	for s, until := range u.open {
		if until = slices.DeleteFunc(until, now.After); len(until) == 0 {
			delete(u.open, s)
			continue
		}
		u.open[s], all = until, all+len(until)
	}
	if all >= largeBodies || len(u.open[session]) >= bodiesEach {
		return false
	}
	u.open[session] = append(u.open[session], now.Add(uploadPatience))
	return true
}

// leave gives the place back.
func (u *uploads) leave(session string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if open := u.open[session]; len(open) > 1 {
		u.open[session] = open[1:]
	} else {
		delete(u.open, session)
	}
}

// stream answers with a file that is made while it is sent, in constant memory. What
// goes wrong on the way breaks the connection off, so that nobody takes a part for the
// whole. write must use the context that it is given, and nothing of the call.
func (s *Server) stream(k *call, contentType, name string, write func(context.Context, *bufio.Writer) error) error {
	conn, log, route, limit := k.Context().Conn(), s.Log, k.Route().Path, s.SlowTimeout
	k.Response().Header.SetContentType(contentType)
	k.Set(fiber.HeaderContentDisposition, mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	k.Response().SetConnectionClose() // so that the deadline ends with it
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.ctx), limit)
	k.Response().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer cancel()
		if deadline, ok := ctx.Deadline(); ok {
			_ = conn.SetWriteDeadline(deadline)
		}
		if err := write(ctx, w); err != nil {
			log.WarnContext(ctx, "a file was broken off", "route", route, "err", err)
			_ = conn.Close()
		}
	})
	return nil
}
