package main

import (
	"math"
	"runtime/debug"
	"testing"

	"qingyuan/configs"
)

func TestHeapRules(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	for name, tc := range map[string]struct {
		change      func(*configs.Config)
		machine     int64
		environment map[string]string
		percent     int
		limit       int64
	}{
		"beside a private Redis": {machine: 8 * gib, percent: 400, limit: 2 * gib},
		"with Redis elsewhere": {
			change: func(c *configs.Config) { c.Redis.Addrs = []string{"r:6379"} }, machine: 10 * gib, percent: 400, limit: 7 * gib,
		},
		"a very small machine":           {machine: gib / 4, percent: 400, limit: 128 << 20},
		"nobody knows how much there is": {percent: 100},
		"and the heap is kept small anyway": {
			change: func(c *configs.Config) { c.Memory.GCPercent = 50 }, percent: 50,
		},
		"a limit is configured": {
			change: func(c *configs.Config) { c.Memory = configs.Memory{GCPercent: 200, Limit: 3 * gib} }, machine: 8 * gib, percent: 200, limit: 3 * gib,
		},
		"a limit where nobody knows": {
			change: func(c *configs.Config) { c.Memory.Limit = gib }, percent: 400, limit: gib,
		},
		"GOGC":       {machine: 8 * gib, environment: map[string]string{"GOGC": "80"}, limit: 2 * gib},
		"GOMEMLIMIT": {machine: 8 * gib, environment: map[string]string{"GOMEMLIMIT": "1GiB"}, percent: 400},
		"both":       {machine: 8 * gib, environment: map[string]string{"GOGC": "off", "GOMEMLIMIT": "1GiB"}},
	} {
		cfg := configs.Default()
		if tc.change != nil {
			tc.change(&cfg)
		}
		percent, limit := heapRules(cfg, tc.machine, func(key string) (string, bool) {
			value, ok := tc.environment[key]
			return value, ok
		})
		if percent != tc.percent || limit != tc.limit {
			t.Errorf("%s: %d %% and %d bytes, want %d %% and %d", name, percent, limit, tc.percent, tc.limit)
		}
	}
}

// TestTuneHeap is about the whole process, so that it runs alone.
func TestTuneHeap(t *testing.T) { //nolint:paralleltest // As above.
	percent := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
	for _, tc := range []struct {
		percent, wantPercent int
		limit, wantLimit     int64
	}{
		{0, 100, 0, math.MaxInt64},
		{400, 400, 1 << 40, 1 << 40},
		{0, 400, 0, 1 << 40}, // what the environment says is left alone
	} {
		tuneHeap(tc.percent, tc.limit)
		if now := debug.SetMemoryLimit(-1); now != tc.wantLimit {
			t.Errorf("limit %d, want %d", now, tc.wantLimit)
		}
		now := debug.SetGCPercent(100)
		debug.SetGCPercent(now)
		if now != tc.wantPercent {
			t.Errorf("%d %%, want %d", now, tc.wantPercent)
		}
	}
}
