package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/wechat"
)

const (
	// keepCode is how long a code gives the same session: as long as WeChat
	// itself would have taken it.
	keepCode = 5 * time.Minute
	// flightLimit bounds one exchange of a code: two calls to WeChat and what
	// comes after them.
	flightLimit = 12 * time.Second
	// holdCode is how long one instance alone may show a code to WeChat. It
	// outlasts flightLimit, so that nobody shows it a second time.
	holdCode = 15 * time.Second
	// pollCode is how often an instance looks whether another one is done.
	pollCode = 50 * time.Millisecond
	// dropLimit bounds the giving back of a right that is not needed.
	dropLimit = time.Second
	// maxCode is the longest code that is looked at, in bytes.
	maxCode = 512
)

// errEnded answers for a code whose session was ended since. It must not bring
// the session back.
var errEnded = wechat.ErrCodeInvalid.Because(errors.New("the code's session was ended"))

// ticket is a one-use code and who can tell what it is worth.
type ticket struct {
	appid, code string
	ask         func(ctx context.Context, t ticket) (wechat.Identity, error)
}

func (s *Service) askMiniProgram(ctx context.Context, t ticket) (wechat.Identity, error) {
	return s.wechat.CodeToSession(ctx, t.appid, t.code)
}

func (s *Service) askPage(ctx context.Context, t ticket) (wechat.Identity, error) {
	return s.wechat.WebAuthorise(ctx, t.code)
}

func (s *Service) signInByCode(ctx context.Context, t ticket) (Pair, error) {
	if t.code == "" || len(t.code) > maxCode {
		return Pair{}, wechat.ErrCodeInvalid
	}
	id, err := s.once(ctx, t)
	if err != nil {
		return Pair{}, fmt.Errorf("sign in by code: %w", err)
	}
	return s.begin(ctx, id)
}

// once returns the session that a code leads to. Whatever happens to the
// caller, the code is exchanged to the end: it works only once, and the caller
// will come back for the result.
func (s *Service) once(ctx context.Context, t ticket) (ID, error) {
	type result struct {
		id  ID
		err error
	}
	done := make(chan result, 1)
	s.flights.Go(func() {
		hash := s.keys.codeHash(t.appid, t.code)
		v, err, _ := s.flight.Do(hash, func() (any, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flightLimit)
			defer cancel()
			defer context.AfterFunc(s.closing, cancel)() //nolint:contextcheck // It only ends the flight on Close.
			return s.redeem(ctx, hash, t)
		})
		id, _ := v.(ID)
		done <- result{id, err}
	})
	select {
	case r := <-done:
		return r.id, r.err
	case <-ctx.Done():
		return ID{}, wechat.ErrBusy.Because(ctx.Err())
	}
}

// redeem returns the code's known result, or waits for the instance that is
// asking WeChat, or asks.
func (s *Service) redeem(ctx context.Context, hash string, t ticket) (ID, error) {
	owner := rand.Text()
	for {
		c, err := s.store.ClaimCode(ctx, hash, owner, holdCode)
		switch {
		case err != nil:
			return ID{}, err
		case c.Result != ID{}:
			return c.Result, nil
		case c.Mine:
			id, err := s.exchange(ctx, hash, t)
			if err != nil {
				s.drop(ctx, hash, owner)
			}
			return id, err
		}
		if err := pause(ctx, pollCode); err != nil {
			return ID{}, wechat.ErrBusy.Because(err)
		}
	}
}

// exchange shows the code to WeChat and keeps what comes of it.
func (s *Service) exchange(ctx context.Context, hash string, t ticket) (ID, error) {
	who, err := t.ask(ctx, t)
	if err != nil {
		return ID{}, err
	}
	participant, err := s.person(ctx, t.appid, who)
	if err != nil {
		return ID{}, err
	}
	return s.store.KeepCode(ctx, hash, ID{Participant: participant, Family: rand.Text()}, keepCode)
}

// drop lets the next try ask WeChat at once. If it fails, the right runs out by
// itself.
func (s *Service) drop(ctx context.Context, hash, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropLimit)
	defer cancel()
	if err := s.store.DropCode(ctx, hash, owner); err != nil {
		s.log.WarnContext(ctx, "code not given back", "err", err)
	}
}

// pause waits for d, or returns why ctx ended before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
