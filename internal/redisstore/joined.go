package redisstore

import (
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Joined sends the commands of concurrent callers to one Redis server together, over
// few connections. It is a redis.Scripter.
//
// Whoever comes writes what waits by then, once all who are about to run have had
// their turn: no timer, nobody waits for company, and a caller alone sends by
// itself. Nobody waits for answers before the next is written either, so that a
// disk that takes long to sync holds up nothing else: see wire. A connection
// carries no more than Redis takes from one at once; what is beyond that travels
// over the next, for which another is opened if need be.
//
// Each caller gets the reply to its own command, or an error. A caller whose
// context ends gets that error at once; what it sent may still be done, as with a
// connection of its own. Where a connection breaks, everybody whose answer was to
// come over it learns that the outcome is unknown, and nothing is sent a second
// time. A script that Redis does not know is refused by itself: it is sent anew in
// full.
type Joined struct {
	// Took, when set, is told how long a caller waited, and for which script by its
	// SHA-1, or "pipeline". Set it before the first command.
	Took func(command string, took time.Duration, err error)
	// Buffer is how many bytes are read from a connection at once; window when zero.
	// Set it before the first command, too.
	Buffer int

	db      *redis.Client
	opening context.Context //nolint:containedctx // Connections belong to nobody's request.
	labels  context.Context //nolint:containedctx // For profiles alone.
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu      sync.Mutex
	waiting []*order
	wires   []*wire // nil where there is none
	closed  bool
}

var _ redis.Scripter = (*Joined)(nil)

// workLabel is the label by which profiles tell whose work a goroutine does.
const workLabel = "work"

// Labelled is a context for pprof.SetGoroutineLabels alone: profiles tell the work of
// goroutines with that label from the work of others.
func Labelled(work string) context.Context {
	return pprof.WithLabels(unlabelled, pprof.Labels(workLabel, work))
}

// unlabelled ends nothing and holds nothing: it is what labels are put on.
var unlabelled = context.Background()

// Called lets profiles call the reading of answers so, which else has no label: it is
// done for everybody, whoever asked first. It must be called before the first command.
func (j *Joined) Called(work string) { j.labels = Labelled(work) }

// window is what Redis takes from a connection at once, in bytes: sixteen
// submissions, or a hundred reads.
const window = 16 << 10

// errUnanswered is what a command says whose reply did not come.
var errUnanswered = errors.New("no reply came")

// NewJoined sends to the server of db over so many connections at most, at least
// one. They are opened as those of db are, but for its hooks. Close ends them.
func NewJoined(db *redis.Client, most int) *Joined {
	j := &Joined{db: db, wires: make([]*wire, max(most, 1)), labels: unlabelled}
	j.opening, j.stop = context.WithCancel(context.Background())
	return j
}

// Close ends the connections. Who still waits learns that no reply came.
func (j *Joined) Close() error {
	j.stop()
	j.mu.Lock()
	j.closed = true
	for _, w := range j.wires {
		if w != nil && w.open {
			_ = w.conn.Close() // whoever reads from it cleans up
		}
	}
	j.mu.Unlock()
	j.work.Wait()
	return nil
}

// order is what one caller wants sent. It is the connection's until it is done, and
// for ever if its caller leaves before.
type order struct {
	out   []byte // as it travels
	cmds  []redis.Cmder
	words []string   // the reply of a script, where there are no cmds
	list  *entryList // takes the reply instead, where it is set
	err   error      // the error that a script was answered with, or why there is no reply
	state atomic.Uint32
	done  chan struct{} // receives once
}

// States of an order.
const (
	orderWaiting uint32 = iota
	orderSent
	orderLeft // its caller has gone before it was sent
)

// orders are used again: most of them carry a kilobyte.
var orders = sync.Pool{New: func() any { return &order{done: make(chan struct{}, 1)} }}

func newOrder() *order {
	o := orders.Get().(*order)
	o.out, o.cmds, o.words, o.list, o.err = o.out[:0], nil, nil, nil, nil
	o.state.Store(orderWaiting)
	return o
}

// giveBack is for callers that were answered, or never had an order sent.
func (o *order) giveBack() {
	if cap(o.out) <= window {
		orders.Put(o)
	}
}

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
	cmd := redis.NewCmd(ctx, name, script)
	fail := func(err error) *redis.Cmd {
		none := redis.NewCmd(ctx, name) // the other one may still be answered
		none.SetErr(err)
		return none
	}
	o := newOrder()
	var err error
	if o.out, err = appendScript(o.out, name, script, keys, args); err != nil {
		return fail(fmt.Errorf("%s: %w", name, err))
	}
	o.cmds = []redis.Cmder{cmd}
	if name == "evalsha" {
		name = script
	}
	if err := j.do(ctx, name, o); err != nil {
		return fail(err)
	}
	o.giveBack()
	return cmd
}

// words runs a script and returns what it answers, a list of texts. It is what
// EvalSha and then Eval would do, with less ado.
func (j *Joined) words(ctx context.Context, s *redis.Script, keys []string, args []any) ([]string, error) {
	o := newOrder()
	var err error
	if o.out, err = appendScript(o.out, "evalsha", s.Hash(), keys, args); err != nil {
		return nil, fmt.Errorf("evalsha: %w", err)
	}
	if err := j.do(ctx, s.Hash(), o); err != nil {
		return nil, err
	}
	words, err := o.words, o.err
	o.giveBack()
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") { // which makes an object of no error, too
		return wordsOf(s.Eval(ctx, j, keys, args...))
	}
	return words, err
}

// wordsOf are what a script answered that was sent as a command of go-redis.
func wordsOf(cmd *redis.Cmd) ([]string, error) {
	all, err := cmd.Slice()
	if err != nil {
		return nil, err
	}
	words := make([]string, len(all))
	for i, v := range all {
		var ok bool
		if words[i], ok = v.(string); !ok {
			return nil, fmt.Errorf("%w: value %d is a %T", errNoWords, i, v)
		}
	}
	return words, nil
}

func appendScript(dst []byte, name, script string, keys []string, args []any) ([]byte, error) {
	dst = appendHead(dst, '*', 3+len(keys)+len(args))
	dst = appendNumber(appendBulk(appendBulk(dst, name), script), int64(len(keys)))
	for _, key := range keys {
		dst = appendBulk(dst, key)
	}
	return appendArgs(dst, 3+len(keys), args)
}

// Together sends commands in one piece and returns once they are answered; each
// has its own error then. After an error of Together itself none may be looked at.
func (j *Joined) Together(ctx context.Context, commands func(redis.Pipeliner)) ([]redis.Cmder, error) {
	p := j.db.Pipeline() // only collects
	commands(p)
	cmds := p.Cmds()
	if len(cmds) == 0 {
		return nil, nil
	}
	o := newOrder()
	o.cmds = cmds
	for _, cmd := range cmds {
		var err error
		if o.out, err = appendCommand(o.out, cmd.Args()); err != nil {
			return nil, fmt.Errorf("%s: %w", cmd.Name(), err)
		}
	}
	if err := j.do(ctx, "pipeline", o); err != nil {
		return nil, err
	}
	o.giveBack()
	return cmds, nil
}

// do returns when the order is answered or ctx has ended.
func (j *Joined) do(ctx context.Context, name string, o *order) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	began := clock()
	w, err := j.enqueue(o)
	if err != nil {
		return err
	}
	if w != nil && w.writeOnce() {
		j.work.Go(w.write)
	}
	select {
	case <-o.done:
		j.took(name, began, o.answeredWith())
		return nil
	case <-ctx.Done():
		o.state.CompareAndSwap(orderWaiting, orderLeft)
		j.took(name, began, ctx.Err())
		return ctx.Err()
	}
}

// answeredWith is the error that an order was answered with, if any, or why it was
// not answered.
func (o *order) answeredWith() error {
	for _, cmd := range o.cmds {
		if err := cmd.Err(); err != nil && err != redis.Nil { //nolint:errorlint // redis.Nil is set as is: no such member.
			return err
		}
	}
	return o.err
}

func (j *Joined) took(name string, began time.Time, err error) {
	if j.Took != nil {
		j.Took(name, clock().Sub(began), err)
	}
}

// clock is the real one: connections look at no other.
func clock() time.Time {
	return time.Now() //nolint:forbidigo // As it says.
}

// enqueue lets an order wait, and returns the connection that its caller is to
// write to, nil for none.
func (j *Joined) enqueue(o *order) (*wire, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, redis.ErrClosed
	}
	j.waiting = append(j.waiting, o)
	return j.writable(), nil
}

// writable returns a connection with room that nobody writes to, now the caller's
// to write to. It is the first that has room, so that what little there is travels
// together; nil where somebody writes to that, who will come to what waits.
// Where none has room another is opened, one at a time. Call it with mu.
func (j *Joined) writable() *wire {
	if j.closed || len(j.waiting) == 0 {
		return nil
	}
	opening := false
	for i, w := range j.wires {
		switch {
		case w == nil && !opening:
			opening = true
			j.wires[i] = j.openWire(i)
		case w == nil:
		case !w.open:
			opening = true
		case w.under < window && w.writing:
			return nil
		case w.under < window:
			w.writing = true
			return w
		}
	}
	return nil
}

// pass lets somebody write what waits, if there is a connection for it. Call it
// with mu.
func (j *Joined) pass() {
	if w := j.writable(); w != nil {
		j.work.Go(w.write)
	}
}

// failWaiting answers all who wait that it is of no use.
func (j *Joined) failWaiting(err error) {
	for _, o := range j.waiting {
		if o.state.CompareAndSwap(orderWaiting, orderSent) {
			o.fail(err)
		}
	}
	j.waiting = nil
}

// fail ends an order without a reply, or without all of it.
func (o *order) fail(err error) {
	err = fmt.Errorf("%w: %w", errUnanswered, err)
	if o.err = err; o.cmds != nil {
		for _, cmd := range o.cmds {
			cmd.SetErr(err)
		}
	}
	o.done <- struct{}{}
}

// read takes the replies to an order. An error is one of the way there.
func (o *order) read(r replies) (err error) {
	if o.list != nil {
		o.err, err = o.list.read(r)
		return err
	}
	if o.cmds == nil {
		o.words, o.err, err = r.words()
		return err
	}
	for _, cmd := range o.cmds {
		v, err := r.value()
		if err != nil {
			return err
		}
		fill(cmd, v)
	}
	return nil
}
