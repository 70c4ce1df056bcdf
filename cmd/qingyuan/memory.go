package main

import (
	"bufio"
	"bytes"
	"os"
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
