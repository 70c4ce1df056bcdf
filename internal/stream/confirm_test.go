package stream_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/stream"
	"qingyuan/internal/waittest"
)

// pair is a reader that wants what it reads on one replica.
type pair struct {
	*river
	primary, replica *redistest.Server
	copied           *redis.Client // reads the replica
}

func newPair(t *testing.T) *pair {
	t.Helper()
	primary := redistest.Start(t, redistest.TCP(), redistest.Set("repl-diskless-sync-delay", "0"))
	host, port, err := net.SplitHostPort(primary.Addr())
	if err != nil {
		t.Fatal(err)
	}
	replica := redistest.Start(t, redistest.TCP(), redistest.Set("replicaof", host, port))
	db := primary.Client(t)
	p := &pair{river: &river{T: t, db: db}, primary: primary, replica: replica, copied: replica.Client(t)}
	p.Reader = stream.Reader{DB: db, Key: keyOf, Mark: markOf, Replicas: 1, Patience: 200 * time.Millisecond}
	p.add(1, "a")
	p.await("the replica follows", func() bool { _, _, err := p.read(event.Position{}, 10); return err == nil })
	return p
}

// await polls until something holds.
func (p *pair) await(what string, holds func() bool) {
	p.Helper()
	waittest.Until(p, what, holds)
}

// TestWhatIsReadIsOnTheReplica proves invariant 5: a reader gets nothing that a
// failover could take back, and what it got the replica has.
func TestWhatIsReadIsOnTheReplica(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	at := event.Position{}
	for i := range 50 {
		if i > 0 {
			p.add(1, "b")
		}
		var next event.Position
		var err error
		p.await("the replica's word", func() bool { // a slow one confirms later
			_, next, err = p.read(at, 10)
			return !errors.Is(err, stream.ErrUnconfirmed)
		})
		if err != nil || next == at {
			t.Fatalf("fact %d: read to %s, %v", i, next, err)
		}
		at = next
		if n := p.copied.XLen(t.Context(), factsKey()).Val(); n != int64(i+1) {
			t.Fatalf("read to %s while the replica has %d", at, n)
		}
	}
	if got, _, err := p.read(at, 10); got != "" || err != nil {
		t.Errorf("nothing new: %q, %v", got, err)
	}
}

// TestAReplicaThatHangs: what it has not got is not returned, and nobody waits
// longer than the reader's patience.
func TestAReplicaThatHangs(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.replica.Kill(t)
	p.add(1, "b")
	began := time.Now()
	got, _, err := p.read(event.Position{}, 10)
	if !errors.Is(err, stream.ErrUnconfirmed) || !errors.Is(err, fault.ErrUnavailable) || got != "" {
		t.Errorf("read %q, %v; want %v", got, err, stream.ErrUnconfirmed)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	p.replica.Restart(t)
	p.await("the replica follows again", func() bool { _, _, err := p.read(event.Position{}, 10); return err == nil })
}

// TestADemotedPrimary: a server that has become a replica itself confirms
// nothing, although it still has what was read.
func TestADemotedPrimary(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	host, port, _ := net.SplitHostPort(p.replica.Addr())
	if err := p.copied.Do(t.Context(), "replicaof", "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	if err := p.db.Do(t.Context(), "replicaof", host, port).Err(); err != nil {
		t.Fatal(err)
	}
	if got, _, err := p.read(event.Position{}, 10); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("read %q, %v; want it refused", got, err)
	}
}

// TestAClusterIsAskedOnTheRightShard: the mark goes to the primary that holds the
// stream; a cluster without replicas confirms nothing.
func TestAClusterIsAskedOnTheRightShard(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.TCP(), redistest.Set("cluster-enabled", "yes"))
	one := s.Client(t)
	if err := one.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	cluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr()}, MaxRedirects: 1})
	t.Cleanup(func() { _ = cluster.Close() })
	r := &river{T: t, db: one, Reader: stream.Reader{DB: cluster, Key: keyOf, Mark: markOf, Replicas: 1, Patience: 50 * time.Millisecond}}
	p := &pair{river: r}
	p.await("the cluster is well", func() bool {
		return one.ClusterInfo(t.Context()).Err() == nil && cluster.Set(t.Context(), "k", "v", 0).Err() == nil
	})
	r.add(1, "a")
	if got, _, err := r.read(event.Position{}, 10); !errors.Is(err, stream.ErrUnconfirmed) {
		t.Errorf("read %q, %v; want %v", got, err, stream.ErrUnconfirmed)
	}
	r.Replicas = 0
	if got, _, err := r.read(event.Position{}, 10); got != "a" || err != nil {
		t.Errorf("without replicas: %q, %v", got, err)
	}
}
