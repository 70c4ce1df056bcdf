package backup

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	holdName = "backup"
	// holdFor is how long trimming stays on hold when nobody renews it: a
	// backup that was killed stops the streams from being trimmed for no longer.
	holdFor   = 5 * time.Minute
	holdRenew = holdFor / 10
	// releaseWait bounds letting go, which must also work when we were told to
	// stop.
	releaseWait = 10 * time.Second
)

// errLapsed means that the streams may have been trimmed beyond the copy.
var errLapsed = errors.New("the hold on trimming ran out before it was renewed")

// held runs work while nobody trims a stream. It fails when the hold could not
// be kept all the time, whatever work says.
func (j *Job) held(ctx context.Context, work func(context.Context) error) error {
	until, err := j.hold(ctx, j.Now().Add(holdFor))
	if err != nil {
		return err
	}
	working, stop := context.WithCancelCause(ctx)
	kept := make(chan time.Time)
	go func() { kept <- j.keep(working, until, stop) }()
	err = work(working)
	if cause := context.Cause(working); cause != nil && ctx.Err() == nil {
		err = cause // why keep gave up, rather than what work made of it
	}
	stop(nil)
	until = <-kept
	if err == nil && !j.Now().Before(until) {
		err = errLapsed
	}
	return errors.Join(err, j.release(ctx))
}

// keep renews the hold until ctx ends, and ends it when that fails. It returns
// until when the hold is good.
func (j *Job) keep(ctx context.Context, until time.Time, giveUp context.CancelCauseFunc) time.Time {
	tick := time.NewTicker(holdRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return until
		case <-tick.C:
		}
		if !j.Now().Before(until) {
			giveUp(errLapsed)
			return until
		}
		next, err := j.hold(ctx, j.Now().Add(holdFor))
		if err != nil && ctx.Err() == nil {
			giveUp(err)
		}
		if err != nil {
			return until
		}
		until = next
	}
}

func (j *Job) hold(ctx context.Context, until time.Time) (time.Time, error) {
	if err := j.Ledger.Hold(ctx, holdName, until); err != nil {
		return time.Time{}, fmt.Errorf("put trimming on hold: %w", err)
	}
	return until, nil
}

func (j *Job) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseWait)
	defer cancel()
	if err := j.Ledger.Release(ctx, holdName); err != nil {
		return fmt.Errorf("let trimming go on, which it does by itself within %v: %w", holdFor, err)
	}
	return nil
}
