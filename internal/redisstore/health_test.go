package redisstore

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redistest"
)

func TestHealthyRedis(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t, redistest.Durable()).Client(t)
	wantProblems(t, NewHealth(db, time.Now).Check(t.Context()))
}

// TestProblems proves the refusals of invariant 3, each on a server that has
// just the one fault.
func TestProblems(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []redistest.Option
		code    string
		text    string
	}{
		"evicts":              {set("maxmemory-policy", "allkeys-lru"), ProblemEvicts, `"allkeys-lru"`},
		"evicts what expires": {set("maxmemory-policy", "volatile-ttl"), ProblemEvicts, `"volatile-ttl"`},
		"syncs each second":   {set("appendfsync", "everysec"), ProblemNotDurable, `appendfsync is "everysec"`},
		"does not sync":       {set("appendfsync", "no"), ProblemNotDurable, `appendfsync is "no"`},
		"skips while rewriting": {
			set("no-appendfsync-on-rewrite", "yes"), ProblemNotDurable, `no-appendfsync-on-rewrite is "yes"`,
		},
		"is a replica": {set("replicaof", "127.0.0.1", "1"), ProblemNotMaster, `role is "slave"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, append([]redistest.Option{redistest.Durable()}, tc.options...)...)
			found := NewHealth(s.Client(t), time.Now).Check(t.Context())
			wantProblems(t, found, tc.code)
			if len(found) > 0 && (!strings.Contains(found[0].Text, tc.text) || found[0].Node != s.Addr()) {
				t.Errorf("found %+v, want %q at %s", found[0], tc.text, s.Addr())
			}
		})
	}
}

func set(name string, values ...string) []redistest.Option {
	return []redistest.Option{redistest.Set(name, values...)}
}

func TestWithoutLogThreeThingsAreWrong(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	wantProblems(t, NewHealth(db, time.Now).Check(t.Context()), ProblemNotDurable, ProblemNotDurable)
}

// TestChangedWhileRunning: readiness must be lost when somebody changes the
// settings, and come back.
func TestChangedWhileRunning(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t, redistest.Durable()).Client(t)
	h := NewHealth(db, time.Now)
	for value, want := range map[string][]string{"everysec": {ProblemNotDurable}, "always": nil} {
		if err := db.ConfigSet(t.Context(), "appendfsync", value).Err(); err != nil {
			t.Fatal(err)
		}
		wantProblems(t, h.Check(t.Context()), want...)
	}
}

// TestMemoryGuard: a server that is nearly full accepts no more acts, and does
// again only when it has some room, not at the first byte.
func TestMemoryGuard(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t, redistest.Durable(), redistest.Set("maxmemory", "50mb")).Client(t)
	h := NewHealth(db, time.Now)
	h.MemoryGuard = 0.5
	wantProblems(t, h.Check(t.Context()))
	for i := range 30 {
		if err := db.Set(t.Context(), strconv.Itoa(i), strings.Repeat("x", 1<<20), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	found := h.Check(t.Context())
	wantProblems(t, found, ProblemMemory)
	if len(found) == 1 && !strings.Contains(found[0].Text, "50 %") {
		t.Errorf("the guard is not named: %s", found[0].Text)
	}
	used := usedShare(t, db)
	h.MemoryGuard = used + guardSlack/2 // just above what is used
	wantProblems(t, h.Check(t.Context()), ProblemMemory)
	h.MemoryGuard = used + 2*guardSlack
	wantProblems(t, h.Check(t.Context()))
	h.MemoryGuard = 0
	wantProblems(t, h.Check(t.Context()))
}

func usedShare(t *testing.T, db *redis.Client) float64 {
	t.Helper()
	info := parseInfo(db.Info(t.Context(), "memory").Val())
	used, err := strconv.ParseFloat(info["used_memory"], 64)
	if err != nil {
		t.Fatal(err)
	}
	return used / (50 << 20)
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Durable())
	db := s.Client(t)
	s.Kill(t)
	found := NewHealth(db, time.Now).Check(t.Context())
	wantProblems(t, found, ProblemUnreachable)
	if p := found[0]; p.Cause == nil || strings.Contains(p.Text, s.Addr()) || !strings.Contains(p.String(), s.Addr()) {
		t.Errorf("found %s: the address belongs in the log, not in the text %q", p, p.Text)
	}
}

// TestSilent: a server that takes connections and says nothing.
func TestSilent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	db := redis.NewClient(&redis.Options{Addr: l.Addr().String(), MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = db.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	wantProblems(t, NewHealth(db, time.Now).Check(ctx), ProblemUnreachable)
}

// TestConfigForbidden is a managed Redis: what INFO tells is still checked.
func TestConfigForbidden(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Durable(), redistest.Set("user", "guest", "on", ">pw", "~*", "+@all", "-config"),
		redistest.Set("maxmemory-policy", "allkeys-lru"))
	o := s.Options()
	o.Username, o.Password = "guest", "pw"
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	found := NewHealth(db, time.Now).Check(t.Context())
	wantProblems(t, found, ProblemEvicts, ProblemUnknown)
	if cause := found[1].Cause; cause == nil || !strings.Contains(cause.Error(), "NOPERM") {
		t.Errorf("the cause is %v, want NOPERM", cause)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t, redistest.Durable()).Client(t)
	if err := db.Ping(t.Context()).Err(); err != nil { // connects
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		off  time.Duration
		want []string
	}{
		// An hour: what a slow answer explains is no fault of a clock.
		"ours is ahead":          {time.Hour, []string{ProblemClock}},
		"ours is behind":         {-time.Hour, []string{ProblemClock}},
		"within what is allowed": {100 * time.Millisecond, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := func() time.Time { return time.Now().Add(tc.off) }
			wantProblems(t, NewHealth(db, now).Check(t.Context()), tc.want...)
		})
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	const s = time.Second
	zero := time.Unix(1_700_000_000, 0)
	for name, tc := range map[string]struct{ sent, received, theirs, want time.Duration }{
		"equal":                           {0, 0, 0, 0},
		"ahead, no round trip":            {0, 0, s, s},
		"behind, no round trip":           {s, s, 0, -s},
		"at the middle of the round trip": {0, 2 * s, s, 0},
		"read as soon as sent":            {0, 2 * s, 0, 0},
		"read as late as possible":        {0, 2 * s, 2 * s, 0},
		"ahead of what the trip explains": {0, 2 * s, 3 * s, s},
		"behind what the trip explains":   {s, 3 * s, 0, -s},
		"our clock went back meanwhile":   {s, 0, s, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := skew(zero.Add(tc.sent), zero.Add(tc.received), zero.Add(tc.theirs)); got != tc.want {
				t.Errorf("skew = %v, want %v", got, tc.want)
			}
		})
	}
}

// TestInfo gives INFO's own words where a real server is hard to bring there.
func TestInfo(t *testing.T) {
	t.Parallel()
	const healthy = "# Server\r\nredis_version:7.0.15\r\nloading:0\r\nrole:master\r\n" +
		"maxmemory_policy:noeviction\r\naof_enabled:1\r\naof_last_write_status:ok\r\n"
	for name, tc := range map[string]struct {
		old, new string
		want     []string
	}{
		"healthy":        {"", "", nil},
		"Valkey 8":       {"redis_version:7.2.4", "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1", nil},
		"Redis 8":        {"7.0.15", "8.2.1", nil},
		"Redis 6":        {"7.0.15", "6.2.14", []string{ProblemVersion}},
		"no version":     {"redis_version:7.0.15\r\n", "", []string{ProblemVersion}},
		"loading":        {"loading:0", "loading:1", []string{ProblemLoading}},
		"disk full":      {"write_status:ok", "write_status:err", []string{ProblemAOFFailing}},
		"hides the role": {"role:master\r\n", "", []string{ProblemNotMaster}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &nodeCheck{info: parseInfo(strings.Replace(healthy, tc.old, tc.new, 1))}
			n.checkInfo()
			wantProblems(t, n.found, tc.want...)
		})
	}
}

// TestClusterAsksEveryMaster stands two single servers in for a cluster.
func TestClusterAsksEveryMaster(t *testing.T) {
	t.Parallel()
	good := redistest.Start(t, redistest.Durable(), redistest.TCP())
	bad := redistest.Start(t, redistest.Durable(), redistest.TCP(), redistest.Set("maxmemory-policy", "allkeys-lru"))
	found := NewHealth(clusterOf(t, good, bad), time.Now).Check(t.Context())
	wantProblems(t, found, ProblemEvicts)
	// go-redis leaves the host of a loopback address away.
	if len(found) == 1 && !strings.HasSuffix(bad.Addr(), found[0].Node) {
		t.Errorf("found it at %s, want %s", found[0].Node, bad.Addr())
	}
	good.Kill(t)
	wantProblems(t, NewHealth(clusterOf(t, good, bad), time.Now).Check(t.Context()), ProblemEvicts, ProblemUnreachable)
}

func TestClusterWithoutState(t *testing.T) {
	t.Parallel()
	broken := errors.New("nobody knows the slots")
	db := redis.NewClusterClient(&redis.ClusterOptions{
		MaxRedirects: -1,
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) { return nil, broken },
	})
	t.Cleanup(func() { _ = db.Close() })
	found := NewHealth(db, time.Now).Check(t.Context())
	wantProblems(t, found, ProblemUnreachable)
	if len(found) == 1 && !errors.Is(found[0].Cause, broken) {
		t.Errorf("cause = %v, want %v", found[0].Cause, broken)
	}
}

func clusterOf(t *testing.T, servers ...*redistest.Server) *redis.ClusterClient {
	t.Helper()
	var slots []redis.ClusterSlot
	width := 16384 / len(servers)
	for i, s := range servers {
		slots = append(slots, redis.ClusterSlot{
			Start: i * width, End: (i+1)*width - 1, Nodes: []redis.ClusterNode{{Addr: s.Addr()}},
		})
	}
	db := redis.NewClusterClient(&redis.ClusterOptions{
		ClusterSlots:          func(context.Context) ([]redis.ClusterSlot, error) { return slots, nil },
		MaxRedirects:          -1,
		ContextTimeoutEnabled: true,
	})
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// wantProblems compares the codes, whatever their order.
func wantProblems(t *testing.T, found []Problem, want ...string) {
	t.Helper()
	got := make([]string, len(found))
	for i, p := range found {
		got[i] = p.Code
		if !strings.HasSuffix(p.Text, ".") {
			t.Errorf("%q is not a sentence", p.Text)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("problems = %v, want %v", found, want)
	}
}
