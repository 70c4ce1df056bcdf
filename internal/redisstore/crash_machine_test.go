package redisstore

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
)

// crashes is what the state machines of this package share: a campaign that
// several servers have opened on a durable Redis, which may be killed between
// any two acts, one server whose answers can be lost, and the facts that the
// model expects of everybody.
type crashes struct {
	*rapid.T

	rig   *rig
	redis *redistest.Server
	now   time.Time
	deaf  server // its next answer is lost when lose is set
	lose  *atomic.Bool
	told  map[string][]event.Fact
}

// crashing prepares one Redis for many runs of a machine, each of which gets a
// campaign of its own. What is killed are processes and not the machine they run
// on, so that the files need no sync.
func crashing(t *testing.T, shards int) func(*rapid.T) *crashes {
	t.Helper()
	s := redistest.Start(t, redistest.Durable(), redistest.Set("appendfsync", "no"))
	clients := clientsOf(t, s)
	deaf, lose := lossyServer(t, s, -1)
	runs := 0
	return func(rt *rapid.T) *crashes {
		runs++
		r := rigOn(t, clients, definition(t, fmt.Sprint("c", runs), shards))
		if err := deaf.campaigns.Open(t.Context(), r.def, Known{}, noon); err != nil {
			rt.Fatal(err)
		}
		return &crashes{T: rt, rig: r, redis: s, now: noon, deaf: deaf, lose: lose, told: map[string][]event.Fact{}}
	}
}

// crash kills Redis and starts it again on its files. Every client has thrown
// its broken connections away before the next act; pipelines have their own.
func (c *crashes) crash() {
	c.redis.Kill(c.rig)
	c.redis.Restart(c.rig)
	for _, s := range append(slices.Clone(c.rig.servers), c.deaf) {
		ping := func(p redis.Pipeliner) { p.Ping(c.rig.Context()) }
		for s.db.Ping(c.rig.Context()).Err() != nil || ask(c.rig.Context(), s.db, ping) != nil {
			if err := c.rig.Context().Err(); err != nil {
				c.Fatal(err)
			}
		}
	}
}

// tell notes a fact that must be on the stream.
func (c *crashes) tell(kind event.Kind, participant, unit string, first bool, body any) {
	c.told[participant] = append(c.told[participant], event.Fact{
		Kind: kind, Participant: participant, Unit: unit, Group: "public", At: c.now, First: first, Body: body,
	})
}

// answer is what an act led to: its result, or the code of its fault.
type answer[R any] struct {
	Result R
	Code   string
}

// do runs one act beside the model: now and then its answer is lost at first,
// now and then it is sent twice, and always by any of the servers. model changes
// the model and says what must come back, also for the second time.
func do[R any](c *crashes, what string, act func(server) (R, error), model func() answer[R]) {
	if rapid.IntRange(0, 7).Draw(c.T, "answer lost") == 7 {
		c.loseAnswer(what, func() error { _, err := act(c.deaf); return err })
		model()
	}
	for range rapid.SampledFrom([]int{1, 1, 2}).Draw(c.T, "times") {
		one := c.rig.servers[rapid.IntRange(0, serversOfARig-1).Draw(c.T, "server")]
		result, err := act(one)
		got := answer[R]{Result: result}
		if err != nil {
			got = answer[R]{Code: fault.From(err).Code}
		}
		if diff := gocmp.Diff(model(), got, cmpopts.EquateEmpty()); diff != "" {
			c.Fatalf("%s: %v (-model +program):\n%s", what, err, diff)
		}
	}
}

// loseAnswer lets Redis do the act and nobody hear of it. A connection stands
// before, and Redis knows the scripts: or the answer lost would be another one.
func (c *crashes) loseAnswer(what string, act func() error) {
	for _, s := range []*redis.Script{enrolScript, signScript, attemptStart, attemptSave, attemptSubmit, attemptExpire, eraseScript, correctScript} {
		if err := s.Load(c.rig.Context(), c.deaf.db).Err(); err != nil {
			c.Fatal(err)
		}
	}
	c.introduce()
	c.lose.Store(true)
	if err := act(); !errors.Is(err, fault.ErrUnavailable) || c.lose.Load() {
		c.Fatalf("%s, its answer lost: %v", what, err)
	}
}

// introduce lets the deaf server know the digest of every signature, or it would
// ask for that first.
func (c *crashes) introduce() {
	o, err := c.deaf.campaigns.of(c.rig.def.ID)
	if err == nil {
		err = c.deaf.campaigns.introduce(c.rig.Context(), o, signature(noon).TextSHA256)
	}
	if err != nil {
		c.Fatal(err)
	}
}

// wantFacts compares what the streams tell of everybody with the model, but for
// the commitments of signatures, which are random.
func (c *crashes) wantFacts() {
	got := map[string][]event.Fact{}
	for _, f := range c.rig.allFacts() { // gapless
		f.Position = event.Position{}
		got[f.Participant] = append(got[f.Participant], f)
	}
	if diff := gocmp.Diff(c.told, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(event.Signed{}, "Commitment")); diff != "" {
		c.Fatalf("facts (-model +program):\n%s", diff)
	}
}

// pass lets time go by: moments, a time limit, days.
func (c *crashes) pass() {
	c.now = c.now.Add(rapid.SampledFrom([]time.Duration{
		40 * time.Millisecond, time.Second, 4 * time.Minute, 11 * time.Minute, 9 * time.Hour, 24 * time.Hour,
	}).Draw(c.T, "time"))
}

// repeat runs the acts at random, seldom a crash among them, and check after
// each. An act that comes twice in the list is twice as likely.
func (c *crashes) repeat(acts []func(), check func()) {
	c.Repeat(map[string]func(*rapid.T){
		"": func(rt *rapid.T) { c.T = rt; check() },
		"act": func(rt *rapid.T) {
			c.T = rt
			if rapid.IntRange(0, 39).Draw(rt, "crash") == 39 {
				c.crash()
				return
			}
			acts[rapid.IntRange(0, len(acts)-1).Draw(rt, "act")]()
		},
	})
}
