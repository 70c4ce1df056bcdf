package session_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/session"
)

func gate(t *testing.T, d deployment) *session.Gate {
	t.Helper()
	return &session.Gate{
		Limiter: redisstore.NewRateLimiter(d.db, d.clock.Now), Keys: deriveKeys(t, secrets()),
		PerMinute: 60, Burst: 3, Spare: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
}

func TestGate(t *testing.T) {
	d := deploy(t)
	g := gate(t, d)
	admit := func(addr string) error { return g.Admit(t.Context(), netip.MustParseAddr(addr)) }
	for range 3 {
		if err := admit("192.0.2.1"); err != nil {
			t.Fatal(err)
		}
	}
	err := admit("192.0.2.1")
	if f := fault.From(err); !errors.Is(err, session.ErrRateLimited) || f.Kind != fault.Limited || f.RetryAfter != time.Second {
		t.Errorf("the fourth at once: %v, retry after %v", err, f.RetryAfter)
	}
	if err := admit("::ffff:192.0.2.1"); !errors.Is(err, session.ErrRateLimited) {
		t.Errorf("the same address, written as IPv6: %v", err)
	}
	if err := admit("192.0.2.2"); err != nil {
		t.Errorf("another address: %v", err)
	}
	for i, addr := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"} {
		if err := admit(addr); err != nil {
			t.Errorf("%d of one network: %v", i, err)
		}
	}
	if err := admit("2001:db8::4"); !errors.Is(err, session.ErrRateLimited) {
		t.Errorf("the fourth address of one IPv6 network: %v", err)
	}
	if err := admit("2001:db8:0:1::1"); err != nil {
		t.Errorf("another IPv6 network: %v", err)
	}
	for range 20 {
		if err := admit("127.0.0.1"); err != nil {
			t.Fatalf("a spared network: %v", err)
		}
	}
	d.clock.Add(time.Second)
	if err := admit("192.0.2.1"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestGateKeepsNoAddress(t *testing.T) {
	d := deploy(t)
	if err := gate(t, d).Admit(t.Context(), netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	keys, err := d.db.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	other := gate(t, d)
	foreign := secrets()
	foreign.Master = append([]byte("other "), master...)
	other.Keys = deriveKeys(t, foreign)
	if err := other.Admit(t.Context(), netip.MustParseAddr("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	if n := d.db.DBSize(t.Context()).Val(); n != 2 {
		t.Errorf("%d keys: the hash does not depend on the secret", n)
	}
}

func TestGateWithoutRedis(t *testing.T) {
	d := deploy(t)
	g := gate(t, d)
	d.redis.Kill(t)
	if err := g.Admit(context.Background(), netip.MustParseAddr("192.0.2.1")); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("err = %v, want %v", err, fault.ErrUnavailable)
	}
	d.redis.Restart(t)
}
