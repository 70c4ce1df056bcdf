//go:build chaos

package chaos

import (
	"context"
	"testing"
	"time"
)

// TestKillServer kills the server under load, the private Redis with it, and
// starts it again on the same data folder.
func TestKillServer(t *testing.T) {
	t.Parallel()
	const kind = "server"
	s := NewStage(t, "server kill -9 under load", Options{Name: kind}, CrowdOptions{HangUp: 0.02})
	random := Random(kind + " faults")
	for range Rounds(kind, 30, 1000) {
		if Stopped() || !s.Round(t.Context(), func(ctx context.Context) error {
			Sleep(ctx, Between(random, 50*time.Millisecond, 500*time.Millisecond))
			s.Program.Kill()
			Sleep(ctx, Between(random, 0, 50*time.Millisecond))
			if err := s.Program.Start(ctx); err != nil {
				return err
			}
			Sleep(ctx, Between(random, 0, 100*time.Millisecond))
			return nil
		}) {
			break
		}
	}
	s.Finish(t.Context())
}
