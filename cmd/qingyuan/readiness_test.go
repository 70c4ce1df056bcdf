package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// on returns a configuration for an external Redis and a PostgreSQL database of
// its own.
func on(t *testing.T, redisAddr, secret string) configs.Config {
	t.Helper()
	cfg := demo(t)
	cfg.Redis.Addrs = []string{redisAddr}
	cfg.Database.URL = configs.NewSecret(sqltest.Target(t, sqldb.PostgreSQL))
	cfg.Secrets.Master = configs.NewSecret(strings.Repeat(secret, 48))
	return cfg
}

// another returns the configuration of one more server of a deployment.
func another(t *testing.T, cfg configs.Config) configs.Config {
	t.Helper()
	cfg.Data.Dir = shortDir(t)
	return cfg
}

// TestInvariant3RefusesAnUnfitRedis serves on a Redis that might forget: it must
// not be ready, say why, and accept nothing.
func TestInvariant3RefusesAnUnfitRedis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []redistest.Option
		reason  string
	}{
		"no sync": {[]redistest.Option{redistest.TCP()}, "redis.not_durable"},
		"evicts":  {[]redistest.Option{redistest.TCP(), redistest.Durable(), redistest.Set("maxmemory-policy", "allkeys-lru")}, "redis.evicts"},
	} {
		s := launch(t, on(t, redistest.Start(t, c.options...).Addr(), "k"))
		unready(s, c.reason)
		status, r, err := s.call("POST", "/sessions/sandbox", map[string]string{"name": "refused"})
		if err != nil || status != 503 || r.text("code") != "service.unavailable" || r.num("retry_after_ms") <= 0 {
			t.Errorf("%s: signing in = %d %v, %v", name, status, r, err)
		}
	}
}

// TestAFirstStartIsQuiet begins on an empty folder: nothing is wrong there, and the log
// must not say that anything is.
func TestAFirstStartIsQuiet(t *testing.T) {
	t.Parallel()
	log := &collected{}
	s := launchWith(t, demo(t), serving{log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	s.awaitReady()
	s.want(200, "GET", "/campaigns/"+demoCampaign+"/frame", nil)
	for line := range strings.Lines(log.String()) {
		if !strings.Contains(line, `msg="redis-server says"`) { // of the machine's settings
			t.Errorf("the first start warns: %s", line)
		}
	}
}

// unready waits until /readyz gives the reason.
func unready(s *server, reason string) {
	s.t.Helper()
	s.eventually("/readyz to say "+reason, func() bool {
		status, r, err := s.call("GET", "/readyz", nil)
		return err == nil && status == 503 && strings.Contains(fmt.Sprint(r), reason)
	})
}

func tryEnrol(p api) (int, result) {
	p.t.Helper()
	detail := p.want(200, "GET", "/campaigns/"+demoCampaign, nil)
	status, r, err := p.call("PUT", "/campaigns/"+demoCampaign+"/enrolment", map[string]any{
		"unit": p.unit(demoCampaign, ""), "name": "张三", "group": "public",
		"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return status, r
}

// TestServersMustShareSecrets starts a second server with another master secret:
// it would know no participant again, so it must never become ready.
func TestServersMustShareSecrets(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	cfg := on(t, redis.Addr(), "a")
	start(t, cfg)
	cfg = another(t, cfg)
	cfg.Secrets.Master = configs.NewSecret(strings.Repeat("b", 48))
	second := launch(t, cfg)
	unready(second, "secrets.master")
}

// TestEmptiedRedisIsNotANewBeginning wipes the Redis of a deployment that has
// served: counts must not begin anew beside the receipts people hold.
func TestEmptiedRedisIsNotANewBeginning(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	cfg := on(t, redis.Addr(), "k")
	s := start(t, cfg)
	s.as("early").enrol(demoCampaign)
	late := s.as("late")
	if err := redis.Client(t).FlushAll(context.WithoutCancel(t.Context())).Err(); err != nil {
		t.Fatal(err)
	}
	unready(s, "empty")
	if status, r := tryEnrol(late); status != 503 {
		t.Errorf("enrolling on an emptied Redis = %d %v; want 503", status, r)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	again := launch(t, cfg)
	unready(again, "empty")
}
