package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"qingyuan/configs"
	"qingyuan/internal/redisnode"
	"qingyuan/internal/redisstore"
)

// onConnect is asked about every new connection; nil for nobody.
type onConnect = func(context.Context, *redis.Conn) error

// openRedis connects to the configured Redis, or runs a private one on the data
// folder. connect makes further clients, done stops what was started, after all
// of them.
func openRedis(ctx context.Context, cfg configs.Config, log *slog.Logger) (connect func(onConnect) redis.UniversalClient, done func() error, err error) {
	if !cfg.PrivateRedis() {
		connect, done = clients(func(asked onConnect) redis.UniversalClient {
			o := external(cfg)
			o.OnConnect = asked
			return universal(o)
		})
		return connect, done, nil
	}
	node, err := redisnode.Start(ctx, redisnode.Options{
		Dir: cfg.Data.Dir, Binary: cfg.Redis.Binary, MaxMemory: redisMemory(cfg), Log: log,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("private redis in %s: %w", cfg.Data.Dir, err)
	}
	connect, closeAll := clients(func(asked onConnect) redis.UniversalClient {
		o := private(node.Conn(), cfg)
		o.OnConnect = asked
		return redis.NewClient(o)
	})
	return connect, func() error { return errors.Join(closeAll(), node.Close()) }, nil
}

// topologyEvery is how old what a client knows of a cluster may become. By itself
// it would keep to a primary that is gone for a minute: only a node that answers
// tells it where a shard has moved.
const topologyEvery = time.Second

// universal makes the client that the options are for.
func universal(o *redis.UniversalOptions) redis.UniversalClient {
	if o.MasterName != "" || len(o.Addrs) == 1 && !o.IsClusterMode {
		return redis.NewUniversalClient(o)
	}
	c := o.Cluster()
	c.ClusterStateReloadInterval = topologyEvery
	return redis.NewClusterClient(c)
}

// clients remembers what it makes, to close all of it.
func clients(connect func(onConnect) redis.UniversalClient) (func(onConnect) redis.UniversalClient, func() error) {
	var all []redis.UniversalClient
	remember := func(asked onConnect) redis.UniversalClient {
		db := connect(asked)
		all = append(all, db)
		return db
	}
	return remember, func() error {
		var errs []error
		for _, db := range all {
			errs = append(errs, db.Close())
		}
		return errors.Join(errs...)
	}
}

// No client repeats a command by itself: an unknown outcome is answered 503, and
// the caller repeats the whole act. Only that of a cluster does, because what
// follows a moved shard is the loop that also repeats; scripts stand that, and
// with redis.wait_replicas they do not go through it.

func private(conn redisnode.Conn, cfg configs.Config) *redis.Options {
	o := conn.RedisOptions()
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	o.DialerRetries = 1
	o.ReadTimeout = cfg.Redis.ReadTimeout
	o.PoolSize = cfg.Redis.PoolSize
	o.PipelinePoolSize = pipelines
	return o
}

// external reads from primaries only: ReadOnly, RouteByLatency and RouteRandomly
// stay off, because a replica may not have what was acknowledged a moment ago.
func external(cfg configs.Config) *redis.UniversalOptions {
	r := cfg.Redis
	o := &redis.UniversalOptions{
		Addrs: r.Addrs, IsClusterMode: r.Cluster, MasterName: r.MasterName,
		Username: r.Username, Password: r.Password.Reveal(), DB: r.DB,
		SentinelUsername: r.SentinelUsername, SentinelPassword: r.SentinelPassword.Reveal(),
		MaxRetries: -1, MaxRedirects: 3, DialTimeout: r.ReadTimeout, DialerRetries: 1,
		ContextTimeoutEnabled: true, ReadTimeout: r.ReadTimeout, PoolSize: r.PoolSize, PipelinePoolSize: pipelines,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if r.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o
}

// observe lets a hook see every command, once. On a cluster the nodes are
// watched, because a script that waits for its replicas goes to one of them, and
// not through the cluster's client. It must be called before the first command.
func observe(db redis.UniversalClient, hook redis.Hook) {
	if cluster, ok := db.(*redis.ClusterClient); ok {
		cluster.OnNewNode(func(node *redis.Client) { node.AddHook(hook) })
		return
	}
	db.AddHook(hook)
}

// pipelines is how many connections are kept for what is read in one piece. go-redis
// would keep ten.
const pipelines = 16

// joinedMost is how many connections joined commands may take at once. Each carries
// sixteen submissions; docs/adr/0012-joined-commands.md says how it was found.
const joinedMost = 16

// Streams are read over connections of their own, because an act must not wait behind
// them: so many at most, and so many bytes at once.
const (
	streamsMost   = 2
	streamsBuffer = 64 << 10
)

// join lets concurrent requests' commands travel together, where one server takes
// them all; nil elsewhere. Not with Sentinel: only go-redis' own connections are
// closed when it names another primary.
func join(cfg configs.Config, db redis.UniversalClient, most int) *redisstore.Joined {
	one, ok := db.(*redis.Client)
	if !ok || cfg.Redis.MasterName != "" {
		return nil
	}
	return redisstore.NewJoined(one, most)
}

// fingerprints names the secrets on which servers of one deployment must agree.
func fingerprints(s configs.Secrets) map[string]string {
	out := map[string]string{"secrets.master": redisstore.Fingerprint(s.Master.Key())}
	for id, secret := range s.TokenKeys {
		out["secrets.token_keys."+id] = redisstore.Fingerprint(secret.Key())
	}
	for id, secret := range s.SealKeys {
		out["secrets.seal_keys."+id] = redisstore.Fingerprint(secret.Key())
	}
	for id, secret := range s.ProofKeys {
		out["secrets.proof_keys."+id] = redisstore.Fingerprint(secret.Key())
	}
	return out
}
