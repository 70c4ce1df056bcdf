//go:build chaos

package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// exchange is how long a client waits for one answer. It is longer than the
// program allows itself.
const exchange = 5 * time.Second

// request is one request as it may be sent any number of times.
type request struct {
	method, path, token string
	body                []byte
}

// reply is what came back of one exchange, read whole.
type reply struct {
	status int
	body   []byte
	code   string // of a failure
	err    error  // nobody knows what became of the request
}

// client speaks to one program. All clients of a crowd share it.
type client struct {
	bases []string // used in turn
	turn  atomic.Uint64
	http  *http.Client

	mu    sync.Mutex
	ids   map[string]bool // request ids that were seen
	fault func(Fault)
}

func newClient(bases []string, fault func(Fault)) *client {
	t := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second, DisableCompression: true}
	return &client{bases: bases, http: &http.Client{Transport: t}, ids: map[string]bool{}, fault: fault}
}

// failing is for a client whose faults no book keeps.
func failing(t testing.TB) func(Fault) {
	t.Helper()
	return func(f Fault) { t.Errorf("%s: %s", f.Kind, f.Text) }
}

func (c *client) close() { c.http.CloseIdleConnections() }

// send makes one exchange. Without GetBody net/http cannot repeat a write by
// itself, which would hide what is to be seen.
func (c *client) send(ctx context.Context, q request) reply {
	ctx, cancel := context.WithTimeout(ctx, exchange)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, c.bases[c.turn.Add(1)%uint64(len(c.bases))]+q.path, bytes.NewReader(q.body))
	if err != nil {
		return reply{err: err}
	}
	req.GetBody = nil
	if len(q.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if q.token != "" {
		req.Header.Set("Authorization", "Bearer "+q.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return reply{err: err}
	}
	r := reply{status: resp.StatusCode, body: body}
	if r.status/100 != 2 {
		r.code = c.problem(q, resp.Header.Get("X-Request-Id"), body)
	}
	return r
}

// problem reads a failure. Its request id is in the header as well, and no two
// failures share one: otherwise replies have been crossed.
func (c *client) problem(q request, header string, body []byte) string {
	var p struct {
		Code      string `json:"code"`
		RequestID string `json:"request_id"`
	}
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		return "unreadable"
	}
	c.mu.Lock()
	seen := c.ids[p.RequestID]
	c.ids[p.RequestID] = true
	c.mu.Unlock()
	if seen || p.RequestID == "" || p.RequestID != header {
		c.fault(Fault{faultCrossed, fmt.Sprintf("%s was answered with the request id %q, in the header %q, seen before: %t",
			q.method, p.RequestID, header, seen)})
	}
	return p.Code
}

// outcome says what a reply means for the act. Too many requests surely changed
// nothing and is answered "".
func (r reply) outcome() string {
	switch {
	case r.err != nil || r.status >= http.StatusInternalServerError:
		return isUnknown
	case r.status/100 == 2:
		return isAcknowledged
	case r.status == http.StatusTooManyRequests:
		return ""
	default:
		return isRefused
	}
}

// read asks until it gets an answer, and decodes it into out. It returns the
// code of a refusal.
func (c *client) read(ctx context.Context, token, path string, out any) (string, error) {
	var last reply
	err := poll(ctx, patience, "an answer to GET "+pattern(path), func() (bool, error) {
		last = c.send(ctx, request{method: http.MethodGet, path: path, token: token})
		o := last.outcome()
		return o == isAcknowledged || o == isRefused, nil
	})
	switch {
	case err != nil:
		return "", fmt.Errorf("%w; last status %d %s, %w", err, last.status, last.code, last.err)
	case last.code != "":
		return last.code, nil
	default:
		return "", json.Unmarshal(last.body, out)
	}
}

// must is read for what is public and cannot be refused.
func (c *client) must(ctx context.Context, path string, out any) error {
	return c.own(ctx, session{}, path, out)
}

// own is must for what belongs to a participant.
func (c *client) own(ctx context.Context, s session, path string, out any) error {
	code, err := c.read(ctx, s.AccessToken, path, out)
	if err == nil && code != "" {
		err = fmt.Errorf("GET %s was refused with %s", pattern(path), code)
	}
	return err
}

// until sends a request until it is acknowledged.
func (c *client) until(ctx context.Context, q request, out any) error {
	var last reply
	err := poll(ctx, patience, "an acknowledgement of "+q.path, func() (bool, error) {
		last = c.send(ctx, q)
		if last.outcome() == isRefused {
			return false, fmt.Errorf("refused with %d %s", last.status, last.code)
		}
		return last.outcome() == isAcknowledged, nil
	})
	if err == nil && out != nil {
		err = json.Unmarshal(last.body, out)
	}
	return err
}

// signIn opens the sandbox door and returns token and participant.
func (c *client) signIn(ctx context.Context, who string) (session, error) {
	var s session
	err := poll(ctx, patience, "a session", func() (bool, error) {
		r := c.send(ctx, request{method: http.MethodPost, path: api + "/sessions/sandbox", body: encode(map[string]string{"name": who})})
		return r.outcome() == isAcknowledged && json.Unmarshal(r.body, &s) == nil, nil
	})
	return s, err
}

// pattern hides ids in a path, for messages.
func pattern(path string) string {
	before, _, found := strings.Cut(path, "/attempts/")
	if found {
		return before + "/attempts/…"
	}
	return path
}

func escape(id string) string { return url.PathEscape(id) }

// encode returns v as JSON; what clients send always encodes.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a mistake in this package's own types
	}
	return raw
}
