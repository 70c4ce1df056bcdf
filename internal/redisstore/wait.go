package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrUnconfirmed is a write that too few replicas are known to hold. Whether it
// outlives a failover is open: the caller may repeat the same act.
var ErrUnconfirmed = errors.New("too few replicas hold the write")

// Waiting runs scripts and answers only once replicas hold what they did. It is
// a redis.Scripter, so that a store runs its scripts through it as through a
// client; with Replicas at zero it is that client, or what joins its commands.
//
// A script goes to the primary of its first key's slot, on a connection of its
// own, and WAIT follows on that connection: a cluster client's own pipeline would
// send WAIT to any node, which knows nothing of the write and says yes. Before
// WAIT a mark is written and deleted. A repeat writes nothing and answers with
// what an earlier call wrote, and since Redis 7.2 WAIT speaks of the connection's
// own writes only: without the mark it would say yes at once.
//
// Every other way it can end is an error: an answer that was lost, replicas that
// are late, a primary that is none any more. The outcome is then unknown.
type Waiting struct {
	DB redis.UniversalClient
	// Join, when set, sends what waits for no replicas: through the same server
	// as DB, together with other callers' commands.
	Join *Joined
	// Replicas is how many must hold a write before it is acknowledged. Only
	// with all of them no failover can lose it.
	Replicas int
	// Timeout is how long they are waited for. It must be shorter than the
	// client's read timeout.
	Timeout time.Duration
}

var _ redis.Scripter = Waiting{}

// Option changes how a store writes.
type Option func(*Waiting)

// WithReplicas makes a store acknowledge a write only once n replicas hold it,
// for which it waits no longer than timeout.
func WithReplicas(n int, timeout time.Duration) Option {
	return func(w *Waiting) { w.Replicas, w.Timeout = n, timeout }
}

// WithJoined makes a store send its scripts and its small reads together with
// those of concurrent callers. With replicas to wait for it changes scripts not.
func WithJoined(j *Joined) Option {
	return func(w *Waiting) { w.Join = j }
}

func writesTo(db redis.UniversalClient, options []Option) Waiting {
	w := Waiting{DB: db}
	for _, option := range options {
		option(&w)
	}
	return w
}

// Eval implements redis.Scripter.
func (w Waiting) Eval(ctx context.Context, src string, keys []string, args ...any) *redis.Cmd {
	return w.script(ctx, keys, func(c redis.Scripter) *redis.Cmd { return c.Eval(ctx, src, keys, args...) })
}

// EvalSha implements redis.Scripter.
func (w Waiting) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return w.script(ctx, keys, func(c redis.Scripter) *redis.Cmd { return c.EvalSha(ctx, sha1, keys, args...) })
}

// EvalRO implements redis.Scripter. What only reads has nothing to wait for.
func (w Waiting) EvalRO(ctx context.Context, src string, keys []string, args ...any) *redis.Cmd {
	return w.DB.EvalRO(ctx, src, keys, args...)
}

// EvalShaRO implements redis.Scripter. What only reads has nothing to wait for.
func (w Waiting) EvalShaRO(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	return w.DB.EvalShaRO(ctx, sha1, keys, args...)
}

// ScriptExists implements redis.Scripter.
func (w Waiting) ScriptExists(ctx context.Context, hashes ...string) *redis.BoolSliceCmd {
	return w.DB.ScriptExists(ctx, hashes...)
}

// ScriptLoad implements redis.Scripter.
func (w Waiting) ScriptLoad(ctx context.Context, src string) *redis.StringCmd {
	return w.DB.ScriptLoad(ctx, src)
}

func (w Waiting) script(ctx context.Context, keys []string, send func(redis.Scripter) *redis.Cmd) *redis.Cmd {
	if w.Replicas == 0 || len(keys) == 0 {
		return send(w.alone())
	}
	var cmd *redis.Cmd
	err := w.confirmed(ctx, keys[0], func(p redis.Pipeliner) { cmd = send(p) })
	if cmd == nil { // no primary was found to send it to
		cmd = redis.NewCmd(ctx)
	}
	if err != nil {
		cmd.SetErr(err)
	}
	return cmd
}

// alone is what sends a script that waits for no replicas.
func (w Waiting) alone() redis.Scripter {
	if w.Join != nil {
		return w.Join
	}
	return w.DB
}

// ask is ask, joined with other callers' commands where that was chosen.
func (w Waiting) ask(ctx context.Context, commands func(redis.Pipeliner)) error {
	if w.Join == nil {
		return ask(ctx, w.DB, commands)
	}
	cmds, err := w.Join.Together(ctx, commands)
	if err != nil {
		return outage(err)
	}
	return answered(cmds)
}

// Confirmed sends commands on keys of one slot, that of key, and fails unless
// enough replicas hold what their primary had written by then. A command's own
// error comes first.
func (w Waiting) Confirmed(ctx context.Context, key string, commands func(redis.Pipeliner)) error {
	if w.Replicas == 0 {
		return ask(ctx, w.DB, commands)
	}
	return outage(w.confirmed(ctx, key, commands))
}

// confirmed follows one redirection: the node that gave it has done nothing.
func (w Waiting) confirmed(ctx context.Context, key string, commands func(redis.Pipeliner)) error {
	cluster, ok := w.DB.(*redis.ClusterClient)
	if !ok {
		node, ok := w.DB.(*redis.Client)
		if !ok {
			return fmt.Errorf("%w: replicas cannot be asked through a %T", ErrUnconfirmed, w.DB)
		}
		return w.on(ctx, node, sendTo{key: key, commands: commands})
	}
	node, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return fmt.Errorf("find the primary: %w", err)
	}
	q := sendTo{key: key, commands: commands}
	err = w.on(ctx, node, q)
	addr, redirected := redis.IsMovedError(err)
	if !redirected {
		addr, q.asking = redis.IsAskError(err)
		redirected = q.asking
	}
	if redirected {
		if node, err = primaryAt(ctx, cluster, addr, err); node != nil {
			err = w.on(ctx, node, q)
		}
	}
	if err != nil {
		cluster.ReloadState(ctx) // another node may be the primary by now
	}
	return err
}

// primaryAt returns the primary at an address after it has read the cluster's
// slots anew, or no primary and the error that named it.
func primaryAt(ctx context.Context, cluster *redis.ClusterClient, addr string, named error) (*redis.Client, error) {
	var mu sync.Mutex
	var found *redis.Client
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		if node.Options().Addr == addr {
			found = node
		}
		return nil
	})
	if found == nil {
		return nil, errors.Join(named, err)
	}
	return found, nil
}

// sendTo is what one node is sent.
type sendTo struct {
	key      string
	commands func(redis.Pipeliner)
	// asking makes a node serve a slot that is only on its way to it.
	asking bool
}

// queue puts the commands and their mark on a pipeline and returns how many
// commands lie before the mark.
func (q sendTo) queue(ctx context.Context, p redis.Pipeliner) int {
	ask := func() {
		if q.asking {
			p.Do(ctx, "asking")
		}
	}
	ask()
	q.commands(p)
	n := p.Len()
	mark := markOf(q.key)
	ask()
	p.Set(ctx, mark, "", 0)
	ask()
	p.Del(ctx, mark)
	return n
}

// on sends to a node on one connection. The connection is given back to the
// pool, or closed when an answer may still come on it.
func (w Waiting) on(ctx context.Context, node *redis.Client, q sendTo) error {
	conn := node.Conn()
	defer func() { _ = conn.Close() }()
	patience := max(w.Timeout.Milliseconds(), 1) // none at all would be for ever
	held := redis.NewIntCmd(ctx, "wait", w.Replicas, patience)
	asked := 0
	cmds, err := conn.Pipelined(ctx, func(p redis.Pipeliner) error {
		asked = q.queue(ctx, p)
		return p.Process(ctx, held)
	})
	for i, cmd := range cmds {
		switch e := cmd.Err(); {
		case e == nil || e == redis.Nil: //nolint:errorlint // redis.Nil is returned as is: no such member.
		case i < asked:
			return e
		default:
			return fmt.Errorf("%w: %s: %w", ErrUnconfirmed, cmd.Name(), e)
		}
	}
	if err != nil && err != redis.Nil { //nolint:errorlint // As above.
		return err
	}
	if held.Val() < int64(w.Replicas) {
		return fmt.Errorf("%w: %d of %d", ErrUnconfirmed, held.Val(), w.Replicas)
	}
	return nil
}

// markOf names a key in the slot of another key, which is written for its own
// sake; as shardKeys.mark is.
func markOf(key string) string {
	tag, _, tagged := strings.Cut(key, "}")
	if !tagged {
		tag = "{" + key
	}
	return tag + "}:mark"
}
