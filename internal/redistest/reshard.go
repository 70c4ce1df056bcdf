package redistest

import (
	"fmt"
	"slices"
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
	m.agreed(t, id)
}

// agreed waits until every node has heard whose the slot is. Before that, a
// replica of the new primary that is promoted does not know that it is its own,
// and then nobody serves it.
func (m Move) agreed(t testing.TB, id string) {
	t.Helper()
	for _, node := range m.Cluster.running() {
		eventually(t, node.addr+" to hear of a slot's new primary", func() error {
			db := redis.NewClient(node.Options())
			defer func() { _ = db.Close() }()
			all, err := db.ClusterShards(t.Context()).Result()
			if err != nil || holds(all, id, int64(m.Slot)) {
				return err
			}
			return fmt.Errorf("slot %d is not at %s: %+v", m.Slot, id, all)
		})
	}
}

func holds(all []redis.ClusterShard, id string, slot int64) bool {
	for _, shard := range all {
		if !slices.ContainsFunc(shard.Nodes, func(n redis.Node) bool { return n.ID == id }) {
			continue
		}
		if slices.ContainsFunc(shard.Slots, func(r redis.SlotRange) bool { return r.Start <= slot && slot <= r.End }) {
			return true
		}
	}
	return false
}
