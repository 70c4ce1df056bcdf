package simulate

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"time"
)

// do sends the request until its outcome is known, and decodes the resource
// into out (nil: not wanted). It returns the status of a success. The errors are
// *refusedError and *unknownError.
func (c *client) do(ctx context.Context, q call, out any) (int, error) {
	var since time.Time // of the first exchange without an outcome
	for try := 0; ; try++ {
		start := c.cfg.now()
		r, err := c.once(ctx, q)
		why, hint := c.unsettled(r, err)
		if why == "" {
			c.meter.answered(q.op, start, c.cfg.now().Sub(start))
			return r.settle(q, out)
		}
		if ctx.Err() != nil {
			return 0, &unknownError{op: q.op, last: why, cause: ctx.Err()}
		}
		c.meter.repeated(q.op, why)
		c.meter.line.repeated(start, r.status)
		// Only a refusal for being too often surely changed nothing.
		q.doubt = q.doubt || r.status != http.StatusTooManyRequests
		if since.IsZero() {
			since = start
		}
		wait := c.wait(try, hint)
		if c.cfg.now().Add(wait).Sub(since) > c.cfg.Patience {
			return 0, &unknownError{op: q.op, last: why}
		}
		if err := c.cfg.sleep(ctx, wait); err != nil {
			return 0, &unknownError{op: q.op, last: why, cause: err}
		}
	}
}

// unsettled says why the exchange must be made again and how long the server
// asks to wait, or "" if its outcome is known.
func (c *client) unsettled(r reply, err error) (why string, hint time.Duration) {
	switch {
	case err != nil:
		return codeNetwork, 0
	case r.status != http.StatusTooManyRequests && r.status < http.StatusInternalServerError:
		return "", 0
	}
	p := readProblem(r.body)
	if p.Code == codeQueue {
		return "", 0 // waiting alone does not help: a ticket does
	}
	if r.status == http.StatusInternalServerError {
		// The outcome is as unknown as after a 503, and unlike that one it is
		// a defect even if the repeat succeeds.
		c.meter.failed(p.Code)
	}
	return p.Code, time.Duration(p.RetryAfterMS) * time.Millisecond
}

// wait grows with the tries and is spread out, so that participants whom an
// outage stopped together do not come back together. It is never shorter than
// what the server asked for.
func (c *client) wait(try int, hint time.Duration) time.Duration {
	d := min(c.cfg.backoff<<min(try, 16), c.cfg.limit)
	d = d/2 + rand.N(d/2+1)
	if d < hint {
		d = hint + rand.N(hint/4+1)
	}
	return d
}

// settle turns a reply that stands into the resource or the refusal it is.
func (r reply) settle(q call, out any) (int, error) {
	if r.status/100 != 2 {
		return 0, &refusedError{op: q.op, status: r.status, code: readProblem(r.body).Code, doubt: q.doubt}
	}
	if out == nil {
		return r.status, nil
	}
	if json.Unmarshal(r.body, out) != nil {
		// It was accepted, but without a receipt nothing is acknowledged.
		return 0, &refusedError{op: q.op, status: r.status, code: codeUnreadable, doubt: true}
	}
	return r.status, nil
}
