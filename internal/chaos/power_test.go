//go:build chaos

package chaos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPowerCut cuts the power of the file system on which the program keeps
// everything: Redis' files and the ledger's stop at the same moment. After the
// restart nothing that was acknowledged may be missing, and the ledger must not
// know more than Redis, or the program would refuse to serve.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const kind = "power"
	disk := newPlatter(t, 512)
	s := NewStage(t, "power cut: Redis and the ledger on one disk", Options{Name: kind, Data: disk.Dir + "/d"}, CrowdOptions{})
	random := Random(kind + " faults")
	s.Rounds(t.Context(), Rounds(kind, 5, 200), func(ctx context.Context) error {
		Sleep(ctx, Between(random, 50*time.Millisecond, 1500*time.Millisecond))
		if err := cutPower(ctx, s.Program, disk); err != nil {
			t.Fatal(err) // there is nothing left to be judged
		}
		return s.Restart(ctx)
	})
	log, err := os.ReadFile(s.Program.Log())
	if err != nil {
		t.Fatal(err)
	}
	s.Row.Note("Redis' log ended in zeros %d times", strings.Count(string(log), "cut zeros off the end"))
}

// TestPowerCutFindsADiskThatLies is the test of the test: Redis is set up as it
// must be, and its disk begins to acknowledge syncs that it does not make. After a power
// cut either the program itself sees that the ledger knows more than Redis and
// does not serve, or the judge misses what was acknowledged.
func TestPowerCutFindsADiskThatLies(t *testing.T) {
	t.Parallel()
	const kind = "power.lies"
	disk := newPlatter(t, 512)
	lies := newShim(t, Folder(t, "lies"))
	p := Launch(t, Options{Name: kind, Data: disk.Dir + "/d", Env: []string{"QINGYUAN_REDIS_BINARY=" + lies.Binary}})
	crowd := NewCrowd(t, CrowdOptions{Name: kind, URL: []string{p.URL}, Dir: filepath.Join(filepath.Dir(p.Log()), "books")})
	crowd.Go(t.Context())
	err := errors.Join(acts(t.Context(), crowd, 50), lies.Lie(), acts(t.Context(), crowd, 50))
	if err := errors.Join(err, cutPower(t.Context(), p, disk), p.Spawn()); err != nil {
		t.Fatal(err)
	}
	row := NewRow("power cut: a disk that lies is found out")
	row.Round(1)
	if how := foundOut(t.Context(), p, crowd); how == "" {
		t.Error("the disk lied and nobody noticed: the tests of power cuts prove nothing")
	} else {
		row.Note("%s", how)
	}
}

// acts waits until so many more acts of the crowd were acknowledged.
func acts(ctx context.Context, crowd *Crowd, more int64) error {
	before := crowd.Acknowledged()
	return poll(ctx, patience, "acts", func() (bool, error) { return crowd.Acknowledged()-before >= more, nil })
}

// foundOut says who noticed that something is missing.
func foundOut(ctx context.Context, p *Program, crowd *Crowd) string {
	refused := false
	err := poll(ctx, patience, "readiness", func() (bool, error) {
		reasons, _ := p.reasons(ctx)
		refused = strings.Contains(reasons, "older copy")
		return refused || p.Ready(ctx) || !p.Running(), nil
	})
	switch {
	case refused:
		return "the program finds Redis to be older than its ledger"
	case !p.Running():
		return "the program does not start: " + tail(p.Log(), 1)
	case err != nil:
		reasons, _ := p.reasons(ctx)
		return "the program does not serve: " + reasons
	}
	_ = crowd.Rest(ctx) // whoever finds their acts missing says so
	v, err := NewJudge(crowd).Round(ctx)
	if err != nil {
		return "the judge could not read what was acknowledged"
	}
	for _, f := range v.Faults {
		if f.Kind == faultLost {
			return "the judge finds " + f.Text
		}
	}
	return ""
}

// cutPower stops the program and its Redis in the middle of what they do and
// takes from the disk what was not synced.
func cutPower(ctx context.Context, p *Program, disk *platter) error {
	redis := p.RedisPID()
	if redis != 0 {
		_ = syscall.Kill(redis, syscall.SIGKILL)
	}
	p.Kill()
	err := poll(ctx, patience, "the end of Redis", func() (bool, error) {
		return redis == 0 || errors.Is(syscall.Kill(redis, 0), syscall.ESRCH), nil
	})
	if err != nil {
		return err
	}
	return errors.Join(disk.Cut(), disk.Restore(ctx))
}
