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

// Layout is how a place is packed into one whole number below 2^53, so that a
// sorted set has everybody in order. Where the best attempt counts: by score, then
// less used time, then earlier submission,
//
//	score (11 bits) | inverted used time (TimeBits, 0.1 s) | inverted submit time (the rest)
//
// and where points are added up: by points, then by who reached them first,
//
//	points (21 bits) | inverted submit time (32 bits, 0.1 s)
//
// The submit time counts steps of Step from Base. A layout is chosen when a
// campaign is opened and never moves.
type Layout struct {
	Base time.Time // whole seconds
	// TimeBits are 18, 17 or 16; or 32 for sums, which have no used time.
	TimeBits uint
}

const (
	scoreBits  = 11
	packedBits = 53
	usedUnit   = 100 * time.Millisecond
	finestBits = 18
	coarsest   = 16

	sumTimeBits = 32
	sumStep     = 100 * time.Millisecond
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

// SumLayout returns the layout of sums of a campaign that begins at base. It
// holds 13 years.
func SumLayout(base time.Time) Layout {
	return Layout{Base: base.Truncate(time.Second), TimeBits: sumTimeBits}
}

// Sums tells whether the layout holds sums of points.
func (l Layout) Sums() bool { return l.TimeBits == sumTimeBits }

// ParseLayout reads base, in Unix seconds, and TimeBits.
func ParseLayout(base, bits string) (Layout, error) {
	sec, err := strconv.ParseInt(base, 10, 64)
	if err != nil {
		return Layout{}, fmt.Errorf("layout base %q: %w", base, err)
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	if err != nil || n != sumTimeBits && (n < coarsest || n > finestBits) {
		return Layout{}, fmt.Errorf("layout %q is neither between %d and %d nor %d", bits, coarsest, finestBits, sumTimeBits)
	}
	return Layout{Base: time.Unix(sec, 0), TimeBits: uint(n)}, nil
}

// Step is the resolution of the submit time: 1 s, 2 s or 4 s, and 0.1 s of sums.
func (l Layout) Step() time.Duration {
	if l.Sums() {
		return sumStep
	}
	return time.Second << (finestBits - l.TimeBits)
}

// Span is how long after Base a submission may come.
func (l Layout) Span() time.Duration { return l.Step() << l.submitBits() }

// MaxUsed is the longest used time that the layout holds. Sums hold none and
// refuse none.
func (l Layout) MaxUsed() time.Duration {
	if l.Sums() {
		return l.Span()
	}
	return usedUnit<<l.TimeBits - usedUnit
}

func (l Layout) submitBits() uint {
	if l.Sums() {
		return sumTimeBits
	}
	return packedBits - scoreBits - l.TimeBits
}

// MaxScore is the highest score, or sum of points, that the layout holds.
func (l Layout) MaxScore() int {
	if l.Sums() {
		return 1<<(packedBits-sumTimeBits) - 1
	}
	return 1<<scoreBits - 1
}

// Pack encodes a place: the score of an attempt, or a sum of points and when it
// was reached, of which the used time is no part.
func (l Layout) Pack(score int, used time.Duration, at time.Time) (uint64, error) {
	u, maxUsed := int64(used/usedUnit), int64(l.MaxUsed()/usedUnit)
	s, maxSubmit := int64(at.Sub(l.Base)/l.Step()), int64(1)<<l.submitBits()-1
	if score < 0 || score > l.MaxScore() || u < 0 || u > maxUsed || at.Before(l.Base) || s > maxSubmit {
		return 0, fmt.Errorf("score %d in %v at %s: %w", score, used, at.UTC().Format(time.RFC3339), ErrOutOfRange)
	}
	v := uint64(score)
	if !l.Sums() {
		v = v<<l.TimeBits | uint64(maxUsed-u) //nolint:gosec // Checked above.
	}
	return v<<l.submitBits() | uint64(maxSubmit-s), nil //nolint:gosec // Checked above.
}

// Unpack is the inverse of Pack, at the layout's resolution. Sums have no used
// time.
func (l Layout) Unpack(v uint64) (score int, used time.Duration, at time.Time) {
	maxSubmit := uint64(1)<<l.submitBits() - 1
	steps := maxSubmit - v&maxSubmit
	at = l.Base.Add(time.Duration(steps) * l.Step()) //nolint:gosec // At most 32 bits.
	v >>= l.submitBits()
	if l.Sums() {
		return int(v), 0, at //nolint:gosec // Twenty-one bits.
	}
	maxUsed := uint64(1)<<l.TimeBits - 1
	used = time.Duration(maxUsed-v&maxUsed) * usedUnit //nolint:gosec // At most 18 bits.
	return int(v >> l.TimeBits), used, at              //nolint:gosec // Eleven bits.
}

// Score returns the score, or the points, of a packed place.
func (l Layout) Score(v uint64) int {
	score, _, _ := l.Unpack(v)
	return score
}
