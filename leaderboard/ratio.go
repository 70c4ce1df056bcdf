package leaderboard

import (
	"cmp"
	"math/big"
	"math/bits"
)

// Ratio is an exact fraction, so that equal units share a place whatever
// rounding would make of them. Den is positive.
type Ratio struct{ Num, Den int64 }

// Compare orders by value. It does not overflow.
func (r Ratio) Compare(o Ratio) int {
	if (r.Num < 0) != (o.Num < 0) {
		return cmp.Compare(r.Num, o.Num)
	}
	high, low := bits.Mul64(magnitude(r.Num), magnitude(o.Den))
	otherHigh, otherLow := bits.Mul64(magnitude(o.Num), magnitude(r.Den))
	c := cmp.Or(cmp.Compare(high, otherHigh), cmp.Compare(low, otherLow))
	if r.Num < 0 {
		return -c
	}
	return c
}

// magnitude returns the absolute value, which every int64 has as a uint64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // Two's complement: the wrap is what is meant.
	}
	return uint64(n)
}

// Float returns the value for reading.
func (r Ratio) Float() float64 { return float64(r.Num) / float64(r.Den) }

// rat returns the value for arithmetic.
func (r Ratio) rat() *big.Rat { return big.NewRat(r.Num, r.Den) }

// Weighted returns the sum of the values, each times its weight, exactly.
func Weighted(values, weights []*big.Rat) *big.Rat {
	sum := new(big.Rat)
	for i, v := range values {
		sum.Add(sum, new(big.Rat).Mul(v, weights[i]))
	}
	return sum
}

// RoundHalfUp rounds a value that is not negative to so many decimal places.
func RoundHalfUp(v *big.Rat, places int) Ratio {
	den := int64(1)
	for range places {
		den *= 10
	}
	scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt64(2*den))
	doubled := new(big.Int).Quo(scaled.Num(), scaled.Denom()) // twice the value, in the last place
	n := new(big.Int).Rsh(doubled.Add(doubled, big.NewInt(1)), 1)
	return Ratio{n.Int64(), den}
}
