package redistest_test

import (
	"fmt"
	"testing"

	"qingyuan/internal/redistest"
)

func TestReplicaFollowsAndIsPromoted(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.TCP())
	if err := primary.Client(t).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	replica := redistest.Replica(t, primary)
	if got := replica.Client(t).Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("the replica has %q", got)
	}
	primary.Kill(t)
	replica.Promote(t)
	if err := replica.Client(t).Set(t.Context(), "k", "w", 0).Err(); err != nil {
		t.Errorf("a promoted replica: %v", err)
	}
	primary.Restart(t)
	primary.Follow(t, replica)
	if got := primary.Client(t).Get(t.Context(), "k").Val(); got != "w" {
		t.Errorf("the old primary has %q", got)
	}
}

func TestPausedServerAnswersLater(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	db := s.Client(t)
	s.Pause(t)
	answer := make(chan error, 1)
	go func() { answer <- db.Ping(t.Context()).Err() }()
	select {
	case err := <-answer:
		t.Errorf("a paused server answered: %v", err)
	default:
	}
	s.Resume(t)
	if err := <-answer; err != nil {
		t.Error(err)
	}
	s.Pause(t) // and it can be stopped all the same
}

func TestSentinelsFailOver(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.TCP())
	replicas := []*redistest.Server{redistest.Replica(t, primary), redistest.Replica(t, primary)}
	sentinels := redistest.Sentinels(t, primary, 3)
	if got := sentinels[1].Primary(t); got != primary.Addr() {
		t.Fatalf("the primary is %s, want %s", got, primary.Addr())
	}
	primary.Kill(t)
	now := redistest.FailedOver(t, sentinels, primary)
	if now != replicas[0].Addr() && now != replicas[1].Addr() {
		t.Errorf("the new primary is %s, no replica", now)
	}
}

func TestClusterServesReshardsAndFailsOver(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 1)
	db := c.Client(t)
	for i := range 20 {
		if err := db.Set(t.Context(), fmt.Sprint("{tag}", i), i, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	from, _ := c.Owner(t, "{tag}")
	to := c.Nodes[0]
	if to == from {
		to = c.Nodes[1]
	}
	c.Reshard(t, from, to, c.Slot(t, "{tag}"))
	now, replica := c.Owner(t, "{tag}")
	if now != to || replica == nil {
		t.Fatalf("the owner is %s, want %s with a replica", now.Addr(), to.Addr())
	}
	to.Kill(t)
	c.Settle(t)
	if now, _ = c.Owner(t, "{tag}"); now != replica {
		t.Errorf("after a failover the owner is %s, want %s", now.Addr(), replica.Addr())
	}
	to.Restart(t)
	c.Settle(t)
	for i := range 20 {
		if got := db.Get(t.Context(), fmt.Sprint("{tag}", i)).Val(); got != fmt.Sprint(i) {
			t.Errorf("key %d is %q", i, got)
		}
	}
}
