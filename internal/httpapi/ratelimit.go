package httpapi

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// shardCount spreads the buckets over so many locks; a power of two.
const shardCount = 32

// buckets holds a token bucket for each key, as many as it may remember: the
// longest unused are forgotten, and a forgotten key begins with a full bucket.
type buckets[K comparable] struct {
	rate   Rate
	seed   maphash.Seed
	shards [shardCount]shard[K]
}

type shard[K comparable] struct {
	mu  sync.Mutex
	lru *simplelru.LRU[K, *rate.Limiter]
}

// newBuckets returns nil where the rate is no bound.
func newBuckets[K comparable](r Rate, remember int) *buckets[K] {
	if r.PerSecond <= 0 {
		return nil
	}
	b := &buckets[K]{rate: r, seed: maphash.MakeSeed()}
	for i := range b.shards {
		lru, err := simplelru.NewLRU[K, *rate.Limiter](max(remember/shardCount, 1), nil)
		if err != nil {
			panic(err) // the size is at least 1
		}
		b.shards[i].lru = lru
	}
	return b
}

// take takes one token of the key at now, or says how long to wait for it. A
// nil *buckets grants everything.
func (b *buckets[K]) take(key K, now time.Time) (wait time.Duration) {
	if b == nil {
		return 0
	}
	s := &b.shards[maphash.Comparable(b.seed, key)%shardCount]
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lru.Get(key)
	if !ok {
		l = rate.NewLimiter(rate.Limit(b.rate.PerSecond), max(b.rate.Burst, 1))
		s.lru.Add(key, l)
	}
	r := l.ReserveN(now, 1)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
