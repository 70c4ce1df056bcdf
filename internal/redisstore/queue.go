package redisstore

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/waitingroom"
)

var (
	queueJoin  = script("queue_join")
	queueLook  = script("queue_look")
	queueEnter = script("queue_enter")
	queueTurn  = script("queue_turn")
)

const (
	// turnMost bounds how many one turn of the line moves, of each kind.
	turnMost = 2000
	// noteAfter is how old the last question of a number may be before the next
	// one is written down: most questions then only read.
	noteAfter = 20 * time.Second
	// keepQueue is how long the line outlives its last turn.
	keepQueue = 24 * time.Hour
)

// Queue keeps the line of the waiting room in Redis, one for all servers:
// waitingroom.Store. Of somebody who waits it keeps two numbers, about 250 bytes, of
// somebody who was let in one; both go by themselves.
type Queue struct{ db redis.UniversalClient }

var _ waitingroom.Store = (*Queue)(nil)

// NewQueue returns the line that lies in db.
func NewQueue(db redis.UniversalClient) *Queue { return &Queue{db: db} }

// Join implements waitingroom.Store.
func (q *Queue) Join(ctx context.Context, r waitingroom.Rules, now time.Time) (waitingroom.Spot, error) {
	k := queueKeysOf()
	keys := []string{k.line(), k.waiting(), k.seen(), k.away(), k.admitted()}
	got, err := run(ctx, q.db, queueJoin, keys,
		now.UnixMicro(), r.Step().Microseconds(), r.Room().Microseconds(), r.Hold.Milliseconds(), r.Most)
	if err != nil {
		return waitingroom.Spot{}, fmt.Errorf("join the line: %w", err)
	}
	return spotOf(got, "join the line")
}

// Look implements waitingroom.Store.
func (q *Queue) Look(ctx context.Context, number int64, _ waitingroom.Rules, now time.Time) (waitingroom.Spot, error) {
	k := queueKeysOf()
	keys := []string{k.line(), k.waiting(), k.seen(), k.away(), k.admitted(), k.used()}
	got, err := run(ctx, q.db, queueLook, keys,
		now.UnixMicro(), number, waitingroom.MaxCodes, noteAfter.Milliseconds(), waitingroom.Patience.Microseconds())
	if err != nil {
		return waitingroom.Spot{}, fmt.Errorf("find number %d in the line: %w", number, err)
	}
	return spotOf(got, "find a number in the line")
}

// Enter implements waitingroom.Store.
func (q *Queue) Enter(ctx context.Context, number int64, code string, r waitingroom.Rules, now time.Time) (waitingroom.Spot, error) {
	k := queueKeysOf()
	keys := []string{k.line(), k.waiting(), k.admitted(), k.used()}
	got, err := run(ctx, q.db, queueEnter, keys,
		now.UnixMicro(), number, code, waitingroom.MaxCodes, r.Step().Microseconds(), r.Room().Microseconds(), r.Hold.Milliseconds())
	if err != nil {
		return waitingroom.Spot{}, fmt.Errorf("let a sign-in through: %w", err)
	}
	return spotOf(got, "let a sign-in through")
}

// Turn implements waitingroom.Store.
func (q *Queue) Turn(ctx context.Context, r waitingroom.Rules, now time.Time) (waitingroom.Line, error) {
	k := queueKeysOf()
	keys := []string{k.line(), k.waiting(), k.seen(), k.away(), k.admitted(), k.used()}
	got, err := run(ctx, q.db, queueTurn, keys,
		now.UnixMicro(), r.Step().Microseconds(), r.Room().Microseconds(), r.Hold.Milliseconds(),
		waitingroom.Patience.Milliseconds(), waitingroom.Forget.Milliseconds(), turnMost, keepQueue.Milliseconds())
	if err != nil {
		return waitingroom.Line{}, fmt.Errorf("move the line: %w", err)
	}
	n, err := got.numbers("turned", 2)
	if err != nil {
		return waitingroom.Line{}, fmt.Errorf("move the line: %w", err)
	}
	return waitingroom.Line{Waiting: n[0], Admitted: n[1]}, nil
}

// spotOf reads what a script says of one number.
func spotOf(r reply, attempt string) (waitingroom.Spot, error) {
	var s waitingroom.Spot
	want := 0
	switch r.outcome {
	case "unknown":
		s.State = waitingroom.Unknown
	case "full":
		s.State = waitingroom.Full
	case "admitted":
		s.State, want = waitingroom.Admitted, 1
	case "waiting":
		s.State, want = waitingroom.Waiting, 2
	default:
		return s, fmt.Errorf("%s: %w", attempt, r.unknown())
	}
	n, err := r.numbers(r.outcome, want)
	if err != nil {
		return s, fmt.Errorf("%s: %w", attempt, err)
	}
	if want > 0 {
		s.Number = n[0]
	}
	if want > 1 {
		s.Ahead = n[1]
	}
	return s, nil
}

// numbers returns the whole numbers that come with an outcome.
func (r reply) numbers(outcome string, want int) ([]int64, error) {
	if r.outcome != outcome || len(r.args) != want {
		return nil, r.unknown()
	}
	out := make([]int64, want)
	for i, text := range r.args {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
		out[i] = n
	}
	return out, nil
}
