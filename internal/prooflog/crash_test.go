package prooflog_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/internal/failpoint"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
	"qingyuan/proof"
)

// envTarget makes this test binary a sealer, to be killed.
const envTarget = "QINGYUAN_TEST_SEALER"

func TestMain(m *testing.M) {
	if target := os.Getenv(envTarget); target != "" {
		fmt.Fprintln(os.Stderr, seal(target))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// seal runs a sealer until the process is killed, or returns why it cannot.
func seal(target string) error {
	db, err := sqldb.Open(context.Background(), target)
	if err != nil {
		return err
	}
	s := &prooflog.Sealer{
		Log: newLog(db, ""), Every: time.Millisecond, Signed: func(string, proof.Signed) {}, Told: func(int) {},
		Failed: func(what string, err error) { fmt.Fprintln(os.Stderr, what, err) },
	}
	s.Log.Now, s.Log.Batch = time.Now, 20
	s.Run(context.Background())
	return nil
}

// points are where an armed build is killed: go test -tags failpoints.
var points = []string{
	"prooflog.before_seal", "prooflog.before_commit", "prooflog.after_seal", "prooflog.after_sign",
}

// TestKilled kills sealers between an act and its leaf, over and over, in an armed build
// at every point: every act is in the log once, and the log goes on from what was signed.
func TestKilled(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		r := newRig(t, sqltest.Open(t, target), 4)
		var acts int
		for _, point := range points {
			r.crowd(acts, 100)
			acts += 100
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), envTarget+"="+target)
			var said bytes.Buffer
			child.Stderr = &said
			if failpoint.Armed {
				child.Env = append(child.Env, failpoint.Env+"="+point+"=kill@1")
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			if !failpoint.Armed {
				r.awaitLeaves(int64(acts - 99)) // it is in the middle of them
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			if err := child.Wait(); err == nil || err.Error() != "signal: killed" {
				t.Errorf("the sealer ended with %v\n%s", err, &said)
			}
		}
		if s := r.seal(); s.N != int64(acts) || s.Totals.Count(proof.Attempt) != int64(acts) {
			t.Errorf("%d leaves of %d acts", s.N, acts)
		}
		if got := r.clean(); got.Compared != int64(acts) {
			t.Errorf("%d leaves compared, want %d", got.Compared, acts)
		}
	})
}

// awaitLeaves waits until somebody has made so many leaves.
func (r *rig) awaitLeaves(n int64) {
	r.Helper()
	waittest.Until(r, fmt.Sprintf("%d leaves", n), func() bool {
		var size int64
		err := r.db.QueryRowContext(r.Context(), "SELECT COALESCE(MAX(size), 0) FROM proof_logs").Scan(&size)
		return err == nil && size >= n
	})
}
