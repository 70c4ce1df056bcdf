package main

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/redistest"
	"qingyuan/internal/waittest"
)

// TestExternalRedisOfEachKind opens what the configuration asks for, without a
// server: which client it is, whom it logs in at, and that it leaves repeating
// to whoever called.
func TestExternalRedisOfEachKind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		redis configs.Redis
		want  string
	}{
		"one server":          {configs.Redis{Addrs: []string{"h:1"}}, "*redis.Client"},
		"nodes of a cluster":  {configs.Redis{Addrs: []string{"h:1", "h:2"}}, "*redis.ClusterClient"},
		"a cluster's address": {configs.Redis{Addrs: []string{"h:1"}, Cluster: true}, "*redis.ClusterClient"},
		"sentinels":           {configs.Redis{Addrs: []string{"h:1", "h:2"}, MasterName: "m"}, "*redis.Client"},
	} {
		o := external(configs.Config{Redis: tc.redis})
		db := universal(o)
		if got := fmt.Sprintf("%T", db); got != tc.want {
			t.Errorf("%s: a %s, want a %s", name, got, tc.want)
		}
		_ = db.Close()
		if o.MaxRetries != -1 || !o.ContextTimeoutEnabled || o.ReadOnly || o.RouteByLatency || o.RouteRandomly {
			t.Errorf("%s: %+v", name, o)
		}
	}
	o := external(configs.Config{Redis: configs.Redis{
		Username: "u", Password: configs.NewSecret("p"), SentinelUsername: "su", SentinelPassword: configs.NewSecret("sp"),
	}})
	if o.Username != "u" || o.Password != "p" || o.SentinelUsername != "su" || o.SentinelPassword != "sp" {
		t.Errorf("it logs in with %+v", o)
	}
}

// seen counts what a hook is shown.
type seen struct{ commands, pipelines atomic.Int64 }

func (s *seen) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (s *seen) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "get" {
			s.commands.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (s *seen) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "get" {
			s.pipelines.Add(1)
		}
		return next(ctx, cmds)
	}
}

// TestEveryCommandIsObservedOnce, also one that goes past a cluster's client to a
// node.
func TestEveryCommandIsObservedOnce(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]redis.UniversalClient{
		"one server": redistest.Start(t).Client(t),
		"a cluster":  redistest.StartCluster(t, 1, 0).Client(t),
	} {
		var s seen
		observe(db, &s)
		node, ok := db.(*redis.Client)
		if cluster, is := db.(*redis.ClusterClient); is {
			var err error
			if node, err = cluster.MasterForKey(t.Context(), "k"); err != nil {
				t.Fatal(err)
			}
		} else if !ok {
			t.Fatalf("%s is a %T", name, db)
		}
		get := func(p redis.Pipeliner) error { return p.Get(t.Context(), "k").Err() }
		_ = db.Get(t.Context(), "k").Err() // there is none
		_, _ = db.Pipelined(t.Context(), get)
		conn := node.Conn()
		_, _ = conn.Pipelined(t.Context(), get)
		_ = conn.Close()
		if s.commands.Load() != 1 || s.pipelines.Load() != 2 {
			t.Errorf("%s: %d commands and %d pipelines seen, want 1 and 2", name, s.commands.Load(), s.pipelines.Load())
		}
	}
}

// TestInvariant3AClusterWithoutAPrimary kills a primary for which no act waits: a
// client that nobody tells must find the new one by itself, and soon.
func TestInvariant3AClusterWithoutAPrimary(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 1)
	cfg := configs.Default()
	cfg.Redis.Addrs, cfg.Redis.Cluster = redistest.Addrs(c.Nodes), true
	connect, done, err := openRedis(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = done() })
	db := connect(nil)
	set := func() error { return db.Set(t.Context(), "k", "v", 0).Err() }
	if err := set(); err != nil {
		t.Fatal(err)
	}
	primary, _ := c.Owner(t, "k")
	primary.Kill(t)
	c.Settle(t)
	waittest.Until(t, "a write to the primary that has taken over", func() bool { return set() == nil })
}
