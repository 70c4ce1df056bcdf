package operator

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// remembered is how long a session that was looked up is taken for granted: so long a
// session ended on another server may linger.
const remembered = time.Second

// rememberedSessions is how many are kept in mind.
const rememberedSessions = 4096

// memory spares the database when a page asks for many things at once.
type memory struct {
	mu  sync.Mutex
	lru *simplelru.LRU[[sha256.Size]byte, recalled]
	// age is raised when everything is forgotten, so that what was read before is not
	// put in after.
	age int64
}

type recalled struct {
	actor Actor
	until time.Time
}

func newMemory() *memory {
	lru, err := simplelru.NewLRU[[sha256.Size]byte, recalled](rememberedSessions, nil)
	if err != nil {
		panic(err) // the size is positive
	}
	return &memory{lru: lru}
}

// find returns whom a session belongs to, if it was looked up just now, and the age to
// put it in with if not.
func (m *memory) find(hash [sha256.Size]byte, now time.Time) (Actor, int64, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.lru.Get(hash)
	if !ok || now.After(v.until) {
		return Actor{}, m.age, false
	}
	return v.actor, m.age, true
}

func (m *memory) put(hash [sha256.Size]byte, a Actor, now time.Time, age int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.age == age {
		m.lru.Add(hash, recalled{a, now.Add(remembered)})
	}
}

// forget drops everything: an account or a session has changed.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.age++
	m.lru.Purge()
}
