package simulate

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
)

// lose sends the request on a connection of its own and hangs up without reading
// the reply, as a phone does that loses the network. With await it hangs up
// when the reply has begun to come, so that the act has surely happened;
// otherwise at once, so that a repeat may overtake it.
//
// net/http offers no such cut: its trace says that a request was written before
// the bytes have left, and a cancelled request may never leave at all.
func (c *client) lose(ctx context.Context, q call, await bool) {
	c.meter.lost.Add(1)
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := c.request(ctx, q)
	if err != nil {
		return
	}
	conn, err := c.dial(ctx, req.URL)
	if err != nil {
		return // the target is away: the repeat will tell
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if req.Write(conn) == nil && await {
		_, _ = conn.Read(make([]byte, 1))
	}
}

// dial connects as the shared transport would.
func (c *client) dial(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = u.Scheme // Go resolves "http" and "https"
	}
	conn, err := c.transport.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil || u.Scheme != "https" {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}
