package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"qingyuan/internal/event"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// The variables that make this test binary an archiver, to be killed.
const (
	envTarget = "QINGYUAN_TEST_ARCHIVER"
	envRedis  = "QINGYUAN_TEST_ARCHIVER_REDIS"
)

func TestMain(m *testing.M) {
	if target := os.Getenv(envTarget); target != "" {
		fmt.Fprintln(os.Stderr, archive(target, os.Getenv(envRedis)))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// archive runs an archiver until the process is killed, or returns why it
// cannot.
func archive(target, socket string) error {
	db, err := sqldb.Open(context.Background(), target)
	if err != nil {
		return err
	}
	source := newSource(redis.NewClient(&redis.Options{Network: "unix", Addr: socket}))
	source.fold = pos(9, 0)
	a := &ledger.Archiver{
		Ledger: ledger.New(db), Source: source, Shard: home, Batch: 100, Idle: time.Millisecond,
		Archived: func(event.Stream, int, time.Duration) {}, Dead: func(int) {},
		Failed: func(err error) { fmt.Fprintln(os.Stderr, err) },
		Now:    time.Now,
	}
	a.Run(context.Background())
	return nil
}

// child is an archiver in a process of its own.
type child struct {
	*exec.Cmd

	said bytes.Buffer
}

func spawn(t *testing.T, target, socket, failpoints string) *child {
	t.Helper()
	c := &child{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	c.Env = append(os.Environ(), envTarget+"="+target, envRedis+"="+socket, failpoint.Env+"="+failpoints)
	c.Stderr = &c.said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// death waits until the child is dead, which it must be by SIGKILL.
func (c *child) death(t *testing.T) {
	t.Helper()
	if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the archiver ended with %v\n%s", err, &c.said)
	}
}

// points are where an armed build is killed: go test -tags failpoints.
var points = []string{
	"ledger.before_append", "ledger.after_cursor", "ledger.before_commit", "ledger.after_commit",
	"ledger.before_trim", "ledger.after_trim",
}

// TestKilled proves invariant 5 for kill -9: archivers are killed over and over,
// in an armed build at every point, and every entry is in the ledger once.
func TestKilled(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		server := redistest.Start(t)
		r := newRigOn(t, sqltest.Open(t, target), server.Client(t))
		n := 0
		more := func() {
			r.add(event.Facts, ledgertest.Crowd(1, n, 400)...)
			r.add(event.Personal, records(n, 400)...)
			n += 400
		}
		for _, point := range points {
			more()
			if failpoint.Armed {
				spawn(t, target, server.Addr(), point+"=kill@1").death(t)
				continue
			}
			c := spawn(t, target, server.Addr(), "")
			before := n - 400
			r.await("a life", func() bool {
				at, err := r.archiver.Ledger.Cursor(t.Context(), home, event.Facts)
				return err == nil && at.Compare(pos(1, uint64(before))) > 0
			})
			time.Sleep(time.Duration(rand.IntN(int(10 * time.Millisecond)))) // a kill at a moment that nobody chose is what is tested
			r.wants("kill", c.Process.Kill())
			c.death(t)
		}
		more()
		r.wants("Drain", r.archiver.Drain(t.Context()))
		r.same("facts", ledgertest.Decoded(t, ledgertest.Crowd(1, 0, n)...), r.facts())
		r.at(event.Personal, pos(1, uint64(n-1)))
		var stored int
		for h, err := range r.archiver.Ledger.Histories(t.Context(), home, ledger.Heads{Personal: pos(9, 0)}) {
			r.wants("Histories", err)
			stored += len(h.Records)
		}
		r.same("records", n, stored)
	})
}
