package main

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/simulate"
)

// How long the tests with several servers are; a hundred failovers, within an hour:
//
//	go test ./cmd/qingyuan -run Sentinel -timeout 2h -v -args -ha.rounds 100 -ha.each 60
var (
	rounds = flag.Int("ha.rounds", haRounds, "how often the tests with several servers disturb them")
	each   = flag.Int("ha.each", haEach, "how many people come between two disturbances")
)

// sharded puts the campaign with known answers into a data folder, with so many
// shards.
func sharded(t *testing.T, cfg configs.Config, shards string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"campaign.yaml", "questions.yaml"} {
		text, err := os.ReadFile(filepath.Join("testdata/known", name))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.Replace(string(text), "shards: 4", "shards: "+shards, 1))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if status, out, errs := command(t, "campaign", "apply", "--files", filepath.Join(dir, "campaign.yaml"), "--data", cfg.Data.Dir); status != exitDone {
		t.Fatalf("campaign apply = %d\n%s%s", status, out, errs)
	}
}

// disturbed simulates people at a target and takes steps against it, spread over
// their coming. Whatever was acknowledged must be there afterwards, and counted
// once.
func disturbed(t *testing.T, target, campaign string, steps ...func()) simulate.Report {
	t.Helper()
	cfg := simulate.Default()
	cfg.Target, cfg.Campaign, cfg.Workers = target, campaign, 24
	cfg.Participants, cfg.Rate = *each*(len(steps)+2), haRate
	cfg.Settle, cfg.Patience = patience, 4*patience
	came := &counter{news: make(chan struct{}, 1)}
	done := make(chan simulation, 1)
	go func() {
		report, err := simulate.Run(t.Context(), cfg, came)
		done <- simulation{report, err}
	}()
	for i, step := range steps {
		for came.steps.Load() < int64((i+1)**each) {
			select {
			case <-came.news:
			case v := <-done:
				t.Fatalf("the simulation ended before step %d: %v", i+1, v.err)
			}
		}
		step()
	}
	v := <-done
	if v.err != nil {
		t.Fatal(v.err)
	}
	t.Logf("%d disturbances of %d people in %.1f s, repeated because of %v", len(steps), cfg.Participants, v.report.Seconds, v.report.Retries)
	requireOK(t, &v.report)
	return v.report
}

// counter counts who has come through a simulation.
type counter struct {
	steps atomic.Int64
	news  chan struct{}
}

func (c *counter) Begin(string, int) {}
func (c *counter) End()              {}

func (c *counter) Step() {
	c.steps.Add(1)
	select {
	case c.news <- struct{}{}:
	default:
	}
}

// simulation is what came of one.
type simulation struct {
	report simulate.Report
	err    error
}

// requireNoticed fails if nobody met the disturbance: then it proved nothing.
func requireNoticed(t *testing.T, r simulate.Report) {
	t.Helper()
	if r.Retries["service.unavailable"] == 0 {
		t.Error("nobody was told to come again")
	}
}

// TestInvariant3SentinelFailsOver kills the primary under load. With wait_replicas
// at all replicas, whichever is promoted has every act that was acknowledged.
// Until the old primary is back as a replica nothing more can be acknowledged.
func TestInvariant3SentinelFailsOver(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.Durable(), redistest.TCP())
	nodes := []*redistest.Server{primary, redistest.Replica(t, primary, redistest.Durable()), redistest.Replica(t, primary, redistest.Durable())}
	sentinels := redistest.Sentinels(t, primary, 3)
	cfg := on(t, "", "k")
	cfg.Redis.Addrs, cfg.Redis.MasterName = redistest.Addrs(sentinels), redistest.MasterName
	cfg.Redis.WaitReplicas = 2
	s := start(t, cfg)
	step := func() { primary = failOver(t, nodes, sentinels, primary) }
	requireNoticed(t, disturbed(t, s.base, demoCampaign, repeated(step)...))
	requireLedger(t, cfg)
}

// repeated takes steps as many times as the flag says.
func repeated(steps ...func()) []func() { return slices.Repeat(steps, *rounds) }

// requireLedger compares Redis with the ledger, as the command does: not one
// act more or less, whoever was the primary when.
func requireLedger(t *testing.T, cfg configs.Config) {
	t.Helper()
	w, err := openWorkbench(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	opened, err := w.chosen(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range opened {
		r, err := w.verify(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Clean() {
			var told bytes.Buffer
			_ = tellReport(&told, &r)
			t.Error(told.String())
		}
	}
}

// failOver kills the primary, waits for the sentinels to promote a replica, and
// starts the old one again, which comes back as the primary that it was: it is for
// the sentinels to make it a replica of the new one.
func failOver(t *testing.T, nodes, sentinels []*redistest.Server, primary *redistest.Server) *redistest.Server {
	t.Helper()
	primary.Kill(t)
	redistest.FailedOver(t, sentinels, primary)
	primary.Restart(t)
	return redistest.Settled(t, sentinels, nodes)
}

// TestInvariant3ClusterReshardsAndFailsOver moves shards to another primary under
// load, and then kills that one.
func TestInvariant3ClusterReshardsAndFailsOver(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 1, redistest.Durable())
	cfg := on(t, "", "k")
	cfg.Redis.Addrs, cfg.Redis.Cluster = []string{c.Nodes[0].Addr()}, true // the client finds the others
	cfg.Redis.WaitReplicas = 1
	sharded(t, cfg, "16")
	s := start(t, cfg)
	var doomed *redistest.Server
	requireNoticed(t, disturbed(t, s.base, knownCampaign, repeated(
		func() { doomed = reshard(t, c) },
		func() { lose(t, c, doomed) },
	)...))
	requireLedger(t, cfg)
}

// lose ends a primary. Its replica takes over, and acknowledges nothing until
// the old primary is back to follow it.
func lose(t *testing.T, c *redistest.Cluster, primary *redistest.Server) {
	t.Helper()
	primary.Kill(t)
	c.Settle(t)
	primary.Restart(t)
	c.Settle(t)
}

// reshard moves two shards of the campaign to the primary of others, and returns
// that one.
func reshard(t *testing.T, c *redistest.Cluster) *redistest.Server {
	t.Helper()
	var from, to *redistest.Server
	var slots []int
	for shard := range 16 {
		key := redisstore.StreamKey(knownCampaign, shard, event.Facts)
		switch owner, _ := c.Owner(t, key); {
		case from == nil || owner == from && len(slots) < 2:
			from, slots = owner, append(slots, c.Slot(t, key))
		case owner != from:
			to = owner
		}
	}
	c.Reshard(t, from, to, slots...)
	return to
}
