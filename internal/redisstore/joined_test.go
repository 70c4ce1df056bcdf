package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
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
	"qingyuan/internal/waittest"
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
// was meant for another, and nothing is sent twice (invariant 2). How many acts travel
// together depends on the machine, and with it how often a connection breaks under
// somebody who still waits: crowds come until that was seen.
func TestJoinedRepliesReachTheirOwners(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	var broken atomic.Int64
	c := &echoing{T: t, j: joinedTo(t, breakingClient(t, s, &broken), 3), acknowledged: map[string]bool{}}
	const most = 50
	for n := 0; n < most && (c.left.Load() == 0 || c.lost.Load() == 0); n++ {
		c.come(n)
	}
	c.j.settle(t)
	t.Logf("%d acknowledged, %d left, %d lost by %d broken connections", len(c.acknowledged), c.left.Load(), c.lost.Load(), broken.Load())
	if len(c.acknowledged) == 0 || c.left.Load() == 0 || c.lost.Load() == 0 {
		t.Error("nothing was proved")
	}
	doneOnce(t, s.Client(t), c.acknowledged)
}

// come lets the nth crowd ask, and waits until all have ended.
func (c *echoing) come(n int) {
	const callers, each = 400, 25
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for turn := range each {
				c.ask(fmt.Sprintf("%d-%d-%d", n, caller, turn), turn)
			}
		})
	}
	all.Wait()
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
	j.until(t, func() bool { return len(j.waiting) == 0 && j.underWay() == 0 })
}

// underWay is how many bytes of commands are not answered yet. Call it with mu.
func (j *Joined) underWay() int {
	n := 0
	for _, w := range j.wires {
		if w != nil {
			n += w.under
		}
	}
	return n
}

// joinedTo is for the time of a test.
func joinedTo(t testing.TB, db *redis.Client, most int) *Joined {
	t.Helper()
	j := NewJoined(db, most)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// until waits for a state of the queue.
func (j *Joined) until(t *testing.T, reached func() bool) {
	t.Helper()
	waittest.Until(t, "a state of the queue", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return reached()
	})
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
		return &breaking{conn, 5 + rand.IntN(40), broken}, err
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
	j := joinedTo(t, db, 1)
	if err := echoThrough(t.Context(), j, "warm", 1); err != nil {
		t.Fatal(err)
	}
	j.settle(t)
	s.Pause(t)
	var staying sync.WaitGroup
	var first, last error
	staying.Go(func() { // as much as a connection carries
		_, first = run(t.Context(), j, echo, []string{echoes}, "first", strings.Repeat("x", window))
	})
	j.until(t, func() bool { return j.underWay() > 0 && len(j.waiting) == 0 })
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
	j := joinedTo(t, db, 2)
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
	j := joinedTo(t, s.Client(t), 2)
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
	eventually(t, func() error { return echoThrough(t.Context(), j, "y", 1) })
}

// TestJoinedRefusesWhatCannotBeSent keeps one caller's mistake from the others.
func TestJoinedRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	j := joinedTo(t, redistest.Start(t).Client(t), 1)
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

// TestJoinedDoNotWaitForAnswers: commands follow each other on one connection while
// none is answered, until it carries what Redis takes at once; only then is there a
// second one.
func TestJoinedDoNotWaitForAnswers(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	o := s.Options()
	o.ReadTimeout = time.Minute
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	j := joinedTo(t, db, 3)
	if err := echoThrough(t.Context(), j, "warm", 1); err != nil {
		t.Fatal(err)
	}
	j.settle(t)
	s.Pause(t)
	var all sync.WaitGroup
	send := func(id string, size int) {
		all.Go(func() {
			if _, err := run(t.Context(), j, echo, []string{echoes}, id, strings.Repeat("x", size)); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	connections := func() int {
		n := 0
		for _, w := range j.wires {
			if w != nil {
				n++
			}
		}
		return n
	}
	acknowledged := map[string]bool{"warm": true}
	for i := range 10 {
		id := fmt.Sprint(i)
		acknowledged[id] = true
		before := 0
		j.until(t, func() bool { before = j.underWay(); return true })
		send(id, window/10)
		j.until(t, func() bool { return len(j.waiting) == 0 && j.underWay() > before && connections() == 1 })
	}
	acknowledged["more"] = true
	send("more", 1)
	j.until(t, func() bool { return len(j.waiting) == 1 && connections() == 2 }) // it waits for a connection
	s.Resume(t)
	all.Wait()
	doneOnce(t, db, acknowledged)
}

// TestJoinedGiveUpOnSilence: a Redis that takes commands and does not answer keeps
// nobody longer than the time-out, and everybody after it gets another connection.
func TestJoinedGiveUpOnSilence(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	o := s.Options()
	o.ReadTimeout = 200 * time.Millisecond
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	j := joinedTo(t, db, 2)
	eventually(t, func() error { return echoThrough(t.Context(), j, "warm", 1) })
	s.Pause(t)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := echoThrough(t.Context(), j, fmt.Sprint(i), 1)
			if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, errUnanswered) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
	s.Resume(t)
	for began := time.Now(); echoThrough(t.Context(), j, "again", 1) != nil; {
		if time.Since(began) > time.Minute {
			t.Fatal("it does not come back")
		}
	}
	counts, err := s.Client(t).HGetAll(t.Context(), echoes).Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"warm", "again"} { // were asked for until they were done
		delete(counts, id)
	}
	for id, n := range counts {
		if n != "1" {
			t.Errorf("%s was done %s times", id, n)
		}
	}
}

// TestJoinedClose: who is under way when it is closed learns that no reply came, and
// who comes later is refused.
func TestJoinedClose(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	j := NewJoined(s.Client(t), 1)
	if err := echoThrough(t.Context(), j, "warm", 1); err != nil {
		t.Fatal(err)
	}
	j.settle(t)
	s.Pause(t)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := run(t.Context(), j, echo, []string{echoes}, "x", strings.Repeat("x", window)); !errors.Is(err, errUnanswered) {
				t.Errorf("under way: %v", err)
			}
		})
	}
	j.until(t, func() bool { return j.underWay() > 0 && len(j.waiting) == 2 })
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
	s.Resume(t)
	if err := echoThrough(t.Context(), j, "late", 1); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestJoinedLeavesReplica: a server that has become a replica is left at once, so
// that whoever connects anew learns what it is.
func TestJoinedLeavesReplica(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	db := s.Client(t)
	j := joinedTo(t, db, 1)
	if err := echoThrough(t.Context(), j, "x", 1); err != nil {
		t.Fatal(err)
	}
	if err := db.ReplicaOf(t.Context(), "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := echoThrough(t.Context(), j, "y", 1); err == nil || !strings.Contains(err.Error(), "READONLY") {
		t.Errorf("err = %v", err)
	}
	j.until(t, func() bool { return j.wires[0] == nil })
}

// TestJoinedTellsHowLongItTook tells the metrics what was asked, and no keys.
func TestJoinedTellsHowLongItTook(t *testing.T) {
	t.Parallel()
	j := joinedTo(t, redistest.Start(t).Client(t), 1)
	asked := map[string]int{}
	j.Took = func(command string, took time.Duration, err error) {
		if took <= 0 || err != nil && !redis.HasErrorPrefix(err, "NOSCRIPT") {
			t.Errorf("%s took %v: %v", command, took, err)
		}
		asked[command]++
	}
	for turn := range 6 { // the first is a pair of reads
		if err := echoThrough(t.Context(), j, "x", turn); err != nil {
			t.Fatal(err)
		}
	}
	if want := map[string]int{echo.Hash(): 4, "eval": 1, "pipeline": 2}; !maps.Equal(asked, want) {
		t.Errorf("asked: %v, want %v", asked, want)
	}
}
