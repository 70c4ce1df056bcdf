package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/internal/session"
)

// shortly is how long these tests wait for a replica that does not answer, and
// enough how long for one that does.
const (
	shortly = 50 * time.Millisecond
	enough  = 10 * time.Second
)

// replicated is a primary with a replica, and a campaign on it.
type replicated struct {
	*rig
	primary, replica *redistest.Server
}

func newReplicated(t *testing.T) *replicated {
	t.Helper()
	primary := redistest.Start(t, redistest.TCP())
	replica := redistest.Replica(t, primary)
	return &replicated{rigOn(t, clientsOf(t, primary), definition(t, "antidrug", 1)), primary, replica}
}

// waiting is one more server of the campaign, which acknowledges nothing that
// the replica does not hold. Its connections have written nothing yet.
func (r *replicated) waiting(patience time.Duration) server {
	r.Helper()
	return waitingOn(r.rig, r.primary.Client(r.TB), patience)
}

func waitingOn(r *rig, db redis.UniversalClient, patience time.Duration) server {
	r.Helper()
	s := newServer(r.TB, db, WithReplicas(1, patience))
	s.campaigns.opened = r.campaigns.opened
	return s
}

// unconfirmed fails unless every act was answered that its outcome is unknown.
func unconfirmed(t testing.TB, what string, acts map[string]error) {
	t.Helper()
	for act, err := range acts {
		if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, ErrUnconfirmed) {
			t.Errorf("%s: %s = %v, want it unconfirmed", what, act, err)
		}
	}
}

// TestInvariant3NothingIsAcknowledgedWithoutReplicas: while the replica hangs,
// each act and each repeat of it is answered "try the same again", although the
// primary has done it. Afterwards the very same acts are acknowledged and were
// told once.
func TestInvariant3NothingIsAcknowledgedWithoutReplicas(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	r.enrol("alice", "u1", "public")
	r.start("alice", noon)
	hasty, other, patient := r.waiting(shortly), r.waiting(shortly), r.waiting(enough)
	for act, err := range r.acts(patient) {
		if act != "Enrol" && err != nil {
			t.Errorf("%s = %v", act, err)
		}
	}
	r.replica.Pause(t)
	r.enrolAll(t, hasty, []string{"bob", "carol"}, func(what string, err error) {
		unconfirmed(t, "a replica that hangs", map[string]error{what: err})
	})
	// Bob's signature lies there, and through another server nothing is written
	// any more.
	_, _, err := other.signatures.Sign(t.Context(), r.def.ID, "bob", signature(noon), campaign.Personal{})
	unconfirmed(t, "a replica that hangs", map[string]error{"a repeat elsewhere": err})
	acts := r.acts(hasty)
	delete(acts, "Enrol") // refused: the unit is fixed
	unconfirmed(t, "repeats", acts)
	r.replica.Resume(t)
	r.enrolAll(t, patient, []string{"bob", "carol"}, func(what string, err error) {
		if err != nil {
			t.Errorf("afterwards %s = %v", what, err)
		}
	})
	r.told(t, map[event.Kind]int{"enrolled.1": 3, "started.1": 2, "submitted.1": 1, "signed.1": 3, "moved.1": 1})
}

// TestCorrectionsWaitForReplicas: a correction that finds its work done says so only
// once a failover cannot take that work back.
func TestCorrectionsWaitForReplicas(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	r.enrol("alice", "u1", "public")
	hasty, patient := r.waiting(shortly), r.waiting(enough)
	if _, _, err := patient.signatures.Sign(t.Context(), r.def.ID, "alice", signature(noon), campaign.Personal{}); err != nil {
		t.Fatal(err)
	}
	turn, signed := act.Turn{Batch: "b1", Number: 1}, act.Act{Participant: "alice"}
	by := func(s server) *Corrections { return NewCorrections(s.campaigns, r.world.define, r.world.now) }
	if err := by(patient).Begin(t.Context(), r.def.ID, turn); err != nil {
		t.Fatal(err)
	}
	r.replica.Pause(t)
	for _, try := range []string{"the first", "a repeat", "another repeat"} {
		_, err := by(hasty).Invalidate(t.Context(), r.def.ID, turn, signed)
		unconfirmed(t, "a replica that hangs", map[string]error{try: err})
	}
	_, err := by(hasty).Fate(t.Context(), r.def.ID, signed)
	unconfirmed(t, "a replica that hangs", map[string]error{"what became of it": err})
	r.replica.Resume(t)
	if fate, err := by(patient).Invalidate(t.Context(), r.def.ID, turn, signed); err != nil || fate.Counts || fate.Batch != turn.Batch {
		t.Errorf("afterwards it is %+v, %v", fate, err)
	}
	r.told(t, map[event.Kind]int{"enrolled.1": 1, "signed.1": 1, "signature_invalidated.1": 1})
}

// enrolAll enrols people and lets them sign, twice, and passes each outcome on.
func (r *replicated) enrolAll(t *testing.T, s server, people []string, outcome func(what string, err error)) {
	t.Helper()
	for _, p := range people {
		for try := range 2 {
			e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
			_, err := s.enrolments.Enrol(t.Context(), r.def.ID, p, e, campaign.Personal{})
			outcome(fmt.Sprint("enrolment ", try, " of ", p), err)
			_, _, err = s.signatures.Sign(t.Context(), r.def.ID, p, signature(noon), campaign.Personal{})
			outcome(fmt.Sprint("signature ", try, " of ", p), err)
		}
	}
}

// told compares what lies on the stream, by kind.
func (r *rig) told(t *testing.T, want map[event.Kind]int) {
	t.Helper()
	kinds := map[event.Kind]int{}
	for _, f := range r.allFacts() {
		kinds[f.Kind]++
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// TestWaitingSessions: a door that a failover could take back must not let
// anybody in, or they would be another person afterwards.
func TestWaitingSessions(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	s := NewSessions(NewCampaigns(r.primary.Client(t), WithReplicas(1, shortly)), time.Now)
	r.replica.Pause(t)
	for range 2 {
		_, err := s.Begin(t.Context(), session.ID{Participant: "p1", Family: "f"}, noon, noon.Add(time.Hour))
		unconfirmed(t, "a replica that hangs", map[string]error{"Begin": err})
	}
}

// TestWaitingWithoutItsScripts: Redis forgets them when it starts again.
func TestWaitingWithoutItsScripts(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	s := r.waiting(enough)
	if err := r.db.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
		if _, err := s.enrolments.Enrol(t.Context(), r.def.ID, "alice", e, campaign.Personal{}); err != nil {
			t.Errorf("without its scripts: %v", err)
		}
	}
	r.told(t, map[event.Kind]int{"enrolled.1": 1})
}

// TestWaitingAtAPrimaryThatIsNone: it answers, and its word counts no more.
func TestWaitingAtAPrimaryThatIsNone(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	r.enrol("alice", "u1", "public")
	r.start("alice", noon)
	s := r.waiting(enough)
	r.replica.Promote(t)
	r.primary.Follow(t, r.replica)
	for act, err := range r.acts(s) {
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("at an old primary %s = %v", act, err)
		}
	}
}

// TestWaitingForMoreThanThereAre never ends in an acknowledgement, whatever the
// client is.
func TestWaitingForMoreThanThereAre(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": r.primary.Addr()}})
	t.Cleanup(func() { _ = ring.Close() })
	for name, w := range map[string]Waiting{
		"two of one":            {DB: r.db, Replicas: 2, Timeout: shortly},
		"no time":               {DB: r.db, Replicas: 2},
		"a client of that kind": {DB: ring, Replicas: 1, Timeout: enough},
	} {
		for range 2 {
			_, err := run(t.Context(), w, enrolScript, []string{keysOf("antidrug", 0).meta()})
			if !errors.Is(err, fault.ErrUnavailable) && !strings.Contains(fmt.Sprint(err), "ERR") {
				t.Errorf("%s = %v", name, err)
			}
			err = w.Confirmed(t.Context(), "{k}", func(p redis.Pipeliner) { p.Set(t.Context(), "{k}", "v", 0) })
			if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, ErrUnconfirmed) {
				t.Errorf("%s = %v, want it unconfirmed", name, err)
			}
		}
	}
}

// TestCallersWhoLeaveWhileWaiting give their connections back: with two of them
// for everybody, the next caller would find none.
func TestCallersWhoLeaveWhileWaiting(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	o := r.primary.Options()
	o.PoolSize, o.PoolTimeout = 2, enough
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	s := waitingOn(r.rig, db, enough)
	r.replica.Pause(t)
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*5*time.Millisecond)
			defer cancel()
			e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
			if _, err := s.enrolments.Enrol(ctx, r.def.ID, fmt.Sprint("p", i), e, campaign.Personal{}); !errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("a caller who leaves: %v", err)
			}
		})
	}
	callers.Wait()
	r.replica.Resume(t)
	r.enrolAll(t, s, []string{"alice"}, func(what string, err error) {
		if err != nil {
			t.Errorf("%s after those who left: %v", what, err)
		}
	})
	if stats := db.PoolStats(); stats.TotalConns > 2 || stats.IdleConns != stats.TotalConns {
		t.Errorf("connections are held: %+v", stats)
	}
}

// TestInvariant3FailoverLosesNothing kills a primary under load, with a link to
// its replica on which everything is under way for a while, and promotes the
// replica. Without waiting, the same loses acts that were acknowledged: that
// shows that the test could see it.
func TestInvariant3FailoverLosesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		replicas int
		loses    bool
	}{
		"waiting for the replica": {1, false},
		"without waiting":         {0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acknowledged, kept := failover(t, tc.replicas)
			lost := 0
			for p := range acknowledged {
				if !kept[p] {
					lost++
				}
			}
			t.Logf("acknowledged %d, lost %d", len(acknowledged), lost)
			if len(acknowledged) == 0 || lost > 0 != tc.loses {
				t.Errorf("lost %d of %d that were acknowledged", lost, len(acknowledged))
			}
		})
	}
}

// failover lets people enrol until the primary dies, and returns who was told
// that they are and who is at the promoted replica.
func failover(t *testing.T, replicas int) (acknowledged, kept map[string]bool) {
	t.Helper()
	primary := redistest.Start(t, redistest.TCP())
	link := redistest.NewLink(t, primary)
	replica := redistest.Replica(t, primary, redistest.Through(link))
	link.Delay(40 * time.Millisecond)
	db := primary.Client(t)
	r := rigOn(t, []*redis.Client{db}, definition(t, "antidrug", 1))
	s := newServer(t, db, WithReplicas(replicas, enough))
	if err := s.campaigns.Open(t.Context(), r.def, Known{}, noon); err != nil {
		t.Fatal(err)
	}
	acknowledged = enrolUntilItFails(t, s, r.def.ID, func(more func(int)) {
		if replicas == 0 { // nothing of what is begun from now on reaches the replica
			link.Delay(time.Hour)
			more(enrolling + 1)
		}
		primary.Kill(t)
	})
	link.Cut()
	replica.Promote(t)
	kept = map[string]bool{}
	after := newServer(t, replica.Client(t))
	if err := after.campaigns.Open(t.Context(), r.def, Known{}, noon); err != nil {
		t.Fatal(err)
	}
	for p := range acknowledged {
		_, err := after.enrolments.Enrolment(t.Context(), r.def.ID, p)
		kept[p] = err == nil
	}
	return acknowledged, kept
}

// enrolling is how many people enrol at a time.
const enrolling = 8

// enrolUntilItFails lets people enrol, and ends the primary once two hundred have. Who
// ends it may wait for more.
func enrolUntilItFails(t *testing.T, s server, id string, end func(more func(int))) map[string]bool {
	t.Helper()
	var mu sync.Mutex
	all := map[string]bool{}
	var ended atomic.Bool
	var people sync.WaitGroup
	for worker := range enrolling {
		people.Go(func() {
			for i := 0; !ended.Load(); i++ {
				p := fmt.Sprintf("p%d-%d", worker, i)
				e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
				if _, err := s.enrolments.Enrol(t.Context(), id, p, e, campaign.Personal{}); err != nil {
					return
				}
				mu.Lock()
				all[p] = true
				mu.Unlock()
			}
		})
	}
	more := func(n int) {
		before := -1
		eventually(t, func() error {
			mu.Lock()
			defer mu.Unlock()
			if before < 0 {
				before = len(all)
			}
			if got := len(all) - before; got < n {
				return fmt.Errorf("%d have enrolled, want %d", got, n)
			}
			return nil
		})
	}
	more(200)
	end(more)
	ended.Store(true)
	people.Wait()
	return maps.Clone(all)
}

// BenchmarkWaiting enrols many people at a time on a primary with two replicas, all
// of which sync each write. Rounds with each number of replicas take turns:
//
//	go test ./internal/redisstore -run '^$' -bench Waiting -benchtime 3s
func BenchmarkWaiting(b *testing.B) {
	primary := redistest.Start(b, redistest.TCP(), redistest.Durable())
	for range 2 {
		redistest.Replica(b, primary, redistest.Durable())
	}
	db := primary.Client(b)
	r := rigOn(b, []*redis.Client{db}, definition(b, "antidrug", 1))
	var people atomic.Int64
	for round := range 3 {
		for n := range 3 {
			b.Run(fmt.Sprintf("round=%d/replicas=%d", round+1, n), func(b *testing.B) {
				s := newServer(b, db, WithReplicas(n, enough))
				s.campaigns.opened = r.campaigns.opened
				b.SetParallelism(64)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
						p := fmt.Sprint("p", people.Add(1))
						if _, err := s.enrolments.Enrol(b.Context(), r.def.ID, p, e, campaign.Personal{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "acts/s")
			})
		}
	}
}
