package simulate

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram keeps durations in buckets that grow with the value: 128 buckets
// for each doubling, so that a quantile is off by less than 0.8 %. It takes the
// same few kilobytes for ten values and for ten million, and never locks.
type histogram struct {
	buckets [buckets]atomic.Int64
	n       atomic.Int64
	max     atomic.Int64 // µs
}

const (
	subBits = 7
	// longest is about 71 minutes in µs; what lasts longer counts as that long.
	longest = 1<<32 - 1
	buckets = (32-subBits)<<subBits + 1<<subBits
)

// add counts one duration.
func (h *histogram) add(d time.Duration) {
	us := min(max(d.Microseconds(), 0), longest)
	h.buckets[bucketOf(us)].Add(1)
	h.n.Add(1)
	h.reach(us)
}

// reach raises the longest value to us.
func (h *histogram) reach(us int64) {
	for {
		seen := h.max.Load()
		if us <= seen || h.max.CompareAndSwap(seen, us) {
			return
		}
	}
}

// bucketOf returns the bucket of a value in µs: the value itself below 256, and
// above that its leading eight bits in the row of its magnitude.
func bucketOf(us int64) int {
	shift := max(bits.Len64(uint64(us))-subBits-1, 0) //nolint:gosec // add bounds the value below by 0.
	return shift<<subBits + int(us>>shift)
}

// upperOf returns the largest value in µs that falls into the bucket.
func upperOf(bucket int) int64 {
	shift := max(bucket>>subBits-1, 0)
	return (int64(bucket-shift<<subBits)+1)<<shift - 1
}

// quantile returns the duration that a share q of the values does not exceed; 0
// of no values.
func (h *histogram) quantile(q float64) time.Duration {
	n := h.n.Load()
	if n == 0 {
		return 0
	}
	want := max(int64(math.Ceil(q*float64(n))), 1)
	var seen int64
	for i := range h.buckets {
		if seen += h.buckets[i].Load(); seen >= want {
			return time.Duration(min(upperOf(i), h.max.Load())) * time.Microsecond
		}
	}
	return h.longest()
}

func (h *histogram) longest() time.Duration { return time.Duration(h.max.Load()) * time.Microsecond }
