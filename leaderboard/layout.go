// Package leaderboard holds the rules of boards and counts: how an attempt
// becomes a place, how facts fold into tallies and boards, and how tallies add
// up along the organisation tree.
//
// The fold and the roll-up are pure; the Publisher and the Service join them to
// a Store.
package leaderboard

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Layout is how a best attempt is packed into one whole number below 2^53, so
// that a sorted set orders attempts by score, then less used time, then earlier
// submission:
//
//	score (11 bits) | inverted used time (TimeBits, 0.1 s) | inverted submit time (the rest)
//
// The submit time counts steps of Step from Base. A layout is chosen when a
// campaign is opened and never moves.
type Layout struct {
	Base     time.Time // whole seconds
	TimeBits uint      // 18, 17 or 16
}

const (
	scoreBits  = 11
	packedBits = 53
	usedUnit   = 100 * time.Millisecond
	finestBits = 18
	coarsest   = 16
)

// ErrOutOfRange is an attempt that the layout cannot hold. It is refused, never
// wrapped.
var ErrOutOfRange = errors.New("attempt does not fit the board's layout")

// ChooseLayout returns the finest layout that holds a campaign from base to end.
func ChooseLayout(base, end time.Time) (Layout, error) {
	base = base.Truncate(time.Second)
	for bits := uint(finestBits); bits >= coarsest; bits-- {
		l := Layout{Base: base, TimeBits: bits}
		if end.Sub(base) < l.Span() {
			return l, nil
		}
	}
	return Layout{}, fmt.Errorf("board from %s to %s: %w", base, end, ErrOutOfRange)
}

// ParseLayout reads what String wrote.
func ParseLayout(base, bits string) (Layout, error) {
	sec, err := strconv.ParseInt(base, 10, 64)
	if err != nil {
		return Layout{}, fmt.Errorf("layout base %q: %w", base, err)
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	if err != nil || n < coarsest || n > finestBits {
		return Layout{}, fmt.Errorf("layout %q is not between %d and %d", bits, coarsest, finestBits)
	}
	return Layout{Base: time.Unix(sec, 0), TimeBits: uint(n)}, nil
}

// Step is the resolution of the submit time: 1 s, 2 s or 4 s.
func (l Layout) Step() time.Duration { return time.Second << (finestBits - l.TimeBits) }

// Span is how long after Base a submission may come.
func (l Layout) Span() time.Duration {
	return l.Step() << l.submitBits()
}

// MaxUsed is the longest used time that the layout holds.
func (l Layout) MaxUsed() time.Duration { return usedUnit<<l.TimeBits - usedUnit }

func (l Layout) submitBits() uint { return packedBits - scoreBits - l.TimeBits }

// Pack encodes an attempt.
func (l Layout) Pack(score int, used time.Duration, at time.Time) (uint64, error) {
	u := used / usedUnit
	s := at.Sub(l.Base) / l.Step()
	maxUsed, maxSubmit := int64(1)<<l.TimeBits-1, int64(1)<<l.submitBits()-1
	if score < 0 || score >= 1<<scoreBits || u < 0 || int64(u) > maxUsed || at.Before(l.Base) || int64(s) > maxSubmit {
		return 0, fmt.Errorf("score %d in %v at %s: %w", score, used, at.UTC().Format(time.RFC3339), ErrOutOfRange)
	}
	v := uint64(score)
	v = v<<l.TimeBits | uint64(maxUsed-int64(u))               //nolint:gosec // Checked above.
	return v<<l.submitBits() | uint64(maxSubmit-int64(s)), nil //nolint:gosec // Checked above.
}

// Unpack is the inverse of Pack, at the layout's resolution.
func (l Layout) Unpack(v uint64) (score int, used time.Duration, at time.Time) {
	maxUsed, maxSubmit := uint64(1)<<l.TimeBits-1, uint64(1)<<l.submitBits()-1
	s := maxSubmit - v&maxSubmit
	u := maxUsed - v>>l.submitBits()&maxUsed
	score = int(v >> (l.submitBits() + l.TimeBits))                                    //nolint:gosec // Eleven bits.
	return score, time.Duration(u) * usedUnit, l.Base.Add(time.Duration(s) * l.Step()) //nolint:gosec // At most 26 bits.
}
