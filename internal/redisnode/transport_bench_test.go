package redisnode_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redistest"
)

// writeLike does what a submission's script does: check, change the
// participant, move the board, append the fact.
var writeLike = redis.NewScript(`#!lua
local seen = redis.call("HMGET", KEYS[1], "open", "done")
redis.call("HSET", KEYS[1], "open", ARGV[1], "done", (seen[2] or "") .. "x")
redis.call("ZADD", KEYS[2], "GT", ARGV[2], ARGV[1])
redis.call("XADD", KEYS[3], "MAXLEN", "~", "10000", "*", "f", ARGV[3])
return { "ok", ARGV[2] }
`)

// BenchmarkTransport compares the two ways to reach a private Redis, with 64
// goroutines and every write synced before its answer. The two alternate in
// short rounds, because absolute figures drift on a shared machine; what counts
// is the ratio. docs/adr/0003-private-redis-transport.md holds a result.
func BenchmarkTransport(b *testing.B) {
	for _, pool := range []int{20, 64, 128} {
		b.Run("pool="+strconv.Itoa(pool), func(b *testing.B) { compareTransports(b, pool) })
	}
}

func compareTransports(b *testing.B, pool int) {
	b.Helper()
	const round = time.Second
	unix := transportClient(b, pool, redistest.Durable())
	tcp := transportClient(b, pool, redistest.Durable(), redistest.TCP())
	var unixRate, tcpRate, ratios []float64
	for b.Loop() {
		u, t := load(b, unix, round), load(b, tcp, round)
		unixRate, tcpRate, ratios = append(unixRate, u), append(tcpRate, t), append(ratios, u/t)
	}
	b.ReportMetric(median(unixRate), "unix/s")
	b.ReportMetric(median(tcpRate), "tcp/s")
	b.ReportMetric(median(ratios), "unix/tcp")
}

func transportClient(b *testing.B, pool int, options ...redistest.Option) *redis.Client {
	b.Helper()
	o := redistest.Start(b, options...).Options()
	o.PoolSize = pool
	db := redis.NewClient(o)
	b.Cleanup(func() { _ = db.Close() })
	if err := writeLike.Load(b.Context(), db).Err(); err != nil {
		b.Fatal(err)
	}
	load(b, db, 100*time.Millisecond) // opens the connections
	return db
}

// load runs the script from 64 goroutines for d and returns calls per second.
func load(b *testing.B, db *redis.Client, d time.Duration) float64 {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), d)
	defer cancel()
	var calls atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for g := range 64 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := writeOnce(b.Context(), db, g, i); err != nil {
					b.Errorf("run the script: %v", err)
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(calls.Load()) / time.Since(begin).Seconds()
}

func writeOnce(ctx context.Context, db *redis.Client, g, i int) error {
	who := fmt.Sprintf("p%02d%04d", g, i%5000)
	return writeLike.EvalSha(ctx, db,
		[]string{"{c:0}:p:" + who, "{c:0}:board", "{c:0}:facts"},
		who, strconv.Itoa(i), "a fact of some forty bytes, as they are.").Err()
}

func median(values []float64) float64 {
	slices.SortFunc(values, cmp.Compare[float64])
	return values[len(values)/2]
}
