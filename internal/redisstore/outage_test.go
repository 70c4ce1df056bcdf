package redisstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// begun is a campaign in which alice has enrolled and opened an attempt.
func begun(t *testing.T, options ...redistest.Option) *rig {
	t.Helper()
	r := newRig(t, 1, options...)
	r.enrol("alice", "u1", "public")
	r.start("alice", noon)
	return r
}

// goesOn shows that the very acts that were refused are accepted now.
func (r *rig) goesOn(what string) {
	r.Helper()
	acts := r.acts(r.server)
	acts["Apply"] = r.apply(r.server)
	for act, err := range acts {
		if act != "Enrol" && err != nil { // the unit is fixed by the other acts
			r.Errorf("%s: %s = %v", what, act, err)
		}
	}
	kinds := map[event.Kind]int{}
	for _, f := range r.allFacts() {
		kinds[f.Kind]++
	}
	want := map[event.Kind]int{"enrolled.1": 1, "moved.1": 1, "started.1": 1, "submitted.1": 1, "signed.1": 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		r.Errorf("%s: facts (-want +got):\n%s", what, diff)
	}
}

// TestRedisIsFull proves invariant 11: a Redis that has no room left refuses
// before anything is written.
func TestRedisIsFull(t *testing.T) {
	t.Parallel()
	r := begun(t, redistest.Set("maxmemory-policy", "noeviction"))
	r.config("maxmemory", "1")
	r.refused("a full Redis", r.server, nil)
	bank, err := quiz.NewBank("b", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewBanks(r.db).PutBank(t.Context(), bank); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("PutBank = %v", err)
	}
	r.config("maxmemory", "0")
	r.goesOn("with room again")
}

func (r *rig) config(name, value string) {
	r.Helper()
	if err := r.db.ConfigSet(r.Context(), name, value).Err(); err != nil {
		r.Fatal(err)
	}
}

// TestRedisIsBusy: somebody's endless script blocks everything until it is
// killed. What waits is told to come again, and so is whoever's script it was.
func TestRedisIsBusy(t *testing.T) {
	t.Parallel()
	r := begun(t)
	before := contents(t, r.db)
	r.config("busy-reply-threshold", "1")
	var endless sync.WaitGroup
	endless.Go(func() {
		_, err := run(t.Context(), r.servers[1].db, redis.NewScript("#!lua\nwhile true do end"), nil)
		if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "killed") {
			t.Errorf("a script that was killed: %v", err)
		}
	})
	for !redis.HasErrorPrefix(r.db.Ping(t.Context()).Err(), "BUSY") {
		if t.Context().Err() != nil {
			t.Fatal("the script does not run")
		}
	}
	acts := r.acts(r.server)
	acts["Apply"] = r.apply(r.server)
	for act, err := range acts {
		if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "BUSY") {
			t.Errorf("%s = %v", act, err)
		}
	}
	if err := r.db.ScriptKill(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	endless.Wait()
	if diff := cmp.Diff(before, contents(t, r.db)); diff != "" {
		t.Errorf("a busy Redis wrote (-before +after):\n%s", diff)
	}
	r.goesOn("after the script")
}

// TestForgottenScripts: Redis forgets scripts when it starts again.
func TestForgottenScripts(t *testing.T) {
	t.Parallel()
	r := begun(t)
	if err := r.db.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r.goesOn("without its scripts")
}

func TestRedisIsDown(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Durable())
	r := rigOn(t, clientsOf(t, s), definition(t, "antidrug", 1))
	r.enrol("alice", "u1", "public")
	r.start("alice", noon)
	before := contents(t, r.db)
	s.Kill(t)
	acts := r.acts(r.server)
	acts["Apply"] = r.apply(r.server)
	for act, err := range acts {
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%s = %v", act, err)
		}
	}
	s.Restart(t)
	if diff := cmp.Diff(before, contents(t, r.db)); diff != "" {
		t.Errorf("invariant 3: Redis kept something else (-before +after):\n%s", diff)
	}
	r.goesOn("after a restart")
}

// TestARedisThatLostEverything: it answers, and it is not the one that is known.
func TestARedisThatLostEverything(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	r := rigOn(t, clientsOf(t, s), definition(t, "antidrug", 1))
	s.Restart(t)
	r.refused("an empty Redis", r.server, ErrEpoch)
}

// lossy is a connection that loses one answer: the server has done what it was
// asked to, and the client will never know. What a new connection says of itself
// first is answered always: a client gets over that without the caller noticing.
type lossy struct {
	net.Conn
	lose   *atomic.Bool
	greets bool // what was written last is part of the handshake
}

func (c *lossy) Write(p []byte) (int, error) {
	c.greets = bytes.Contains(p, []byte("$5\r\nhello\r\n")) || bytes.Contains(p, []byte("$6\r\nclient\r\n"))
	return c.Conn.Write(p)
}

func (c *lossy) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && !c.greets && c.lose.CompareAndSwap(true, false) {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}

// lossyServer is one whose next answer is lost when it is told so.
func lossyServer(t *testing.T, s *redistest.Server, retries int) (server, *atomic.Bool) {
	t.Helper()
	var lose atomic.Bool
	o := s.Options()
	o.MaxRetries = retries
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &lossy{Conn: conn, lose: &lose}, err
	}
	db := redis.NewClient(o)
	t.Cleanup(func() { _ = db.Close() })
	return newServer(t, db), &lose
}

// TestLostReplies proves invariant 2: an act whose answer was lost is repeated
// and counted once, by the caller or by a client that retries by itself.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	for name, retries := range map[string]int{"the caller repeats": -1, "the client repeats": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t)
			r := rigOn(t, clientsOf(t, s), definition(t, "antidrug", 1))
			one, lose := lossyServer(t, s, retries)
			if err := one.campaigns.Open(t.Context(), r.def, Known{}, noon); err != nil {
				t.Fatal(err)
			}
			r.enrol("alice", "u1", "public") // every script is loaded
			r.start("alice", noon)
			_ = r.acts(r.server)
			r.loseEach(one, lose, retries > 0)
		})
	}
}

// loseEach lets bob do everything, and loses the answer to each act.
func (r *rig) loseEach(one server, lose *atomic.Bool, retried bool) {
	r.Helper()
	ctx, bob := r.Context(), r.person("bob")
	a := quiz.Attempt{
		Window: quiz.Window{StartedAt: noon, Deadline: noon.Add(time.Hour)}, State: quiz.StateOpen,
		Paper: quiz.Paper{Bank: "b", Items: []quiz.Item{{}}},
	}
	lost := func(what string, act func() error) {
		r.Helper()
		if err := one.db.Ping(ctx).Err(); err != nil { // a connection stands
			r.Fatal(err)
		}
		lose.Store(true)
		err := act()
		if lose.Load() || retried && err != nil || !retried && !errors.Is(err, fault.ErrUnavailable) {
			r.Errorf("%s, its answer lost: %v", what, err)
		}
		if err := act(); err != nil {
			r.Errorf("%s again: %v", what, err)
		}
	}
	lost("Enrol", func() error {
		e := campaign.Enrolment{Unit: "u1", Group: "public", At: noon}
		_, err := one.enrolments.Enrol(ctx, r.def.ID, "bob", e, campaign.Personal{Name: "李四"})
		return err
	})
	lost("Start", func() error {
		got, _, _, err := one.quiz.Start(ctx, bob, a, quiz.Limits{Day: "2026-06-10", PerDay: 1, All: 1})
		return errors.Join(err, differs("attempt", 1, got.Number, err))
	})
	a.Number = 1
	lost("Save", func() error {
		got, err := one.quiz.Save(ctx, bob, 1, quiz.Saved{Revision: 1, Choices: quiz.Choices{1}})
		return errors.Join(err, differs("revision", int64(1), got.Revision, err))
	})
	lost("Submit", func() error {
		got, err := one.quiz.Submit(ctx, bob, finished(a, 70, noon.Add(time.Minute)), true)
		return errors.Join(err, differs("score", 70, got.Attempt.Result.Score, err))
	})
	lost("Sign", func() error {
		_, _, err := one.signatures.Sign(ctx, r.def.ID, "bob", signature(noon), campaign.Personal{Name: "李四"})
		return err
	})
	r.foldLosing(one, lost)
	r.once("bob")
}

// differs compares what an act that had no error returned.
func differs[T comparable](what string, want, got T, err error) error {
	if err == nil && got != want {
		return fmt.Errorf("%s %v, want %v", what, got, want)
	}
	return nil
}

// foldLosing folds everything, and loses the answer.
func (r *rig) foldLosing(one server, lost func(string, func() error)) {
	r.Helper()
	layout, err := r.boards.Layout(r.Context(), r.def.ID)
	if err != nil {
		r.Fatal(err)
	}
	batch, err := leaderboard.Rules{Campaign: r.def, Layout: layout}.Fold(event.Position{}, r.facts(0))
	if err != nil {
		r.Fatal(err)
	}
	_, _ = r.boards.Apply(r.Context(), r.def.ID, 0, leaderboard.Batch{From: event.Position{Epoch: 9}}) // loads the script
	lost("Apply", func() error {
		_, err := one.boards.Apply(r.Context(), r.def.ID, 0, batch)
		return err
	})
	got, err := r.boards.Tallies(r.Context(), r.def.ID)
	if diff := cmp.Diff(nonZero(batch.Tally), nonZero(got.Public)); err != nil || diff != "" {
		r.Errorf("tallies: %v (-folded once +got):\n%s", err, diff)
	}
}

// once shows that each act of a participant was told once.
func (r *rig) once(participant string) {
	r.Helper()
	kinds := map[event.Kind]int{}
	for _, f := range r.allFacts() {
		if f.Participant == participant {
			kinds[f.Kind]++
		}
	}
	want := map[event.Kind]int{"enrolled.1": 1, "started.1": 1, "submitted.1": 1, "signed.1": 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		r.Errorf("facts of %s (-want +got):\n%s", participant, diff)
	}
}

// TestCallersWhoLeave is case 29: however many give up in the middle, nobody gets
// an answer that was meant for another.
func TestCallersWhoLeave(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	people := map[string]bool{}
	for i := range 40 {
		p := fmt.Sprint("p", i)
		people[p] = true
		r.enrol(p, "u1", "public")
	}
	names := slices.Sorted(maps.Keys(people))
	var callers sync.WaitGroup
	for worker := range 8 {
		callers.Go(func() {
			for i := range 300 {
				p := names[(i*7+worker)%len(names)]
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if i%2 == 0 {
					ctx, cancel = context.WithTimeout(t.Context(), time.Duration(i)*time.Microsecond)
				}
				e, err := r.servers[worker%len(r.servers)].enrolments.Enrolment(ctx, r.def.ID, p)
				cancel()
				if err == nil && e.DisplayName != "名"+p || err != nil && !errors.Is(err, fault.ErrUnavailable) {
					t.Errorf("enrolment of %s: %+v, %v", p, e, err)
				}
			}
		})
	}
	callers.Wait()
}
