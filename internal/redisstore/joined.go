package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Joined sends the commands of concurrent callers to one Redis server together:
// whoever comes while all lanes are under way travels with the next one that is
// free. Nobody waits for company, there is no timer, and who finds a lane free sends
// by themselves, as without it. It is a redis.Scripter.
//
// A lane is a batch under way, on a connection that is its own meanwhile. There
// are several, because Redis syncs what all connections brought since its last
// sync at once, but takes only 16 KiB from each: one lane alone would waste a slow
// disk. A batch is kept below that for the same reason.
//
// Each caller gets the reply to its own command, or an error. A caller whose
// context ends gets that error at once; what it sent may still be done, as with a
// connection of its own. Where a connection breaks, everybody in its batch learns
// that the outcome is unknown, and nothing is sent a second time. A script that
// Redis does not know is refused by itself: redis.Script sends it anew in full.
type Joined struct {
	db    *redis.Client
	lanes int
	most  int // commands of a batch

	mu      sync.Mutex
	waiting []*order
	busy    int // lanes under way
}

var _ redis.Scripter = (*Joined)(nil)

// batchMost is how many commands travel together at most: a submission takes up to
// a kilobyte.
const batchMost = 16

// errUnanswered is what a command says until its reply has come.
var errUnanswered = errors.New("no reply came")

// NewJoined sends through db in so many lanes, at least one. db must not repeat
// commands by itself (MaxRetries -1), and should have a connection for each lane.
func NewJoined(db *redis.Client, lanes int) *Joined {
	return &Joined{db: db, lanes: max(lanes, 1), most: batchMost}
}

// order is what one caller wants sent. The commands are the lane's until done is
// closed, and for ever if their caller leaves before.
type order struct {
	cmds  []redis.Cmder
	one   [1]redis.Cmder // room for a single command
	state atomic.Uint32
	done  chan struct{}
}

// States of an order.
const (
	orderWaiting uint32 = iota
	orderSent
	orderLeft // its caller has gone before it was sent
)

// Eval implements redis.Scripter.
func (j *Joined) Eval(ctx context.Context, src string, keys []string, args ...any) *redis.Cmd {
	return j.script(ctx, "eval", src, keys, args)
}

// EvalSha implements redis.Scripter.
func (j *Joined) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return j.script(ctx, "evalsha", sha1, keys, args)
}

// EvalRO implements redis.Scripter. It travels alone.
func (j *Joined) EvalRO(ctx context.Context, src string, keys []string, args ...any) *redis.Cmd {
	return j.db.EvalRO(ctx, src, keys, args...)
}

// EvalShaRO implements redis.Scripter. It travels alone.
func (j *Joined) EvalShaRO(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return j.db.EvalShaRO(ctx, sha1, keys, args...)
}

// ScriptExists implements redis.Scripter. It travels alone.
func (j *Joined) ScriptExists(ctx context.Context, hashes ...string) *redis.BoolSliceCmd {
	return j.db.ScriptExists(ctx, hashes...)
}

// ScriptLoad implements redis.Scripter. It travels alone.
func (j *Joined) ScriptLoad(ctx context.Context, src string) *redis.StringCmd {
	return j.db.ScriptLoad(ctx, src)
}

func (j *Joined) script(ctx context.Context, name, script string, keys []string, args []any) *redis.Cmd {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, name, script, len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	all = append(all, args...)
	o := &order{done: make(chan struct{})}
	cmd := redis.NewCmd(ctx, all...)
	o.one[0] = cmd
	o.cmds = o.one[:]
	if err := j.do(ctx, o); err != nil {
		cmd = redis.NewCmd(ctx, name) // the other one may still be answered
		cmd.SetErr(err)
	}
	return cmd
}

// Together sends commands in one batch and returns once they are answered; each
// has its own error then. After an error of Together itself none may be looked at.
func (j *Joined) Together(ctx context.Context, commands func(redis.Pipeliner)) ([]redis.Cmder, error) {
	p := j.db.Pipeline() // only collects
	commands(p)
	o := &order{cmds: p.Cmds(), done: make(chan struct{})}
	if len(o.cmds) == 0 {
		return nil, nil
	}
	if err := j.do(ctx, o); err != nil {
		return nil, err
	}
	return o.cmds, nil
}

// do returns when the order is answered or ctx has ended.
func (j *Joined) do(ctx context.Context, o *order) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, cmd := range o.cmds {
		if err := sendable(cmd.Args()); err != nil {
			return fmt.Errorf("%s: %w", cmd.Name(), err)
		}
		cmd.SetErr(errUnanswered)
	}
	if j.enter() {
		defer j.leave() //nolint:contextcheck // A batch belongs to several callers.
		j.alone(ctx, o)
		return nil
	}
	j.enqueue(o) //nolint:contextcheck // As above.
	select {
	case <-o.done:
		return nil
	case <-ctx.Done():
		o.state.CompareAndSwap(orderWaiting, orderLeft)
		return ctx.Err()
	}
}

// sendable refuses what go-redis might fail to encode: it would fail the others in
// the batch, too.
func sendable(args []any) error {
	for i, arg := range args {
		switch arg.(type) {
		case string, []byte, int, int64, uint64:
		default:
			return fmt.Errorf("argument %d is a %T", i, arg)
		}
	}
	return nil
}

// enter takes a lane where one is free and nobody waits for it.
func (j *Joined) enter() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy == j.lanes || len(j.waiting) > 0 {
		return false
	}
	j.busy++
	return true
}

// leave gives a lane back, or to whoever came meanwhile.
func (j *Joined) leave() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.waiting) == 0 {
		j.busy--
		return
	}
	go j.lane()
}

// alone sends an order with its caller's own context.
func (j *Joined) alone(ctx context.Context, o *order) {
	if len(o.cmds) == 1 {
		_ = j.db.Process(ctx, o.cmds[0]) // the command has the error
		return
	}
	p := j.db.Pipeline()
	_ = p.BatchProcess(ctx, o.cmds...) // only queues
	tellUnanswered(p.Exec(ctx))
}

// enqueue lets an order wait for a lane, and opens one where that is allowed.
func (j *Joined) enqueue(o *order) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = append(j.waiting, o)
	if j.busy < j.lanes {
		j.busy++
		go j.lane() // ends when nobody waits
	}
}

// lane sends batches until nobody waits.
func (j *Joined) lane() {
	batch := make([]*order, 0, j.most)
	for {
		if batch = j.take(batch[:0]); len(batch) == 0 {
			return
		}
		j.send(batch)
	}
}

// take moves the next orders into batch, those of callers that have left not
// among them. It closes the lane where there are none.
func (j *Joined) take(batch []*order) []*order {
	j.mu.Lock()
	defer j.mu.Unlock()
	room := j.most
	for len(j.waiting) > 0 {
		o := j.waiting[0]
		if len(batch) > 0 && len(o.cmds) > room {
			break
		}
		j.waiting[0] = nil
		j.waiting = j.waiting[1:]
		if o.state.CompareAndSwap(orderWaiting, orderSent) {
			batch = append(batch, o)
			room -= len(o.cmds)
		}
	}
	if len(batch) == 0 {
		j.busy--
	}
	return batch
}

// send sends a batch and hands out the replies. It heeds no caller's context,
// because the others still wait: the client's own time-outs end it.
func (j *Joined) send(batch []*order) {
	ctx := context.Background()
	p := j.db.Pipeline()
	for _, o := range batch {
		_ = p.BatchProcess(ctx, o.cmds...) // only queues
	}
	cmds, err := p.Exec(ctx)
	tellUnanswered(cmds, err)
	for _, o := range batch {
		close(o.done)
	}
}

// tellUnanswered gives commands without a reply the reason for it. What Exec
// returned is the first command's error, and may be but a reply.
func tellUnanswered(cmds []redis.Cmder, err error) {
	if err == nil {
		return
	}
	for _, cmd := range cmds {
		if e := cmd.Err(); e != nil && e != errUnanswered && !isReply(e) { //nolint:errorlint // It was set as is.
			err = e
			break
		}
	}
	for _, cmd := range cmds {
		if cmd.Err() == errUnanswered { //nolint:errorlint // As above.
			cmd.SetErr(fmt.Errorf("%w: %w", errUnanswered, err))
		}
	}
}

// isReply tells an error that Redis answered from one of the way there.
func isReply(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}
