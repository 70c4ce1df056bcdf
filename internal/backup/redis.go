package backup

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// savePoll is how often Redis is asked how far it has come.
const savePoll = 20 * time.Millisecond

// saveRedis makes Redis write a dump of all it holds now and takes the dump. The
// server goes on meanwhile: a child of its own writes.
func saveRedis(ctx context.Context, db redis.UniversalClient) (Part, error) {
	path, err := dumpPath(ctx, db)
	if err != nil {
		return Part{}, err
	}
	if err := save(ctx, db); err != nil {
		return Part{}, err
	}
	return takeFile(dumpName, path)
}

func dumpPath(ctx context.Context, db redis.UniversalClient) (string, error) {
	var parts []string
	for _, name := range []string{"dir", "dbfilename"} {
		values, err := db.ConfigGet(ctx, name).Result()
		if err != nil {
			return "", fmt.Errorf("ask Redis where it saves: %w", err)
		}
		if values[name] == "" {
			return "", fmt.Errorf("ask Redis where it saves: it does not tell its %s", name)
		}
		parts = append(parts, values[name])
	}
	return filepath.Join(parts...), nil
}

// save returns when Redis has saved a state that is newer than the call.
func save(ctx context.Context, db redis.UniversalClient) error {
	for {
		before, err := idle(ctx, db)
		if err != nil {
			return err
		}
		// SCHEDULE waits for a rewrite of the log to end, where one runs.
		err = db.Do(ctx, "BGSAVE", "SCHEDULE").Err()
		if err != nil && strings.Contains(err.Error(), "already in progress") {
			continue // somebody else was faster, and began before us or after: unknown
		}
		if err != nil {
			return fmt.Errorf("let Redis save: %w", err)
		}
		return saved(ctx, db, before)
	}
}

// idle waits until Redis saves nothing and returns how it is then.
func idle(ctx context.Context, db redis.UniversalClient) (saves, error) {
	var s saves
	err := poll(ctx, func() (done bool, err error) {
		s, err = askSaves(ctx, db)
		return !s.running, err
	})
	return s, err
}

// saved waits until a save that began after before has ended well.
func saved(ctx context.Context, db redis.UniversalClient, before saves) error {
	return poll(ctx, func() (bool, error) {
		s, err := askSaves(ctx, db)
		switch {
		case err != nil:
			return false, err
		case s.server != before.server:
			return false, errors.New("let Redis save: it was started again meanwhile; try once more")
		case s.begun == before.begun || s.running:
			return false, nil
		case s.status != "ok":
			return false, fmt.Errorf("let Redis save: it ended with status %q; its log says why", s.status)
		default:
			return true, nil
		}
	})
}

// poll calls until done, until an error, or until ctx ends.
func poll(ctx context.Context, until func() (done bool, err error)) error {
	tick := time.NewTicker(savePoll)
	defer tick.Stop()
	for {
		done, err := until()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// saves is what Redis says about its saving.
type saves struct {
	server  string // changes with every start
	begun   int64  // since the start
	running bool   // or still loading
	status  string // of the last that ended
	memory  int64  // bytes that the data takes
}

func askSaves(ctx context.Context, db redis.UniversalClient) (saves, error) {
	text, err := db.Info(ctx, "server", "persistence", "memory").Result()
	if err != nil {
		return saves{}, fmt.Errorf("ask Redis how saving goes: %w", err)
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	s := saves{
		server: info["run_id"], status: info["rdb_last_bgsave_status"],
		running: info["rdb_bgsave_in_progress"] != "0" || info["loading"] != "0",
	}
	if s.begun, err = strconv.ParseInt(info["rdb_saves"], 10, 64); err != nil {
		return s, fmt.Errorf("ask Redis how saving goes: rdb_saves: %w", err)
	}
	if s.memory, err = strconv.ParseInt(info["used_memory"], 10, 64); err != nil {
		return s, fmt.Errorf("ask Redis how saving goes: used_memory: %w", err)
	}
	return s, nil
}
