package campaign

import (
	"context"
	"sync"
)

// Reading is where a store may keep what it has read of one participant, for as long
// as one request that only reads: several questions about them are answered from one
// moment then, and cost one round trip. The zero Reading is ready.
type Reading struct {
	mu   sync.Mutex
	kept map[string]any
}

type readingKey struct{}

// InOneReading lets stores answer questions about the same participant from what
// they have read within ctx already. What acts must not use it: it would not see
// what it has done.
func InOneReading(ctx context.Context) context.Context {
	return context.WithValue(ctx, readingKey{}, &Reading{})
}

// ReadingOf returns what InOneReading has put into ctx, nil for none.
func ReadingOf(ctx context.Context) *Reading {
	r, _ := ctx.Value(readingKey{}).(*Reading)
	return r
}

// Once returns what read returned when it was first asked for under this name. Others
// who ask wait for it.
func (r *Reading) Once(name string, read func() any) any {
	r.mu.Lock()
	defer r.mu.Unlock()
	if kept, ok := r.kept[name]; ok {
		return kept
	}
	if r.kept == nil {
		r.kept = map[string]any{}
	}
	kept := read()
	r.kept[name] = kept
	return kept
}
