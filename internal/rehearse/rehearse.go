// Package rehearse judges a rehearsal of the evening on which everybody comes at
// once: what the machine held, where it bent, and what to change.
//
// The rules are pure: they know only what was measured. Each one speaks when a
// figure of its own crosses a line, says the figure, and what to do about it.
package rehearse

import (
	"slices"
	"time"

	"qingyuan/internal/simulate"
)

// Measured is everything that a rehearsal has seen. What a machine does not tell
// stays zero, and the rules about it stay silent.
type Measured struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	// Own tells that the rehearsal started a server of its own on this machine.
	Own bool `json:"own_server"`
	// Expected is how many people the campaign expects on its evening.
	Expected int `json:"expected"`
	// Elsewhere names parts of the real deployment that the rehearsal had no part
	// in: "redis", "database".
	Elsewhere []string `json:"elsewhere,omitempty"`

	CPUs        int   `json:"cpus"`
	MemoryBytes int64 `json:"memory_bytes"`
	// DiskFree and DiskTaken are of the disk of the data folder: before, and by
	// the rehearsal.
	DiskFree  int64 `json:"disk_free_bytes"`
	DiskTaken int64 `json:"disk_taken_bytes"`
	// SyncAlone is how long the disk took to keep a few bytes while nothing else
	// ran, SyncBusy during the rush.
	SyncAlone Syncs `json:"sync_alone"`
	SyncBusy  Syncs `json:"sync_busy"`

	Samples []Sample `json:"samples"`
	// Load is what the people saw.
	Load simulate.Report `json:"load"`
}

// Sample is the state of the machine in one second.
type Sample struct {
	// Second counts from the beginning of the rush.
	Second float64 `json:"second"`
	// Busy is how many cores were busy with anything, Server, Redis and People
	// with these; people are simulated on the same machine.
	Busy   float64 `json:"busy_cores"`
	Server float64 `json:"server_cores"`
	Redis  float64 `json:"redis_cores"`
	People float64 `json:"people_cores"`
	// FreeBytes is the memory that was left, the others what the two held.
	FreeBytes   int64 `json:"free_bytes"`
	ServerBytes int64 `json:"server_bytes"`
	RedisBytes  int64 `json:"redis_bytes"`
	// Pace is the part of its rate at which the line moved; 0 where there is none, or
	// nobody told.
	Pace float64 `json:"pace,omitempty"`
}

// Syncs says how long a disk takes until a few bytes are safe.
type Syncs struct {
	Count int     `json:"count"`
	P50MS float64 `json:"p50_ms"`
	P99MS float64 `json:"p99_ms"`
	MaxMS float64 `json:"max_ms"`
}

// window is over how many samples a peak is taken: a single second tells of
// chance.
const window = 5

// busiest returns the highest mean of a figure over a few seconds in a row.
func (m *Measured) busiest(figure func(Sample) float64) float64 {
	most := 0.0
	for i := range m.Samples {
		of := m.Samples[i:min(i+window, len(m.Samples))]
		if len(of) < window && i > 0 {
			break
		}
		sum := 0.0
		for _, s := range of {
			sum += figure(s)
		}
		most = max(most, sum/float64(len(of)))
	}
	return most
}

// leastFree returns the least memory that was left; ok is false where nobody
// looked.
func (m *Measured) leastFree() (bytes int64, ok bool) {
	for i, s := range m.Samples {
		if i == 0 || s.FreeBytes < bytes {
			bytes = s.FreeBytes
		}
	}
	return bytes, len(m.Samples) > 0 && m.MemoryBytes > 0
}

// redisGrowth is by how much Redis grew for each person.
func (m *Measured) redisGrowth() float64 {
	if len(m.Samples) == 0 || m.came() == 0 {
		return 0
	}
	most := int64(0)
	for _, s := range m.Samples {
		most = max(most, s.RedisBytes)
	}
	return float64(most-m.Samples[0].RedisBytes) / float64(m.came())
}

func (m *Measured) came() int64 { return m.Load.Participants.Done + m.Load.Participants.Failed }

// slow is the answer that a participant takes for none.
const slow = 1000 // ms

// held returns the most people a second of any part of the time in which the
// hundredth slowest request took less than a second and nobody was turned away.
func (m *Measured) held() float64 {
	most := 0.0
	for _, s := range m.Load.Timeline {
		if s.Requests > 0 && !bent(s) {
			most = max(most, float64(s.Arrived)/s.Seconds)
		}
	}
	return most
}

// bend returns the first part of the time that was too slow.
func (m *Measured) bend() (simulate.Slice, bool) {
	for _, s := range m.Load.Timeline {
		if bent(s) {
			return s, true
		}
	}
	return simulate.Slice{}, false
}

// carried returns how many people a second came to their end while too many came: the
// median of the parts that were too slow, 0 where none was.
func (m *Measured) carried() float64 {
	var rates []float64
	for _, s := range m.Load.Timeline {
		if bent(s) {
			rates = append(rates, float64(s.Finished)/s.Seconds)
		}
	}
	if len(rates) == 0 {
		return 0
	}
	slices.Sort(rates)
	return rates[len(rates)/2]
}

func bent(s simulate.Slice) bool { return s.P99MS >= slow || s.Unavailable > 0 || s.Broken > 0 }

// worst returns the slowest hundredth of any part, the requests turned away for
// a moment with 429 and with 503 or no reply at all.
func (m *Measured) worst() (p99 float64, limited, unavailable int64) {
	for _, s := range m.Load.Timeline {
		p99 = max(p99, s.P99MS)
		limited += s.Limited
		unavailable += s.Unavailable + s.Broken
	}
	return p99, limited, unavailable
}

// steepest returns the most people a second that the plan had.
func (m *Measured) steepest() float64 {
	if m.Load.Arrivals == nil {
		return 0
	}
	return m.Load.Arrivals.PeakPerSecond
}

// realSteepest is the steepest second of the evening as it is expected: 60 % of
// the people in five minutes, three times as many in the bursts.
func (m *Measured) realSteepest() float64 { return float64(m.Expected) * 0.6 / 300 * 3 }
