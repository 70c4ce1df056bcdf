package redisstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// homeParts is what a home page asks for.
type homeParts struct {
	Enrolment campaign.Enrolment
	Signature pledge.Signature
	Standing  quiz.Standing
	Stands    quiz.Submitted
	Errs      [4]error
}

func (r *rig) home(ctx context.Context, participant string) (h homeParts) {
	h.Enrolment, h.Errs[0] = r.enrolments.Enrolment(ctx, r.def.ID, participant)
	h.Signature, h.Errs[1] = r.signatures.Signature(ctx, r.def.ID, participant)
	h.Standing, h.Errs[2] = r.quiz.Standing(ctx, r.person(participant))
	h.Stands, h.Errs[3] = r.quiz.Stands(ctx, r.person(participant), 0, true)
	return h
}

// TestHomeIsOneReading: within one reading everything is as each question alone would
// have answered, and Redis is asked once, but for the other shards.
func TestHomeIsOneReading(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		r.def.Freeze = campaign.Freeze{At: noon.Add(time.Hour)}
		for _, who := range []string{"enrolled", "best", "second", "late", "sits", "hidden"} {
			r.enrol(who, "u1", "public")
		}
		r.submit("best", 90, time.Minute, noon.Add(2*time.Minute))
		r.submit("second", 80, time.Minute, noon.Add(3*time.Minute))
		r.submit("hidden", 100, time.Minute, noon.Add(3*time.Minute))
		r.submit("late", 85, time.Minute, noon.Add(2*time.Hour)) // after the freeze
		r.start("sits", noon)
		r.sign("second", noon)
		if err := r.boards.Hide(t.Context(), r.def.ID, "hidden", true); err != nil {
			t.Fatal(err)
		}
		r.home(campaign.InOneReading(t.Context()), "nobody") // Redis knows the script now
		asked := map[string]int{}
		r.campaigns.writes.Join.Took = func(command string, _ time.Duration, _ error) { asked[command]++ }
		for _, freezes := range []bool{true, false} {
			if !freezes {
				r.def.Freeze = campaign.Freeze{}
			}
			for _, who := range []string{"nobody", "enrolled", "best", "second", "late", "sits", "hidden"} {
				want := r.home(t.Context(), who)
				clear(asked)
				got := r.home(campaign.InOneReading(t.Context()), who)
				if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("%s, freeze %t (-alone +together):\n%s", who, freezes, diff)
				}
				if asked[homeScript.Hash()] != 1 || len(asked)-asked["pipeline"] != 1 || shards == 1 && len(asked) != 1 {
					t.Errorf("%s: asked %v", who, asked)
				}
			}
		}
	})
}

// TestHomeOfAnotherEpoch: a shard that was rebuilt or emptied answers nothing.
func TestHomeOfAnotherEpoch(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol("alice", "u1", "public")
	r.submit("alice", 90, time.Minute, noon.Add(time.Minute))
	k := keysOf(r.def.ID, 0)
	if err := r.db.HSet(t.Context(), k.meta(), "epoch", 7).Err(); err != nil {
		t.Fatal(err)
	}
	for i, err := range r.home(campaign.InOneReading(t.Context()), "alice").Errs {
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("question %d: %v", i, err)
		}
	}
	if _, _, err := r.boards.Standing(t.Context(), r.def.ID, "", 1, "alice", 5); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("standing: %v", err)
	}
}
