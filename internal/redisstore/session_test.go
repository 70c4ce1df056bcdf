package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
	"qingyuan/internal/session/sessiontest"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	sessiontest.Run(t, func(t *testing.T) session.Store {
		t.Helper()
		if err := db.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return sessionsOn(t, db)
	})
}

// sessionsOn opens the doors.
func sessionsOn(t *testing.T, db redis.UniversalClient) *redisstore.Sessions {
	t.Helper()
	c := redisstore.NewCampaigns(db)
	if err := c.OpenDoors(t.Context(), redisstore.Known{}); err != nil {
		t.Fatal(err)
	}
	return redisstore.NewSessions(c, func() time.Time { return sessionStart })
}

var sessionStart = time.UnixMilli(1_800_000_000_000)

func sessionTurn(id session.ID, generation uint64, now time.Time) session.Turn {
	return session.Turn{
		ID: id, Generation: generation, Now: now,
		Grace: time.Minute, Idle: 30 * 24 * time.Hour, Longest: 90 * 24 * time.Hour,
	}
}

func TestSessionsOutliveRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Durable())
	db := server.Client(t)
	s := sessionsOn(t, db)
	id := session.ID{Participant: "p", Family: "f"}
	if _, err := s.Begin(t.Context(), id, sessionStart, sessionStart.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	turn := func(generation uint64, after time.Duration, want session.Turned) {
		t.Helper()
		got, err := s.Refresh(t.Context(), sessionTurn(id, generation, sessionStart.Add(after)))
		if err != nil || got != want {
			t.Errorf("refresh of %d = %+v, %v; want %+v", generation, got, err, want)
		}
	}
	again := func() {
		t.Helper()
		server.Kill(t)
		if _, err := s.Refresh(t.Context(), sessionTurn(id, 1, sessionStart)); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("refresh without Redis = %v, want %v", err, fault.ErrUnavailable)
		}
		server.Restart(t) // its script cache is empty now
	}
	turn(1, 0, session.Turned{Outcome: session.Advanced, Generation: 2})
	again()
	turn(1, time.Second, session.Turned{Outcome: session.Advanced, Generation: 2})
	turn(2, time.Second, session.Turned{Outcome: session.Advanced, Generation: 3})
	again()
	turn(1, time.Second, session.Turned{Outcome: session.Reused})
	again()
	turn(3, time.Second, session.Turned{Outcome: session.Reused})
}

// Half of the callers leave while their command is under way. A connection that
// is given back with a reply still to come would answer somebody else.
func TestCancelledCallsDoNotCrossReplies(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	s := sessionsOn(t, db)
	const workers, rounds = 16, 300
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				hash := fmt.Sprintf("door-%d-%d", w, i)
				ctx, cancel := context.WithCancel(t.Context())
				if i%2 == 0 {
					go cancel()
				}
				d, err := s.ClaimDoor(ctx, hash, session.Door{Participant: hash})
				cancel()
				if err == nil && d.Participant != hash {
					t.Errorf("asked for %s, got %s", hash, d.Participant)
				}
				if err != nil && !errors.Is(err, fault.ErrUnavailable) {
					t.Errorf("claim of %s: %v", hash, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestSessionKeysRunOut(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	s := sessionsOn(t, db)
	id := session.ID{Participant: "p", Family: "f"}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.ClaimCode(t.Context(), "claimed", "o", 15*time.Second)
	check(err)
	_, err = s.KeepCode(t.Context(), "kept", id, 5*time.Minute)
	check(err)
	_, err = s.ClaimDoor(t.Context(), "door", session.Door{Participant: "p"})
	check(err)
	_, err = s.Begin(t.Context(), id, sessionStart, sessionStart.Add(30*24*time.Hour))
	check(err)
	wantTTL(t, db, "*{k:claimed}", 15*time.Second)
	wantTTL(t, db, "*{k:kept}", 5*time.Minute)
	wantTTL(t, db, "*{s:p}:f", 31*24*time.Hour)
	_, err = s.Refresh(t.Context(), sessionTurn(id, 1, sessionStart.Add(80*24*time.Hour)))
	check(err) // refused: expired, and not prolonged
	wantTTL(t, db, "*{s:p}:f", 31*24*time.Hour)
	check(db.Expire(t.Context(), db.Keys(t.Context(), "*{s:p}:f").Val()[0], time.Hour).Err()) // time goes by
	_, err = s.Refresh(t.Context(), sessionTurn(id, 1, sessionStart.Add(29*24*time.Hour)))
	check(err)
	wantTTL(t, db, "*{s:p}:f", 31*24*time.Hour)
	if ttl := ttlOf(t, db, "*}:d:door"); ttl != -1 {
		t.Errorf("a door runs out in %v: the person would be another one", ttl)
	}
}

func wantTTL(t *testing.T, db *redis.Client, pattern string, want time.Duration) {
	t.Helper()
	if ttl := ttlOf(t, db, pattern); ttl > want || ttl < want-5*time.Second {
		t.Errorf("%s runs out in %v, want %v", pattern, ttl, want)
	}
}

// ttlOf returns in how long the one key that matches pattern runs out; -1 means
// never.
func ttlOf(t *testing.T, db *redis.Client, pattern string) time.Duration {
	t.Helper()
	keys, err := db.Keys(t.Context(), pattern).Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys like %s: %v, %v; want one", pattern, keys, err)
	}
	return db.PTTL(t.Context(), keys[0]).Val()
}

func TestSessionOutageIsTold(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t, redistest.Set("maxmemory-policy", "noeviction")).Client(t)
	s := sessionsOn(t, db)
	if err := db.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := s.ClaimDoor(t.Context(), "door", session.Door{Participant: "p"})
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("a full Redis: %v", err)
	}
	if d, err := s.Door(t.Context(), "door"); err != nil || d.Participant != "" {
		t.Errorf("a refused script wrote %+v, %v", d, err)
	}
}
