package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Progress is how a handler tells how far it is. Telling costs nothing: what was
// told last is written down with the lease.
type Progress struct {
	queue *Queue
	job   Job

	mu          sync.Mutex
	done, total int64
	note        string
}

// Set says that done of total units of work are done; total 0 is not known yet.
func (p *Progress) Set(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = done, total
}

// Note says in a few words what is going on, in Chinese.
func (p *Progress) Note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note = text
}

// Checkpoint keeps where an attempt after this one goes on. The transaction is that
// of the step which was done: both happen, or neither.
func (p *Progress) Checkpoint(ctx context.Context, tx *sql.Tx, at json.RawMessage) error {
	if err := p.Hold(ctx, tx); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE jobs SET checkpoint = $1 WHERE id = $2`, string(at), p.job.ID)
	if err != nil {
		return fmt.Errorf("keep the checkpoint of job %s: %w", p.job.ID, err)
	}
	return nil
}

// Conclude keeps what the job came to beside whatever fn writes about it, both or neither.
// An attempt after this one finds it as its checkpoint and has nothing left to do.
func (p *Progress) Conclude(ctx context.Context, result json.RawMessage, fn func(tx *sql.Tx) error) error {
	return p.queue.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return p.Checkpoint(ctx, tx, result)
	})
}

// Hold makes sure, until the transaction ends, that the job is still this
// server's and was not cancelled. ErrLost otherwise: the transaction must fail. Call
// it last: until the end of the transaction nobody else can renew the lease.
func (p *Progress) Hold(ctx context.Context, tx *sql.Tx) error {
	res, err := tx.ExecContext(ctx, `UPDATE jobs SET owner = owner WHERE id = $1 AND owner = $2 AND attempt = $3 AND state = 'running' AND stop = 0`,
		p.job.ID, p.queue.owner, p.job.Attempt)
	if err != nil {
		return fmt.Errorf("hold job %s: %w", p.job.ID, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return fmt.Errorf("hold job %s: %w", p.job.ID, err)
	}
	if n == 0 {
		return ErrLost
	}
	return nil
}

// within runs fn in a transaction that holds the job.
func (p *Progress) within(ctx context.Context, fn func(tx *sql.Tx) error) error {
	return p.queue.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := p.Hold(ctx, tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// renewals is how often the lease is renewed while it lasts.
const renewals = 6

// renew writes the progress down and keeps the job, until ctx ends. It ends the
// work where the job was cancelled or is lost.
func (p *Progress) renew(ctx context.Context, stop context.CancelCauseFunc) {
	tick := time.NewTicker(min(p.queue.Lease/renewals, time.Second))
	defer tick.Stop()
	held := p.queue.Now()
	for {
		cancelled, lost, err := p.tell(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && lost:
			stop(ErrLost)
			return
		case err == nil && cancelled:
			stop(errStopped)
			return
		case err == nil:
			held = p.queue.Now()
		case p.queue.Now().Sub(held) > p.queue.Lease:
			stop(ErrLost) // by now another server may have begun it
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sofar is what was told last.
func (p *Progress) sofar() (done, total int64, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done, p.total, p.note
}

// tell writes the progress down and renews the lease.
func (p *Progress) tell(ctx context.Context) (cancelled, lost bool, err error) {
	done, total, note := p.sofar()
	until := p.queue.Now().Add(p.queue.Lease).UnixMilli()
	err = p.queue.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE jobs SET lease = $1, done = $2, total = $3, note = $4
			WHERE id = $5 AND owner = $6 AND attempt = $7 AND state = 'running'`,
			until, done, total, note, p.job.ID, p.queue.owner, p.job.Attempt)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if lost = err == nil && n == 0; lost || err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT stop FROM jobs WHERE id = $1`, p.job.ID).Scan(&cancelled)
	})
	return cancelled, lost, err
}
