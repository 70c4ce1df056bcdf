//go:build chaos

package chaos

import (
	"context"
	"errors"
	"testing"
	"time"
)

// slowness is by how much each sync of Redis' disk is delayed: more than half of
// what the program waits for an answer.
const slowness = 1200 // ms

// TestSlowSync delays every sync of Redis and kills, in turn, the server, Redis
// alone, and nobody. Whatever is acknowledged meanwhile was synced; the rest is
// answered 503 and accepted once when it is sent again.
func TestSlowSync(t *testing.T) {
	t.Parallel()
	const kind = "slowsync"
	disk := newShim(t, Folder(t, kind))
	s := NewStage(t, "slow disk (fdatasync +1.2 s), with kills",
		Options{Name: kind, Env: []string{"QINGYUAN_REDIS_BINARY=" + disk.Binary}}, CrowdOptions{HangUp: 0.02})
	random := Random(kind + " faults")
	round := 0
	s.Rounds(t.Context(), Rounds(kind, 10, 30), func(ctx context.Context) error {
		round++
		if err := disk.Slow(slowness); err != nil {
			return err
		}
		Sleep(ctx, Between(random, 1500*time.Millisecond, 3*time.Second))
		switch round % 3 {
		case 0:
			return errors.Join(disk.Slow(0), s.Back(ctx))
		case 1:
			s.Program.Kill()
			return errors.Join(disk.Slow(0), s.Restart(ctx))
		default:
			return errors.Join(s.Program.KillRedis(ctx), disk.Slow(0), s.Back(ctx))
		}
	})
}
