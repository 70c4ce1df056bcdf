package approval

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

const (
	// lease is how long a server that runs an act may be silent before another one
	// takes over; it renews it in a quarter of that.
	lease = time.Minute
	// poll is how often a server looks for what others have approved.
	poll = time.Second
	// pauseMost bounds the pause after an outage, pauseStep is by how much it grows.
	pauseStep, pauseMost = 5 * time.Second, 5 * time.Minute
)

// errLost ends an act that another server has taken over.
var errLost = errors.New("the lease of the approval was lost")

// Run runs what was approved, until ctx ends. Every server runs one; each act is run
// by one of them at a time.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
		for {
			did, err := s.Step(ctx)
			if err != nil && ctx.Err() == nil {
				s.o.Failed(Approval{}, err)
			}
			if !did || err != nil || ctx.Err() != nil {
				break
			}
		}
	}
}

// Step runs the act that has waited longest, and tells whether there was one.
func (s *Service) Step(ctx context.Context) (bool, error) {
	if err := s.expire(ctx); err != nil {
		return false, fmt.Errorf("expire approvals: %w", err)
	}
	a, me, err := s.claim(ctx)
	if err != nil || me == "" {
		return false, err
	}
	result, err := s.execute(ctx, a, me)
	if errors.Is(err, errLost) {
		return true, nil
	}
	return true, s.settle(context.WithoutCancel(ctx), a, me, result, err)
}

// expire writes down which were not decided on in time.
func (s *Service) expire(ctx context.Context) error {
	now := s.o.Now().UnixMilli()
	var n int
	if err := s.o.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM approvals WHERE state = 'asked' AND expires_at <= $1`, now).Scan(&n); err != nil || n == 0 {
		return err
	}
	_, err := s.exec(ctx, `UPDATE approvals SET state = 'expired' WHERE state = 'asked' AND expires_at <= $1`, now)
	return err
}

// exec changes rows and tells how many.
func (s *Service) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = done.RowsAffected()
		return err
	})
	return n, err
}

// claim takes the next act of a kind that this server knows: one that is approved, or
// one whose server is gone. It returns "" where there is none.
func (s *Service) claim(ctx context.Context) (Approval, string, error) {
	waiting, err := s.due(ctx)
	if err != nil {
		return Approval{}, "", fmt.Errorf("look for approved acts: %w", err)
	}
	for _, a := range waiting {
		if _, known := s.kinds[a.Kind]; !known {
			continue // of a newer version of the program
		}
		me, now := rand.Text(), s.o.Now()
		n, err := s.exec(ctx, `UPDATE approvals SET state = 'running', runner = $1, due = $2, tries = tries + 1
			WHERE id = $3 AND state IN ('approved', 'running') AND due <= $4`,
			me, now.Add(lease).UnixMilli(), a.ID, now.UnixMilli())
		if err != nil {
			return Approval{}, "", fmt.Errorf("take approval %s: %w", a.ID, err)
		}
		if n == 1 {
			a.State = Running
			return a, me, nil
		}
	}
	return Approval{}, "", nil
}

func (s *Service) due(ctx context.Context) ([]Approval, error) {
	rows, err := s.o.DB.QueryContext(ctx, "SELECT "+columns+` FROM approvals
		WHERE state IN ('approved', 'running') AND due <= $1 ORDER BY due, id LIMIT $2`, s.o.Now().UnixMilli(), pageSize)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (Approval, error) { return scan(r) })
}

// execute runs the act while it renews the lease, and stops it when that is lost.
func (s *Service) execute(ctx context.Context, a Approval, me string) (result json.RawMessage, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		tick := time.NewTicker(lease / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := s.renew(ctx, a.ID, me); err != nil {
				stop(err)
			}
		}
	}()
	result, err = s.call(ctx, a)
	lost := errors.Is(context.Cause(ctx), errLost)
	stop(nil)
	<-renewed
	if lost {
		return nil, errLost
	}
	return result, err
}

// call runs the kind; a panic is its failure and nobody else's.
func (s *Service) call(ctx context.Context, a Approval) (result json.RawMessage, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in %s: %v", a.Kind, p)
		}
	}()
	result, err = s.kinds[a.Kind].Run(ctx, a)
	if err == nil && len(result) > 0 && !json.Valid(result) {
		err = errors.New("the result is not JSON")
	}
	return result, err
}

// renew keeps the lease, unless somebody else has it. An outage is waited out: the
// lease lasts longer than the pause between two tries.
func (s *Service) renew(ctx context.Context, id, me string) error {
	n, err := s.exec(ctx, `UPDATE approvals SET due = $1 WHERE id = $2 AND runner = $3 AND state = 'running'`,
		s.o.Now().Add(lease).UnixMilli(), id, me)
	if err != nil {
		return nil //nolint:nilerr // As said above.
	}
	if n == 0 {
		return errLost
	}
	return nil
}

// settle writes down what became of it. What mends itself is tried again later.
func (s *Service) settle(ctx context.Context, a Approval, me string, result json.RawMessage, failed error) error {
	now := s.o.Now()
	if failed != nil {
		s.o.Failed(a, failed)
	}
	if mendsItself(failed) {
		return s.postpone(ctx, a, me, now)
	}
	state, text := Done, ""
	if failed != nil {
		state, text, result = Failed, fault.From(failed).Text, nil
	}
	return s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE approvals SET state = $1, done_at = $2, result = $3, failure = $4, runner = ''
			WHERE id = $5 AND runner = $6 AND state = 'running'`, string(state), now.UnixMilli(), string(result), text, a.ID, me)
		if err != nil {
			return fmt.Errorf("settle approval %s: %w", a.ID, err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err // somebody else has it
		}
		return audit.AppendTx(ctx, tx, audit.Record{
			At: now, Actor: a.AskedBy, Login: a.AskedLogin, Action: "approval." + string(state), Campaign: a.Campaign,
			Object: "approval:" + a.ID, Reason: a.Reason,
			After: told(map[string]string{"kind": a.Kind, "approved_by": a.DecidedBy, "failure": text}),
		})
	})
}

func mendsItself(err error) bool {
	if err == nil {
		return false
	}
	return fault.From(err).Kind == fault.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (s *Service) postpone(ctx context.Context, a Approval, me string, now time.Time) error {
	_, err := s.exec(ctx, `UPDATE approvals SET state = 'approved', runner = '',
		due = $1 + CASE WHEN tries * $2 > $3 THEN $3 ELSE tries * $2 END WHERE id = $4 AND runner = $5 AND state = 'running'`,
		now.UnixMilli(), pauseStep.Milliseconds(), pauseMost.Milliseconds(), a.ID, me)
	if err != nil {
		return fmt.Errorf("postpone approval %s: %w", a.ID, err)
	}
	return nil
}
