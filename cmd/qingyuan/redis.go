package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

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
		Dir: cfg.Data.Dir, Binary: cfg.Redis.Binary, Log: log,
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

// deploymentFile is where a data folder remembers which deployment it belongs
// to, so that an emptied or foreign Redis is recognised.
const deploymentFile = "deployment"

// claim ties the Redis to this deployment, or says why it must not be used.
func claim(ctx context.Context, db redis.UniversalClient, cfg configs.Config) error {
	path := filepath.Join(cfg.Data.Dir, deploymentFile)
	known, err := os.ReadFile(path) //nolint:gosec // The operator names the data folder.
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("read %s: %w", path, err)
	}
	id, err := redisstore.NewDeployment(db).Claim(ctx, redisstore.Identity{
		ID: strings.TrimSpace(string(known)), Fingerprints: fingerprints(cfg.Secrets),
	})
	if err != nil {
		return err
	}
	if len(known) > 0 {
		return nil
	}
	if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return fmt.Errorf("remember the deployment: %w", err)
	}
	return nil
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
