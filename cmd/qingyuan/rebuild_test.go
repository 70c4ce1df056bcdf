package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisnode"
)

// private returns a client of the private Redis on a data folder.
func privateRedis(t *testing.T, data string) *redis.Client {
	t.Helper()
	conn, err := redisnode.Attach(data)
	if err != nil {
		t.Fatal(err)
	}
	db := redis.NewClient(conn.RedisOptions())
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// home is what a person reads about themself, without the time.
func (p acted) home() result {
	p.t.Helper()
	r := p.want(200, "GET", demoPath+"/me", nil)
	delete(r, "server_time")
	return r
}

// gathering acts: three who have done everything, of whom the last has another
// attempt open with an answer kept in it.
func gathering(t *testing.T, s *server) []acted {
	t.Helper()
	var all []acted
	for _, name := range []string{"first", "second", "third"} {
		all = append(all, act(s.api, name))
	}
	last := all[2]
	paper := last.want(201, "POST", demoPath+"/attempts", map[string]any{})
	last.want(200, "PUT", demoPath+"/attempts/"+paper.text("attempt")+"/answers",
		map[string]any{"revision": 7, "answers": firstOptions(paper)["answers"]})
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 3, "attempts": 3, "signatures": 3})
	return all
}

// mustRun runs a command that must succeed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := command(t, args...)
	if status != exitDone {
		t.Fatalf("%s = %d\n%s%s", strings.Join(args, " "), status, out, errs)
	}
	return out
}

// TestInvariant5RedisLostAndRebuilt empties the Redis of a running server: it
// refuses everything until a rebuild beside it, and then everybody reads what
// they read before, ranks and limits included, and can go on.
func TestInvariant5RedisLostAndRebuilt(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	people := gathering(t, s)
	var before []result
	for _, p := range people {
		before = append(before, p.home())
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir) // and so everything is in the ledger
	if err := privateRedis(t, cfg.Data.Dir).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	unready(s, "shard has lost its state")
	for _, path := range []string{"/me", "/attempts", "/signatures/me"} {
		if status, r, err := people[0].call("GET", demoPath+path, nil); err != nil || status != 503 || r.num("retry_after_ms") <= 0 {
			t.Errorf("GET %s on an emptied Redis = %d %v, %v; want 503", path, status, r, err)
		}
	}
	mustRun(t, "rebuild", "--data", cfg.Data.Dir)
	s.awaitReady()
	for i, p := range people {
		p.requireKept(s.base)
		if after := p.home(); !reflect.DeepEqual(after, before[i]) {
			t.Errorf("person %d reads\n%v, before the loss\n%v", i, after, before[i])
		}
	}
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3})
	again := acted{api: s.as("first")} // sessions are lost; the door leads to the same person
	if me := again.home(); !reflect.DeepEqual(me, before[0]) {
		t.Errorf("signed in again, the first reads\n%v, before the loss\n%v", me, before[0])
	}
	act(s.api, "later")
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 4, "participants": 4, "attempts": 4, "signatures": 4})
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}

// TestInvariant5RebuiltInPlace rebuilds a Redis that has lost nothing: the answers
// kept in an open attempt stay, too.
func TestInvariant5RebuiltInPlace(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	last := gathering(t, s)[2]
	open := last.home().object("open_attempt").text("attempt")
	kept := last.want(200, "GET", demoPath+"/attempts/"+open, nil)
	if len(kept.object("saved").object("chosen")) == 0 {
		t.Fatalf("nothing is kept in the open attempt: %v", kept)
	}
	mustRun(t, "rebuild", "--data", cfg.Data.Dir, "--campaign", demoCampaign)
	s.eventually("the campaign to be taken up again", func() bool {
		status, _, err := last.call("GET", demoPath+"/me", nil)
		return err == nil && status == 200
	})
	again := last.want(200, "GET", demoPath+"/attempts/"+open, nil)
	for _, part := range []string{"saved", "questions", "deadline", "number"} {
		if !reflect.DeepEqual(again[part], kept[part]) {
			t.Errorf("%s of the open attempt is\n%v, before the rebuild\n%v", part, again[part], kept[part])
		}
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}

// TestInvariant4OlderRedis puts an older copy of Redis' files back: everything
// in it is right and it knows the deployment and the epoch, and still it must be
// refused, because the ledger remembers more.
func TestInvariant4OlderRedis(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	early := act(s.api, "early")
	stop(t, s)
	copied := filepath.Join(shortDir(t), "redis")
	files := filepath.Join(cfg.Data.Dir, "redis")
	if err := os.CopyFS(copied, os.DirFS(files)); err != nil {
		t.Fatal(err)
	}
	s = start(t, cfg)
	late := act(s.api, "late")
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	stop(t, s)
	if err := os.RemoveAll(files); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(files, os.DirFS(copied)); err != nil {
		t.Fatal(err)
	}
	s = launch(t, cfg)
	unready(s, "older copy")
	mustRun(t, "rebuild", "--data", cfg.Data.Dir)
	s.awaitReady()
	early.requireKept(s.base)
	late.requireKept(s.base)
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 2, "attempts": 2, "signatures": 2})
}

func stop(t *testing.T, s *server) {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestVerifyNamesTheDrift plants a drift of one, which the command must find, say
// and end with status 1, also as JSON; after a rebuild it is gone.
func TestVerifyNamesTheDrift(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	gathering(t, s)
	db := privateRedis(t, cfg.Data.Dir)
	keys, err := db.Keys(t.Context(), "*tally").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("tallies: %v, %v", keys, err)
	}
	fields, err := db.HKeys(t.Context(), keys[0]).Result()
	if err != nil || len(fields) == 0 {
		t.Fatalf("cells: %v, %v", fields, err)
	}
	if err := db.HIncrBy(t.Context(), keys[0], fields[0], 1).Err(); err != nil {
		t.Fatal(err)
	}
	status, out, _ := command(t, "verify", "--data", cfg.Data.Dir, "--json")
	var found verified
	if err := json.Unmarshal([]byte(out), &found); err != nil || status != exitFailed || found.Clean {
		t.Fatalf("verify = %d, clean %v, %v\n%s", status, found.Clean, err, out)
	}
	var differences int64
	for _, r := range found.Campaigns {
		differences += r.Differences
		for _, d := range r.First {
			if !strings.Contains(d.Cell, fields[0]) {
				t.Errorf("difference %+v, planted in %s", d, fields[0])
			}
		}
	}
	if differences != 1 {
		t.Errorf("%d differences, want 1", differences)
	}
	if status, out, _ := command(t, "verify", "--data", cfg.Data.Dir, "--campaign", demoCampaign); status != exitFailed || !strings.Contains(out, fields[0]) {
		t.Errorf("verify in words = %d\n%s", status, out)
	}
	mustRun(t, "rebuild", "--data", cfg.Data.Dir)
	s.awaitReady()
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}

// TestInvariant5LedgerBegunAnew takes the database away from a deployment whose
// streams are trimmed: a rebuild from what is left would lose everything, so it is
// refused, and nothing is touched.
func TestInvariant5LedgerBegunAnew(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	people := gathering(t, s)
	db := privateRedis(t, cfg.Data.Dir)
	s.eventually("the streams to be trimmed", func() bool {
		keys := db.Keys(t.Context(), "*{"+demoCampaign+":0}:facts").Val()
		return len(keys) == 1 && db.XLen(t.Context(), keys[0]).Val() == 0
	})
	stop(t, s)
	for _, name := range []string{"qingyuan.db", "qingyuan.db-wal", "qingyuan.db-shm"} {
		if err := os.Remove(filepath.Join(cfg.Data.Dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	s = start(t, cfg)
	act(s.api, "after")
	s.eventually("a warning", func() bool {
		_, r, err := s.call("GET", "/readyz", nil)
		return err == nil && strings.Contains(fmt.Sprint(r), "entries are missing from the stream")
	})
	if status, _, errs := command(t, "rebuild", "--data", cfg.Data.Dir); status != exitFailed || !strings.Contains(errs, "restore the database") {
		t.Errorf("rebuild from a ledger that was begun anew = %d %s", status, errs)
	}
	for _, p := range people {
		p.requireKept(s.base)
	}
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 4, "attempts": 4, "signatures": 4})
}

// TestLedgerCommandsUsedWrongly wants an explanation, and nothing made.
func TestLedgerCommandsUsedWrongly(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "data")
	for _, name := range []string{"verify", "rebuild", "reseal"} {
		if status, _, errs := command(t, name, "--data", nowhere); status != exitUsage || !strings.Contains(errs, nowhere) {
			t.Errorf("%s = %d %s", name, status, errs)
		}
	}
	if _, err := os.Stat(nowhere); !os.IsNotExist(err) {
		t.Errorf("a command made the data folder: %v", err)
	}
	cfg := demo(t)
	start(t, cfg)
	if status, _, errs := command(t, "verify", "--data", cfg.Data.Dir, "--campaign", "nobody"); status != exitUsage || !strings.Contains(errs, demoCampaign) {
		t.Errorf("verify of an unknown campaign = %d %s", status, errs)
	}
}
