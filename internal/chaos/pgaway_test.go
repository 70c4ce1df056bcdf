//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
)

// The room that Redis is left with while the database is away, and the guard.
const (
	roomAway = 600 << 10 // bytes until the guard closes the door
	guardAt  = 0.9
	// unhurried is a pause that keeps the crowd from filling a tenth of so small a
	// Redis between two looks of the guard, which are a second apart.
	unhurried = 30 * time.Millisecond
	// guardWithin is how long filling the room may take, and catchUpWithin how long
	// it may take until the streams are trimmed and the door is open again.
	guardWithin   = 2 * time.Minute
	catchUpWithin = time.Minute
)

// TestDatabaseAway takes PostgreSQL away. Acts go on, and the streams grow; the
// guard answers 503 before Redis is full. When the database is back everything
// arrives there, the streams are trimmed, and acts go on by themselves.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	const kind = "pgaway"
	pg := sqltest.StartPostgreSQL(t)
	server := redistest.Start(t, redistest.Durable(), redistest.TCP(), redistest.Set("maxmemory-policy", "noeviction"))
	a := away{pg: pg, redis: server.Client(t)}
	a.Stage = NewStage(t, "the database away: acts go on until the memory guard, and all arrive", Options{
		Name: kind, Database: pg.URL(), Env: []string{
			"QINGYUAN_REDIS_ADDRS=" + server.Addr(), "QINGYUAN_DATABASE_URL=" + pg.URL(), "QINGYUAN_SECRETS_MASTER=" + strings.Repeat("m", 32),
			fmt.Sprint("QINGYUAN_REDIS_MEMORY_GUARD=", guardAt),
		},
	}, CrowdOptions{Clients: 2, Pace: unhurried})
	a.Rounds(t.Context(), Rounds(kind, 1, 20), a.round)
	a.Row.Note("%d acts without a database, up to %d facts waited on the stream; acts again at most %v after it was back",
		a.acts, a.waited, a.longest.Round(100*time.Millisecond))
}

// away is a stage whose database comes and goes.
type away struct {
	*Stage

	pg    *sqltest.Server
	redis *redis.Client

	acts, waited int64
	longest      time.Duration
}

func (a *away) round(ctx context.Context) error {
	if err := acts(ctx, a.Crowd, 50); err != nil {
		return err
	}
	a.pg.Stop(a.t)
	before := a.Crowd.Acknowledged()
	if err := errors.Join(acts(ctx, a.Crowd, 100), a.leave(ctx, roomAway)); err != nil {
		return fmt.Errorf("while the database is away: %w", err)
	}
	_, err := within(ctx, guardWithin, "the guard", func() (bool, error) { return a.guarded(ctx) })
	if err != nil {
		return err
	}
	taken := a.Crowd.Acknowledged() - before
	waiting, err := a.redis.XLen(ctx, redisstore.StreamKey(demoCampaign, 0, event.Facts)).Result()
	if err == nil && waiting < 100 {
		err = fmt.Errorf("only %d facts wait on the stream", waiting)
	}
	if err != nil {
		return err
	}
	a.pg.Start(a.t)
	back, err := within(ctx, catchUpWithin, "acts", a.open(ctx))
	a.acts += taken
	a.longest, a.waited = max(a.longest, back), max(a.waited, waiting)
	return errors.Join(err, a.neverFull(ctx), a.redis.ConfigSet(ctx, "maxmemory", "0").Err())
}

// leave gives Redis so much room until the guard closes the door.
func (a *away) leave(ctx context.Context, room float64) error {
	used, err := a.memory(ctx)
	if err != nil {
		return err
	}
	return a.redis.ConfigSet(ctx, "maxmemory", strconv.FormatInt(int64((used+room)/guardAt), 10)).Err()
}

func (a *away) memory(ctx context.Context) (float64, error) {
	info, err := a.redis.Info(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(info, "used_memory:")
	line, _, _ := strings.Cut(rest, "\r")
	return strconv.ParseFloat(line, 64)
}

// guarded tells whether nobody is let in any more, and the guard says why.
func (a *away) guarded(ctx context.Context) (bool, error) {
	reasons, err := a.Program.reasons(ctx)
	return strings.Contains(reasons, "redis.memory"), err
}

// open tells whether acts are taken again since it was made.
func (a *away) open(ctx context.Context) func() (bool, error) {
	before := a.Crowd.Acknowledged()
	return func() (bool, error) {
		if a.Crowd.Acknowledged() > before+20 {
			return true, nil
		}
		return false, ctx.Err()
	}
}

// neverFull asks Redis whether it ever had to refuse a write.
func (a *away) neverFull(ctx context.Context) error {
	info, err := a.redis.Info(ctx, "errorstats").Result()
	if err == nil && strings.Contains(info, "errorstat_OOM") {
		err = errors.New("the guard came too late: Redis refused writes because it was full")
	}
	return err
}
