package jobs

import (
	"context"
	"errors"
	"time"

	"qingyuan/internal/fault"
)

// Patience is how long work waits for what it needs to be there again. Fill the fields
// before the first use.
type Patience struct {
	Now  func() time.Time
	Last time.Duration
	// Stop ends the waiting, not what is tried; nil where nothing does.
	Stop <-chan struct{}
}

// Try tries again, in longer and longer pauses, while the answer is that something is away
// (fault.Unavailable).
func (p Patience) Try(ctx context.Context, step func() error) error {
	const longest = 2 * time.Second
	until := p.Now().Add(p.Last)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := step()
		if err == nil || fault.From(err).Kind != fault.Unavailable || p.Now().After(until) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.Stop:
			timer.Stop()
			return err
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(err, ctx.Err())
		}
	}
}
