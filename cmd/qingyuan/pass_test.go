package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
)

// TestADamagedFactIsPassed: figures stand still at it and everybody is told where;
// acts go on. The command lets the figures go on, nothing is lost, and comparing still
// names it.
func TestADamagedFactIsPassed(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	gathering(t, s)
	w := bench(t, cfg)
	at, err := w.redis.XAdd(t.Context(), &redis.XAddArgs{
		Stream: redisstore.StreamKey(demoCampaign, 0, event.Facts), ID: "1-*",
		Values: []string{"k", "submitted.1", "p", "nobody", "u", "u", "g", "g", "t", "1", "d", "{"},
	}).Result()
	if err != nil {
		t.Fatal(err)
	}
	fourth := act(s.api, "fourth")
	said := "nothing of shard 0 is counted any more, its fact " + at + " is damaged"
	s.eventually("a warning that names the fact", func() bool {
		status, r, err := s.call("GET", "/readyz", nil)
		return err == nil && status == 200 && strings.Contains(fmt.Sprint(r), said)
	})
	before := s.want(200, "GET", demoPath+"/counts", nil).num("enrolled")
	if before != 3 {
		t.Fatalf("%v are counted behind the damaged fact", before)
	}

	if out := mustRun(t, "pass", "--data", cfg.Data.Dir, "--campaign", demoCampaign); !strings.Contains(out, at) || !strings.Contains(out, "1 damaged") {
		t.Errorf("pass says %s", out)
	}
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 4, "participants": 4, "attempts": 4, "signatures": 4})
	fourth.requireKept(s.base)
	if out := mustRun(t, "pass", "--data", cfg.Data.Dir); !strings.Contains(out, "0 damaged") {
		t.Errorf("passing again says %s", out)
	}
	s.eventually("the warning to go", func() bool {
		_, r, err := s.call("GET", "/readyz", nil)
		return err == nil && !strings.Contains(fmt.Sprint(r), said)
	})
	status, out, _ := command(t, "verify", "--data", cfg.Data.Dir, "--campaign", demoCampaign)
	if status != exitFailed || !strings.Contains(out, "dead letter facts "+at) || strings.Count(out, "want") > 1 {
		t.Errorf("verify = %d, want it to name the dead letter and nothing else:\n%s", status, out)
	}
}
