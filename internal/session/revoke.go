package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"qingyuan/internal/token"
)

const (
	// syncEvery is how soon one instance learns what another has ended.
	syncEvery = time.Second
	// syncLimit bounds one look at the store.
	syncLimit = 2 * time.Second
	// overlap is how far each look reaches back behind the one before it, for
	// writes that were under way and clocks that lie apart.
	overlap = time.Minute
	// fullEvery is how often everything is read again, in case instances are
	// configured with different lifetimes.
	fullEvery = 5 * time.Minute
	// margin is added to how long an ended family is remembered, for a token
	// that was being signed while it ended.
	margin = time.Minute
)

var errRevoked = token.ErrInvalid.Because(errors.New("token: its session was ended"))

// revoked is the instance's own copy of the families that were ended early.
type revoked struct {
	mu    sync.RWMutex
	until map[string]time.Time

	// Of the goroutine that syncs alone.
	last, full time.Time
}

// Check returns what an access or viewer token says. It asks nobody: a session
// that another instance ended is refused within about a second. The errors are
// those of package token.
func (s *Service) Check(raw string, types ...token.Type) (token.Claims, error) {
	c, err := s.tokens.Check(raw, types...)
	if err != nil {
		return token.Claims{}, err
	}
	if c.Family != "" && s.revoked.has(c.Family) {
		return token.Claims{}, errRevoked
	}
	return c, nil
}

// SignOut ends the session of an access token. Whoever repeats it after a lost
// reply shows a token whose session has ended, and is done as well.
func (s *Service) SignOut(ctx context.Context, accessToken string) error {
	c, err := s.tokens.Check(accessToken, token.Access)
	if err != nil {
		return err
	}
	return s.Revoke(ctx, c.Participant, c.Family)
}

// Revoke ends a session: its refresh tokens at once, its access tokens at once
// here and within about a second elsewhere. Repeating it is harmless, and so is
// ending a session that is unknown.
func (s *Service) Revoke(ctx context.Context, participant, family string) error {
	now := s.now()
	until := now.Add(s.tokens.AccessLifetime() + token.Leeway + margin)
	if err := s.store.End(ctx, ID{Participant: participant, Family: family}, now, until); err != nil {
		return fmt.Errorf("end session of %s: %w", participant, err)
	}
	s.revoked.add([]Ended{{Family: family, Until: until}})
	return nil
}

// RevokeAll ends every session of a participant, within about a second on every
// server.
func (s *Service) RevokeAll(ctx context.Context, participant string) error {
	now := s.now()
	until := now.Add(s.tokens.AccessLifetime() + token.Leeway + margin)
	if _, err := s.store.EndAll(ctx, participant, now, until); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", participant, err)
	}
	return nil
}

// Run keeps the copy of ended sessions fresh until ctx ends. An outage of the
// store is logged when it begins and when it ends; the last copy serves on.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	failing := false
	for {
		err := s.Sync(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			s.log.WarnContext(ctx, "ended sessions cannot be read", "err", err)
		case err == nil && failing:
			s.log.InfoContext(ctx, "ended sessions are read again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sync reads once which sessions were ended. Call it before the first request
// is served; after that Run does, and only Run may.
func (s *Service) Sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, syncLimit)
	defer cancel()
	now := s.now()
	r := &s.revoked
	full := now.Sub(r.full) >= fullEvery || now.Before(r.last)
	since := now
	if !full {
		// A family is remembered for a fixed time after it ended, so those
		// that ended last are those that are remembered longest.
		since = r.last.Add(s.tokens.AccessLifetime() + token.Leeway + margin - overlap)
	}
	ended, err := s.store.Ended(ctx, since)
	if err != nil {
		return fmt.Errorf("read ended sessions: %w", err)
	}
	r.add(ended)
	r.last = now
	if full {
		r.forget(now)
		r.full = now
	}
	return nil
}

func (r *revoked) has(family string) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ok := r.until[family]
	return ok
}

func (r *revoked) add(ended []Ended) {
	if len(ended) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range ended {
		r.until[e.Family] = e.Until
	}
}

// forget drops families none of whose tokens can be good any more.
func (r *revoked) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for family, until := range r.until {
		if until.Before(now) {
			delete(r.until, family)
		}
	}
}

// SignViewer returns a token that lets an office's screen read a part of a campaign, as
// token.Authority says.
func (s *Service) SignViewer(campaign, scope string, lifetime time.Duration) (string, error) {
	return s.tokens.SignViewer(campaign, scope, lifetime)
}

// SignScreen returns a ticket that opens one live stream of a part of a campaign, as
// token.Authority says.
func (s *Service) SignScreen(campaign, scope string, office bool, lifetime time.Duration) (string, error) {
	return s.tokens.SignScreen(campaign, scope, office, lifetime)
}
