package waitingroom

import (
	"math"
	"sync/atomic"
	"time"
)

// Numbers of the brake that no operator needs to set.
const (
	// Slowest is the least part of its rate that a line keeps, so that it always moves,
	// also where what is slow has nothing to do with who comes.
	Slowest = 0.2
	// tooMany and few are the parts of the requests above and below which the line is
	// slowed and let go again; between them it keeps its pace.
	tooMany, few = 0.10, 0.02
	// slower is what the pace is cut to, at once and then every cutEvery for as long as it
	// lasts: whoever was let in before a cut goes on asking after it.
	slower, cutEvery = 0.6, 8 * time.Second
	// faster is what one look adds, and careful what it adds within near of the pace at
	// which it became too much the last time.
	faster, careful, near = 0.005, 0.001, 0.15
	// judged is how many requests say something of the server.
	judged = 20
)

// Brake slows a line down while the server is slow for those who are in already, and lets
// it go again by and by. An operator sets the rate that a machine carries on a good day;
// beyond what it carries today, more people would make it slower for all of them.
type Brake struct {
	// SlowAfter is how long a request may take before it is slow.
	SlowAfter time.Duration

	// mark is the pace at which it became too much the last time, and cutAt when it was cut.
	// Only look knows them.
	mark  float64
	cutAt time.Time

	seen, slow atomic.Int64
	// share is the bits of the float64, 0 before the line was slowed for the first time.
	share atomic.Uint64
}

// Note counts one request of somebody who is in.
func (b *Brake) Note(took time.Duration) {
	b.seen.Add(1)
	if took > b.SlowAfter {
		b.slow.Add(1)
	}
}

// Share is the part of its rate at which the line moves: 1 is all of it. A nil Brake
// withholds nothing.
func (b *Brake) Share() float64 {
	if b == nil || b.share.Load() == 0 {
		return 1
	}
	return math.Float64frombits(b.share.Load())
}

// look judges the requests since the last look, and sets the pace by them. It tells
// whether the line began to be slowed, or is let go altogether.
func (b *Brake) look(at time.Time) (began, ended bool) {
	seen, slow := b.seen.Swap(0), b.slow.Swap(0)
	was := b.Share()
	now := was
	switch part := float64(slow) / float64(max(seen, judged)); {
	case part > tooMany:
		now = b.cut(was, at)
	case part < few && math.Abs(was-b.mark) < near*b.mark:
		now = min(was+careful, 1)
	case part < few:
		now = min(was+faster, 1)
	}
	b.hold(now)
	return was == 1 && now < 1, was < 1 && now == 1
}

// cut is the pace after one at which too much is slow.
func (b *Brake) cut(was float64, at time.Time) float64 {
	ago := at.Sub(b.cutAt)
	if ago < cutEvery {
		return was
	}
	if ago > 2*cutEvery { // all was well meanwhile
		b.mark = was
	}
	b.cutAt = at
	return max(was*slower, Slowest)
}

func (b *Brake) hold(share float64) { b.share.Store(math.Float64bits(share)) }
