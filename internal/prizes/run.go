package prizes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qingyuan/prize"
)

const (
	// refreshEvery is how often a server looks for new codes, expireEvery how often for
	// prizes that nobody has claimed in time.
	refreshEvery = time.Second
	expireEvery  = time.Minute
)

// Run follows the codes, lets prizes expire and freezes the entrants of draws, until ctx
// ends. Every server may run it.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	last := time.Time{}
	for {
		err := s.Refresh(ctx)
		if now := s.Now(); now.Sub(last) >= expireEvery {
			last = now
			err = errors.Join(err, s.Expire(ctx), s.Freeze(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.Failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Expire ends the time of prizes that nobody has claimed, and that of the archive.
func (s *Service) Expire(ctx context.Context) error {
	var errs []error
	for _, o := range s.Plans() {
		if err := errors.Join(s.expire(ctx, o), s.Forget(ctx, o.Campaign)); err != nil {
			errs = append(errs, fmt.Errorf("expire the prizes of %s: %w", o.Campaign.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Service) expire(ctx context.Context, o prize.Offer) error {
	wins, err := s.Store.Wins(ctx, o.Campaign.ID)
	if err != nil {
		return err
	}
	now := s.Now().Truncate(time.Millisecond)
	for i := range wins {
		w := &wins[i]
		if w.State != prize.Won || !now.After(o.Plan.ClaimBy(w.Since)) {
			continue
		}
		if _, _, err := s.Store.Move(ctx, o.Campaign.ID, w.WinID, prize.Won, prize.Expired, now); err != nil && !errors.Is(err, prize.ErrState) {
			return err
		}
	}
	return nil
}
