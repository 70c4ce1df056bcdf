package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/porttest"
)

// MasterName is what the sentinels of a test call the primary.
const MasterName = "qingyuan"

// Failure is noticed and mended in a second or two: production takes longer.
const sentinelConf = `sentinel monitor %[1]s %[2]s %[3]s %[4]d
sentinel down-after-milliseconds %[1]s 500
sentinel failover-timeout %[1]s 2000
sentinel parallel-syncs %[1]s 4
`

// haste is what sentinels do more often than they can be configured to. They make a
// returned primary a replica four times publish-period after they have seen it.
var haste = []any{"info-period", 500, "publish-period", 250, "tilt-period", 1000}

// Sentinels starts n sentinels that watch primary, and returns once they know
// each other and its replicas. Most of them must agree that it is gone.
func Sentinels(t testing.TB, primary *Server, n int) []*Server {
	t.Helper()
	host, port := primary.hostPort()
	sentinels := make([]*Server, n)
	for i := range sentinels {
		s := &Server{network: "tcp", addr: porttest.Addr(t), binary: binary(t), dir: tempDir(t)}
		conf := filepath.Join(s.dir, "sentinel.conf") // sentinels write down what they learn
		text := fmt.Sprintf(sentinelConf, MasterName, host, port, n/2+1) + "dir " + s.dir + "\n"
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatalf("configure a sentinel: %v", err)
		}
		s.args = []string{conf, "--sentinel"}
		t.Cleanup(func() { s.stop(t) })
		s.run(t)
		s.hurry(t)
		sentinels[i] = s
	}
	replicas := primary.connectedReplicas(t)
	for _, s := range sentinels {
		eventually(t, "sentinel "+s.addr+" to know the others", func() error { return s.watches(t, n, replicas) })
	}
	return sentinels
}

func (s *Server) hurry(t testing.TB) {
	t.Helper()
	db := redis.NewClient(s.Options())
	defer func() { _ = db.Close() }()
	if err := db.Do(t.Context(), append([]any{"sentinel", "debug"}, haste...)...).Err(); err != nil {
		t.Fatalf("make a sentinel hurry: %v", err)
	}
}

// Addrs lists where servers listen.
func Addrs(servers []*Server) []string {
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s.addr
	}
	return out
}

func (s *Server) connectedReplicas(t testing.TB) int {
	t.Helper()
	text, err := s.Client(t).Info(t.Context(), "replication").Result()
	if err != nil {
		t.Fatalf("ask %s for its replicas: %v", s.addr, err)
	}
	return strings.Count(text, "state=") // one a replica, online or about to be
}

// watches fails unless a sentinel knows that many sentinels and replicas.
func (s *Server) watches(t testing.TB, sentinels, replicas int) error {
	t.Helper()
	db := redis.NewSentinelClient(s.Options())
	defer func() { _ = db.Close() }()
	m, err := db.Master(t.Context(), MasterName).Result()
	if err != nil {
		return err
	}
	want := [3]string{strconv.Itoa(sentinels - 1), strconv.Itoa(replicas), "master"}
	if got := [3]string{m["num-other-sentinels"], m["num-slaves"], m["flags"]}; got != want {
		return fmt.Errorf("it knows %v others, replicas and flags, want %v", got, want)
	}
	return nil
}

// Primary is the address of the primary that a sentinel names, or empty while
// it does not answer.
func (s *Server) Primary(t testing.TB) string {
	t.Helper()
	db := redis.NewSentinelClient(s.Options())
	defer func() { _ = db.Close() }()
	addr, err := db.GetMasterAddrByName(t.Context(), MasterName).Result()
	if err != nil || len(addr) != 2 {
		return ""
	}
	return net.JoinHostPort(addr[0], addr[1])
}

// FailedOver waits until all sentinels name another primary than the old one,
// and returns its address.
func FailedOver(t testing.TB, sentinels []*Server, old *Server) string {
	t.Helper()
	var now string
	eventually(t, "a new primary", func() error {
		now = sentinels[0].Primary(t)
		for _, s := range sentinels {
			if addr := s.Primary(t); addr != now || addr == old.addr || addr == "" {
				return fmt.Errorf("%s names %q", s.addr, addr)
			}
		}
		return nil
	})
	return now
}

// Settled waits until all sentinels name the same of the nodes and the others
// follow it, which is for the sentinels to bring about, and returns that node.
func Settled(t testing.TB, sentinels, nodes []*Server) *Server {
	t.Helper()
	var primary *Server
	eventually(t, "one primary whom all the others follow", func() error {
		addr := sentinels[0].Primary(t)
		for _, s := range sentinels {
			if other := s.Primary(t); other != addr {
				return fmt.Errorf("one sentinel names %q and another %q", addr, other)
			}
		}
		at := slices.IndexFunc(nodes, func(n *Server) bool { return n.addr == addr })
		if at < 0 {
			return fmt.Errorf("the sentinels name %q, which is none of the nodes", addr)
		}
		primary = nodes[at]
		return followed(t, primary, nodes)
	})
	return primary
}

// followed fails unless all other nodes follow the primary.
func followed(t testing.TB, primary *Server, nodes []*Server) error {
	t.Helper()
	for _, n := range nodes {
		if n == primary {
			continue
		}
		if err := n.follows(t, primary); err != nil {
			return err
		}
	}
	return primary.replication(t, "role:master", "connected_slaves:"+strconv.Itoa(len(nodes)-1))
}
