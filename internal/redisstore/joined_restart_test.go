package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
)

// TestJoinedThroughRestarts kills a Redis that keeps everything, again and again, with
// many commands under way. Each time it comes back without scripts, and as a process
// that nobody has examined: it is sent nothing until somebody has. Nobody gets
// another's answer, what was acknowledged is there, and nothing was sent twice.
func TestJoinedThroughRestarts(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Durable())
	vetting, examiner := NewVetting(), s.Client(t)
	o := s.Options()
	o.OnConnect = vetting.OnConnect
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	c := &echoing{T: t, j: joinedTo(t, db, 3), acknowledged: map[string]bool{}}
	examine := func() {
		t.Helper()
		mustDo(t, vetting.Examine(t.Context(), examiner, func(context.Context) error { return nil }))
	}

	examine()
	stop := c.callers(64)
	defer stop()
	for range 4 {
		c.awaitMore()
		select {
		case <-vetting.Suspects(): // the last one
		default:
		}
		s.Kill(t)
		s.Restart(t)
		<-vetting.Suspects()
		if scripts := commandStats(t, examiner); scripts != "" {
			t.Errorf("before anybody had looked: %s", scripts)
		}
		examine()
	}
	c.awaitMore()
	stop()
	c.j.settle(t)
	t.Logf("%d acknowledged, %d left, %d lost", len(c.acknowledged), c.left.Load(), c.lost.Load())
	if c.lost.Load() == 0 {
		t.Error("nothing was proved")
	}
	doneOnce(t, examiner, c.acknowledged)
}

// echoing is a crowd that asks for echoes.
type echoing struct {
	*testing.T

	j *Joined
	// left is whoever gave up, lost whoever was told that it is not known.
	left, lost atomic.Int64

	mu           sync.Mutex
	acknowledged map[string]bool
}

// callers lets so many ask until what it returns is called.
func (c *echoing) callers(n int) (stop func()) {
	ctx, cancel := context.WithCancel(c.Context())
	var all sync.WaitGroup
	for caller := range n {
		all.Go(func() {
			for turn := 0; ctx.Err() == nil; turn++ {
				c.ask(fmt.Sprintf("%d-%d", caller, turn), turn)
			}
		})
	}
	return sync.OnceFunc(func() { cancel(); all.Wait() })
}

func (c *echoing) ask(id string, turn int) {
	ctx, cancel := impatient(c.T, turn)
	defer cancel()
	err := echoThrough(ctx, c.j, id, turn)
	switch {
	case err == nil:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.acknowledged[id] = true
	case !errors.Is(err, fault.ErrUnavailable):
		c.Errorf("%s: %v", id, err)
	case ctx.Err() != nil:
		c.left.Add(1)
	default:
		c.lost.Add(1)
		time.Sleep(time.Millisecond) // callers ask on while Redis is away, but not as fast as they can
	}
}

// awaitMore waits until more are acknowledged.
func (c *echoing) awaitMore() {
	c.Helper()
	count := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.acknowledged)
	}
	before := count()
	eventually(c.T, func() error {
		if n := count() - before; n < 200 {
			return fmt.Errorf("only %d more were acknowledged", n)
		}
		return nil
	})
}
