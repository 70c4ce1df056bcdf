package httpapi

import (
	"net"
	"net/netip"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/live"
)

// streamHead begins the answer to a watcher. It is written by hand: the
// connection is taken over, because a stream through fasthttp's body writer
// holds a goroutine and its buffers, 29 KB for each watcher.
func (s *Server) streamHead(k *call) []byte {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n" +
		"Connection: close\r\nX-Accel-Buffering: no\r\n" + s.state.headers.text()
	if s.overTLS(k.Ctx) {
		head += fiber.HeaderStrictTransportSecurity + ": " + hsts + "\r\n"
	}
	return []byte(head + "\r\nretry: 3000\n\n")
}

// watch handles GET /api/v1/campaigns/{campaign}/live. From here on the stream
// owns the connection.
func (s *Server) watch(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	key, until, err := s.watched(k, c)
	if err != nil {
		return err
	}
	if k.Method() == fiber.MethodHead {
		k.Response().Header.SetContentType("text/event-stream; charset=utf-8")
		return nil
	}
	f := s.state.feeds.of(key)
	stream := f.stream
	// Asked for again once the term is known: whoever came before a dismissal is
	// found by it, and whoever comes after it finds live off.
	term := stream.current()
	if s.off(c.ID, FeatureLive) {
		return errSwitchedOff
	}
	addr, spared := network(k.addr), trusted(s.Limits.Allow, k.addr)
	if err := s.state.seats.take(addr, spared); err != nil {
		s.state.metrics.limited.WithLabelValues(byWatchers).Inc()
		return err
	}
	s.state.metrics.watchers.Inc()
	if !until.IsZero() {
		if err := s.freshen(k.ctx, key, f); err != nil {
			s.Log.WarnContext(k.ctx, "screen not published", "campaign", key.campaign, "scope", key.scope, "err", err) // the next snapshot brings it
		}
	}
	head := s.streamHead(k)
	k.Context().HijackSetNoResponse(true)
	k.Context().Hijack(func(conn net.Conn) {
		// The wrapper would keep the request's buffers alive.
		if w, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
			conn = w.UnsafeConn()
		}
		if l, ok := conn.(*lenientConn); ok { // it reads nothing, and sees to its own deadlines
			conn = l.Conn
		}
		w := newWatcher(conn, addr)
		w.until, w.term = until, term
		stream.add(w, head)
	})
	return nil
}

// leave is told of each watcher whose connection is about to be closed.
func (s *Server) leave(addr netip.Addr) {
	s.state.seats.leave(addr)
	s.state.metrics.watchers.Dec()
}

// openStream makes the stream of a hub.
func (s *Server) openStream(hub *live.Hub) *stream {
	return &stream{hub: hub, rules: s.Live, now: s.Now, left: s.leave, wake: make(chan struct{}, 1)}
}
