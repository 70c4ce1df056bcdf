package redistest

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Move is the way of one slot from one primary to another, step by step, as
// redis-cli --cluster reshard goes it.
type Move struct {
	Cluster  *Cluster
	From, To *Server
	Slot     int
}

// Reshard moves slots to another primary while the cluster serves.
func (c *Cluster) Reshard(t testing.TB, from, to *Server, slots ...int) {
	t.Helper()
	for _, slot := range slots {
		m := Move{Cluster: c, From: from, To: to, Slot: slot}
		m.Begin(t)
		m.Keys(t)
		m.End(t)
	}
}

// Begin tells both primaries: from now on the old one sends whoever asks for a
// key that it has not to the new one.
func (m Move) Begin(t testing.TB) {
	t.Helper()
	m.To.cluster(t, "setslot", m.Slot, "importing", m.From.ID(t))
	m.From.cluster(t, "setslot", m.Slot, "migrating", m.To.ID(t))
}

// Keys moves the keys that lie in the slot, also those that come meanwhile.
func (m Move) Keys(t testing.TB) {
	t.Helper()
	db := redis.NewClient(m.From.Options())
	defer func() { _ = db.Close() }()
	for {
		keys, err := db.ClusterGetKeysInSlot(t.Context(), m.Slot, 100).Result()
		if err != nil {
			t.Fatalf("list the keys of slot %d: %v", m.Slot, err)
		}
		if len(keys) == 0 {
			return
		}
		m.migrate(t, db, keys)
	}
}

func (m Move) migrate(t testing.TB, db *redis.Client, keys []string) {
	t.Helper()
	host, port := m.To.hostPort()
	args := []any{"migrate", host, port, "", 0, (5 * time.Second).Milliseconds(), "keys"}
	for _, key := range keys {
		args = append(args, key)
	}
	if err := db.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("move %d keys of slot %d: %v", len(keys), m.Slot, err)
	}
}

// End gives the slot to the new primary, and tells every node that runs.
func (m Move) End(t testing.TB) {
	t.Helper()
	id := m.To.ID(t)
	m.To.cluster(t, "setslot", m.Slot, "node", id)
	m.From.cluster(t, "setslot", m.Slot, "node", id)
	for _, node := range m.Cluster.running() {
		if node != m.To && node != m.From && node.replication(t, "role:master") == nil {
			node.cluster(t, "setslot", m.Slot, "node", id)
		}
	}
}
