package redisnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ErrNotRunning means that no server runs on the data folder.
var ErrNotRunning = errors.New("no server runs on this data folder")

// readTimeout is how long one answer may take. It is longer than any sync of a
// disk that one would accept.
const readTimeout = 2 * time.Second

// Conn says how to reach a private Redis. There is no password: the socket lies
// in a folder that only our user may enter.
type Conn struct {
	Network string `json:"network"` // "unix"
	Addr    string `json:"addr"`    // the socket's path
}

// RedisOptions returns options for a go-redis client of this Redis. Commands
// are sent once, because a retry after a lost answer would run them twice, and
// the deadline of a context holds. The pool's size is left to the caller.
func (c Conn) RedisOptions() *redis.Options {
	return &redis.Options{
		Network:               c.Network,
		Addr:                  c.Addr,
		MaxRetries:            -1,
		ContextTimeoutEnabled: true,
		ReadTimeout:           readTimeout,
		WriteTimeout:          readTimeout,
		// Announcements of managed services; a private Redis makes none.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Attach finds the private Redis that a running server keeps on dataDir, for
// commands that work beside it. It fails with ErrNotRunning when there is none.
func Attach(dataDir string) (Conn, error) {
	used, err := locked(dataDir)
	if err != nil {
		return Conn{}, fmt.Errorf("look for a server on %s: %w", dataDir, err)
	}
	if !used {
		return Conn{}, fmt.Errorf("%w: %s", ErrNotRunning, dataDir)
	}
	node, err := readNodeFile(redisDir(dataDir))
	if errors.Is(err, os.ErrNotExist) {
		return Conn{}, fmt.Errorf("%w: %s is locked but has no Redis (yet)", ErrNotRunning, dataDir)
	}
	if err != nil {
		return Conn{}, fmt.Errorf("look for a server on %s: %w", dataDir, err)
	}
	return node.Conn, nil
}

// nodeFile is what node.json holds. It lies there while a server runs, and
// stays when the server is killed.
type nodeFile struct {
	Conn

	ServerPID int `json:"server_pid"`
}

func redisDir(dataDir string) string { return filepath.Join(dataDir, "redis") }

func nodePath(redisDir string) string { return filepath.Join(redisDir, "node.json") }

func writeNodeFile(redisDir string, c Conn) error {
	text, err := json.Marshal(nodeFile{Conn: c, ServerPID: os.Getpid()})
	if err != nil {
		return fmt.Errorf("encode %s: %w", nodePath(redisDir), err)
	}
	// By renaming, so that nobody reads half of it.
	draft := nodePath(redisDir) + ".new"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return fmt.Errorf("write how to reach redis-server: %w", err)
	}
	if err := os.Rename(draft, nodePath(redisDir)); err != nil {
		return fmt.Errorf("write how to reach redis-server: %w", err)
	}
	return nil
}

func readNodeFile(redisDir string) (nodeFile, error) {
	text, err := os.ReadFile(nodePath(redisDir))
	if err != nil {
		return nodeFile{}, err
	}
	var node nodeFile
	if err := json.Unmarshal(text, &node); err != nil {
		return nodeFile{}, fmt.Errorf("read %s: %w", nodePath(redisDir), err)
	}
	if node.Network == "" || node.Addr == "" {
		return nodeFile{}, fmt.Errorf("read %s: no address in it", nodePath(redisDir))
	}
	return node, nil
}

func removeNodeFile(redisDir string) { _ = os.Remove(nodePath(redisDir)) }
