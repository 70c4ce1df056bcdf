package replay_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/pledge"
)

const everybody = 12

// flush loses all of Redis.
func (r *rig) flush() {
	r.Helper()
	flush := func(ctx context.Context, node *redis.Client) error { return node.FlushAll(ctx).Err() }
	if cluster, ok := r.db.(*redis.ClusterClient); ok {
		must(r.TB, 0, cluster.ForEachMaster(r.Context(), flush))
		return
	}
	must(r.TB, 0, r.db.FlushAll(r.Context()).Err())
}

// TestALostRedisIsRebuilt: everything reads as before, but for the answers that
// were kept in open attempts, which lay in Redis alone.
func TestALostRedisIsRebuilt(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		r.populate()
		r.settle()
		before := r.read(everybody)
		r.flush()
		report := r.rebuild()
		if report.Epoch != 2 || report.Participants != 11 || report.Faults != 0 || report.Answers != 0 || len(report.NoBank) > 0 {
			t.Errorf("rebuilt: %+v", report)
		}
		after := r.read(everybody)
		withoutAnswers(before)
		same(t, "after a rebuild from nothing", before, after)
		r.clean()
		r.goesOn()
	})
}

func withoutAnswers(all readings) {
	for _, one := range all.People {
		for i := range one.Receipts {
			one.Receipts[i].Attempt.Saved.Revision, one.Receipts[i].Attempt.Saved.Choices = 0, nil
			clear(one.Receipts[i].SavedAnswers)
		}
	}
}

// goesOn acts in the second epoch, and looks that numbering begins anew there.
func (r *rig) goesOn() {
	r.Helper()
	id := person(3)
	v := r.start(id)
	r.pass(10 * time.Second)
	r.hand(id, v, 4)
	r.enrol(person(20), "u2")
	r.settle()
	r.clean()
	for shard := range r.def.Shards {
		at, err := r.ledger.Cursor(r.Context(), ledger.Shard{Campaign: r.def.ID, Number: shard}, event.Facts)
		if err != nil {
			r.Fatal(err)
		}
		if at.Epoch == 2 {
			return
		}
	}
	r.Error("nothing was archived in epoch 2")
}

// TestADamagedRedisIsRebuilt: what the stream still holds is moved to the ledger
// first, and kept answers survive.
func TestADamagedRedisIsRebuilt(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		r.populate()
		r.settle()
		r.sign(person(1))
		r.enrol(person(11), "u3")
		r.save(person(11), r.start(person(11)), 2)
		r.claim("door-99", person(11))
		r.fold()
		before := r.read(everybody)
		g := &garden{rig: r}
		for _, pattern := range []string{"*}:tally", "*:board*", "*:p:" + person(5), "*:d:door-7", "*{bank:*", "*:hour:*", "*}:minutes"} {
			keys := g.keys(pattern)
			if len(keys) == 0 {
				t.Fatalf("nothing is called %s", pattern)
			}
			r.db.Del(t.Context(), keys...)
		}
		r.db.Set(t.Context(), g.keys("*antidrug:0}:meta")[0]+"odd", "1", 0)
		if report := r.rebuild(); report.Answers != 3 || len(report.NoBank)+len(report.NotDrained) > 0 {
			t.Errorf("rebuilt: %+v", report)
		}
		same(t, "after a rebuild of what was damaged", before, r.read(everybody))
		r.clean()
		r.goesOn()
	})
}

// TestAnOlderRedisIsRebuilt: of a Redis that went back in time nothing is taken.
func TestAnOlderRedisIsRebuilt(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol(person(0), "u1")
	r.settle()
	old := contents(t, r)
	r.populate()
	r.settle()
	before := r.read(everybody)
	r.flush()
	for key, dump := range old {
		r.db.Restore(t.Context(), key, 0, dump)
	}
	_, found := r.verifyCampaign()
	if len(found) == 0 {
		t.Error("nobody finds that Redis is older than the ledger")
	}
	if report := r.rebuild(); len(report.NotDrained) != 1 {
		t.Errorf("rebuilt: %+v", report)
	}
	withoutAnswers(before)
	same(t, "after a rebuild of an older Redis", before, r.read(everybody))
	r.clean()
}

func contents(t *testing.T, r *rig) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, key := range (&garden{rig: r}).keys("*") {
		dump, err := r.db.Dump(t.Context(), key).Result()
		out[key] = must(t, dump, err)
	}
	return out
}

// TestNobodyActsDuringARebuild: everything is refused from the mark to the end.
func TestNobodyActsDuringARebuild(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	r.populate()
	v := r.start(person(5))
	b := r.rebuilder()
	drained := b.Drain
	tries := 0
	b.Drain = func(ctx context.Context, s ledger.Shard) error {
		_, errEnrol := r.enrols.Enrol(ctx, r.def.ID, person(30), campaign.Request{Unit: "u1", Group: "public", NoticeVersion: "1"})
		_, errSave := r.quizzes.Submit(ctx, r.def.ID, person(5), v.ID, nil)
		_, _, errSign := r.pledges.Sign(ctx, r.def.ID, person(1), pledge.Request{Version: "1", Method: pledge.Typed, Name: "张"})
		for _, err := range []error{errEnrol, errSave, errSign} {
			if !errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("an act during a rebuild: %v", err)
			}
		}
		c := redisstore.NewCampaigns(r.db)
		if err := c.Open(ctx, r.def, r.known(r.def.ID), r.now()); !errors.Is(err, redisstore.ErrRebuilding) {
			t.Errorf("a server starts during a rebuild: %v", err)
		}
		tries++
		return drained(ctx, s)
	}
	if _, err := b.Campaign(t.Context(), r.def); err != nil || tries != 4 {
		t.Fatalf("rebuild: %v after %d tries", err, tries)
	}
	if _, err := r.enrols.Enrol(t.Context(), r.def.ID, person(30), campaign.Request{Unit: "u1", Group: "public", NoticeVersion: "1"}); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("a server of the epoch before: %v", err)
	}
	r.serve()
	r.hand(person(5), v, 2) // the attempt is still open
	r.settle()
	r.clean()
}

// TestAnOlderLedgerRebuildsNothing: a database that was restored from before a
// rebuild lacks what happened between, also where its stream goes on.
func TestAnOlderLedgerRebuildsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.populate()
	r.settle()
	r.rebuild()
	r.enrol(person(20), "u1")
	before := r.read(everybody)
	if _, err := r.sql.ExecContext(t.Context(), "UPDATE campaigns SET epoch = 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.rebuilder().Campaign(t.Context(), r.def); !errors.Is(err, replay.ErrOldLedger) {
		t.Errorf("rebuild from an older ledger: %v", err)
	}
	same(t, "after a rebuild that was refused", before, r.read(everybody))
	r.enrol(person(21), "u1") // it goes on
}

// TestStrayShardsAreCleared: what lies beyond the last shard goes as well.
func TestStrayShardsAreCleared(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	r.populate()
	r.settle()
	stray := strings.Replace((&garden{rig: r}).keys("*{antidrug:1}:meta")[0], ":1}", ":7}", 1)
	must(t, 0, r.db.HSet(t.Context(), stray, "epoch", "1").Err())
	if _, got := r.verifyCampaign(); len(got) != 1 || got[0] != "meta: key: some, not none" {
		t.Errorf("differences %q", got)
	}
	r.rebuild()
	r.clean()
}

// TestARebuildEndsAComparison: what was found until then is worth nothing.
func TestARebuildEndsAComparison(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.populate()
	r.settle()
	v := r.verifier()
	once := false
	v.Progress = func(int64, int64) {
		if !once {
			once = true
			r.rebuild()
		}
	}
	if _, err := v.Campaign(t.Context(), r.def, &r.rules); !errors.Is(err, replay.ErrNotOpen) {
		t.Errorf("a comparison during which a rebuild ran: %v", err)
	}
}

// TestAnOlderFoldIsMended: tallies that an older version has folded mean something
// else. They are named, and a rebuild counts anew.
func TestAnOlderFoldIsMended(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.populate()
	r.settle()
	before := r.image()
	fold := (&garden{rig: r}).key("{antidrug:0}:fold")
	must(t, 0, r.db.HSet(t.Context(), fold, "version", "1").Err())
	for _, key := range []string{"}:scores", "}:tally"} { // as a version without histograms and full marks left them
		r.db.Del(t.Context(), (&garden{rig: r}).key(key))
	}
	if _, got := r.verifyCampaign(); !slices.Contains(got, ": fold version: 1, not 2") {
		t.Errorf("differences %q", got)
	}
	c := redisstore.NewCampaigns(r.db)
	if err := c.Open(t.Context(), r.def, r.known(r.def.ID), r.now()); !errors.Is(err, redisstore.ErrFoldOlder) {
		t.Errorf("a server starts on an older fold: %v", err)
	}
	r.rebuild()
	r.clean()
	if version := r.db.HGet(t.Context(), fold, "version").Val(); version != "2" {
		t.Errorf("the fold is of version %s", version)
	}
	if diff := cmp.Diff(before, r.image()); diff != "" {
		t.Errorf("after a rebuild, Redis (-before +after):\n%s", diff)
	}
	r.goesOn()
}
