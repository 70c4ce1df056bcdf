package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/redisnode"
	"qingyuan/internal/redisstore"
)

// openRedis connects to the configured Redis, or runs a private one on the data
// folder. done stops what it started, after the client.
func openRedis(ctx context.Context, cfg configs.Config, log *slog.Logger) (db redis.UniversalClient, done func() error, err error) {
	if !cfg.PrivateRedis() {
		db := redis.NewUniversalClient(external(cfg))
		return db, db.Close, nil
	}
	node, err := redisnode.Start(ctx, redisnode.Options{
		Dir: cfg.Data.Dir, Binary: cfg.Redis.Binary, MaxMemory: redisMemory(cfg), Log: log,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("private redis in %s: %w", cfg.Data.Dir, err)
	}
	db = redis.NewClient(private(node.Conn(), cfg))
	return db, func() error {
		_ = db.Close()
		return node.Close()
	}, nil
}

// Both clients never repeat a command by themselves: an unknown outcome is
// answered 503, and the caller repeats the whole act.

func private(conn redisnode.Conn, cfg configs.Config) *redis.Options {
	o := conn.RedisOptions()
	o.MaxRetries = -1
	o.ContextTimeoutEnabled = true
	o.DialerRetries = 1
	o.ReadTimeout = cfg.Redis.ReadTimeout
	o.PoolSize = cfg.Redis.PoolSize
	return o
}

func external(cfg configs.Config) *redis.UniversalOptions {
	r := cfg.Redis
	o := &redis.UniversalOptions{
		Addrs: r.Addrs, MasterName: r.MasterName, Username: r.Username, Password: r.Password.Reveal(), DB: r.DB,
		MaxRetries: -1, MaxRedirects: 3, DialerRetries: 1, ContextTimeoutEnabled: true, ReadTimeout: r.ReadTimeout, PoolSize: r.PoolSize,
	}
	if r.TLS {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o
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
	return out
}
