package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"qingyuan/configs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
)

// deploymentFile is where a data folder remembers which deployment it belongs
// to, so that an emptied or foreign Redis is recognised.
const deploymentFile = "deployment"

// errForeignDatabase is a database whose facts are another deployment's.
var errForeignDatabase = errors.New("the data folder and the database belong to different deployments")

// claimant ties Redis, database and data folder to one deployment.
type claimant struct {
	redis  redis.UniversalClient
	ledger *ledger.Ledger
	cfg    configs.Config

	mu sync.Mutex
	id string // once all three agree
}

// claim makes sure that the Redis belongs to the deployment of the database and
// of the data folder, or says why it must not be used. Where none of them knows
// a deployment, it begins one.
func (c *claimant) claim(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.id
	if known == "" {
		var err error
		if known, err = c.remembered(ctx); err != nil {
			return err
		}
	}
	db := redisstore.Waiting{DB: c.redis, Replicas: c.cfg.Redis.WaitReplicas, Timeout: c.cfg.Redis.WaitTimeout}
	id, err := redisstore.NewDeployment(db).Claim(ctx, redisstore.Identity{ID: known, Fingerprints: fingerprints(c.cfg.Secrets)})
	if err != nil || c.id != "" {
		return err
	}
	if err := c.remember(ctx, id); err != nil {
		return err
	}
	c.id = id
	return nil
}

// remembered asks the data folder and the database, which must agree. The
// database is asked although the folder knows: a folder can be copied.
func (c *claimant) remembered(ctx context.Context) (string, error) {
	text, err := os.ReadFile(c.path())
	if err != nil && !os.IsNotExist(err) {
		return "", fmt.Errorf("read %s: %w", c.path(), err)
	}
	folder := strings.TrimSpace(string(text))
	database, err := c.ledger.Deployment(ctx, "")
	switch {
	case err != nil:
		return "", err
	case folder == "":
		return database, nil
	case database != "" && database != folder:
		return "", errForeignDatabase
	default:
		return folder, nil
	}
}

func (c *claimant) path() string { return filepath.Join(c.cfg.Data.Dir, deploymentFile) }

// remember writes the id down, in the database first, which all servers share.
func (c *claimant) remember(ctx context.Context, id string) error {
	kept, err := c.ledger.Deployment(ctx, id)
	if err != nil {
		return err
	}
	if kept != id {
		return errForeignDatabase
	}
	if err := os.MkdirAll(c.cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.WriteFile(c.path(), []byte(id+"\n"), 0o600); err != nil {
		return fmt.Errorf("remember the deployment: %w", err)
	}
	return nil
}
