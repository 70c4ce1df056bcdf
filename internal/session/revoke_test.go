package session_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

func TestRevoke(t *testing.T) {
	d := deploy(t)
	s, other := d.instance(t), d.instance(t)
	for _, in := range []*session.Service{s, other} {
		if err := in.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p, stays := sandbox(t, s, "甲"), sandbox(t, s, "甲")
	c := claims(t, other, p.AccessToken)
	for range 2 { // a repeat is harmless
		if err := s.Revoke(t.Context(), c.Participant, c.Family); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Check(p.AccessToken, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("here, at once: %v, want %v", err, token.ErrInvalid)
	}
	claims(t, other, p.AccessToken) // has not heard yet
	d.clock.Add(time.Second)
	if err := other.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Check(p.AccessToken, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("elsewhere, after a look: %v, want %v", err, token.ErrInvalid)
	}
	for _, in := range []*session.Service{s, other} {
		if _, err := in.Refresh(t.Context(), p.RefreshToken); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("its refresh token: %v, want %v", err, token.ErrInvalid)
		}
		claims(t, in, stays.AccessToken)
	}
	refreshed(t, other, stays.RefreshToken)
}

func TestSignOutMayBeRepeated(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	for range 2 { // the second time the session has ended
		if err := s.SignOut(t.Context(), p.AccessToken); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Check(p.AccessToken, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("after signing out: %v, want %v", err, token.ErrInvalid)
	}
	if err := s.SignOut(t.Context(), "forged"); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a forged token: %v, want %v", err, token.ErrInvalid)
	}
}

func TestRevokedSessionDoesNotComeBackByItsCode(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	code := d.wx.Code(program, wechattest.Person{OpenID: "o1"})
	p, err := s.SignInWeChat(t.Context(), program, code)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Revoke(t.Context(), p.Participant, claims(t, s, p.AccessToken).Family); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignInWeChat(t.Context(), program, code); !errors.Is(err, wechat.ErrCodeInvalid) {
		t.Errorf("its code again: %v, want %v", err, wechat.ErrCodeInvalid)
	}
}

// An ended family is known for as long as any of its access tokens could be
// taken, and not for ever.
func TestEndedFamiliesAreRememberedLongEnough(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	d.clock.Add(time.Hour)
	next := refreshed(t, s, p.RefreshToken)
	if err := s.Revoke(t.Context(), p.Participant, claims(t, s, p.AccessToken).Family); err != nil {
		t.Fatal(err)
	}
	for _, in := range []*session.Service{s, d.instance(t)} {
		d.clock.Add(2*time.Hour + token.Leeway - time.Millisecond)
		if err := in.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Check(next.AccessToken, token.Access); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("at the last moment: %v, want %v", err, token.ErrInvalid)
		}
		d.clock.Add(time.Millisecond)
		if _, err := in.Check(next.AccessToken, token.Access); !errors.Is(err, token.ErrExpired) {
			t.Errorf("once it has run out: %v, want %v", err, token.ErrExpired)
		}
		d.clock.Add(-2*time.Hour - token.Leeway)
	}
}

func TestViewersHaveNoSession(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	viewers, err := token.New(token.Options{Keys: deriveKeys(t, secrets()).Access, Audience: "test", Now: d.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := viewers.SignViewer("c1", "140702", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.Check(raw, token.Access, token.Viewer); err != nil || c.Scope != "140702" {
		t.Errorf("a viewer: %+v, %v", c, err)
	}
	if _, err := s.Check(raw, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a viewer as participant: %v", err)
	}
}

// endedStore answers Ended alone; the rest of a store is not asked.
type endedStore struct {
	session.Store

	mu    sync.Mutex
	ended []session.Ended
	err   error
	since []time.Time
}

func (s *endedStore) Ended(_ context.Context, since time.Time) ([]session.Ended, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = append(s.since, since)
	return s.ended, s.err
}

func (s *endedStore) set(err error, ended ...session.Ended) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended, s.err = ended, err
}

func TestRunLooksEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, log := &endedStore{}, &safeBuffer{}
		keys := deriveKeys(t, secrets())
		tokens, err := token.New(token.Options{Keys: keys.Access, Audience: "test", Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		s, err := session.New(session.Options{
			Store: store, WeChat: &wechat.Client{}, Tokens: tokens, Keys: keys,
			Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := tokens.SignAccess("participant-0001", "f1")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Run(ctx)
		}()
		second := func() {
			<-time.After(time.Second) // of the bubble: nobody waits
			synctest.Wait()
		}
		synctest.Wait()
		claims(t, s, raw)
		store.set(nil, session.Ended{Family: "f1", Until: time.Now().Add(time.Hour)})
		second()
		if _, err := s.Check(raw, token.Access); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("a second after it ended: %v, want %v", err, token.ErrInvalid)
		}

		store.set(fault.ErrUnavailable)
		for range 5 {
			second()
		}
		store.set(nil)
		second()
		if n := strings.Count(log.String(), "cannot be read"); n != 1 {
			t.Errorf("an outage is logged %d times, want once", n)
		}
		if !strings.Contains(log.String(), "are read again") {
			t.Error("its end is not logged")
		}
		if _, err := s.Check(raw, token.Access); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("after the outage: %v, want %v", err, token.ErrInvalid)
		}
		cancel()
		<-done
		s.Close()
		if store.since[0].After(store.since[1]) || len(store.since) != 8 {
			t.Errorf("%d looks, since %v", len(store.since), store.since)
		}
	})
}

// Each look after the first asks only for what may be new, and reaches back
// over an outage.
func TestSyncMissesNothing(t *testing.T) {
	d := deploy(t)
	s, other := d.instance(t), d.instance(t)
	var ended []string
	step := func(wait time.Duration, outage bool) {
		p := sandbox(t, s, "甲")
		if err := s.Revoke(t.Context(), p.Participant, claims(t, s, p.AccessToken).Family); err != nil {
			t.Fatal(err)
		}
		ended = append(ended, p.AccessToken)
		d.clock.Add(wait)
		if outage {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := other.Sync(ctx); err == nil {
				t.Error("no error")
			}
			return
		}
		if err := other.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, wait := range []time.Duration{0, time.Second, time.Minute, 0, 10 * time.Minute, time.Second} {
		step(wait, false)
		step(wait, true)
	}
	step(time.Second, false)
	for i, raw := range ended {
		if _, err := other.Check(raw, token.Access); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("end %d was missed: %v", i, err)
		}
	}
}
