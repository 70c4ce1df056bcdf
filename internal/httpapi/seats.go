package httpapi

import (
	"net/netip"
	"sync"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
)

// seats bounds the streams open at once, in all and from one address.
type seats struct {
	mu              sync.Mutex
	taken           int
	from            map[netip.Addr]int
	most, mostByOne int
}

func newSeats(most, mostByOne int) *seats {
	return &seats{from: map[netip.Addr]int{}, most: most, mostByOne: mostByOne}
}

// fullRetry is when a seat is worth asking for again; polling serves meanwhile.
const fullRetry = 30 * time.Second

// take claims a seat for addr. A spared address is bounded by the house alone.
func (s *seats) take(addr netip.Addr, spared bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken >= s.most:
		return fault.ErrUnavailable.WithRetry(fullRetry)
	case !spared && s.from[addr] >= s.mostByOne:
		return session.ErrRateLimited.WithRetry(fullRetry)
	}
	s.taken++
	s.from[addr]++
	return nil
}

// leave gives a seat back.
func (s *seats) leave(addr netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.from[addr]--; s.from[addr] == 0 {
		delete(s.from, addr)
	}
}

// count returns how many are taken.
func (s *seats) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
