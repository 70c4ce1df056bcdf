//go:build chaos

package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The flags of a run. A test binary has one command line, so they are shared by
// all tests.
var (
	scaleFlag  = flag.String("chaos.scale", "short", "how many rounds: short or long")
	roundsFlag = flag.String("chaos.rounds", "", "rounds of single kinds, over those of the scale: server=1000,redis=200")
	everyFlag  = flag.Int("chaos.every", 0, "judge after so many faults; 0 is each in the short run and every fourth in the long one")
	seedFlag   = flag.Uint64("chaos.seed", 0, "seed of all choices; 0 draws one")
	reportFlag = flag.String("chaos.report", "", "file for the table as Markdown, kept up to date during the run")
	raceFlag   = flag.Bool("chaos.race", false, "build the program with the race detector")
	binaryFlag = flag.String("chaos.binary", "", "a program that was built with the tag failpoints, instead of building one")
	budgetFlag = flag.Duration("chaos.budget", 0, "begin no round after so long; 0 has no end")
)

// run is what all tests of one run share. TestMain fills it.
var run struct {
	seed   uint64
	dir    string // of everything that is made
	binary string // the program, with failpoints
	// stopped is closed when no further round is to begin.
	stopped <-chan struct{}
}

// Rounds returns how many rounds of a kind to make.
func Rounds(kind string, short, long int) int {
	for pair := range strings.SplitSeq(*roundsFlag, ",") {
		if name, n, ok := strings.Cut(pair, "="); ok && strings.TrimSpace(name) == kind {
			if n, err := strconv.Atoi(n); err == nil {
				return n
			}
		}
	}
	if *scaleFlag == "long" {
		return long
	}
	return short
}

// judgeEvery is how many faults lie between two judgements. People go on between
// them, and the books miss nothing; it only takes longer to know.
func judgeEvery() int {
	switch {
	case *everyFlag > 0:
		return *everyFlag
	case Long():
		return 4
	default:
		return 1
	}
}

// Long tells whether this is the long run.
func Long() bool { return *scaleFlag == "long" }

// Stopped tells whether no further round should begin: somebody asked the run
// to end, or its time is used up. What was begun is judged and reported.
func Stopped() bool {
	select {
	case <-run.stopped:
		return true
	default:
		return false
	}
}

// Random returns the choices of one test, which depend on the seed of the run
// and the name alone.
func Random(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(run.seed, h.Sum64()))
}

// Between draws a duration.
func Between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)+1))
}

// Sleep waits for d, or less when ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Folder makes a folder for a test. Its path is short, because the private Redis
// puts a socket below it. It stays when the test fails.
func Folder(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp(run.dir, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	return dir
}

// root returns the folder of the module.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("find go.mod: run this inside the module")
		}
		dir = up
	}
}

// poll asks until done says yes, or ctx or patience ends.
func poll(ctx context.Context, patience time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		Sleep(ctx, 10*time.Millisecond)
		if ctx.Err() != nil {
			return fmt.Errorf("waited in vain for %s: %w", what, ctx.Err())
		}
	}
}
