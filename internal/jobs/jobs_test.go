package jobs_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
)

// server is one queue of a deployment and how to end it.
type server struct {
	*jobs.Queue
	stop func()
}

func newQueue(db *sqldb.DB, c *waittest.Clock) *jobs.Queue {
	return &jobs.Queue{DB: db, Now: c.Now, Log: slog.New(slog.DiscardHandler), Every: 5 * time.Millisecond, Lease: 50 * time.Millisecond, AtOnce: 1}
}

func serve(t *testing.T, db *sqldb.DB, c *waittest.Clock, kind string, h jobs.Handler) server {
	t.Helper()
	q := newQueue(db, c)
	q.Register(kind, h)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return server{q, stop}
}

func submit(t *testing.T, q *jobs.Queue, kind string) string {
	t.Helper()
	id, err := q.Submit(t.Context(), jobs.Request{Kind: kind, Campaign: "town-2026", Actor: "a", Login: "a", Params: json.RawMessage(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// await waits for a job to be as the condition wants.
func await(t *testing.T, q *jobs.Queue, id string, ok func(jobs.Job) bool) jobs.Job {
	t.Helper()
	var j jobs.Job
	waittest.Until(t, "the job to be as wanted", func() bool {
		var err error
		if j, err = q.Job(t.Context(), id); err != nil {
			t.Fatalf("job %s: %v", id, err)
		}
		return ok(j)
	})
	return j
}

func final(j jobs.Job) bool { return j.State.Final() }

func newClock() *waittest.Clock { return waittest.NewClock(time.UnixMilli(1_780_000_000_000)) }

func TestDone(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		s := serve(t, db, c, "count", func(_ context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
			p.Set(7, 9)
			p.Note("在数")
			return j.Params, nil
		})
		j := await(t, s.Queue, submit(t, s.Queue, "count"), final)
		if j.State != jobs.Done || string(j.Result) != `{"n":1}` || j.Done != 7 || j.Total != 9 || j.Note != "在数" || j.Attempt != 1 || j.FinishedAt.IsZero() {
			t.Errorf("%+v", j)
		}
		list, err := s.List(t.Context(), "town-2026", "", 10)
		if err != nil || len(list) != 1 || list[0].ID != j.ID {
			t.Errorf("listed %v, %v", list, err)
		}
		if list, err := s.List(t.Context(), "town-2026", j.ID, 10); err != nil || len(list) != 0 {
			t.Errorf("before the first: %v, %v", list, err)
		}
		if err := s.Cancel(t.Context(), j.ID); !errors.Is(err, jobs.ErrFinal) {
			t.Errorf("cancelling what is done = %v", err)
		}
		if _, err := s.Job(t.Context(), "none"); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("an unknown job = %v", err)
		}
	})
}

func TestFailed(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		why := fault.New(fault.Invalid, "tree.invalid", "表格有误")
		fails := map[string]error{"fault": why.WithFields(fault.Field{Name: "3", Reason: "缺少名称"}), "defect": io.ErrUnexpectedEOF}
		s := serve(t, db, c, "fail", func(_ context.Context, j jobs.Job, _ *jobs.Progress) (json.RawMessage, error) {
			if j.Node == "panic" {
				panic("x")
			}
			return json.RawMessage(`{}`), fails[j.Node]
		})
		for node, code := range map[string]string{"fault": "tree.invalid", "defect": "internal", "panic": "internal"} {
			id, err := s.Submit(t.Context(), jobs.Request{Kind: "fail", Node: node, Actor: "a"})
			if err != nil {
				t.Fatal(err)
			}
			j := await(t, s.Queue, id, final)
			if j.State != jobs.Failed || j.Code != code || j.Error == "" {
				t.Errorf("%s: %+v", node, j)
			}
		}
	})
}

func TestCancel(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		begun := make(chan struct{})
		s := serve(t, db, c, "slow", func(ctx context.Context, _ jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
			p.Set(1, 2)
			close(begun)
			<-ctx.Done()
			return json.RawMessage(`{"half":true}`), ctx.Err()
		})
		id := submit(t, s.Queue, "slow")
		<-begun
		waiting := submit(t, s.Queue, "slow")
		for range 2 {
			if err := errors.Join(s.Cancel(t.Context(), waiting), s.Cancel(t.Context(), id)); err != nil {
				t.Fatal(err)
			}
		}
		if j := await(t, s.Queue, id, final); j.State != jobs.Cancelled || string(j.Result) != `{"half":true}` || j.Done != 1 {
			t.Errorf("while it ran: %+v", j)
		}
		if j := await(t, s.Queue, waiting, final); j.State != jobs.Cancelled || j.Attempt != 0 {
			t.Errorf("while it waited: %+v", j)
		}
		if err := s.Cancel(t.Context(), "none"); !errors.Is(err, jobs.ErrNotFound) {
			t.Errorf("an unknown job = %v", err)
		}
	})
}

// TestRestart stops a server in the middle of a job: the next one goes on from the
// checkpoint, and the stop counts as no attempt.
func TestRestart(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		begun := make(chan struct{})
		first := serve(t, db, c, "long", func(ctx context.Context, _ jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
			err := db.WithTx(ctx, func(tx *sql.Tx) error { return p.Checkpoint(ctx, tx, json.RawMessage(`{"row":42}`)) })
			close(begun)
			<-ctx.Done()
			return nil, errors.Join(err, ctx.Err())
		})
		id := submit(t, first.Queue, "long")
		<-begun
		first.stop()
		c.Add(time.Millisecond)
		second := serve(t, db, c, "long", func(_ context.Context, j jobs.Job, _ *jobs.Progress) (json.RawMessage, error) {
			return j.Checkpoint, nil
		})
		if j := await(t, second.Queue, id, final); j.State != jobs.Done || string(j.Result) != `{"row":42}` || j.Attempt != 1 {
			t.Errorf("%+v", j)
		}
	})
}

// TestLostLease lets another server take a job over: the first may commit nothing
// more, and cannot end it.
func TestLostLease(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		begun, other, outcome := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		release := make(chan struct{})
		taken := sync.OnceFunc(func() { close(other) })
		first := serve(t, db, c, "stuck", func(_ context.Context, _ jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
			close(begun)
			<-other
			outcome <- db.WithTx(t.Context(), func(tx *sql.Tx) error { return p.Hold(t.Context(), tx) })
			<-release // or it would take the job back
			return json.RawMessage(`"first"`), nil
		})
		id := submit(t, first.Queue, "stuck")
		<-begun
		finished := make(chan struct{})
		go func() { // the lease is over at every moment until somebody took it
			defer close(finished)
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-other:
					return
				case <-tick.C:
					c.Add(time.Second)
				}
			}
		}()
		second := serve(t, db, c, "stuck", func(context.Context, jobs.Job, *jobs.Progress) (json.RawMessage, error) {
			taken()
			<-finished
			return json.RawMessage(`"second"`), nil
		})
		j := await(t, second.Queue, id, final)
		close(release)
		if err := <-outcome; !errors.Is(err, jobs.ErrLost) {
			t.Errorf("the first server may still commit: %v", err)
		}
		if j.State != jobs.Done || string(j.Result) != `"second"` {
			t.Errorf("%+v", j)
		}
	})
}

// TestGivenUp has a job that ends its server each time.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		q := newQueue(db, c)
		id := submit(t, q, "deadly")
		if _, err := db.ExecContext(t.Context(), `UPDATE jobs SET state = 'running', attempt = $1, lease = 1`, jobs.MaxAttempts); err != nil {
			t.Fatal(err)
		}
		s := serve(t, db, c, "deadly", func(context.Context, jobs.Job, *jobs.Progress) (json.RawMessage, error) {
			t.Error("it was begun once more")
			return nil, nil
		})
		if j := await(t, s.Queue, id, final); j.State != jobs.Failed || j.Code != "job.given_up" {
			t.Errorf("%+v", j)
		}
	})
}

// TestFiles reads what a job was submitted with and what it made, in pieces.
func TestFiles(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		long := bytes.Repeat([]byte("县,单位,12\r\n"), 60_000)
		s := serve(t, db, c, "copy", func(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
			for range 2 { // begun anew, what was left is gone
				in, err := j.Open(ctx, "in")
				if err != nil {
					return nil, err
				}
				out, err := p.Create(ctx, "out")
				if err != nil {
					return nil, err
				}
				if _, err := io.Copy(out, in); err != nil {
					return nil, err
				}
				if err := out.Close(); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
		id, err := s.SubmitWith(t.Context(), jobs.Request{Kind: "copy", Actor: "a"},
			map[string]io.Reader{"in": bytes.NewReader(long), "empty": bytes.NewReader(nil)})
		if err != nil {
			t.Fatal(err)
		}
		j := await(t, s.Queue, id, final)
		if j.State != jobs.Done {
			t.Fatalf("%+v", j)
		}
		for name, want := range map[string][]byte{"out": long, "empty": {}} {
			r, err := j.Open(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s has %d bytes, want %d: %v", name, len(got), len(want), err)
			}
		}
		if _, err := j.Open(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that is not there = %v", err)
		}
	})
}

// TestTwoServersShare submits many jobs to two servers: each is done once.
func TestTwoServersShare(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := newClock()
		var mu sync.Mutex
		seen := map[string]int{}
		count := func(_ context.Context, j jobs.Job, _ *jobs.Progress) (json.RawMessage, error) {
			mu.Lock()
			defer mu.Unlock()
			seen[j.ID]++
			return nil, nil
		}
		a := serve(t, db, c, "count", count)
		serve(t, db, c, "count", count)
		var ids []string
		for range 20 {
			ids = append(ids, submit(t, a.Queue, "count"))
		}
		for _, id := range ids {
			await(t, a.Queue, id, final)
		}
		mu.Lock()
		defer mu.Unlock()
		for id, n := range seen {
			if n != 1 {
				t.Errorf("job %s was done %d times", id, n)
			}
		}
	})
}
