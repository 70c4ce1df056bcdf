package correction_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
)

// disturbed are the corrections of a batch in whose middle something happens: reached is
// closed once some are done, and no more than a few others are begun before it happened.
type disturbed struct {
	correction.Acts

	calls             atomic.Int64
	reached, happened chan struct{}
}

func disturb(acts correction.Acts) *disturbed {
	return &disturbed{Acts: acts, reached: make(chan struct{}), happened: make(chan struct{})}
}

func (d *disturbed) step() {
	const some, few = 50, 150
	n := d.calls.Add(1)
	if n == some {
		close(d.reached)
	}
	if n > few {
		<-d.happened
	}
}

func (d *disturbed) Invalidate(ctx context.Context, id string, t act.Turn, a act.Act) (act.Fate, error) {
	d.step()
	return d.Acts.Invalidate(ctx, id, t, a)
}

func (d *disturbed) Restore(ctx context.Context, id string, t act.Turn, a act.Act) (act.Fate, error) {
	d.step()
	return d.Acts.Restore(ctx, id, t, a)
}

// TestSentinelFailsOver kills the primary while a batch is taken out, and again while it is
// put back. With all replicas waited for nothing is lost and nothing done twice: everything
// is as before, to the byte.
func TestSentinelFailsOver(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Durable(), redistest.TCP())
	nodes := []*redistest.Server{primary, redistest.Replica(t, primary, redistest.Durable()), redistest.Replica(t, primary, redistest.Durable())}
	sentinels := redistest.Sentinels(t, primary, 3)
	o := primary.Options()
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: redistest.MasterName, SentinelAddrs: redistest.Addrs(sentinels), Password: o.Password, MaxRetries: -1,
		ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { _ = client.Close() })
	r := newRigOn(t, client, sqltest.SQLite(t), definition(t, "antidrug", 2), redisstore.WithReplicas(2, time.Second))
	r.service.Stretch = 64
	r.populate(300, 1)
	before := r.image()
	acts := r.service.Acts
	during := func(work func(b *correction.Batch) *correction.Batch, b *correction.Batch) *correction.Batch {
		t.Helper()
		d := disturb(acts)
		r.service.Acts = d
		failed := make(chan struct{})
		go func() {
			defer close(failed)
			<-d.reached
			primary.Kill(t)
			close(d.happened)
			redistest.FailedOver(t, sentinels, primary)
			primary.Restart(t)
			primary = redistest.Settled(t, sentinels, nodes)
		}()
		b = work(b)
		<-failed
		return b
	}
	b := during(r.run, r.create(clerk(""), correction.Conditions{Attempts: true, Signatures: true, From: noon}))
	if b.State != correction.Done || b.Items == 0 || b.Counts[correction.Out] != b.Items || r.outNow(b) != b.Items {
		t.Fatalf("after the run, %d are out: %+v", r.outNow(b), b)
	}
	r.settle()
	r.clean()
	if b = during(r.undo, b); b.State != correction.Undone || b.Counts[correction.Back] != b.Items {
		t.Fatalf("after the undo: %+v", b)
	}
	r.same(before)
}
