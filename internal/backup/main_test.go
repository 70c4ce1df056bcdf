package backup_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"qingyuan/internal/backup"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisnode"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/waittest"
)

// The test binary runs itself again as a process that makes a backup and can be
// killed: folder and file, with a line end between them.
const helperEnv = "QINGYUAN_TEST_BACKUP"

func TestMain(m *testing.M) {
	if dir, file, ok := strings.Cut(os.Getenv(helperEnv), "\n"); ok {
		if err := backUp(context.Background(), dir, file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// backUp is the helper process: it works beside the one that runs Redis.
func backUp(ctx context.Context, dir, file string) error {
	conn, err := redisnode.Attach(dir)
	if err != nil {
		return err
	}
	sql, err := sqldb.Open(ctx, filepath.Join(dir, backup.DatabaseName))
	if err != nil {
		return err
	}
	j := backup.Job{
		Data: dir, File: file, Redis: redis.NewClient(conn.RedisOptions()), Database: sql, Ledger: ledger.New(sql), Now: time.Now,
	}
	_, err = j.Run(ctx)
	return err
}

// TestKilledBackup kills a backup while Redis saves for it. No file must be
// there, trimming must go on by itself, and the next backup must succeed.
func TestKilledBackup(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	slowToSave(t, f)
	file := filepath.Join(t.TempDir(), "b")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+f.dir+"\n"+file)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	waittest.Until(t, "Redis to save", func() bool {
		return strings.Contains(f.db.Info(t.Context(), "persistence").Val(), "rdb_bgsave_in_progress:1")
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the backup was over before it was killed")
	}
	if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
		t.Errorf("the killed backup left %v", left)
	}
	l := ledger.New(f.sql)
	for after, want := range map[time.Duration]bool{0: true, 5 * time.Minute: false} {
		if held, err := l.Held(t.Context(), time.Now().Add(after)); err != nil || held != want {
			t.Errorf("trimming is on hold %v after the kill: %t, %v; want %t", after, held, err, want)
		}
	}
	if err := f.db.ConfigSet(t.Context(), "rdb-key-save-delay", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.job(file).Run(t.Context()); err != nil {
		t.Errorf("the next backup: %v", err)
	}
	if held, err := l.Held(t.Context(), time.Now()); err != nil || held {
		t.Errorf("trimming is on hold after the next backup: %t, %v", held, err)
	}
}
