package redisstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
	"qingyuan/internal/session/sessiontest"
	"qingyuan/leaderboard/boardtest"
)

// clustered are the clients of several servers of one cluster.
func clustered(t testing.TB, c *redistest.Cluster) []*redis.ClusterClient {
	t.Helper()
	var out []*redis.ClusterClient
	for range serversOfARig {
		out = append(out, c.Client(t))
	}
	return out
}

// TestSuitesOnACluster runs what any store must do where the shards of one
// campaign lie on several servers: a script or a pipeline that touched the keys
// of two shards as if they lay together would be refused. The suites follow each
// other, because each names its campaigns alike.
func TestSuitesOnACluster(t *testing.T) {
	t.Parallel()
	clients := clustered(t, redistest.StartCluster(t, 3, 0))
	suite := func(name string, run func(t *testing.T)) {
		flush(t, clients[0])
		t.Run(name, run)
	}
	const shards = 4 // more than there are servers
	suite("quiz", func(t *testing.T) {
		t.Helper()
		runQuiz(t, suiteWith(t, clients, shards))
	})
	suite("pledge", func(t *testing.T) {
		t.Helper()
		runPledges(t, suiteWith(t, clients, shards))
	})
	suite("boards", func(t *testing.T) {
		t.Helper()
		boardtest.RunStore(t, boardsOn(t, clients, shards))
	})
	suite("board service", func(t *testing.T) {
		t.Helper()
		boardtest.RunService(t, boardsOn(t, clients, shards))
	})
	sessiontest.Run(t, func(t *testing.T) session.Store {
		t.Helper()
		flush(t, clients[0])
		c := NewCampaigns(clients[0])
		if err := c.OpenDoors(t.Context(), Known{}); err != nil {
			t.Fatal(err)
		}
		return NewSessions(c, time.Now)
	})
}

func flush(t *testing.T, db *redis.ClusterClient) {
	t.Helper()
	err := db.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error {
		return node.FlushAll(ctx).Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sharded is a campaign on a cluster with replicas, and a server that waits for
// them.
type sharded struct {
	*rig
	cluster *redistest.Cluster
	waits   server
}

func newSharded(t *testing.T, patience time.Duration) *sharded {
	t.Helper()
	c := redistest.StartCluster(t, 2, 1)
	r := rigOn(t, clustered(t, c), definition(t, "antidrug", 4))
	return &sharded{r, c, waitingOn(r, c.Client(t), patience)}
}

// on returns a person of a shard.
func (s *sharded) on(shard, number int) string {
	s.Helper()
	o, err := s.campaigns.of(s.def.ID)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; ; i++ {
		if p := fmt.Sprintf("p%d-%d", number, i); o.shard(p) == shard {
			return p
		}
	}
}

func (s *sharded) enrolled(participant string) error {
	e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
	_, err := s.waits.enrolments.Enrol(s.Context(), s.def.ID, participant, e, campaign.Personal{})
	return err
}

// elsewhere returns a shard that lies on another primary than shard 0.
func (s *sharded) elsewhere() int {
	s.Helper()
	first, _ := s.cluster.Owner(s.TB, keysOf(s.def.ID, 0).meta())
	for shard := range s.def.Shards {
		if p, _ := s.cluster.Owner(s.TB, keysOf(s.def.ID, shard).meta()); p != first {
			return shard
		}
	}
	s.Fatal("all shards lie on one primary")
	return 0
}

// TestWaitingAsksTheShardsOwnPrimary: the replica of one primary hangs, and that
// of the other says nothing about it.
func TestWaitingAsksTheShardsOwnPrimary(t *testing.T) {
	t.Parallel()
	s := newSharded(t, enough)
	here, there := 0, s.elsewhere()
	_, replica := s.cluster.Owner(t, keysOf(s.def.ID, here).meta())
	for shard := range s.def.Shards {
		if err := s.enrolled(s.on(shard, 0)); err != nil {
			t.Errorf("shard %d: %v", shard, err)
		}
	}
	replica.Pause(t)
	s.waits.campaigns.writes.Timeout = shortly
	unconfirmed(t, "its replica hangs", map[string]error{"enrolment": s.enrolled(s.on(here, 1))})
	s.waits.campaigns.writes.Timeout = enough
	if err := s.enrolled(s.on(there, 1)); err != nil {
		t.Errorf("another shard: %v", err)
	}
}

// TestWaitingFollowsAShard that moves to another primary under a server that
// does not know it. While it is on its way, who has been there is served by
// whoever has their keys, and who has not is told to come again.
func TestWaitingFollowsAShard(t *testing.T) {
	t.Parallel()
	s := newSharded(t, enough)
	here, there := 0, s.elsewhere()
	from, _ := s.cluster.Owner(t, keysOf(s.def.ID, here).meta())
	to, _ := s.cluster.Owner(t, keysOf(s.def.ID, there).meta())
	known, stranger := s.on(here, 0), s.on(here, 1)
	if err := s.enrolled(known); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.waits.signatures.Sign(t.Context(), s.def.ID, known, signature(noon), campaign.Personal{}); err != nil {
		t.Fatal(err)
	}
	m := redistest.Move{Cluster: s.cluster, From: from, To: to, Slot: s.cluster.Slot(t, keysOf(s.def.ID, here).meta())}
	m.Begin(t)
	m.Keys(t)
	if err := s.enrolled(known); err != nil {
		t.Errorf("while their shard moves: %v", err)
	}
	if err := s.enrolled(stranger); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("a stranger while the shard moves: %v", err)
	}
	m.End(t)
	for _, p := range []string{known, stranger} {
		if err := s.enrolled(p); err != nil {
			t.Errorf("after their shard moved: %v", err)
		}
	}
	if now, _ := s.cluster.Owner(t, keysOf(s.def.ID, here).meta()); now != to {
		t.Errorf("the shard is at %s, want %s", now.Addr(), to.Addr())
	}
	s.told(t, map[event.Kind]int{"enrolled.1": 2, "signed.1": 1})
}
