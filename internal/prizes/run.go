package prizes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"qingyuan/prize"
)

const (
	// refreshEvery is how often a server looks for new codes.
	refreshEvery = time.Second
	// askEvery is how often at least it asks again what WeChat has not told and how payments
	// stand, and looks whether entrants are to be frozen.
	askEvery = 15 * time.Second
)

// Run follows the codes, lets prizes expire, freezes the entrants of draws and asks again
// what WeChat has not told, until ctx ends. Every server may run it.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	every := cmp.Or(s.Every, time.Minute)
	var last, asked time.Time
	for {
		err := s.Refresh(ctx)
		now := s.Now()
		if now.Sub(asked) >= min(askEvery, every) {
			asked = now
			err = errors.Join(err, s.AskAgain(ctx), s.FollowPayments(ctx), s.Freeze(ctx))
		}
		if now.Sub(last) >= every {
			last = now
			err = errors.Join(err, s.Expire(ctx), s.resolveAll(ctx))
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

// resolveAll bars whoever has come by a line of a roster that is excluded, everywhere.
func (s *Service) resolveAll(ctx context.Context) error {
	var errs []error
	for _, o := range s.Plans() {
		errs = append(errs, s.resolve(ctx, o.Campaign.ID))
	}
	return errors.Join(errs...)
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
