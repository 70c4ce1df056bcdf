package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// glacier is a campaign whose boards stand still, and the crew's loop that thaws
// them, which looks when it is told to.
type glacier struct {
	*office

	private *redis.Client
	looks   chan time.Time
	// over says that the freeze is, and gone that the campaign has left the catalog.
	over, gone atomic.Bool
	log        bytes.Buffer // read it after stop
	stop       func()
}

func newGlacier(t *testing.T) (*server, *glacier) {
	t.Helper()
	cfg := demo(t)
	frozen := time.Now().Add(-time.Hour).In(configs.Zone()).Format(time.DateTime)
	if status, errs := edited(t, cfg.Data.Dir, strings.NewReplacer("top_n: 10\n", "top_n: 10\nfreeze_at: "+frozen+"\n")); status != exitDone {
		t.Fatalf("campaign apply = %d %s", status, errs)
	}
	s := start(t, cfg)
	g := &glacier{office: openOffice(t, cfg), private: privateRedis(t, cfg.Data.Dir), looks: make(chan time.Time)}
	return s, g
}

// watch runs the loop until stop.
func (g *glacier) watch(id string, shards int) {
	c := &crew{boards: g.boards, find: g.find, now: time.Now, log: slog.New(slog.NewTextHandler(&g.log, nil))}
	ctx, cancel := context.WithCancel(g.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.thawAt(ctx, g.looks, id, shards)
	}()
	g.stop = func() { cancel(); <-done }
	g.Cleanup(g.stop)
}

func (g *glacier) find(string) (*campaign.Campaign, error) {
	if g.gone.Load() {
		return nil, campaign.ErrNotFound
	}
	def := *g.def
	if g.over.Load() {
		def.Freeze.Until = time.Now().Add(-time.Minute)
	}
	return &def, nil
}

// look lets the loop look once, and returns when it is through: only then does it
// take the next moment.
func (g *glacier) look() {
	g.looks <- time.Time{}
	g.looks <- time.Time{}
}

// beside lists the keys that hold what came since the freeze.
func (g *glacier) beside() []string {
	g.Helper()
	var all []string
	for _, pattern := range []string{"*-late", "*-late:*", "*-kept", "*-kept:*", "*}:thaw"} {
		keys, err := g.private.Keys(g.Context(), pattern).Result()
		g.must(err)
		all = append(all, keys...)
	}
	return all
}

// frost lets people act before and in the freeze, on every shard, one of them hidden and
// one with an attempt that does not count, and returns who they are.
func (g *glacier) frost(s *server) []string {
	g.Helper()
	var people []string
	g.ahead.Store(-int64(3 * time.Hour))
	for i := range 12 {
		who := fmt.Sprint("person-", i)
		people = append(people, who)
		g.enrol(who)
		if i%3 > 0 {
			g.attempt(who, i%4)
		}
	}
	g.ahead.Store(0)
	for i, who := range people {
		g.attempt(who, i%5)
	}
	g.must(g.boards.Hide(g.Context(), knownCampaign, people[1], true))
	g.must(g.quiz.Store.Correct(g.Context(), quiz.Person{Campaign: knownCampaign, Participant: people[2]}, 2, quiz.StateInvalidated))
	s.eventually("everything to be counted", func() bool {
		tallies, err := g.boards.Tallies(g.Context(), knownCampaign)
		return err == nil && tallies.Lag == 0
	})
	return people
}

// TestTheCrewThawsBoards: the loop leaves boards alone that stand still, or whose
// campaign it does not find; once the freeze is over one look thaws all shards, nobody
// sees a difference but the public, which sees what is, and nothing is left to do.
func TestTheCrewThawsBoards(t *testing.T) {
	t.Parallel()
	s, g := newGlacier(t)
	people := g.frost(s)
	frozen, beside := g.sees(people...), g.beside()
	if g.def.Shards < 2 || len(beside) < g.def.Shards {
		t.Fatalf("%v lie beside the boards of %d shards: the test proves nothing", beside, g.def.Shards)
	}
	same := func(what string) {
		t.Helper()
		if diff := cmp.Diff(frozen, g.sees(people...), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-frozen +now):\n%s", what, diff)
		}
	}
	g.watch(knownCampaign, g.def.Shards)
	g.look()
	same("while the boards stand still")
	g.over.Store(true)
	g.gone.Store(true)
	g.look()
	same("while the campaign is not found")
	g.gone.Store(false)
	g.look()

	now := g.sees(people...)
	if left := g.beside(); len(left) > 0 {
		t.Errorf("beside the boards there is still %v", left)
	}
	for board, top := range frozen.Tops {
		if scope, _, _ := strings.Cut(board, " as "); strings.Contains(board, fmt.Sprintf(" as %d of", leaderboard.Now)) {
			of := strings.TrimPrefix(board, fmt.Sprintf("%s as %d", scope, leaderboard.Now))
			for _, view := range []leaderboard.View{leaderboard.Frozen, leaderboard.Now} {
				if diff := cmp.Diff(top, now.Tops[fmt.Sprintf("%s as %d%s", scope, view, of)]); diff != "" {
					t.Errorf("%q as %d (-what was true before +now):\n%s", scope, view, diff)
				}
			}
		}
	}
	if diff := cmp.Diff(frozen.Tallies.All(), now.Tallies.Public, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("public figures (-all of before +now):\n%s", diff)
	}
	g.stop()
	if text := g.log.String(); text != "" {
		t.Errorf("the loop says %s", text)
	}
}

// TestAThawThatFails: the loop says so, each time that it looks, tries the other shards
// all the same, and goes on.
func TestAThawThatFails(t *testing.T) {
	t.Parallel()
	_, g := newGlacier(t)
	g.over.Store(true)
	const shards = 3
	g.watch("nobody-2026", shards)
	g.looks <- time.Time{}
	g.looks <- time.Time{}
	g.looks <- time.Time{} // the first two are done
	g.stop()
	if n := strings.Count(g.log.String(), "thaw the boards"); n < 2*shards || n > 3*shards {
		t.Errorf("%d complaints of two looks or three at %d shards:\n%s", n, shards, g.log.String())
	}
}
