package redisstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redistest"
)

// TestTheHalfOfAScriptDoesNotComeBack gives a Redis' log the end that a kill in
// mid-write leaves: some of a script's writes, and half of the next one.
func TestTheHalfOfAScriptDoesNotComeBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Durable())
	db := server.Client(t)
	transact(t, db, "before")
	log := newestLog(t, db)
	server.Kill(t)
	file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$6\r\nunseen\r\n$1\r\nx\r\n*3\r\n$3\r\nSET\r\n$6\r\nhal")
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	server.Restart(t)

	for range 2 { // the second may find the first under way
		if err := RewriteLogs(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		info, err := db.Info(t.Context(), "persistence").Result()
		if strings.Contains(info, "aof_rewrite_in_progress:1") || strings.Contains(info, "aof_rewrite_scheduled:1") {
			return errors.New("the log is still being written")
		}
		return err
	})
	transact(t, db, "after")
	server.Kill(t)
	server.Restart(t)
	for key, want := range map[string]int64{"before": 1, "after": 1, "unseen": 0} {
		if got := db.Exists(t.Context(), key).Val(); got != want {
			t.Errorf("%s is there %d times, want %d", key, got, want)
		}
	}
}

// transact writes as a script does that writes more than once.
func transact(t *testing.T, db *redis.Client, key string) {
	t.Helper()
	_, err := db.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
		p.Set(t.Context(), key, "", 0)
		p.Set(t.Context(), key+" too", "", 0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newestLog returns the file that a Redis writes to.
func newestLog(t *testing.T, db *redis.Client) string {
	t.Helper()
	conf := db.ConfigGet(t.Context(), "*dir*").Val()
	all, err := filepath.Glob(filepath.Join(conf["dir"], conf["appenddirname"], "*.incr.aof"))
	if err != nil || len(all) != 1 {
		t.Fatalf("files that Redis writes to: %v, %v", all, err)
	}
	return all[0]
}
