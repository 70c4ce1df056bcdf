package leaderboard

import (
	"context"
	"sync"
	"time"
)

// memo answers the same question at most once a second and lets concurrent
// askers share one answer. The zero value is ready.
type memo[T any] struct {
	mu      sync.Mutex
	answers map[string]*answer[T]
}

type answer[T any] struct {
	at    time.Time
	ready chan struct{}
	value T
	err   error
}

const (
	memoFresh = time.Second
	// memoMax bounds the questions remembered; beyond it all are forgotten.
	memoMax = 10_000
	// memoPatience bounds the work for one answer: it must not end with the first
	// asker's request, because others wait for it.
	memoPatience = 5 * time.Second
)

func (m *memo[T]) get(ctx context.Context, key string, now time.Time, ask func(context.Context) (T, error)) (T, error) {
	a, mine := m.claim(key, now)
	if mine {
		work, cancel := context.WithTimeout(context.WithoutCancel(ctx), memoPatience)
		defer cancel()
		a.value, a.err = ask(work)
		close(a.ready)
	}
	select {
	case <-a.ready:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// claim returns the answer to wait for, and whether the caller has to find it. A
// failed answer is not kept for the next asker.
func (m *memo[T]) claim(key string, now time.Time) (*answer[T], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.answers[key]; ok && now.Sub(a.at) < memoFresh && !a.failed() {
		return a, false
	}
	if m.answers == nil || len(m.answers) >= memoMax {
		m.answers = map[string]*answer[T]{}
	}
	a := &answer[T]{at: now, ready: make(chan struct{})}
	m.answers[key] = a
	return a, true
}

func (a *answer[T]) failed() bool {
	select {
	case <-a.ready:
		return a.err != nil
	default:
		return false
	}
}
