package redistest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"qingyuan/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStart(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]redistest.Option{
		"unix": nil,
		"tcp":  {redistest.TCP()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, options...)
			if s.Network() != name {
				t.Errorf("network = %q, want %q", s.Network(), name)
			}
			if err := s.Client(t).Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Errorf("SET at %s: %v", s.Addr(), err)
			}
		})
	}
}

func TestServersShareNothing(t *testing.T) {
	t.Parallel()
	a, b := redistest.Start(t), redistest.Start(t)
	if err := a.Client(t).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.Client(t).Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("the other server answered %v, want %v", err, redis.Nil)
	}
}

func TestDataAfterKill(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []redistest.Option
		want    error
	}{
		"durable keeps it":    {[]redistest.Option{redistest.Durable()}, nil},
		"otherwise it's gone": {nil, redis.Nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, tc.options...)
			db := s.Client(t)
			if err := db.Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			s.Kill(t)
			if s.PID() != 0 {
				t.Errorf("PID after Kill = %d, want 0", s.PID())
			}
			if err := db.Ping(t.Context()).Err(); err == nil {
				t.Error("a killed server answers")
			}
			s.Restart(t)
			if err := s.Client(t).Get(t.Context(), "k").Err(); !errors.Is(err, tc.want) {
				t.Errorf("GET after a kill = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestRestartKeepsTheAddress(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.TCP())
	before, pid := s.Addr(), s.PID()
	s.Restart(t)
	if s.Addr() != before {
		t.Errorf("address = %s, was %s", s.Addr(), before)
	}
	if s.PID() == pid || s.PID() == 0 {
		t.Errorf("PID = %d, was %d: want another process", s.PID(), pid)
	}
}

func TestSetReachesTheServer(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Set("maxmemory-policy", "allkeys-lru"))
	got, err := s.Client(t).ConfigGet(t.Context(), "maxmemory-policy").Result()
	if err != nil || got["maxmemory-policy"] != "allkeys-lru" {
		t.Errorf("CONFIG GET = %v, %v", got, err)
	}
}

func TestClientHonoursTheContext(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Ping(ctx).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("PING = %v, want %v", err, context.Canceled)
	}
}

func TestMissingBinaryFailsAndSaysHowToGetIt(t *testing.T) {
	t.Setenv(redistest.BinaryEnv, "no-such-redis-server")
	if got := failure(t); !strings.Contains(got, "make test") {
		t.Errorf("failed with %q, want a word on how to get it", got)
	}
}

func TestBadSettingFailsWithTheServersOwnWords(t *testing.T) {
	t.Parallel()
	got := failure(t, redistest.Set("appendfsync", "sometimes"))
	if !strings.Contains(got, "ended before it answered") || !strings.Contains(got, `appendfsync "sometimes"`) {
		t.Errorf("failed with %q, want the setting that was refused", got)
	}
}

// TestLongTempDir does not run in parallel: it changes the environment.
func TestLongTempDir(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if err := redistest.Start(t).Client(t).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
}

// failure runs Start with a recorder in the place of t and returns what it was
// told, or an empty text when Start succeeded.
func failure(t *testing.T, options ...redistest.Option) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // Fatalf ends its goroutine
		defer close(done)
		redistest.Start(r, options...)
	}()
	<-done
	return r.told
}
