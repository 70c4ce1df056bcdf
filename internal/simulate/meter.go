package simulate

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// op is one kind of request, as the table of a report names it.
type op int

const (
	opLookUp op = iota
	opSignIn
	opEnrol
	opStart
	opSave
	opSubmit
	opSign
	opMe
	opRefused // requests the server must refuse
	opCounts
	opReread
	opQueue
	opChance
	ops // how many there are
)

func (o op) String() string {
	return [ops]string{
		"look_up", "sign_in", "enrol", "start", "save", "submit", "sign", "me", "refused", "counts", "reread", "queue", "chance",
	}[o]
}

// meter measures requests. It is shared by all workers.
type meter struct {
	latency [ops]histogram
	again   [ops]atomic.Int64
	lost    atomic.Int64
	// line is set while a planned crowd is under way.
	line *timeline

	mu      sync.Mutex
	errors  map[string]int64 // what no repeat mended
	retries map[string]int64 // what one more request mended, or may still
}

func newMeter() *meter {
	return &meter{errors: map[string]int64{}, retries: map[string]int64{}}
}

// answered counts an exchange, sent at a moment, that settled the matter, one
// way or the other.
func (m *meter) answered(o op, at time.Time, took time.Duration) {
	m.latency[o].add(took)
	if o.walked() {
		m.line.answered(at, took)
	}
}

// repeated counts an exchange that has to be made again, and why.
func (m *meter) repeated(o op, why string) {
	m.again[o].Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retries[why]++
}

// failed counts an error that stays one.
func (m *meter) failed(code string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors[code]++
}

// codes returns copies of the errors and the retries by code.
func (m *meter) codes() (errors, retries map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.errors), maps.Clone(m.retries)
}
