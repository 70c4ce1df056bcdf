//go:build chaos

package chaos

import (
	"context"
	"testing"
	"time"

	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
)

// TestKillExternal kills server and Redis where neither belongs to the other: an
// external Redis and PostgreSQL, as in a city. In every fourth round both go.
func TestKillExternal(t *testing.T) {
	t.Parallel()
	const kind = "external"
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP(), redistest.Set("maxmemory-policy", "noeviction"))
	url := sqltest.PostgreSQLTarget(t)
	s := NewStage(t, "server or external Redis kill -9, with PostgreSQL", Options{
		Name: kind, Database: url, Env: []string{
			"QINGYUAN_REDIS_ADDRS=" + redis.Addr(), "QINGYUAN_DATABASE_URL=" + url,
			"QINGYUAN_SECRETS_MASTER=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
		},
	}, CrowdOptions{HangUp: 0.02})
	random := Random(kind + " faults")
	round := 0
	s.Rounds(t.Context(), Rounds(kind, 12, 300), func(ctx context.Context) error {
		round++
		Sleep(ctx, Between(random, 20*time.Millisecond, 400*time.Millisecond))
		if round%2 == 0 {
			redis.Kill(t)
			Sleep(ctx, Between(random, 0, 200*time.Millisecond))
		}
		if round%4 != 2 {
			s.Program.Kill()
			Sleep(ctx, Between(random, 0, 50*time.Millisecond))
		}
		if round%2 == 0 {
			redis.Restart(t)
		}
		if round%4 == 2 {
			return s.Back(ctx)
		}
		return s.Restart(ctx)
	})
}
