package redistest

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/porttest"
)

// slots is into how many parts a cluster divides its keys.
const slots = 16384

// Cluster is a Redis Cluster of servers on this machine.
type Cluster struct {
	// Nodes are all its servers: first the primaries that it began with, then
	// the first replica of each, then the second of each, and so on.
	Nodes []*Server
	// Primaries is how many primaries it began with.
	Primaries int
}

// StartCluster runs a cluster in which each primary has so many replicas, until
// t ends. It returns when every node finds the cluster whole. Options go to each
// node.
func StartCluster(t testing.TB, primaries, replicasEach int, options ...Option) *Cluster {
	t.Helper()
	c := &Cluster{Primaries: primaries}
	for range primaries * (1 + replicasEach) {
		c.Nodes = append(c.Nodes, Start(t, append(clustered(t), options...)...))
	}
	for i, node := range c.Nodes {
		c.introduce(t, node, i)
	}
	for _, node := range c.Nodes {
		eventually(t, node.addr+" to know the others", func() error { return node.knows(t, len(c.Nodes)) })
	}
	for i, node := range c.Nodes[primaries:] {
		node.cluster(t, "replicate", c.Nodes[i%primaries].ID(t))
	}
	c.Settle(t)
	return c
}

// clustered is a node that is taken for dead after a second, and that serves its
// own slots while another primary is away.
func clustered(t testing.TB) []Option {
	t.Helper()
	return []Option{
		TCP(), quickCopy(), func(s *Server) { s.bus = porttest.Addr(t) }, // the usual one, 10000 above, may be taken
		Set("repl-ping-replica-period", "1"), // a replica is nobody's until it has heard something
		Set("cluster-enabled", "yes"), Set("cluster-node-timeout", "1000"),
		Set("cluster-replica-validity-factor", "0"), Set("cluster-allow-replica-migration", "no"),
		Set("cluster-require-full-coverage", "no"),
	}
}

// introduce gives a primary its share of the slots and tells every node of the
// first one.
func (c *Cluster) introduce(t testing.TB, node *Server, i int) {
	t.Helper()
	if i < c.Primaries {
		first, last := i*slots/c.Primaries, (i+1)*slots/c.Primaries-1
		node.cluster(t, "addslotsrange", first, last)
	}
	node.cluster(t, "set-config-epoch", i+1)
	if i > 0 {
		host, port := c.Nodes[0].hostPort()
		_, bus, _ := net.SplitHostPort(c.Nodes[0].bus)
		node.cluster(t, "meet", host, port, bus)
	}
}

// Settle waits until every running node finds the cluster whole: all slots are
// served, and every replica follows a primary.
func (c *Cluster) Settle(t testing.TB) {
	t.Helper()
	for _, node := range c.running() {
		eventually(t, node.addr+" to find the cluster whole", func() error { return node.whole(t, len(c.running())) })
	}
}

// Client returns a new client of the cluster and closes it when t ends.
func (c *Cluster) Client(t testing.TB) *redis.ClusterClient {
	t.Helper()
	one := c.Nodes[0].Options()
	db := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: Addrs(c.Nodes), MaxRetries: -1, DialerRetries: one.DialerRetries, ContextTimeoutEnabled: true,
		MaintNotificationsConfig: one.MaintNotificationsConfig,
	})
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// Slot returns in which slot a key lies.
func (c *Cluster) Slot(t testing.TB, key string) int {
	t.Helper()
	slot, err := c.running()[0].Client(t).ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatalf("ask for the slot of %s: %v", key, err)
	}
	return int(slot)
}

// Owner returns the primary that holds a key, and a running replica of it, or
// nil.
func (c *Cluster) Owner(t testing.TB, key string) (primary, replica *Server) {
	t.Helper()
	slot := int64(c.Slot(t, key))
	all, err := c.running()[0].Client(t).ClusterShards(t.Context()).Result()
	if err != nil {
		t.Fatalf("ask for the shards: %v", err)
	}
	for _, shard := range all {
		for _, s := range shard.Slots {
			if s.Start <= slot && slot <= s.End {
				return c.rolesIn(t, shard)
			}
		}
	}
	t.Fatalf("slot %d is nobody's", slot)
	return nil, nil
}

// rolesIn returns who runs of a shard of the cluster.
func (c *Cluster) rolesIn(t testing.TB, shard redis.ClusterShard) (primary, replica *Server) {
	t.Helper()
	for _, node := range shard.Nodes {
		s := c.at(t, net.JoinHostPort(node.IP, strconv.FormatInt(node.Port, 10)))
		switch {
		case node.Role == "master" && node.Health == healthy:
			primary = s
		case s.process != nil:
			replica = s
		}
	}
	if primary == nil {
		t.Fatalf("a shard has no primary: %+v", shard)
	}
	return primary, replica
}

// healthy is a node that is neither failing nor still copying.
const healthy = "online"

func (c *Cluster) at(t testing.TB, addr string) *Server {
	t.Helper()
	for _, node := range c.Nodes {
		if node.addr == addr {
			return node
		}
	}
	t.Fatalf("a node at %s is none of ours", addr)
	return nil
}

func (c *Cluster) running() []*Server {
	var out []*Server
	for _, node := range c.Nodes {
		if node.process != nil {
			out = append(out, node)
		}
	}
	return out
}

// ID is the name of a cluster's node among the others.
func (s *Server) ID(t testing.TB) string {
	t.Helper()
	return s.cluster(t, "myid")
}

// cluster runs a CLUSTER command and returns its answer as text.
func (s *Server) cluster(t testing.TB, args ...any) string {
	t.Helper()
	out, err := s.ask(t.Context(), append([]any{"cluster"}, args...)...)
	if err != nil {
		t.Fatalf("CLUSTER %v at %s: %v", args, s.addr, err)
	}
	return out
}

func (s *Server) ask(ctx context.Context, args ...any) (string, error) {
	db := redis.NewClient(s.Options())
	defer func() { _ = db.Close() }()
	v, err := db.Do(ctx, args...).Result()
	return fmt.Sprint(v), err
}

// knows fails unless the node has shaken hands with all nodes of the cluster.
func (s *Server) knows(t testing.TB, nodes int) error {
	t.Helper()
	list, err := s.ask(t.Context(), "cluster", "nodes")
	if err != nil {
		return err
	}
	if strings.Count(list, "\n") != nodes || strings.Contains(list, "handshake") {
		return fmt.Errorf("it knows:\n%s", list)
	}
	return nil
}

// whole fails unless all slots are served, that many nodes are well in this
// one's eyes, and its own link is up if it is a replica.
func (s *Server) whole(t testing.TB, nodes int) error {
	t.Helper()
	info, err := s.ask(t.Context(), "cluster", "info")
	if err != nil {
		return err
	}
	if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r", slots)) {
		return fmt.Errorf("it is not:\n%s", info)
	}
	if err := s.serving(t, nodes); err != nil {
		return err
	}
	if s.replication(t, "role:master") == nil {
		return nil
	}
	return s.replication(t, "master_link_status:up")
}

// serving fails unless so many nodes serve slots, as primaries or as replicas
// that could take over.
func (s *Server) serving(t testing.TB, nodes int) error {
	t.Helper()
	db := redis.NewClient(s.Options())
	defer func() { _ = db.Close() }()
	all, err := db.ClusterShards(t.Context()).Result()
	if err != nil {
		return err
	}
	well := 0
	for _, shard := range all {
		for _, node := range shard.Nodes {
			if len(shard.Slots) > 0 && node.Health == healthy {
				well++
			}
		}
	}
	if well < nodes {
		return fmt.Errorf("%d nodes serve, want %d: %+v", well, nodes, all)
	}
	return nil
}
