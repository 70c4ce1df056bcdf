package main

import (
	"bufio"
	"bytes"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"qingyuan/configs"
)

// redisShare is the part of a machine's memory that the private Redis may fill.
// Its log's rewriting and the server need the rest.
const redisShare = 0.6

// redisMemory returns the limit of the private Redis in bytes; 0, which is none,
// where it is not configured and the machine does not tell how much it has.
func redisMemory(cfg configs.Config) int64 {
	if cfg.Redis.MaxMemory > 0 {
		return int64(cfg.Redis.MaxMemory)
	}
	return int64(float64(machineMemory()) * redisShare)
}

// The share of a machine's memory that the server may use itself, beside a private
// Redis and alone, and the least that it gets: below that it would do nothing but
// collect.
const (
	heapBeside = 0.25
	heapAlone  = 0.7
	heapLeast  = 128 << 20
)

// plainGC is how much the heap may grow where nothing bounds it.
const plainGC = 100

// heapRules returns how much the heap may grow between two collections, in percent,
// and the memory from which on it is collected more often, on a machine of so many
// bytes (0: unknown). Each is 0 where the environment says it already.
func heapRules(cfg configs.Config, machine int64, environment func(string) (string, bool)) (percent int, limit int64) {
	percent, limit = cfg.Memory.GCPercent, int64(cfg.Memory.Limit)
	if limit == 0 && machine > 0 {
		share := heapAlone
		if cfg.PrivateRedis() {
			share = heapBeside
		}
		limit = max(int64(float64(machine)*share), heapLeast)
	}
	_, limited := environment("GOMEMLIMIT")
	if limited {
		limit = 0
	}
	if limit == 0 && !limited {
		percent = min(percent, plainGC)
	}
	if _, set := environment("GOGC"); set {
		percent = 0
	}
	return percent, limit
}

// tuneHeap sets the rules for this process.
func tuneHeap(percent int, limit int64) {
	if percent != 0 {
		debug.SetGCPercent(percent)
	}
	if limit != 0 {
		debug.SetMemoryLimit(limit)
	}
}

// machineMemory returns the bytes of this machine, or of the container that it
// is; 0 where it is not Linux.
func machineMemory() int64 {
	total := memTotal()
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if limit, errParse := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && errParse == nil {
		return min(total, limit)
	}
	return total
}

func memTotal() int64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			kb, _ := strconv.ParseInt(f[1], 10, 64)
			return kb << 10
		}
	}
	return 0
}
