package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/redisnode"
)

// acted is one person who has done everything, with what they were told.
type acted struct {
	api

	serial, attempt string
	receipt         result
}

const demoPath = "/campaigns/" + demoCampaign

// act enrols a person, signs and takes the quiz.
func act(s api, name string) acted {
	p := acted{api: s.as(name)}
	p.enrol(demoCampaign)
	version := p.want(200, "GET", demoPath+"/pledge", nil).text("version")
	p.serial = p.want(201, "POST", demoPath+"/signatures",
		map[string]any{"version": version, "method": "typed", "name": "张三"}).text("serial")
	paper := p.want(201, "POST", demoPath+"/attempts", map[string]any{})
	p.attempt = paper.text("attempt")
	p.receipt = p.want(200, "POST", demoPath+"/attempts/"+p.attempt+"/submission", firstOptions(paper))
	return p
}

// requireKept asks another server, with the token of the first, for what the
// person was told.
func (p acted) requireKept(base string) {
	p.t.Helper()
	p.base = base
	got := p.want(200, "GET", demoPath+"/attempts/"+p.attempt, nil)
	for _, fixed := range []string{"attempt", "number", "state", "score", "max_score", "correct", "passed", "used_ms", "submitted_at", "closed_by"} {
		if !reflect.DeepEqual(got[fixed], p.receipt[fixed]) {
			p.t.Errorf("%s of attempt %s is %v, the receipt said %v", fixed, p.attempt, got[fixed], p.receipt[fixed])
		}
	}
	if got := p.want(200, "GET", "/signatures/"+p.serial, nil); got.text("state") != "valid" {
		p.t.Errorf("serial %s says %v", p.serial, got)
	}
}

// crowd lets people act until stop is called, which returns those who have.
func crowd(t *testing.T, s api) (some func(), stop func() []acted) {
	t.Helper()
	var mu sync.Mutex
	var all []acted
	var over atomic.Bool
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for i := 0; !over.Load(); i++ {
				p := act(s, fmt.Sprintf("crowd %d %d", w, i))
				mu.Lock()
				all = append(all, p)
				mu.Unlock()
			}
		})
	}
	size := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(all)
	}
	some = func() {
		t.Helper()
		before := size()
		s.eventually("more people to act", func() bool { return size() >= before+5 })
	}
	return some, func() []acted {
		over.Store(true)
		wg.Wait()
		return all
	}
}

func backUp(t *testing.T, data, file string) {
	t.Helper()
	status, out, errs := command(t, "backup", "--data", data, file)
	if status != exitDone {
		t.Fatalf("backup = %d\n%s%s", status, out, errs)
	}
	if !strings.Contains(out, "secrets") {
		t.Errorf("backup does not say that the file holds secrets: %s", out)
	}
}

func restore(t *testing.T, file string) configs.Config {
	t.Helper()
	cfg := demo(t)
	if status, out, errs := command(t, "restore", "--data", cfg.Data.Dir, file); status != exitDone {
		t.Fatalf("restore = %d\n%s%s", status, out, errs)
	}
	return cfg
}

// requireVerified runs the command beside whatever serves from the folder.
func requireVerified(t *testing.T, data string) {
	t.Helper()
	if status, out, errs := command(t, "verify", "--data", data); status != exitDone {
		t.Errorf("verify = %d\n%s%s", status, out, errs)
	}
}

// TestBackupUnderLoad backs up a server in use. A server on the restored folder
// must know everything that was acknowledged before the backup began, as it was
// told, and go on from there.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	early := act(s.api, "early")
	some, stopCrowd := crowd(t, s.api)
	some()
	known := s.want(200, "GET", demoPath+"/counts", nil).num("attempts")
	file := filepath.Join(t.TempDir(), "b")
	backUp(t, cfg.Data.Dir, file)
	some()
	all := stopCrowd()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}

	cfg = restore(t, file)
	again := start(t, cfg)
	early.requireKept(again.base)
	again.eventually("the counts to settle", func() bool {
		return again.want(200, "GET", demoPath+"/counts", nil).num("attempts") >= known
	})
	requireSubset(t, again.api, all)
	requireVerified(t, cfg.Data.Dir)
	act(again.api, "late").requireKept(again.base)
	requireVerified(t, cfg.Data.Dir)
}

// requireSubset checks that the backup cuts the order of what happened: who has
// handed in has signed before.
func requireSubset(t *testing.T, s api, all []acted) {
	t.Helper()
	kept := 0
	for _, p := range all {
		p.base = s.base
		status, _, err := p.call("GET", demoPath+"/attempts/"+p.attempt, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status == 200 {
			kept++
			p.want(200, "GET", "/signatures/"+p.serial, nil)
		}
	}
	if kept == 0 || kept == len(all) {
		t.Errorf("%d of %d who acted around the backup are in it; want some and not all", kept, len(all))
	}
}

// TestBackupWithoutServer starts what it needs and leaves nothing running.
func TestBackupWithoutServer(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	p := act(s.api, "once")
	s.wantCounts(demoCampaign, map[string]float64{"attempts": 1})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b")
	backUp(t, cfg.Data.Dir, file)
	if _, err := redisnode.Attach(cfg.Data.Dir); !errors.Is(err, redisnode.ErrNotRunning) {
		t.Errorf("a Redis runs after the backup: %v", err)
	}
	again := start(t, restore(t, file))
	p.requireKept(again.base)
	again.wantCounts(demoCampaign, map[string]float64{"enrolled": 1, "participants": 1, "attempts": 1, "signatures": 1})
}

func TestBackupUsedWrongly(t *testing.T) {
	t.Parallel()
	file, full := filepath.Join(t.TempDir(), "b"), t.TempDir()
	text := filepath.Join(full, "x")
	if err := os.WriteFile(text, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"an external Redis":         {[]string{"backup", "--config", elsewhere(t, `redis: {addrs: ["127.0.0.1:1"]}`), file}, "pg_dump"},
		"an external database":      {[]string{"backup", "--config", elsewhere(t, ""), file}, "pg_dump"},
		"no data folder":            {[]string{"backup", "--data", none, file}, "is --data right"},
		"restore into a full one":   {[]string{"restore", "--data", full, text}, "empty folder only"},
		"restore of something else": {[]string{"restore", "--data", none, text}, "not a backup"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _, errs := command(t, tc.args...)
			if status != exitUsage || !strings.Contains(errs, tc.says) {
				t.Errorf("%v = %d %q; want %d and %q", tc.args[0], status, errs, exitUsage, tc.says)
			}
			if _, err := os.Stat(none); err == nil {
				t.Error("the folder was made")
			}
		})
	}
}

// elsewhere is a configuration with a database elsewhere, and more.
func elsewhere(t *testing.T, more string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "qingyuan.yaml")
	text := more + "\nsecrets: {master: \"" + strings.Repeat("k", 32) + "\"}\ndatabase: {url: \"postgres://u:p@127.0.0.1:1/q\"}\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
