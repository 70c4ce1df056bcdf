package jobs

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

// Run works on jobs until ctx ends, and returns when the last handler has. Jobs
// that it leaves unfinished are taken up again when their lease is over. Files of jobs
// that ended long ago are taken away meanwhile: see FilesKept.
func (q *Queue) Run(ctx context.Context) {
	q.defaults()
	if q.Alone {
		q.inherit(ctx)
	}
	var workers sync.WaitGroup
	for range q.AtOnce {
		workers.Go(func() { q.work(ctx) })
	}
	workers.Go(func() { q.expire(ctx) })
	workers.Wait()
}

// inherit ends the leases of a server that was killed. Where that fails they end by
// themselves.
func (q *Queue) inherit(ctx context.Context) {
	if _, err := q.DB.ExecContext(ctx, `UPDATE jobs SET lease = 0 WHERE state = 'running'`); err != nil && ctx.Err() == nil {
		q.Log.WarnContext(ctx, "jobs of the server before go on once their leases are over", "err", err)
	}
}

func (q *Queue) defaults() {
	if q.AtOnce == 0 {
		q.AtOnce = 2
	}
	if q.Lease == 0 {
		q.Lease = 30 * time.Second
	}
	if q.Every == 0 {
		q.Every = time.Second
	}
	if q.Log == nil {
		panic("jobs: a queue needs a log") // a programming error, seen at the first start
	}
	q.owner = rand.Text()[:16]
}

func (q *Queue) work(ctx context.Context) {
	tick := time.NewTicker(q.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		worked, err := q.step(ctx)
		if err != nil && ctx.Err() == nil {
			q.Log.WarnContext(ctx, "look for jobs", "err", err)
		}
		if worked && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// step takes one job, if there is one, and does it.
func (q *Queue) step(ctx context.Context) (bool, error) {
	j, found, err := q.claim(ctx)
	if err != nil || !found {
		return false, err
	}
	q.do(ctx, j)
	return true, nil
}

// claim takes the oldest job that nobody has.
func (q *Queue) claim(ctx context.Context) (j Job, found bool, err error) {
	kinds := slices.Sorted(maps.Keys(q.handlers))
	if len(kinds) == 0 {
		return j, false, nil
	}
	now := q.Now().UnixMilli()
	args := []any{now}
	for _, k := range kinds {
		args = append(args, k)
	}
	free := `(state = 'queued' OR state = 'running' AND lease < $1) AND kind IN (` + sqldb.Places(2, len(kinds)) + `)`
	var id string
	// Looking costs a read; only who finds something begins to write.
	err = q.DB.QueryRowContext(ctx, `SELECT id FROM jobs WHERE `+free+` ORDER BY id LIMIT 1`, args...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return j, false, nil
	}
	if err != nil {
		return j, false, fmt.Errorf("look for a job: %w", err)
	}
	err = q.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE jobs SET state = 'running', owner = $%d, lease = $%d, attempt = attempt + 1,
			started = CASE WHEN started = 0 THEN $1 ELSE started END WHERE id = $%d AND `, len(args)+1, len(args)+2, len(args)+3)+free,
			append(args, q.owner, now+q.Lease.Milliseconds(), id)...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 { // somebody was faster
			return err
		}
		found = true
		j, err = q.scan(tx.QueryRowContext(ctx, `SELECT `+columns+` FROM jobs WHERE id = $1`, id))
		return err
	})
	if err != nil {
		return j, false, fmt.Errorf("take job %s: %w", id, err)
	}
	return j, found, nil
}

// do runs the handler beside the renewing of the lease, and writes down how it
// ended.
func (q *Queue) do(ctx context.Context, j Job) {
	if j.Attempt > MaxAttempts {
		q.finish(ctx, &Progress{queue: q, job: j}, nil, ErrGivenUp)
		return
	}
	work, stop := context.WithCancelCause(ctx)
	p := &Progress{queue: q, job: j}
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		p.renew(work, stop)
	}()
	result, err := q.handle(work, j, p)
	cause := context.Cause(work)
	stop(nil)
	<-renewed
	switch {
	case errors.Is(cause, ErrLost):
		q.Log.WarnContext(ctx, "job went to another server", "job", j.ID, "kind", j.Kind)
	case errors.Is(cause, errStopped):
		q.finish(ctx, p, result, errStopped)
	case ctx.Err() != nil && err != nil:
		q.release(ctx, j)
	default:
		q.finish(ctx, p, result, err)
	}
}

// handle turns a panic into an error: one bad file must not end the server.
func (q *Queue) handle(ctx context.Context, j Job, p *Progress) (result json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in job %s of kind %s: %v\n%s", j.ID, j.Kind, r, debug.Stack())
		}
	}()
	return q.handlers[j.Kind](ctx, j, p)
}

// errStopped ends the context of a job that was cancelled.
var errStopped = errors.New("cancelled")

// closing bounds the last word about a job when the server stops.
const closing = 5 * time.Second

// finish writes the end down, unless the job is another server's by now.
func (q *Queue) finish(ctx context.Context, p *Progress, result json.RawMessage, err error) {
	j := p.job
	done, total, note := p.sofar()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	state, code, text := Done, "", ""
	switch {
	case errors.Is(err, errStopped):
		state = Cancelled
	case err != nil:
		f := fault.From(err)
		state, code, text = Failed, f.Code, explain(f)
		if f.Kind == fault.Internal {
			q.Log.ErrorContext(ctx, "job failed", "job", j.ID, "kind", j.Kind, "err", err)
		}
	}
	_, err = q.DB.ExecContext(ctx, `UPDATE jobs SET state = $1, code = $2, error = $3, result = $4, finished = $5, lease = 0,
		done = $6, total = $7, note = $8 WHERE id = $9 AND owner = $10 AND attempt = $11 AND state = 'running'`,
		string(state), code, text, string(result), q.Now().UnixMilli(), done, total, note, j.ID, q.owner, j.Attempt)
	if err != nil {
		q.Log.ErrorContext(ctx, "end of a job not written down; it will be begun again", "job", j.ID, "kind", j.Kind, "err", err)
	}
}

// explain says a fault in one sentence, with the parts that are wrong.
func explain(f *fault.Error) string {
	parts := []string{f.Text}
	for _, field := range f.Fields {
		parts = append(parts, field.Name+"："+field.Reason)
	}
	return strings.Join(parts, "；")
}

// release gives a job back when the server stops, so that nobody waits for the
// lease. The attempt does not count: nothing went wrong.
func (q *Queue) release(ctx context.Context, j Job) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	_, err := q.DB.ExecContext(ctx, `UPDATE jobs SET lease = 0, attempt = attempt - 1 WHERE id = $1 AND owner = $2 AND attempt = $3 AND state = 'running'`,
		j.ID, q.owner, j.Attempt)
	if err != nil {
		q.Log.WarnContext(ctx, "job not given back; it will be begun again when its lease is over", "job", j.ID, "err", err)
	}
}
