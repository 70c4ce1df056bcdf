package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
)

// echo does something and answers with what it was asked: who gets another's
// answer sees it.
var echo = redis.NewScript(`#!lua
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return { 'ok', ARGV[1] }`)

const echoes = "echoes"

// doneOnce fails where an act was done twice, or was acknowledged and not done.
func doneOnce(t *testing.T, db *redis.Client, acknowledged map[string]bool) {
	t.Helper()
	counts, err := db.HGetAll(t.Context(), echoes).Result()
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range counts {
		if n != "1" {
			t.Errorf("%s was done %s times", id, n)
		}
	}
	for id := range acknowledged {
		if counts[id] != "1" {
			t.Errorf("%s was acknowledged and never done", id)
		}
	}
}

// TestJoinedRepliesReachTheirOwners: thousands of callers, of whom many leave in
// the middle, share a few connections that break again and again. Nobody gets what
// was meant for another, and nothing is sent twice (invariant 2).
func TestJoinedRepliesReachTheirOwners(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	var broken atomic.Int64
	db := breakingClient(t, s, &broken)
	j := NewJoined(db, 3)
	const callers, each = 400, 25
	var mu sync.Mutex
	acknowledged := map[string]bool{}
	var left, lost atomic.Int64
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d-%d", c, i)
				ctx, cancel := impatient(t, i)
				err := echoThrough(ctx, j, id, i)
				cancel()
				switch {
				case err == nil:
					mu.Lock()
					acknowledged[id] = true
					mu.Unlock()
				case !errors.Is(err, fault.ErrUnavailable):
					t.Errorf("%s: %v", id, err)
				case ctx.Err() != nil:
					left.Add(1)
				default:
					lost.Add(1)
				}
			}
		})
	}
	all.Wait()
	j.settle(t)
	t.Logf("%d acknowledged, %d left, %d lost by %d broken connections", len(acknowledged), left.Load(), lost.Load(), broken.Load())
	if len(acknowledged) == 0 || left.Load() == 0 || lost.Load() == 0 {
		t.Error("nothing was proved")
	}
	doneOnce(t, s.Client(t), acknowledged)
}

// echoThrough asks for an answer as a script or as a pair of reads, and fails on
// one that is another's.
func echoThrough(ctx context.Context, j *Joined, id string, turn int) error {
	if turn%5 == 0 {
		var first, second *redis.StringCmd
		cmds, err := j.Together(ctx, func(p redis.Pipeliner) {
			p.HIncrBy(ctx, echoes, id, 1)
			first, second = p.Echo(ctx, id), p.Echo(ctx, "again "+id)
		})
		if err == nil {
			err = answered(cmds)
		}
		if err == nil && (first.Val() != id || second.Val() != "again "+id) {
			return fmt.Errorf("got %q and %q", first.Val(), second.Val())
		}
		return outage(err)
	}
	r, err := run(ctx, j, echo, []string{echoes}, id)
	if err == nil && (len(r.args) != 1 || r.args[0] != id) {
		return fmt.Errorf("got %q", r.args)
	}
	return err
}

// impatient is the context of a caller of whom every third leaves early.
func impatient(t *testing.T, turn int) (context.Context, context.CancelFunc) {
	t.Helper()
	if turn%3 != 0 {
		return t.Context(), func() {}
	}
	return context.WithTimeout(t.Context(), time.Duration(rand.IntN(2000))*time.Microsecond)
}

// settle waits until every lane has ended: until then a batch may be under way
// whose callers have left.
func (j *Joined) settle(t *testing.T) {
	t.Helper()
	j.until(t, func() bool { return j.busy == 0 })
}

// until waits for a state of the queue.
func (j *Joined) until(t *testing.T, reached func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(time.Millisecond) {
		j.mu.Lock()
		ok := reached()
		j.mu.Unlock()
		if ok {
			return
		}
	}
	t.Fatal("the queue does not come to it")
}

// breaking is a connection that breaks after some answers, in the middle of one:
// the server has done what it was asked to.
type breaking struct {
	net.Conn
	left   int
	broken *atomic.Int64
}

func (c *breaking) Read(p []byte) (int, error) {
	if c.left--; c.left < 0 {
		c.broken.Add(1)
		half := p[:min(len(p), 40)]
		n, err := c.Conn.Read(half)
		_ = c.Close()
		if err != nil {
			return 0, err
		}
		return n / 2, io.ErrUnexpectedEOF
	}
	return c.Conn.Read(p)
}

func breakingClient(t *testing.T, s *redistest.Server, broken *atomic.Int64) *redis.Client {
	t.Helper()
	o := s.Options()
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &breaking{conn, 20 + rand.IntN(60), broken}, err
	}
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestJoinedCallersLeave: whoever gives up is answered at once although the server
// hangs; what had not been sent then never is, and the others get their answers.
func TestJoinedCallersLeave(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	o := s.Options()
	o.ReadTimeout = time.Minute // the server hangs for as long as this test wants
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	j := NewJoined(db, 1)
	if err := echoThrough(t.Context(), j, "warm", 1); err != nil {
		t.Fatal(err)
	}
	j.settle(t)
	s.Pause(t)
	var staying sync.WaitGroup
	var first, last error
	staying.Go(func() { first = echoThrough(t.Context(), j, "first", 1) })
	j.until(t, func() bool { return j.busy == 1 && len(j.waiting) == 0 }) // first is under way
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- echoThrough(ctx, j, "gone", 1) }()
	staying.Go(func() { last = echoThrough(t.Context(), j, "last", 1) })
	j.until(t, func() bool { return len(j.waiting) == 2 })
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) || !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("who left: %v", err)
	}
	s.Resume(t)
	staying.Wait()
	if first != nil || last != nil {
		t.Errorf("who stayed: %v, %v", first, last)
	}
	j.settle(t)
	counts, err := db.HGetAll(t.Context(), echoes).Result()
	if err != nil || len(counts) != 3 || counts["gone"] != "" {
		t.Errorf("done: %v, %v", counts, err)
	}
}

// TestJoinedForgottenScript: a Redis that lost its scripts has done nothing, and
// only those who asked for one ask again.
func TestJoinedForgottenScript(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	db := s.Client(t)
	j := NewJoined(db, 2)
	acknowledged := map[string]bool{}
	for round := range 5 {
		if err := db.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 50 {
			id := fmt.Sprintf("%d-%d", round, i)
			acknowledged[id] = true
			all.Go(func() {
				if err := echoThrough(t.Context(), j, id, i); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		all.Wait()
	}
	doneOnce(t, db, acknowledged)
}

// TestJoinedWithoutRedis: everybody in a batch learns why there is no answer.
func TestJoinedWithoutRedis(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	j := NewJoined(s.Client(t), 2)
	s.Kill(t)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := echoThrough(t.Context(), j, "x", i)
			if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "connect") && !strings.Contains(err.Error(), "EOF") {
				t.Errorf("without Redis: %v", err)
			}
		})
	}
	all.Wait()
	s.Restart(t)
	// go-redis looks once a second whether a server that it could not reach is back.
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := echoThrough(t.Context(), j, "y", 1)
		if err == nil {
			return
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("with Redis again: %v", err)
		}
	}
}

// TestJoinedRefusesWhatCannotBeSent keeps one caller's mistake from the others.
func TestJoinedRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	j := NewJoined(redistest.Start(t).Client(t), 1)
	err := j.EvalSha(t.Context(), echo.Hash(), []string{echoes}, struct{}{}).Err()
	if err == nil || !strings.Contains(err.Error(), "argument 4 is a struct {}") {
		t.Errorf("err = %v", err)
	}
	if _, err := j.Together(t.Context(), func(redis.Pipeliner) {}); err != nil {
		t.Errorf("nothing at all: %v", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := echoThrough(ended, j, "x", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("ended before it began: %v", err)
	}
}

// TestJoinedBatchesStaySmall: a batch holds no more than Redis takes from a
// connection at once, unless one caller alone wants more.
func TestJoinedBatchesStaySmall(t *testing.T) {
	t.Parallel()
	j := NewJoined(nil, 1)
	for _, size := range []int{10, 5, 2, 40, 1} {
		j.waiting = append(j.waiting, &order{cmds: make([]redis.Cmder, size)})
	}
	j.busy = 1
	for i, want := range [][]int{{10, 5}, {2}, {40}, {1}, nil} {
		var got []int
		for _, o := range j.take(nil) {
			got = append(got, len(o.cmds))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("batch %d: %v, want %v", i, got, want)
		}
	}
	if j.busy != 0 {
		t.Error("the lane stays busy")
	}
}
