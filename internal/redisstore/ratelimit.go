package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/session"
)

// RateLimiter counts callers in Redis, so that one bound holds across all
// instances: session.Limiter.
type RateLimiter struct {
	db   redis.UniversalClient
	now  func() time.Time
	rate *redis.Script
}

var _ session.Limiter = (*RateLimiter)(nil)

// NewRateLimiter returns a limiter in db that reads the time from now.
func NewRateLimiter(db redis.UniversalClient, now func() time.Time) *RateLimiter {
	return &RateLimiter{db: db, now: now, rate: script("rate")}
}

// Allow counts one call of the caller named by hash, a keyed hash of whatever
// names them. Of calls that come steadily perMinute a minute are granted, and
// burst of them may come at once; both are at least 1. When ok is false, one
// more call will be granted after retryAfter. A repeat after a lost reply
// counts twice, which only errs on the safe side.
func (l *RateLimiter) Allow(ctx context.Context, hash string, perMinute, burst int) (ok bool, retryAfter time.Duration, err error) {
	if perMinute < 1 || burst < 1 {
		return false, 0, fmt.Errorf("count a call: a rate of %d a minute, %d at once", perMinute, burst)
	}
	step := max(time.Minute/time.Duration(perMinute), time.Microsecond)
	r, err := run(ctx, l.db, l.rate, []string{rateKey(hash)}, l.now().UnixMicro(), step.Microseconds(), burst)
	if err != nil {
		return false, 0, fmt.Errorf("count a call: %w", err)
	}
	if r.outcome == "ok" {
		return true, 0, nil
	}
	if r.outcome != "limited" || len(r.args) != 1 {
		return false, 0, errors.New("count a call: unknown outcome " + strconv.Quote(r.outcome))
	}
	wait, err := strconv.ParseInt(r.args[0], 10, 64)
	if err != nil {
		return false, 0, fmt.Errorf("count a call: time to wait: %w", err)
	}
	return false, time.Duration(wait) * time.Microsecond, nil
}
