package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"syscall"
	"time"
)

// maxReply bounds what is read of a reply; a paper has a few kilobytes.
const maxReply = 4 << 20

// call is one request as it may be sent any number of times.
type call struct {
	op     op
	method string
	path   string
	token  string
	body   []byte
	// doubt says that the request was sent before and its outcome is unknown.
	doubt bool
}

// reply is what came back of one exchange, read whole.
type reply struct {
	status int
	body   []byte
}

// client speaks to the target. It is shared by all workers.
type client struct {
	cfg       Config
	meter     *meter
	transport *http.Transport
	http      *http.Client
}

// idleFor is how long a connection may lie unused. It is shorter than servers
// wait for a first request: hanging up and asking must not cross on the wire.
const idleFor = 5 * time.Second

// newClient keeps a connection for every worker and uses no proxy: a simulation
// measures the target, and a proxy might repeat requests by itself.
func newClient(cfg Config, m *meter) *client {
	dialer := &net.Dialer{Timeout: cfg.Timeout}
	if !cfg.AllowRemote {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return loopbackAddr(address) }
	}
	t := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: cfg.Timeout,
		MaxIdleConns:        cfg.Workers + 1,
		MaxIdleConnsPerHost: cfg.Workers + 1,
		IdleConnTimeout:     idleFor,
		DisableCompression:  true,
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{cfg: cfg, meter: m, transport: t, http: &http.Client{Transport: t, CheckRedirect: stay}}
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// once sends the request a single time. An error means that nobody knows what
// became of it.
func (c *client) once(ctx context.Context, q call) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := c.request(ctx, q)
	if err != nil {
		return reply{}, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return reply{}, err
	}
	return reply{status: resp.StatusCode, body: body}, nil
}

// request builds the HTTP request. Without GetBody net/http cannot send a write
// a second time by itself, which would hide what is to be measured; a read that
// it does send again is seen by the second connection it takes.
func (c *client) request(ctx context.Context, q call) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	} else {
		ctx = c.watchRepeats(ctx, q.op)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, c.cfg.Target+q.path, body)
	if err != nil {
		return nil, err
	}
	req.GetBody = nil
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	return req, nil
}

func (c *client) watchRepeats(ctx context.Context, o op) context.Context {
	taken := 0
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) {
		if taken++; taken > 1 {
			c.meter.repeated(o, codeNetwork)
		}
	}})
}

// Codes of what never reached the server's own vocabulary.
const (
	codeNetwork    = "network"
	codeUnreadable = "reply.unreadable"
	codeUnknown    = "outcome.unknown"
	codeReceipt    = "receipt.wrong"
)

// refusedError is a reply that settles the matter by saying no.
type refusedError struct {
	op     op
	status int
	code   string
	// doubt says that an earlier sending of the same request may have been
	// accepted all the same.
	doubt bool
}

func (e *refusedError) Error() string { return fmt.Sprintf("%s: %d %s", e.op, e.status, e.code) }

// unknownError is an outcome that stayed unknown for as long as patience lasted.
type unknownError struct {
	op   op
	last string
	// cause is set where the simulation itself was ended.
	cause error
}

func (e *unknownError) Error() string {
	return fmt.Sprintf("%s: the outcome stayed unknown, last seen: %s", e.op, e.last)
}

func (e *unknownError) Unwrap() error { return e.cause }

func isUnknown(err error) bool {
	_, ok := errors.AsType[*unknownError](err)
	return ok
}

// isCode tells whether err is the target's refusal with that code.
func isCode(err error, code string) bool {
	refused, ok := errors.AsType[*refusedError](err)
	return ok && refused.code == code
}

// codeOf names err in the errors by code.
func codeOf(err error) string {
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return refused.code
	}
	if isUnknown(err) {
		return codeUnknown
	}
	return codeReceipt
}

// problem is the body of a failure. The message stays unread: it is meant for
// the participant and might name them.
type problem struct {
	Code         string `json:"code"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

// readProblem never fails: a body that is not the contract's has a code of ours.
func readProblem(body []byte) problem {
	var p problem
	if json.Unmarshal(body, &p) != nil || !wellFormed(p.Code) {
		p.Code = codeUnreadable
	}
	return p
}

// wellFormed keeps anything but codes out of the report.
func wellFormed(code string) bool {
	strange := func(r rune) bool { return (r < 'a' || r > 'z') && r != '.' && r != '_' }
	return code != "" && len(code) <= 40 && !strings.ContainsFunc(code, strange)
}
