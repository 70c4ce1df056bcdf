package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Why a Redis must not be written to.
const (
	ProblemUnreachable = "redis.unreachable" // does not answer
	ProblemLoading     = "redis.loading"     // still reads its files
	ProblemNotMaster   = "redis.not_master"  // a replica
	ProblemVersion     = "redis.version"     // older than 7.0
	ProblemEvicts      = "redis.evicts"      // forgets keys when it is full
	ProblemNotDurable  = "redis.not_durable" // answers before it has synced
	ProblemAOFFailing  = "redis.aof_failing" // cannot write its log
	ProblemUnknown     = "redis.unknown"     // does not let us see its settings
	ProblemClock       = "redis.clock"       // its clock is not ours
	ProblemMemory      = "redis.memory"      // nearly full
)

const (
	oldestMajor = 7
	// maxSkew is how far a clock of Redis may lie from ours: deadlines are
	// decided by ours and facts are dated by it.
	maxSkew = 200 * time.Millisecond
)

// Problem is one reason not to accept writes.
type Problem struct {
	// Code is one of the constants above.
	Code string `json:"code"`
	// Text is an English sentence that may be shown to anybody.
	Text string `json:"text"`
	// Node is the address of the server concerned, for the log.
	Node string `json:"-"`
	// Cause is the error behind the problem, for the log; nil where there is
	// none.
	Cause error `json:"-"`
}

// String is meant for logs: it says where and why.
func (p Problem) String() string {
	text := p.Text + " (" + p.Code + ", " + p.Node + ")"
	if p.Cause != nil {
		text += ": " + p.Cause.Error()
	}
	return text
}

// Health tells whether a Redis keeps what it acknowledges. It is asked at the
// start and again and again for readiness, because settings can be changed and
// a primary can become a replica while we run.
type Health struct {
	// MemoryGuard is the share of its maxmemory from which on a server counts as
	// full: new acts are refused while those that free memory still find some.
	// Zero guards nothing, and a server without a maxmemory is never full. Set it
	// before the first Check.
	MemoryGuard float64

	db  redis.UniversalClient
	now func() time.Time

	mu   sync.Mutex
	full map[string]bool // servers by address that were full when last asked
}

// guardSlack is how far below the guard a full server must fall before it is
// taken for well again, as a share of its maxmemory: or every trim of a stream
// would let a few acts in.
const guardSlack = 0.03

// NewHealth returns the Health of a Redis: one server, the primary that
// Sentinel names, or every primary of a cluster. now is our clock.
func NewHealth(db redis.UniversalClient, now func() time.Time) *Health {
	return &Health{db: db, now: now}
}

// Check returns every reason not to write to the Redis, sorted by server and
// code; none means that it is ready. It asks each server four questions and
// honours the deadline of ctx.
func (h *Health) Check(ctx context.Context) []Problem {
	cluster, ok := h.db.(*redis.ClusterClient)
	if !ok {
		return h.checkNode(ctx, h.db, address(h.db))
	}
	var mu sync.Mutex
	var all []Problem
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, db *redis.Client) error {
		found := h.checkNode(ctx, db, address(db))
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return nil
	})
	if err != nil {
		all = append(all, unreachable("cluster", err))
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Code, b.Code))
	})
	return all
}

// checkNode asks one server. One that cannot say how it is gives one problem.
func (h *Health) checkNode(ctx context.Context, db redis.Cmdable, node string) []Problem {
	text, err := db.Info(ctx).Result()
	if err != nil {
		return []Problem{unreachable(node, err)}
	}
	n := &nodeCheck{node: node, info: parseInfo(text)}
	n.checkInfo()
	h.checkMemory(n)
	n.checkSync(ctx, db)
	n.checkClock(ctx, db, h.now)
	slices.SortStableFunc(n.found, func(a, b Problem) int { return cmp.Compare(a.Code, b.Code) })
	return n.found
}

// nodeCheck collects what is wrong with one server.
type nodeCheck struct {
	node  string
	info  map[string]string
	found []Problem
}

func (n *nodeCheck) add(code, format string, args ...any) {
	n.found = append(n.found, Problem{Code: code, Text: fmt.Sprintf(format, args...), Node: n.node})
}

// want adds a problem unless INFO gives the value. A field that is hidden is
// not trusted to have it.
func (n *nodeCheck) want(code, field, value, what string) {
	if got := n.info[field]; got != value {
		n.add(code, "%s: %s is %q, want %q.", what, field, got, value)
	}
}

func (n *nodeCheck) checkInfo() {
	// Valkey gives the Redis version it is compatible with, too.
	version := n.info["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if number, err := strconv.Atoi(major); err != nil || number < oldestMajor {
		n.add(ProblemVersion, "Redis %d.0 or newer is needed: redis_version is %q.", oldestMajor, version)
	}
	n.want(ProblemLoading, "loading", "0", "Redis is loading its data")
	n.want(ProblemNotMaster, "role", "master", "Redis is not a primary")
	n.want(ProblemEvicts, "maxmemory_policy", "noeviction", "Redis evicts keys when it is full")
	n.want(ProblemNotDurable, "aof_enabled", "1", "Redis does not log its writes (appendonly)")
	n.want(ProblemAOFFailing, "aof_last_write_status", "ok", "Redis cannot write its log")
}

// checkMemory remembers which servers were full.
func (h *Health) checkMemory(n *nodeCheck) {
	used, errUsed := strconv.ParseFloat(n.info["used_memory"], 64)
	limit, errLimit := strconv.ParseFloat(n.info["maxmemory"], 64)
	if h.MemoryGuard == 0 || errUsed != nil || errLimit != nil || limit == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	share := h.MemoryGuard
	if h.full[n.node] {
		share -= guardSlack
	}
	if h.full == nil {
		h.full = map[string]bool{}
	}
	if h.full[n.node] = used >= share*limit; h.full[n.node] {
		n.add(ProblemMemory, "Redis is nearly full: it uses %.0f %% of its maxmemory, and from %.0f %% on no act is accepted.",
			100*used/limit, 100*h.MemoryGuard)
	}
}

// checkSync looks at the settings that INFO does not tell.
func (n *nodeCheck) checkSync(ctx context.Context, db redis.Cmdable) {
	settings, err := db.ConfigGet(ctx, "*appendfsync*").Result()
	if err != nil {
		n.found = append(n.found, Problem{
			Code: ProblemUnknown, Node: n.node, Cause: err,
			Text: "Redis does not tell its settings (CONFIG GET), so whether it syncs every write is not known.",
		})
		return
	}
	for _, want := range []struct{ name, value string }{
		{"appendfsync", "always"},
		{"no-appendfsync-on-rewrite", "no"},
	} {
		if got := settings[want.name]; got != want.value {
			n.add(ProblemNotDurable, "Redis does not sync every write: %s is %q, want %q.", want.name, got, want.value)
		}
	}
}

func (n *nodeCheck) checkClock(ctx context.Context, db redis.Cmdable, now func() time.Time) {
	sent := now()
	theirs, err := db.Time(ctx).Result()
	received := now()
	if err != nil {
		n.found = append(n.found, unreachable(n.node, err))
		return
	}
	if off := skew(sent, received, theirs); off.Abs() > maxSkew {
		n.add(ProblemClock, "The clock of Redis differs from ours by at least %v, at most %v is allowed.",
			off.Abs().Round(time.Millisecond), maxSkew)
	}
}

// skew returns by how much the clock that said theirs is ahead of ours, at the
// least: it was read at some moment between sent and received, so half of the
// round trip may be the network's.
func skew(sent, received, theirs time.Time) time.Duration {
	half := max(received.Sub(sent)/2, 0)
	off := theirs.Sub(sent.Add(half))
	if off < 0 {
		return min(off+half, 0)
	}
	return max(off-half, 0)
}

func unreachable(node string, err error) Problem {
	return Problem{Code: ProblemUnreachable, Text: "Redis does not answer.", Node: node, Cause: err}
}

func address(db redis.UniversalClient) string {
	if one, ok := db.(*redis.Client); ok {
		return one.Options().Addr
	}
	return fmt.Sprintf("%T", db)
}

// parseInfo reads the lines "name:value" of INFO.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}
