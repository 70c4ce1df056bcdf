package redisstore_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
)

// hand is a clock that is moved by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) Add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func limiter(t *testing.T) (*redisstore.RateLimiter, *hand, *redis.Client) {
	t.Helper()
	db := redistest.Start(t).Client(t)
	clock := &hand{now: time.Unix(1_800_000_000, 0)}
	return redisstore.NewRateLimiter(db, clock.Now), clock, db
}

// granted counts how many of n calls are granted, and returns the last wait.
func granted(t *testing.T, l *redisstore.RateLimiter, hash string, n int) (yes int, wait time.Duration) {
	t.Helper()
	for range n {
		ok, after, err := l.Allow(t.Context(), hash, 60, 10)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			yes++
		} else if after <= 0 {
			t.Errorf("refused, to come back after %v", after)
		}
		wait = after
	}
	return yes, wait
}

func TestRateBurstThenSteady(t *testing.T) {
	t.Parallel()
	l, clock, _ := limiter(t)
	if yes, wait := granted(t, l, "a", 30); yes != 10 || wait != time.Second {
		t.Errorf("%d at once, next after %v; want 10 and 1s", yes, wait)
	}
	clock.Add(999 * time.Millisecond)
	if yes, wait := granted(t, l, "a", 1); yes != 0 || wait != time.Millisecond {
		t.Errorf("a little early: %d granted, next after %v", yes, wait)
	}
	clock.Add(time.Millisecond)
	if yes, _ := granted(t, l, "a", 5); yes != 1 {
		t.Errorf("after a second: %d granted, want 1", yes)
	}
	total := 0
	for range 600 { // ten a second, for a minute
		clock.Add(100 * time.Millisecond)
		yes, _ := granted(t, l, "a", 1)
		total += yes
	}
	if total != 60 {
		t.Errorf("%d in a minute of trying, want 60", total)
	}
	clock.Add(time.Hour)
	if yes, _ := granted(t, l, "a", 30); yes != 10 {
		t.Errorf("after an hour: %d at once, want 10", yes)
	}
}

func TestRateKeepsCallersApart(t *testing.T) {
	t.Parallel()
	l, _, _ := limiter(t)
	granted(t, l, "a", 30)
	if yes, _ := granted(t, l, "b", 30); yes != 10 {
		t.Errorf("another caller is granted %d, want 10", yes)
	}
}

func TestRateAThousandRegistrations(t *testing.T) {
	t.Parallel()
	l, _, db := limiter(t)
	other := redisstore.NewRateLimiter(db, (&hand{now: time.Unix(1_800_000_000, 0)}).Now)
	var yes atomic.Int64
	var wg sync.WaitGroup
	for i := range 1000 { // over two instances
		wg.Go(func() {
			by := l
			if i%2 == 0 {
				by = other
			}
			ok, _, err := by.Allow(t.Context(), "one address", 60, 10)
			if err != nil {
				t.Error(err)
			}
			if ok {
				yes.Add(1)
			}
		})
	}
	wg.Wait()
	if yes.Load() != 10 {
		t.Errorf("%d granted at once, want 10", yes.Load())
	}
}

func TestRateClockSetBack(t *testing.T) {
	t.Parallel()
	l, clock, _ := limiter(t)
	granted(t, l, "a", 10)
	clock.Add(-24 * time.Hour)
	if yes, wait := granted(t, l, "a", 1); yes != 0 || wait != time.Second {
		t.Errorf("clock set back a day: %d granted, next after %v; want 0 and 1s", yes, wait)
	}
	clock.Add(time.Second)
	if yes, _ := granted(t, l, "a", 1); yes != 1 {
		t.Error("locked out until the clock catches up")
	}
}

func TestRateKeysRunOut(t *testing.T) {
	t.Parallel()
	l, _, db := limiter(t)
	granted(t, l, "a", 10)
	wantTTL(t, db, "*{r:a}", 10*time.Second)
}

func TestRateMisuse(t *testing.T) {
	t.Parallel()
	l, _, _ := limiter(t)
	for _, c := range [][2]int{{0, 1}, {1, 0}, {-1, 5}, {5, -1}} {
		if ok, _, err := l.Allow(t.Context(), "a", c[0], c[1]); ok || err == nil {
			t.Errorf("a rate of %d and a burst of %d is taken", c[0], c[1])
		}
	}
	for _, perMinute := range []int{1, 7, 59, 61, 1_000_000, 1_000_000_000} {
		hash := fmt.Sprint(perMinute)
		if ok, _, err := l.Allow(t.Context(), hash, perMinute, 1); !ok || err != nil {
			t.Errorf("the first call at %d a minute: %v, %v", perMinute, ok, err)
		}
		if perMinute > 61 {
			continue // the key runs out within a millisecond, which may pass between two calls
		}
		if ok, wait, err := l.Allow(t.Context(), hash, perMinute, 1); ok || wait <= 0 || wait > time.Minute || err != nil {
			t.Errorf("the second call at %d a minute: %v, %v, %v", perMinute, ok, wait, err)
		}
	}
}

func TestRateWithoutRedisRefuses(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	l := redisstore.NewRateLimiter(server.Client(t), time.Now)
	server.Kill(t)
	if ok, _, err := l.Allow(t.Context(), "a", 60, 10); ok || !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("without Redis: %v, %v; want %v", ok, err, fault.ErrUnavailable)
	}
}
