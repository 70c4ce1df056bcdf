package replay_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
)

// season is a campaign with phases and every board that there can be, whose boards
// stand still from half an hour after noon on for two days.
func season(t testing.TB, id string, shards int, p campaign.Policy) *campaign.Campaign {
	t.Helper()
	def := definition(t, id, shards)
	def.Policy, def.Combined = p, true
	def.Freeze = campaign.Freeze{At: noon.Add(30 * time.Minute), Until: noon.Add(48 * time.Hour)}
	def.Phases = []campaign.Phase{
		{ID: "first", From: opens, To: noon.Add(25 * time.Hour)}, {ID: "last", From: noon.Add(26 * time.Hour), To: def.ClosesAt},
	}
	return def
}

// finish hands somebody's open attempt in.
func (r *rig) finish(id string, right int) {
	r.Helper()
	views, _, err := r.quizzes.Attempts(r.Context(), r.def.ID, id, 0, 1)
	must(r, 0, err)
	v, err := r.quizzes.Attempt(r.Context(), r.def.ID, id, views[0].ID)
	r.hand(id, must(r, v, err), right)
}

// disputed lets people act before and during the freeze, hides some, corrects and
// marks again what others did, and transfers a few.
func (r *rig) disputed() {
	r.Helper()
	r.populate()
	r.hide(person(9), true)                        // who has done nothing
	r.correct(person(0), 1, quiz.StateInvalidated) // from before the freeze
	r.correct(person(1), 2, quiz.StateWithdrawn)   // since
	r.correct(person(4), 1, quiz.StateInvalidated) // nothing is left but a signature
	r.correct(person(4), 2, quiz.StateInvalidated)
	r.correct(person(7), 1, quiz.StateWithdrawn) // nothing at all
	r.correct(person(5), 1, quiz.StateInvalidated)
	r.correct(person(5), 1, quiz.StateSubmitted)
	for i := range 4 {
		r.hide(person(i), i > 0)
	}
	r.hide(person(6), true)
	r.pass(time.Minute)
	r.finish(person(2), 4) // while hidden
	r.finish(person(0), 3)
	r.hide(person(3), false)
	r.correct(person(2), 2, quiz.StateInvalidated) // of somebody hidden
	r.enrol(person(7), "u1")                       // nothing that counts holds them where they were
	r.transfer(person(0), "u3", "t0")              // an attempt from before is open
	r.transfer(person(2), "u1", "t2")              // hidden
	r.transfer(person(6), "u1", "t6")              // has a signature only, and goes back
	r.transfer(person(6), "u3", "t7")
	r.transfer(person(1), "u4", "t1")
	r.remark(person(0), 2, quiz.Drop)                                              // since the freeze, and the attempt counts
	r.remark(person(0), 1, quiz.GiveAll, quiz.GiveAll, quiz.GiveAll, quiz.GiveAll) // from before, and it does not
	r.remark(person(1), 1, quiz.GiveAll)
	r.remark(person(1), 2, quiz.Drop, quiz.GiveAll, quiz.GiveAll, quiz.GiveAll)
	r.correct(person(1), 2, quiz.StateSubmitted) // it comes back with its new marks, to where they are
	r.finish(person(1), 2)
	r.join(person(7), person(1), false)
	r.part(person(7))
	r.join(person(7), person(1), false) // whose attempt counts nowhere
	r.join(person(9), person(6), true)  // hidden, and has done nothing
}

// policies are tried with one shard and with several.
func onPolicies(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	for _, p := range []campaign.Policy{campaign.PolicyBest, campaign.PolicySum, campaign.PolicySumDays} {
		for _, shards := range []int{1, 4} {
			t.Run(fmt.Sprint(p, " S=", shards), func(t *testing.T) {
				t.Parallel()
				test(t, newRigOn(t, redistest.Start(t).Client(t), sqltest.SQLite(t), season(t, "antidrug", shards, p)))
			})
		}
	}
}

// image is what the shards hold by key and member, but for the streams, what
// belongs to one epoch, and minutes, which go when there are many. Counts of zero are
// as good as none.
func (r *rig) image() map[string]map[string]string {
	r.Helper()
	ctx, out := r.Context(), map[string]map[string]string{}
	for _, key := range (&garden{rig: r}).keys("*{" + r.def.ID + "*") {
		fields := map[string]string{}
		switch r.db.Type(ctx, key).Val() {
		case "hash":
			fields = r.db.HGetAll(ctx, key).Val()
		case "zset":
			for _, e := range r.db.ZRangeWithScores(ctx, key, 0, -1).Val() {
				fields[fmt.Sprint(e.Member)] = strconv.FormatFloat(e.Score, 'f', -1, 64)
			}
		case "list":
			fields["list"] = strings.Join(r.db.LRange(ctx, key, 0, -1).Val(), " ")
		}
		_, name, _ := strings.Cut(key, "}:")
		switch {
		case slices.Contains([]string{"meta", "fold", "campaign", "thaw", "kept", "mark", "minutes"}, name):
			continue
		case strings.HasPrefix(name, "p:"):
			delete(fields, "v")
		case !strings.HasPrefix(name, "board") && !strings.HasPrefix(name, "hidden"):
			maps.DeleteFunc(fields, func(_, n string) bool { return n == "0" })
		}
		if len(fields) > 0 {
			out[key] = fields
		}
	}
	return out
}

// TestAFrozenCampaign is verified and rebuilt while its boards stand still, while
// they thaw, and afterwards.
func TestAFrozenCampaign(t *testing.T) {
	t.Parallel()
	onPolicies(t, func(t *testing.T, r *rig) {
		t.Helper()
		r.disputed()
		r.settle()
		r.clean()
		views, image := r.read(everybody), r.image()
		r.rebuild()
		r.clean()
		same(t, "after a rebuild", views, r.read(everybody))
		if diff := cmp.Diff(image, r.image()); diff != "" {
			t.Errorf("after a rebuild, Redis (-before +after):\n%s", diff)
		}
		r.flush()
		r.rebuild()
		r.clean()
		if diff := cmp.Diff(image, r.image()); diff != "" {
			t.Errorf("after a loss, Redis (-before +after):\n%s", diff)
		}
		r.thawed()
	})
}

// thawed ends the freeze in small steps, with acts in between, and rebuilds what is
// half thawed and what is thawed.
func (r *rig) thawed() {
	r.Helper()
	r.pass(24 * time.Hour)
	r.clean()
	for i := range 2 { // one of them stands beside the boards
		v := r.start(person(5 + 3*i))
		r.pass(time.Second)
		r.hand(person(5+3*i), v, 4)
	}
	r.correct(person(5), 2, quiz.StateWithdrawn)
	r.hide(person(0), true)
	_, err := r.quizzes.HandInOverdue(r.Context(), r.def.ID, everybody) // looking at them would do it
	must(r, 0, err)
	r.settle()
	r.clean()
	before := r.read(everybody)
	steps := 0
	for shard := range r.def.Shards {
		for left := true; left; steps++ {
			left, err = r.boards.Thaw(r.Context(), r.def.ID, shard, 3)
			must(r, 0, err)
			if steps%5 == 0 {
				r.clean()
			}
		}
	}
	if steps < 5 {
		r.Errorf("thawed in %d steps", steps)
	}
	r.clean()
	same(r, "after the thaw", withoutFrozen(before), withoutFrozen(r.read(everybody)))
	image := r.image()
	r.rebuild()
	r.clean()
	if diff := cmp.Diff(image, r.image()); diff != "" {
		r.Errorf("after a rebuild of what was thawed, Redis (-before +after):\n%s", diff)
	}
}
