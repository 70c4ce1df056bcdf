package duty

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// every is how often a sample is kept, and kept how many are: a little more than five
// minutes.
const (
	every = 5 * time.Second
	kept  = 62
)

// Meter remembers five minutes of a process's metrics. Set the fields before the first
// use; Run keeps the samples.
type Meter struct {
	Gatherer prometheus.Gatherer
	Now      func() time.Time

	mu   sync.Mutex
	ring []*sample // the oldest first
}

// Run samples until ctx ends.
func (m *Meter) Run(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		m.Sample()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sample remembers what the metrics say now.
func (m *Meter) Sample() {
	s := take(m.Gatherer, m.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ring = append(m.ring, s)
	if len(m.ring) > kept {
		m.ring = append([]*sample(nil), m.ring[len(m.ring)-kept:]...)
	}
}

// Activity tells what happened until now. Before the first sample everything since the
// start of the process counts.
func (m *Meter) Activity() Activity {
	now := take(m.Gatherer, m.Now())
	m.mu.Lock()
	defer m.mu.Unlock()
	return between(now, m.before(now.at.Add(-time.Minute)), m.before(now.at.Add(-5*time.Minute)))
}

// before returns the newest sample that is at least as old as a moment, or else the
// oldest there is.
func (m *Meter) before(at time.Time) *sample {
	if len(m.ring) == 0 {
		return &sample{at: m.Now()}
	}
	found := m.ring[0]
	for _, s := range m.ring {
		if s.at.After(at) {
			break
		}
		found = s
	}
	return found
}
