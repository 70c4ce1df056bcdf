package casetest

import (
	"errors"
	"time"

	"qingyuan/leaderboard"
)

// Encoding is how a place is packed into a number: bits and the steps of time.
type Encoding struct {
	ScoreBits  uint    `json:"score_bits"`
	UsedBits   uint    `json:"used_bits"`
	UsedUnitMS int64   `json:"used_unit_ms"`
	AtBits     uint    `json:"at_bits"`
	AtUnit     *Moment `json:"at_unit_s"`
}

var errEncoding = errors.New("no layout of the boards is that encoding")

// opened is when the boards of all cases are opened.
func opened() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) }

// layouts are all there are.
func layouts() []leaderboard.Layout {
	out := []leaderboard.Layout{leaderboard.SumLayout(opened())}
	for bits := uint(16); bits <= 18; bits++ {
		out = append(out, leaderboard.Layout{Base: opened(), TimeBits: bits})
	}
	return out
}

// layout finds the layout that is the encoding.
func (e *Encoding) layout() (leaderboard.Layout, error) {
	for _, l := range layouts() {
		scoreBits, usedBits := uint(11), l.TimeBits
		if l.Sums() {
			scoreBits, usedBits = 21, 0
		}
		atUnit := Moment(l.Step().Milliseconds())
		if e.ScoreBits == scoreBits && e.UsedBits == usedBits && e.AtBits == 53-scoreBits-usedBits &&
			e.AtUnit.or(1000) == atUnit && (l.Sums() || e.UsedUnitMS == 100 || e.UsedUnitMS == 0) {
			return l, nil
		}
	}
	return leaderboard.Layout{}, errEncoding
}

// units are the steps in which times are compared; without an encoding a
// millisecond.
func (e *Encoding) units() (used int64, at Moment) {
	if e == nil {
		return 1, 1
	}
	return max(e.UsedUnitMS, 1), e.AtUnit.or(1000)
}

// holds tells whether what is submitted fits; without an encoding everything does.
func (e *Encoding) holds(r *Rule, a act) bool {
	if e == nil || r.sums() {
		return true
	}
	_, err := e.encode(a.score, a.used, a.at)
	return err == nil
}

// encode packs by the arithmetic of the encoding, whether or not the boards have
// it, so that the layout is checked against another hand.
func (e *Encoding) encode(score, used int64, at Moment) (uint64, error) {
	usedUnit, atUnit := e.units()
	maxUsed, maxAt := int64(1)<<e.UsedBits-1, int64(1)<<e.AtBits-1
	u, s := used/usedUnit, int64(at/atUnit)
	if e.UsedBits == 0 {
		u = 0
	}
	if score < 0 || score >= 1<<e.ScoreBits || u < 0 || used < 0 || u > maxUsed || at < 0 || s > maxAt {
		return 0, leaderboard.ErrOutOfRange
	}
	//nolint:gosec // Everything is checked above.
	return (uint64(score)*(1<<e.UsedBits)+uint64(maxUsed-u))*(1<<e.AtBits) + uint64(maxAt-s), nil
}

func (e *Encoding) decode(v uint64) (place, error) {
	if v >= 1<<(e.ScoreBits+e.UsedBits+e.AtBits) {
		return place{}, leaderboard.ErrOutOfRange
	}
	usedUnit, atUnit := e.units()
	at, v := v%(1<<e.AtBits), v/(1<<e.AtBits)
	used, score := v%(1<<e.UsedBits), v/(1<<e.UsedBits)
	//nolint:gosec // At most 53 bits.
	return place{
		score: int64(score), used: (int64(1)<<e.UsedBits - 1 - int64(used)) * usedUnit,
		at: Moment(int64(1)<<e.AtBits-1-int64(at)) * atUnit,
	}, nil
}

// recode answers encode and decode: by arithmetic, and by the layout.
func (q *Query) recode(e *Encoding, byLayout bool) (any, error) {
	if e == nil {
		return nil, errors.New("the rule has no encoding")
	}
	if q.Q == "encode" {
		if q.Score == nil {
			return nil, errors.New("it has no score")
		}
		return e.pack(*q.Score, q.UsedMS, q.At.or(0), byLayout)
	}
	if q.Value == nil {
		return nil, errors.New("it has no value")
	}
	at, err := e.unpack(*q.Value, byLayout)
	return map[string]any{"score": at.score, "used_ms": at.used, "at": at.at}, err
}

func (e *Encoding) pack(score, used int64, at Moment, byLayout bool) (any, error) {
	if !byLayout {
		return e.encode(score, used, at)
	}
	l, err := e.layout()
	if err != nil {
		return nil, err
	}
	return l.Pack(int(score), time.Duration(used)*time.Millisecond, opened().Add(time.Duration(at)*time.Millisecond))
}

func (e *Encoding) unpack(v uint64, byLayout bool) (place, error) {
	at, err := e.decode(v)
	if !byLayout || err != nil {
		return at, err
	}
	l, err := e.layout()
	if err != nil {
		return place{}, err
	}
	score, used, when := l.Unpack(v)
	return place{int64(score), used.Milliseconds(), Moment(when.Sub(opened()).Milliseconds())}, nil
}
