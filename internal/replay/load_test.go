package replay_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/replay"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
)

// busy runs folders, archivers and people until the test has seen enough.
type busy struct {
	*rig
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// busyOn lets some goroutines act as fast as they can.
func busyOn(r *rig, actors int) *busy {
	r.Helper()
	ctx, stop := context.WithCancel(r.Context())
	b := &busy{rig: r, stop: stop}
	for shard := range r.def.Shards {
		b.wg.Go(func() { r.folder().Run(ctx, shard) })
		b.wg.Go(func() { r.archiver(ledger.Shard{Campaign: r.def.ID, Number: shard}).Run(ctx) })
	}
	o, err := r.campaigns.Opened(redisstore.DoorsCampaign)
	must(r.TB, 0, err)
	for shard := range o.Shards {
		b.wg.Go(func() { r.archiver(ledger.Shard{Campaign: redisstore.DoorsCampaign, Number: shard}).Run(ctx) })
	}
	for i := range actors {
		b.wg.Go(func() {
			pace := time.NewTicker(3 * time.Millisecond) // SQLite shall have time to keep up
			defer pace.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				b.live(i, n)
				<-pace.C
			}
		})
	}
	return b
}

// live is one round of an actor: at first everybody is new, then they come back.
func (b *busy) live(actor, n int) {
	i := 1000 + 100*actor + n%60
	who, units := person(i), []string{"u1", "u2", "u3", "u4"}
	b.claim(fmt.Sprint("door-", i), who)
	if n < 60 {
		b.enrol(who, units[(n+1)%4])
		b.enrol(who, units[n%4])
	}
	b.pass(7 * time.Millisecond)
	v := b.start(who)
	b.save(who, v, 1)
	b.hand(who, v, n%5)
	if n%3 == 0 {
		b.sign(who)
	}
	if n%2 == 0 {
		b.correct(who, 1, []quiz.State{quiz.StateInvalidated, quiz.StateSubmitted}[n/60%2])
	}
	if n%5 == 0 {
		b.hide(who, n/60%2 == 0)
	}
}

func (b *busy) end() {
	b.stop()
	b.wg.Wait()
}

// mostRounds is far more than a slow machine needs until there was a load.
const mostRounds = 500

// underLoad verifies again and again, at least so often and until there was a load: how
// much is done in one round is the machine's business.
func (r *rig) underLoad(least int, load func(last replay.Report) bool) {
	r.Helper()
	var last replay.Report
	for n := 1; n <= mostRounds; n++ {
		if last = r.clean(); n >= least && load(last) {
			return
		}
	}
	r.Errorf("there was no load: %+v", last)
}

// TestNothingDiffersUnderLoad verifies again and again while people act, fold and
// archive, as fast as it can and resting in between.
func TestNothingDiffersUnderLoad(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]int{"fast": 0, "resting": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onShards(t, func(t *testing.T, shards int) {
				t.Helper()
				r := newRig(t, shards)
				r.rest, r.rules.AttemptsPerDay = rest, 0
				r.populate()
				b := busyOn(r, 2)
				defer b.end()
				r.underLoad(3, func(last replay.Report) bool { return last.Facts >= 200 && last.Rechecked > 0 })
				b.end()
				r.settle()
				r.clean()
			})
		})
	}
}

// TestNothingDiffersUnderLoadInAFreeze is the same where the boards stand still, and
// where they thaw all the while.
func TestNothingDiffersUnderLoadInAFreeze(t *testing.T) {
	t.Parallel()
	for name, until := range map[string]time.Duration{"frozen": 48 * time.Hour, "thawing": 25 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			def := season(t, "antidrug", 2, campaign.PolicySum)
			def.Freeze.Until = noon.Add(until)
			r := newRigOn(t, redistest.Start(t).Client(t), sqltest.SQLite(t), def)
			r.rules.AttemptsPerDay = 0
			r.disputed()
			b := busyOn(r, 2)
			defer b.end()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			if def.Freeze.Over(r.now()) {
				b.wg.Go(func() { b.thaw(ctx) })
			}
			r.underLoad(2, func(last replay.Report) bool { return last.Facts >= 100 })
			stop()
			b.end()
			r.settle()
			r.clean()
		})
	}
}

// thaw takes small steps for as long as it may.
func (b *busy) thaw(ctx context.Context) {
	for ctx.Err() == nil {
		for shard := range b.def.Shards {
			if _, err := b.boards.Thaw(ctx, b.def.ID, shard, 2); err != nil && ctx.Err() == nil {
				b.Errorf("thaw: %v", err)
			}
		}
	}
}

// TestADriftIsFoundUnderLoad plants a drift where everything moves.
func TestADriftIsFoundUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.rules.AttemptsPerDay = 0
	r.populate()
	r.settle()
	b := busyOn(r, 2)
	defer b.end()
	g, ctx := &garden{rig: r}, t.Context()
	hour := g.keys("*:hour:*")[0]
	best := g.db.ZScore(ctx, g.key("}:board"), person(1)).Val()
	enrolled := g.db.HGet(ctx, g.key("}:p:"+person(2)), "t").Val()
	for name, plant := range map[string]struct {
		do, undo func() error
		begins   string
	}{
		"a tally": {
			func() error { return g.db.HIncrBy(ctx, g.key("}:tally"), "u1|attempts", 1).Err() },
			func() error { return g.db.HIncrBy(ctx, g.key("}:tally"), "u1|attempts", -1).Err() }, "tally u1|attempts: count: ",
		},
		"an hour": {
			func() error { return g.db.HIncrBy(ctx, hour, "u2|attempts", -1).Err() },
			func() error { return g.db.HIncrBy(ctx, hour, "u2|attempts", 1).Err() }, "hour ",
		},
		"a place": {
			func() error { return g.db.ZIncrBy(ctx, g.key("}:board"), 1, person(1)).Err() },
			func() error { return g.db.ZAdd(ctx, g.key("}:board"), z(best, person(1))).Err() }, person(1) + ": board: ",
		},
		"a guest on a board": {
			func() error { return g.db.ZAdd(ctx, g.key("}:board:r:d1"), z(1, "nobody")).Err() },
			func() error { return g.db.ZRem(ctx, g.key("}:board:r:d1"), "nobody").Err() }, "board r:d1: members: ",
		},
		"a receipt": {
			func() error { return g.db.HSet(ctx, g.key("}:p:"+person(2)), "t", "1").Err() },
			func() error { return g.db.HSet(ctx, g.key("}:p:"+person(2)), "t", enrolled).Err() }, person(2) + ": enrolled at: 1, not ",
		},
		"a stranger": {
			func() error { return g.db.HSet(ctx, g.beside("p:stranger"), "u", "u1").Err() },
			func() error { return g.db.Del(ctx, g.beside("p:stranger")).Err() }, "stranger: participant: some, not none",
		},
	} {
		must(t, 0, plant.do())
		_, got := r.verifyCampaign()
		must(t, 0, plant.undo())
		if len(got) != 1 || !strings.HasPrefix(got[0], plant.begins) {
			t.Errorf("%s: differences %q, want one that begins %q", name, got, plant.begins)
		}
	}
	b.end()
	r.settle()
	r.clean()
}
