//go:build chaos

package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
)

// point is a place at which the program dies or fails, and how far into its life
// it gets there at most.
type point struct {
	name   string
	visits int
}

// points are the places around the ways that facts take: into the ledger, into the
// figures, and into the log of acts.
var points = []point{
	{"ledger.before_append", 6},
	{"ledger.after_cursor", 6},
	{"ledger.before_commit", 6},
	{"ledger.after_commit", 6},
	{"ledger.before_trim", 2},
	{"ledger.after_trim", 2},
	{"fold.before_apply", 6},
	{"fold.after_apply", 6},
	{"prooflog.before_seal", 2},
	{"prooflog.before_commit", 2},
	{"prooflog.after_seal", 2},
	{"prooflog.after_sign", 2},
}

// TestFailpoints has the program die, or fail, at each named place under load.
// Afterwards the books, Redis and SQL agree.
func TestFailpoints(t *testing.T) {
	t.Parallel()
	const kind = "point"
	s := NewStage(t, fmt.Sprintf("kill or failure at each of %d named points", len(points)), Options{Name: kind, Env: []string{sealing}}, CrowdOptions{HangUp: 0.02})
	f := failer{Stage: s, random: Random(kind + " faults"), died: map[string]int{}, failed: map[string]int{}}
	for i := range Rounds(kind, 3, 25) {
		if !f.cycle(t.Context(), i) {
			break
		}
		s.Verify(t.Context())
	}
	s.Everything(t.Context())
	s.Sealed(t.Context())
	s.Row.Note("deaths + failures")
	for _, p := range points {
		s.Row.Note("%s %d+%d", p.name, f.died[p.name], f.failed[p.name])
	}
}

// failer arms one point at a time.
type failer struct {
	*Stage

	random *rand.Rand
	died   map[string]int
	failed map[string]int
}

// cycle comes by every point once. It returns false when the test should end.
func (f *failer) cycle(ctx context.Context, i int) bool {
	f.t.Helper()
	for _, p := range points {
		if Stopped() || !f.Round(ctx, func(ctx context.Context) error { return f.round(ctx, p, i) }) {
			return false
		}
		f.Ledger(ctx)
	}
	return true
}

// round starts the program anew with the point armed. Every third time the
// point fails, and the program has to go on; else it dies there.
func (f *failer) round(ctx context.Context, p point, i int) error {
	f.Program.Kill()
	does := "kill"
	if i%3 == 2 {
		does = "error"
	}
	armed := fmt.Sprintf("QINGYUAN_FAILPOINTS=%s=%s@%d", p.name, does, 1+f.random.IntN(p.visits))
	before, err := f.complaints(p)
	if err == nil {
		err = f.Program.With(armed, f.Program.Spawn)
	}
	if err != nil {
		return err
	}
	if does == "error" {
		err := poll(ctx, patience, p.name+" to fail", func() (bool, error) {
			now, err := f.complaints(p)
			return now > before, err
		})
		if err != nil {
			return err
		}
		f.failed[p.name]++
		return f.Back(ctx)
	}
	if err := f.Program.AwaitExit(patience); err != nil {
		return errors.Join(fmt.Errorf("%s was not reached", p.name), err)
	}
	f.died[p.name]++
	return f.Restart(ctx)
}

// complaints counts what the program's log says of a point that has failed.
func (f *failer) complaints(p point) (int, error) {
	log, err := os.ReadFile(f.Program.Log())
	return bytes.Count(log, []byte("failpoint "+p.name)), err
}
