package redisstore

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

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
	suite := func(t *testing.T, name string, run func(t *testing.T)) {
		t.Helper()
		flush(t, clients[0])
		t.Run(name, run)
	}
	for _, shards := range []int{4, 16} {
		t.Run(fmt.Sprintf("S=%d", shards), func(t *testing.T) {
			suite(t, "quiz", func(t *testing.T) { runQuiz(t, suiteWith(t, clients, shards)) })
			suite(t, "pledge", func(t *testing.T) { runPledges(t, suiteWith(t, clients, shards)) })
			suite(t, "boards", func(t *testing.T) { boardtest.RunStore(t, boardsOn(t, clients, shards)) })
			suite(t, "board service", func(t *testing.T) { boardtest.RunService(t, boardsOn(t, clients, shards)) })
		})
	}
	sessiontest.Run(t, func(t *testing.T) session.Store {
		t.Helper()
		flush(t, clients[0])
		return NewSessions(clients[0])
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
