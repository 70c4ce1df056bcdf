package replay

import (
	"hash/maphash"
	"math/bits"
	"strconv"
)

// filter remembers who was seen in a fixed amount of memory: a Bloom filter. It
// may believe that it has seen somebody whom it has not; up to sixty million
// participants that happens to one in a thousand at most.
type filter struct {
	seed maphash.Seed
	bits []uint64
}

const (
	filterHashes   = 8
	bitsOfFact     = 32      // most people have four facts, hardly anybody one
	smallestFilter = 1 << 16 // bits
	largestFilter  = 1 << 30 // bits: 128 MiB
)

// newFilter has room for those of whom there are so many facts.
func newFilter(facts int64) *filter {
	want := min(max(uint64(facts)*bitsOfFact, smallestFilter), largestFilter) //nolint:gosec // A count.
	size := uint64(1) << bits.Len64(want-1)
	return &filter{seed: maphash.MakeSeed(), bits: make([]uint64, size/64)} //nolint:mnd // Bits of a word.
}

func (f *filter) add(shard int, id string) {
	f.each(shard, id, func(word *uint64, bit uint64) bool {
		*word |= bit
		return true
	})
}

func (f *filter) has(shard int, id string) bool {
	return f.each(shard, id, func(word *uint64, bit uint64) bool { return *word&bit != 0 })
}

// each visits the bits of a member until visit says no.
func (f *filter) each(shard int, id string, visit func(word *uint64, bit uint64) bool) bool {
	h := maphash.String(f.seed, strconv.Itoa(shard)+"|"+id)
	step := h>>32 | 1
	for range filterHashes {
		at := h & uint64(len(f.bits)*64-1) //nolint:gosec // A power of two less one.
		if !visit(&f.bits[at/64], 1<<(at%64)) {
			return false
		}
		h += step * 0x9e3779b97f4a7c15
	}
	return true
}
