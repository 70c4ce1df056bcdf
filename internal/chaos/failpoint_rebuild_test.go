//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rebuildPoints are the places at which a rebuild dies.
var rebuildPoints = []string{
	"rebuild.after_mark", "rebuild.after_drain", "rebuild.after_clear",
	"rebuild.mid_refill", "rebuild.before_epoch", "rebuild.after_sql_epoch", "rebuild.before_open",
}

// TestRebuild lets a rebuild die at each of its places and runs it again: of a
// Redis that has lost everything, of a healthy one while the server is down, and
// beside a server that people are using.
func TestRebuild(t *testing.T) {
	t.Parallel()
	if !canVerify() {
		t.Fatal("the program has no ledger to rebuild from")
	}
	const kind = "rebuild"
	s := NewStage(t, "rebuild killed at each of 7 named points, and run again", Options{Name: kind}, CrowdOptions{HangUp: 0.02})
	r := rebuilder{Stage: s}
	ways := []func(context.Context, string) bool{r.ofNothing, r.whileDown, r.beside}
	s.Calm(t.Context(), 500*time.Millisecond) // so that there is something to lose
	for i := range Rounds(kind, len(rebuildPoints), 10*len(rebuildPoints)) {
		p := rebuildPoints[i%len(rebuildPoints)]
		if Stopped() || !ways[(i+i/len(rebuildPoints))%len(ways)](t.Context(), p) {
			break
		}
		s.Ledger(t.Context())
		s.Verify(t.Context())
	}
	s.Everything(t.Context())
	s.Row.Note("%d died at their place; %d of an empty Redis, %d while the server was down, %d beside it",
		r.died, r.empty, r.down, r.besides)
}

// rebuilder breaks rebuilds off.
type rebuilder struct {
	*Stage

	died, empty, down, besides int
}

// ofNothing loses all of Redis after SQL has everything. Until it is rebuilt the
// server must accept nothing, however often it is started.
func (r *rebuilder) ofNothing(ctx context.Context, point string) bool {
	r.empty++
	r.Ledger(ctx)
	if err := errors.Join(r.Program.Stop(), os.RemoveAll(filepath.Join(r.Program.Data, "redis"))); err != nil {
		r.t.Errorf("lose Redis: %v", err)
		return false
	}
	return r.Round(ctx, func(ctx context.Context) error {
		if err := r.breakOff(ctx, point); err != nil {
			return err
		}
		if err := r.refuses(ctx); err != nil {
			return err
		}
		if err := r.rebuild(ctx); err != nil {
			return err
		}
		return r.Restart(ctx)
	})
}

// refuses starts the server on what is not rebuilt and stops it again.
func (r *rebuilder) refuses(ctx context.Context) error {
	before := r.Crowd.Acknowledged()
	if err := r.Program.Spawn(); err != nil {
		return err
	}
	defer r.Program.Kill()
	if err := poll(ctx, patience, "the server to listen", func() (bool, error) { return r.Program.Listens(ctx), nil }); err != nil {
		return err
	}
	Sleep(ctx, time.Second)
	if n := r.Crowd.Acknowledged() - before; n > 0 || r.Program.Ready(ctx) {
		return fmt.Errorf("%d acts were acknowledged on a Redis that is not rebuilt, ready: %t", n, r.Program.Ready(ctx))
	}
	return nil
}

// whileDown kills the server and rebuilds what its Redis holds, the newest facts
// with it, which SQL may not have yet.
func (r *rebuilder) whileDown(ctx context.Context, point string) bool {
	r.down++
	return r.Round(ctx, func(ctx context.Context) error {
		Sleep(ctx, 300*time.Millisecond)
		r.Program.Kill()
		if err := r.breakOff(ctx, point); err != nil {
			return err
		}
		if err := r.rebuild(ctx); err != nil {
			return err
		}
		return r.Restart(ctx)
	})
}

// beside rebuilds under a server in use.
func (r *rebuilder) beside(ctx context.Context, point string) bool {
	r.besides++
	return r.Round(ctx, func(ctx context.Context) error {
		Sleep(ctx, 300*time.Millisecond)
		if err := r.breakOff(ctx, point); err != nil {
			return err
		}
		Sleep(ctx, 300*time.Millisecond)
		if err := r.rebuild(ctx); err != nil {
			return err
		}
		return r.Back(ctx)
	})
}

// breakOff begins a rebuild that dies at the point.
func (r *rebuilder) breakOff(ctx context.Context, point string) error {
	return r.Program.With("QINGYUAN_FAILPOINTS="+point+"=kill@1", func() error {
		out, status, err := r.Program.Command(ctx, "rebuild", "--data", r.Program.Data)
		if err != nil || status != killed {
			return fmt.Errorf("the rebuild did not die at %s but ended with %d, %w: %s", point, status, err, out)
		}
		r.died++
		return nil
	})
}

// killed is the exit status of who was killed.
const killed = -1

func (r *rebuilder) rebuild(ctx context.Context) error {
	out, status, err := r.Program.Command(ctx, "rebuild", "--data", r.Program.Data)
	if err != nil || status != 0 {
		return fmt.Errorf("rebuild ended with %d, %w: %s", status, err, out)
	}
	return nil
}
