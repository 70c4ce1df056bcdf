package redisstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/waittest"
)

// guarded is a campaign on a durable Redis: the server behind the vetting, and
// the examiner beside it, who has a client without.
type guarded struct {
	*rig     // the examiner's
	vetting  *Vetting
	serving  server
	known    Known
	redis    *redistest.Server
	examined func(context.Context) error
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	s := redistest.Start(t, redistest.Durable())
	g := &guarded{redis: s, vetting: NewVetting()}
	g.rig = rigOn(t, clientsOf(t, s), definition(t, "antidrug", 1))
	o := s.Options()
	o.OnConnect = g.vetting.OnConnect
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	g.serving = newServer(t, db, transportOf(t, 0, db)...) // joined, as on one server it is
	g.examined = func(ctx context.Context) error { return g.rig.campaigns.Check(ctx, "antidrug", g.known.Heads) }
	return g
}

// examine lets the examiner look.
func (g *guarded) examine() error { return g.vetting.Examine(g.Context(), g.rig.db, g.examined) }

func (g *guarded) enrolServing(participant string) error {
	e := campaign.Enrolment{Unit: "u1", Group: "public", NoticeVersion: "1", At: noon}
	_, err := g.serving.enrolments.Enrol(g.Context(), "antidrug", participant, e, campaign.Personal{})
	return err
}

// suspected waits until somebody was kept out.
func (g *guarded) suspected() {
	g.Helper()
	select {
	case <-g.vetting.Suspects():
	case <-time.After(time.Minute):
		g.Fatal("nobody was suspected")
	}
}

// wantKnown compares whether there is nothing to examine.
func (g *guarded) wantKnown(want bool) {
	g.Helper()
	if known, err := g.vetting.Knows(g.Context(), g.rig.db); known != want || err != nil {
		g.Errorf("the process is known: %t, %v; want %t", known, err, want)
	}
}

// files is where the server keeps its log.
func (g *guarded) files() string {
	g.Helper()
	dir, err := g.rig.db.ConfigGet(g.Context(), "dir").Result()
	if err != nil {
		g.Fatal(err)
	}
	return filepath.Join(dir["dir"], "appendonlydir")
}

func mustDo(t testing.TB, steps ...error) {
	t.Helper()
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
}

// TestNothingReachesARedisThatNobodyLookedAt proves invariant 4: Redis comes back
// on an older copy of its files, under the same address and with the right epoch,
// while people go on acting. Not one act is accepted on it, no script is run, and
// once the right files are back everything goes on.
func TestNothingReachesARedisThatNobodyLookedAt(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	if err := g.serving.campaigns.Open(t.Context(), g.def, Known{}, noon); !errors.Is(err, ErrUnvetted) || !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("before anybody looked: Open = %v", err)
	}
	g.suspected()
	g.wantKnown(false)
	mustDo(t, g.examine(), g.serving.campaigns.Open(t.Context(), g.def, Known{}, noon), g.enrolServing("early"))
	g.wantKnown(true)

	files := g.files()
	older := files + ".older"
	mustDo(t, os.CopyFS(older, os.DirFS(files)), g.enrolServing("late"))
	g.known = g.knows(g.ends())

	ctx, stop := context.WithCancel(t.Context())
	var exchanged, accepted atomic.Bool
	var people sync.WaitGroup
	for range 8 {
		people.Go(func() {
			for ctx.Err() == nil {
				after := exchanged.Load()
				if err := g.enrolServing("crowd"); err == nil && after {
					accepted.Store(true)
				} else if err != nil && !errors.Is(err, fault.ErrUnavailable) {
					t.Error(err)
				}
			}
		})
	}
	g.redis.Kill(t)
	exchanged.Store(true)
	mustDo(t, os.Rename(files, files+".right"), os.Rename(older, files))
	g.redis.Restart(t)
	g.suspected()
	g.wantKnown(false)
	before := contents(t, g.rig.db)
	if err := g.examine(); !errors.Is(err, ErrLedgerAhead) {
		t.Errorf("an older copy: Examine = %v, want %v", err, ErrLedgerAhead)
	}
	g.suspected()
	if diff := cmp.Diff(before, contents(t, g.rig.db)); diff != "" || len(before) == 0 {
		t.Errorf("the older copy was written to (-before +after):\n%s", diff)
	}
	if scripts := commandStats(t, g.rig.db); scripts != "" {
		t.Errorf("scripts were run on the older copy: %s", scripts)
	}
	if accepted.Load() {
		t.Error("an act was accepted on the older copy")
	}

	g.redis.Kill(t)
	mustDo(t, os.Rename(files, older), os.Rename(files+".right", files))
	g.redis.Restart(t)
	stop()
	people.Wait()
	mustDo(t, g.examine())
	eventually(t, func() error { return g.enrolServing("afterwards") })
}

// commandStats lists the scripts that the server has run.
func commandStats(t testing.TB, db redis.Cmdable) string {
	t.Helper()
	text, err := db.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "cmdstat_eval") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, " ")
}

// TestARestartIsVetted: a Redis that comes back with everything is used again as
// soon as somebody has looked, and not before.
func TestARestartIsVetted(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	mustDo(t, g.examine(), g.serving.campaigns.Open(t.Context(), g.def, Known{}, noon))
	for _, p := range []string{"p1", "p2", "p3"} {
		mustDo(t, g.enrolServing(p))
		g.redis.Kill(t)
		g.redis.Restart(t)
		for range 3 {
			if err := g.enrolServing(p); !errors.Is(err, ErrUnvetted) {
				t.Errorf("%s before the restart was looked at: %v", p, err)
			}
		}
		g.suspected()
		mustDo(t, g.examine(), g.enrolServing(p))
	}
}

// TestAnExchangeDuringTheExamination: what was looked at is not what is there now.
func TestAnExchangeDuringTheExamination(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	look := g.examined
	g.examined = func(ctx context.Context) error {
		err := look(ctx)
		g.redis.Kill(t)
		g.redis.Restart(t)
		return err
	}
	if err := g.examine(); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Examine = %v", err)
	}
	if err := g.enrolServing("p"); err == nil {
		t.Error("an act was accepted")
	}
	g.examined = look
	mustDo(t, g.examine(), g.serving.campaigns.Open(t.Context(), g.def, Known{}, noon))
}

// acted is an act that needs no campaign.
func acted(t *testing.T, db redis.UniversalClient) error {
	t.Helper()
	return db.Set(t.Context(), "k", "v", 0).Err()
}

// TestVettingWithSentinel: the primary that a failover makes is examined first,
// and a replica is never used.
func TestVettingWithSentinel(t *testing.T) {
	t.Parallel()
	primary := redistest.Start(t, redistest.TCP())
	replica := redistest.Replica(t, primary)
	sentinels := redistest.Sentinels(t, primary, 3)
	v := NewVetting()
	client := func(onConnect func(context.Context, *redis.Conn) error) *redis.Client {
		db := redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: redistest.MasterName, SentinelAddrs: redistest.Addrs(sentinels), MaxRetries: -1, OnConnect: onConnect,
		})
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	serving, examiner := client(v.OnConnect), client(nil)
	well := func(context.Context) error { return nil }
	if err := acted(t, serving); !errors.Is(err, ErrUnvetted) {
		t.Errorf("before anybody looked: %v", err)
	}
	mustDo(t, v.Examine(t.Context(), examiner, well), acted(t, serving))
	v.Vet(append(v.vetted, runIDOf(t, replica))...) // by mistake
	toReplica := replica.Options()
	toReplica.OnConnect = v.OnConnect
	db := redis.NewClient(toReplica)
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Get(t.Context(), "k").Err(); !errors.Is(err, ErrUnvetted) {
		t.Errorf("a replica: %v", err)
	}
	mustDo(t, v.Examine(t.Context(), examiner, well))
	primary.Kill(t)
	redistest.FailedOver(t, sentinels, primary)
	refused := func() error {
		if err := acted(t, serving); !errors.Is(err, ErrUnvetted) {
			return fmt.Errorf("the new primary answered %w", err)
		}
		return nil
	}
	eventually(t, refused)
	<-v.Suspects()
	mustDo(t, v.Examine(t.Context(), examiner, well), acted(t, serving))
}

// eventually repeats a step until it has no error.
func eventually(t *testing.T, step func() error) {
	t.Helper()
	var err error
	defer func() {
		if err != nil {
			t.Logf("the last time: %v", err)
		}
	}()
	waittest.Until(t, "a step without an error", func() bool { err = step(); return err == nil })
}

func runIDOf(t *testing.T, s *redistest.Server) string {
	t.Helper()
	who, err := whoIs(t.Context(), s.Client(t))
	if err != nil {
		t.Fatal(err)
	}
	return who.runID
}

// TestVettingOfACluster: every primary is vetted, and one that takes over later is
// not, until somebody has looked at it.
func TestVettingOfACluster(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3, 1)
	v := NewVetting()
	o := *c.Client(t).Options()
	o.OnConnect = v.OnConnect
	o.ClusterStateReloadInterval = 100 * time.Millisecond // a minute, if nobody says otherwise
	serving := redis.NewClusterClient(&o)
	t.Cleanup(func() { _ = serving.Close() })
	examiner := c.Client(t)
	well := func(context.Context) error { return nil }
	if err := acted(t, serving); !errors.Is(err, ErrUnvetted) {
		t.Errorf("before anybody looked: %v", err)
	}
	mustDo(t, v.Examine(t.Context(), examiner, well))
	if n := len(v.vetted); n != 3 {
		t.Errorf("%d processes are vetted, want the three primaries", n)
	}
	mustDo(t, acted(t, serving))
	primary, _ := c.Owner(t, "k")
	primary.Kill(t)
	c.Settle(t)
	for range 20 {
		if err := acted(t, serving); err == nil {
			t.Fatal("an act was accepted by a primary that nobody looked at")
		}
	}
	eventually(t, func() error { return v.Examine(t.Context(), examiner, well) })
	eventually(t, func() error { return acted(t, serving) })
}
