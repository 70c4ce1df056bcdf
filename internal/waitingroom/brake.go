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
	// slower and faster are what one look does to the pace: people who are in go on asking
	// for minutes, so that it has to be left early and come back late.
	slower, faster = 0.85, 0.01
	// judged is how many requests say something of the server.
	judged = 20
)

// Brake slows a line down while the server is slow for those who are in already, and lets
// it go again by and by. An operator sets the rate that a machine carries on a good day;
// beyond what it carries today, more people would make it slower for all of them.
type Brake struct {
	// SlowAfter is how long a request may take before it is slow.
	SlowAfter time.Duration

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
func (b *Brake) look() (began, ended bool) {
	seen, slow := b.seen.Swap(0), b.slow.Swap(0)
	was := b.Share()
	now := was
	switch part := float64(slow) / float64(max(seen, judged)); {
	case part > tooMany:
		now = max(was*slower, Slowest)
	case part < few:
		now = min(was+faster, 1)
	}
	b.hold(now)
	return was == 1 && now < 1, was < 1 && now == 1
}

func (b *Brake) hold(share float64) { b.share.Store(math.Float64bits(share)) }
