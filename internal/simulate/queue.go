package simulate

import (
	"context"
	"net/http"
	"time"
)

// codeQueue is what a sign-in is answered while people are let in one by one.
const codeQueue = "queue.required"

// place is what the waiting room tells.
type place struct {
	Ticket       string `json:"ticket"`
	Admitted     bool   `json:"admitted"`
	Position     int64  `json:"position"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

type queueRequest struct {
	Ticket string `json:"ticket,omitempty"`
}

// queue takes a ticket and waits until it is admitted. It gives up where nobody
// moves for as long as patience lasts: a queue may be long, but not dead.
func (r *run) queue(ctx context.Context) (ticket string, err error) {
	began := r.cfg.now()
	moved, ahead := began, int64(-1)
	for {
		var p place
		q := call{op: opQueue, method: http.MethodPost, path: api + "/queue", body: encode(queueRequest{ticket})}
		if _, err := r.client.do(ctx, q, &p); err != nil {
			return "", err
		}
		// Whoever need not wait any more is let in without a ticket.
		if p.Ticket == "" && !p.Admitted {
			return "", &refusedError{op: opQueue, status: http.StatusOK, code: codeUnreadable}
		}
		ticket = p.Ticket
		now := r.cfg.now()
		if p.Admitted {
			r.waited.add(now.Sub(began))
			return ticket, nil
		}
		if ahead < 0 || p.Position < ahead {
			moved, ahead = now, p.Position
		}
		if now.Sub(moved) > r.cfg.Patience {
			return "", &unknownError{op: opQueue, last: codeQueue}
		}
		pause := r.client.wait(0, time.Duration(p.RetryAfterMS)*time.Millisecond)
		if err := r.cfg.sleep(ctx, pause); err != nil {
			return "", &unknownError{op: opQueue, last: codeQueue, cause: err}
		}
	}
}

// Waiting says how long people stood in the queue before the door.
type Waiting struct {
	People int64   `json:"people"`
	P50MS  float64 `json:"p50_ms"`
	P99MS  float64 `json:"p99_ms"`
	MaxMS  float64 `json:"max_ms"`
}

func (r *run) waiting() Waiting {
	w := &r.waited
	return Waiting{
		People: w.n.Load(), P50MS: ms(w.quantile(0.50)), P99MS: ms(w.quantile(0.99)), MaxMS: ms(w.longest()),
	}
}
