package leaderboard

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errAsk = errors.New("the store is away")

// counting is a question that is answered with how often it was asked.
func counting(times *atomic.Int64) func(context.Context) (int64, error) {
	return func(context.Context) (int64, error) { return times.Add(1), nil }
}

func TestMemoAsksOnceASecond(t *testing.T) {
	t.Parallel()
	var m memo[int64]
	var times atomic.Int64
	now := time.Now()
	for _, tc := range []struct {
		key   string
		after time.Duration
		want  int64
	}{
		{"a", 0, 1},
		{"a", 500 * time.Millisecond, 1},
		{"a", 999 * time.Millisecond, 1},
		{"b", 999 * time.Millisecond, 2},
		{"a", time.Second, 3},
		{"a", 1999 * time.Millisecond, 3},
	} {
		got, err := m.get(t.Context(), tc.key, now.Add(tc.after), counting(&times))
		if err != nil || got != tc.want {
			t.Errorf("%s after %v: answer %d, %v; want the %dth", tc.key, tc.after, got, err, tc.want)
		}
	}
}

// TestMemoSharesOneAnswer proves invariant 7: however many ask at once, the store
// is asked once.
func TestMemoSharesOneAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m memo[int64]
		var times atomic.Int64
		release := make(chan struct{})
		ask := func(work context.Context) (int64, error) {
			<-release
			return times.Add(1), work.Err()
		}
		now := time.Now()
		var askers sync.WaitGroup
		for range 100 {
			askers.Go(func() {
				if got, err := m.get(t.Context(), "a", now, ask); got != 1 || err != nil {
					t.Errorf("answer %d, %v", got, err)
				}
			})
		}
		synctest.Wait()
		close(release)
		askers.Wait()
		if times.Load() != 1 {
			t.Errorf("asked %d times", times.Load())
		}
	})
}

func TestMemoForgetsFailures(t *testing.T) {
	t.Parallel()
	var m memo[int64]
	var times atomic.Int64
	now := time.Now()
	_, err := m.get(t.Context(), "a", now, func(context.Context) (int64, error) { return 0, errAsk })
	if !errors.Is(err, errAsk) {
		t.Errorf("the failure is answered %v", err)
	}
	if got, err := m.get(t.Context(), "a", now, counting(&times)); got != 1 || err != nil {
		t.Errorf("after a failure: %d, %v", got, err)
	}
}

// TestMemoOutlivesItsFirstAsker: who asked first may go, those who wait get their
// answer; and who goes waits no longer.
func TestMemoOutlivesItsFirstAsker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m memo[int64]
		release := make(chan struct{})
		now := time.Now()
		first, leave := context.WithCancel(t.Context())
		var askers sync.WaitGroup
		askers.Go(func() {
			_, _ = m.get(first, "a", now, func(work context.Context) (int64, error) {
				<-release
				return 7, work.Err()
			})
		})
		synctest.Wait()
		askers.Go(func() {
			if got, err := m.get(t.Context(), "a", now, nil); got != 7 || err != nil {
				t.Errorf("who waited got %d, %v", got, err)
			}
		})
		second, leaveToo := context.WithCancel(t.Context())
		askers.Go(func() {
			if _, err := m.get(second, "a", now, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		})
		synctest.Wait()
		leave()
		leaveToo()
		synctest.Wait()
		close(release)
		askers.Wait()
	})
}

func TestMemoHasPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m memo[int64]
		began := time.Now()
		_, err := m.get(t.Context(), "a", began, func(work context.Context) (int64, error) {
			<-work.Done()
			return 0, work.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != memoPatience {
			t.Errorf("a store that does not answer: %v after %v", err, time.Since(began))
		}
	})
}

func TestMemoIsBounded(t *testing.T) {
	t.Parallel()
	var m memo[int64]
	var times atomic.Int64
	now := time.Now()
	for i := range memoMax + 10 {
		if _, err := m.get(t.Context(), strconv.Itoa(i), now, counting(&times)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(m.answers); n > memoMax {
		t.Errorf("%d answers are remembered", n)
	}
}
