package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/backup"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisnode"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/waittest"
)

// folder is a data folder in use: its Redis and its database run until the test
// ends.
type folder struct {
	dir string
	db  *redis.Client
	sql *sqldb.DB
}

func open(t *testing.T, dir string) *folder {
	t.Helper()
	node, err := redisnode.Start(t.Context(), redisnode.Options{Dir: dir})
	if err != nil {
		t.Fatalf("%v\n(the tests need Redis 7.0 or newer: `make test` installs it)", err)
	}
	t.Cleanup(func() { _ = node.Close() })
	sql, err := sqldb.Open(t.Context(), filepath.Join(dir, "qingyuan.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close() })
	db := redis.NewClient(node.Conn().RedisOptions())
	t.Cleanup(func() { _ = db.Close() })
	return &folder{dir: dir, db: db, sql: sql}
}

// fresh is a data folder as a server leaves it.
func fresh(t *testing.T) *folder {
	t.Helper()
	f := open(t, t.TempDir())
	f.put(t, "deployment", "d1\n")
	f.put(t, "secrets.yaml", "master: x\n")
	f.put(t, "campaigns/a/campaign.yaml", "id: a\n")
	f.put(t, "campaigns/a/.draft", "half\n")
	return f
}

func (f *folder) put(t *testing.T, name, text string) {
	t.Helper()
	full := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *folder) job(file string) *backup.Job {
	return &backup.Job{
		Data: f.dir, File: file, Program: "v1",
		Redis: f.db, Database: f.sql, Ledger: ledger.New(f.sql), Now: time.Now,
	}
}

// city is a shard in small: somebody writes numbered acts to a stream, and
// somebody archives them in SQL and trims the stream, unless that is on hold.
type city struct {
	*folder

	ledger *ledger.Ledger
	acked  atomic.Int64 // highest number that was acknowledged
	wg     sync.WaitGroup
}

const acts = "acts" // a stream in Redis, a table in SQL

// act writes until ctx ends.
func (c *city) act(ctx context.Context, t *testing.T) {
	t.Helper()
	for n := int64(1); ctx.Err() == nil; n++ {
		id := strconv.FormatInt(n, 10) + "-1"
		if err := c.db.XAdd(context.Background(), &redis.XAddArgs{Stream: acts, ID: id, Values: []string{"n", "1"}}).Err(); err != nil {
			t.Errorf("act: %v", err)
			return
		}
		c.acked.Store(n)
	}
}

// archive moves acts into SQL until ctx ends, and trims what is there.
func (c *city) archive(ctx context.Context, t *testing.T) {
	t.Helper()
	for last := int64(0); ctx.Err() == nil; {
		page, err := c.db.XRangeN(context.Background(), acts, "("+strconv.FormatInt(last, 10)+"-1", "+", 20).Result()
		if err != nil {
			t.Errorf("archive: %v", err)
			return
		}
		for range page {
			last++
			if _, err := c.sql.ExecContext(context.Background(), "INSERT INTO acts (n) VALUES ($1)", last); err != nil {
				t.Errorf("archive: %v", err)
				return
			}
		}
		if held, err := c.ledger.Held(context.Background(), time.Now()); err != nil || held {
			continue
		}
		if err := c.db.XTrimMinID(context.Background(), acts, strconv.FormatInt(last+1, 10)).Err(); err != nil {
			t.Errorf("trim: %v", err)
		}
	}
}

func busy(t *testing.T) (c *city, stop func()) {
	t.Helper()
	c = &city{folder: fresh(t)}
	c.ledger = ledger.New(c.sql)
	if _, err := c.sql.ExecContext(t.Context(), "CREATE TABLE acts (n INTEGER PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.wg.Go(func() { c.act(ctx, t) })
	c.wg.Go(func() { c.archive(ctx, t) })
	return c, func() { cancel(); c.wg.Wait() }
}

// TestCopiesFitTogether backs up a folder again and again while it is written
// to. What was acknowledged before must be in each, and where the ledger ends
// Redis must go on.
func TestCopiesFitTogether(t *testing.T) {
	t.Parallel()
	c, stop := busy(t)
	defer stop()
	var files []string
	var before []int64
	for i := range 3 {
		waittest.Until(t, "more acts in SQL", func() bool { return c.archived(t) > int64(100*(i+1)) })
		before = append(before, c.acked.Load())
		file := filepath.Join(t.TempDir(), "b")
		if _, err := c.job(file).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	stop()
	for i, file := range files {
		dir := filepath.Join(t.TempDir(), "d")
		if _, err := backup.Restore(t.Context(), file, dir); err != nil {
			t.Fatal(err)
		}
		requireFits(t, open(t, dir), before[i])
	}
}

func (f *folder) archived(t *testing.T) int64 {
	t.Helper()
	var n, last int64
	if err := f.sql.QueryRowContext(t.Context(), "SELECT COUNT(*), COALESCE(MAX(n), 0) FROM acts").Scan(&n, &last); err != nil {
		t.Fatal(err)
	}
	if n != last {
		t.Errorf("%d acts are in SQL, the last is number %d", n, last)
	}
	return last
}

func requireFits(t *testing.T, f *folder, acked int64) {
	t.Helper()
	last := f.archived(t)
	page, err := f.db.XRange(t.Context(), acts, "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.db.XInfoStream(t.Context(), acts).Result()
	if err != nil {
		t.Fatal(err)
	}
	newest, err := event.ParsePosition(info.LastGeneratedID)
	if err != nil {
		t.Fatal(err)
	}
	if int64(newest.Epoch) < max(last, acked) {
		t.Errorf("Redis ends at act %d; SQL holds %d and %d was acknowledged before", newest.Epoch, last, acked)
	}
	next := int64(newest.Epoch) - int64(len(page)) + 1 // they are numbered without a gap
	if next > last+1 {
		t.Errorf("SQL ends at act %d and the stream begins at %d", last, next)
	}
}

func TestBackupOfWholeFolder(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	if err := f.db.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b")
	m, err := f.job(file).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v; want 0600", info.Mode(), err)
	}
	if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
		t.Errorf("%v was left beside the backup", left)
	}
	if left, _ := filepath.Glob(filepath.Join(f.dir, "redis", "*.rdb")); len(left) > 0 {
		t.Errorf("%v was left in the folder of Redis", left)
	}
	if held, err := ledger.New(f.sql).Held(t.Context(), time.Now()); err != nil || held {
		t.Errorf("trimming is still on hold: %t, %v", held, err)
	}
	dir := filepath.Join(t.TempDir(), "d")
	back, err := backup.Restore(t.Context(), file, dir)
	if err != nil || back.Deployment != "d1" || len(back.Files) != len(m.Files) {
		t.Fatalf("Restore = %+v, %v", back, err)
	}
	for name, want := range map[string]string{"deployment": "d1\n", "secrets.yaml": "master: x\n", "campaigns/a/campaign.yaml": "id: a\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "campaigns/a/.draft")); err == nil {
		t.Error("a half-written file came along")
	}
	if got, err := open(t, dir).db.Get(t.Context(), "k").Result(); err != nil || got != "v" {
		t.Errorf("GET k = %q, %v", got, err)
	}
}

func TestWhatABackupRefuses(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	file := filepath.Join(t.TempDir(), "b")
	refused := func(what string, want error) {
		t.Helper()
		_, err := f.job(file).Run(t.Context())
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if left, _ := filepath.Glob(file + "*"); !errors.Is(want, backup.ErrExists) && len(left) > 0 {
			t.Errorf("%s: %v was left", what, left)
		}
	}
	f.put(t, "deployment", "")
	if err := os.Remove(filepath.Join(f.dir, "deployment")); err != nil {
		t.Fatal(err)
	}
	refused("a folder that served nobody", nil)
	f.put(t, "deployment", "d1\n")
	l := ledger.New(f.sql)
	o, err := l.Register(t.Context(), ledger.Opened{Campaign: "a", Shards: 1, Base: 1, Bits: 18, Epoch: 1, Condition: ledger.Open})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := l.RaiseEpoch(t.Context(), o, 2, ledger.Rebuilding); err != nil || !ok {
		t.Fatal(ok, err)
	}
	refused("a campaign that is being rebuilt", backup.ErrRebuilt)
	o.Epoch, o.Condition = 2, ledger.Rebuilding
	if ok, err := l.RaiseEpoch(t.Context(), o, 2, ledger.Open); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a file that is there", backup.ErrExists)
	if raw, _ := os.ReadFile(file); string(raw) != "mine" {
		t.Errorf("the file that was there now holds %q", raw)
	}
}

// hurdle is a ledger at whose hold something happens.
type hurdle struct {
	*ledger.Ledger

	then func(ctx context.Context) error
}

func (h hurdle) Hold(ctx context.Context, name string, until time.Time) error {
	if err := h.Ledger.Hold(ctx, name, until); err != nil {
		return err
	}
	return h.then(ctx)
}

func TestSecondBackupIsRefused(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	var second error
	first := f.job(filepath.Join(t.TempDir(), "first"))
	first.Ledger = hurdle{ledger.New(f.sql), func(ctx context.Context) error {
		_, second = f.job(filepath.Join(t.TempDir(), "second")).Run(ctx)
		return nil
	}}
	if _, err := first.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, backup.ErrRunning) {
		t.Errorf("a second backup beside the first = %v, want %v", second, backup.ErrRunning)
	}
	if _, err := f.job(filepath.Join(t.TempDir(), "third")).Run(t.Context()); err != nil {
		t.Errorf("a backup after the first = %v", err)
	}
}

func TestRebuildInBetweenIsNoticed(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	l := ledger.New(f.sql)
	o, err := l.Register(t.Context(), ledger.Opened{Campaign: "a", Shards: 1, Base: 1, Bits: 18, Epoch: 1, Condition: ledger.Open})
	if err != nil {
		t.Fatal(err)
	}
	j := f.job(filepath.Join(t.TempDir(), "b"))
	j.Ledger = hurdle{l, func(ctx context.Context) error {
		_, err := l.RaiseEpoch(ctx, o, 2, ledger.Open)
		return err
	}}
	if _, err := j.Run(t.Context()); !errors.Is(err, backup.ErrRebuilt) {
		t.Errorf("Run = %v, want %v", err, backup.ErrRebuilt)
	}
}

// TestHoldThatRanOut lets so much time pass that the streams may have been
// trimmed.
func TestHoldThatRanOut(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	file := filepath.Join(t.TempDir(), "b")
	j := f.job(file)
	var late atomic.Bool
	j.Now = func() time.Time {
		if late.Load() {
			return time.Now().Add(time.Hour)
		}
		return time.Now()
	}
	j.Ledger = hurdle{ledger.New(f.sql), func(context.Context) error {
		late.Store(true)
		return nil
	}}
	if _, err := j.Run(t.Context()); !errors.Is(err, backup.ErrLapsed) {
		t.Errorf("Run = %v, want %v", err, backup.ErrLapsed)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a backup was written although the hold had run out")
	}
}

// TestRedisThatCannotSave takes away the folder that Redis saves into.
func TestRedisThatCannotSave(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	file := filepath.Join(t.TempDir(), "b")
	// A folder with the dump's name: the save fails when it is renamed.
	if err := os.MkdirAll(filepath.Join(f.dir, "redis", "dump.rdb", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.job(file).Run(t.Context()); err == nil {
		t.Error("a backup was written without Redis")
	}
	if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
		t.Errorf("%v was left", left)
	}
	if err := f.db.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("Redis refuses writes after a save that failed: %v", err)
	}
}

// TestBesideARewrite lets Redis rewrite its log, during which it saves nothing.
func TestBesideARewrite(t *testing.T) {
	t.Parallel()
	f := fresh(t)
	slowToSave(t, f)
	if err := f.db.BgRewriteAOF(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	file, dir := filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "d")
	if _, err := f.job(file).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Restore(t.Context(), file, dir); err != nil {
		t.Fatal(err)
	}
	if n, err := open(t, dir).db.DBSize(t.Context()).Result(); err != nil || n != 200 {
		t.Errorf("DBSIZE = %d, %v; want 200", n, err)
	}
}

// slowToSave lets every save take most of a second.
func slowToSave(t *testing.T, f *folder) {
	t.Helper()
	for i := range 200 {
		if err := f.db.Set(t.Context(), strconv.Itoa(i), "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.db.ConfigSet(t.Context(), "rdb-key-save-delay", "4000").Err(); err != nil {
		t.Fatal(err)
	}
}
