package redisstore

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// TestRacingCorrections: several servers correct, hide and show one participant at
// once, who goes on handing in. Every fact says what was right before it, and in
// the end everything stands where the facts lead.
func TestRacingCorrections(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		r.enrol("alice", "u1", "public")
		r.submit("alice", 80, time.Minute, noon)
		var office sync.WaitGroup
		for i, s := range r.servers {
			office.Go(func() {
				for n := range 12 {
					to := []quiz.State{quiz.StateInvalidated, quiz.StateSubmitted, quiz.StateWithdrawn}[(n+i)%3]
					again(t, func() error { return s.quiz.Correct(t.Context(), r.person("alice"), 1, to) })
					again(t, func() error { return s.boards.Hide(t.Context(), r.def.ID, "alice", (n+i)%2 == 0) })
				}
			})
		}
		for i := range 6 {
			r.submit("alice", 10*i, time.Minute, noon.Add(time.Duration(i+1)*time.Hour))
		}
		office.Wait()
		rec := r.recordByFacts("alice", "u1")
		r.foldAll()
		r.foldedOnce()
		layout, err := r.boards.Layout(t.Context(), r.def.ID)
		if err != nil {
			t.Fatal(err)
		}
		want, err := leaderboard.Rules{Campaign: r.def, Layout: layout}.Placements(&rec, noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, scope := range []string{"", "u:u1", "r:city", "g:public", "d:2026-06-10"} {
			top, _, err := r.boards.Top(t.Context(), r.def.ID, scope, leaderboard.Everybody, 0, 10)
			if err != nil || len(top) != 1 || top[0].Packed != *want[scope].Now {
				t.Errorf("board %q holds %+v, %v; the facts lead to %d", scope, top, err, *want[scope].Now)
			}
			if _, n, err := r.boards.Top(t.Context(), r.def.ID, scope, leaderboard.Now, 0, 10); err != nil || (n == 0) != rec.Hidden {
				t.Errorf("board %q shows %d, %v; hidden is %t", scope, n, err, rec.Hidden)
			}
		}
	})
}

// again repeats what gave way to somebody else.
func again(t *testing.T, act func() error) {
	t.Helper()
	for {
		err := act()
		if err == nil {
			return
		}
		if !errors.Is(err, errBusy) {
			t.Error(err)
			return
		}
	}
}

// recordByFacts follows the facts of somebody, each of which must say what those
// before it led to.
func (r *rig) recordByFacts(participant, unit string) leaderboard.Record {
	r.Helper()
	rec := leaderboard.Record{Unit: unit, Group: "public"}
	for _, f := range r.allFacts() {
		switch body := f.Body.(type) {
		case event.Submitted:
			if body.Hidden != rec.Hidden {
				r.Errorf("fact %s: hidden %t", f.Position, body.Hidden)
			}
			rec.Attempts = append(slices.Clone(rec.Attempts), event.Counted{
				Number: body.Number, At: f.At.UnixMilli(), UsedMS: body.UsedMS, Score: body.Score, Passed: body.Passed, Full: body.Score == body.MaxScore,
			})
		case event.Corrected:
			said := leaderboard.RecordOf(&f, body)
			if diff := cmp.Diff(rec, said, cmpopts.EquateEmpty()); diff != "" {
				r.Errorf("fact %s of %s (-before it +said):\n%s", f.Position, participant, diff)
			}
			var err error
			if rec, err = leaderboard.Corrected(rec, f.Kind, body.Number); err != nil {
				r.Error(err)
			}
		}
	}
	return rec
}

// TestCorrectionsOfNothing: what is not there, or is so already, changes nothing.
func TestCorrectionsOfNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	r.enrol("alice", "u1", "public")
	r.submit("alice", 80, time.Minute, noon)
	r.start("alice", noon.Add(time.Hour))
	r.unchanged("corrections of nothing", func() {
		for _, tc := range []struct {
			who    string
			number int
			to     quiz.State
			want   error
		}{
			{"alice", 1, quiz.StateSubmitted, nil},
			{"alice", 2, quiz.StateInvalidated, quiz.ErrAttemptNotFound}, // open
			{"alice", 3, quiz.StateInvalidated, quiz.ErrAttemptNotFound},
			{"alice", 0, quiz.StateInvalidated, quiz.ErrAttemptNotFound},
			{"nobody", 1, quiz.StateInvalidated, quiz.ErrAttemptNotFound},
		} {
			if err := r.quiz.Correct(t.Context(), r.person(tc.who), tc.number, tc.to); !errors.Is(err, tc.want) {
				t.Errorf("Correct %d of %s: %v, want %v", tc.number, tc.who, err, tc.want)
			}
		}
		if err := r.quiz.Correct(t.Context(), r.person("alice"), 1, quiz.StateExpired); err == nil {
			t.Error("an accepted attempt expired")
		}
		if err := r.boards.Hide(t.Context(), r.def.ID, "alice", false); err != nil {
			t.Error(err)
		}
		if err := r.boards.Hide(t.Context(), r.def.ID, "nobody", true); !errors.Is(err, campaign.ErrRequired) {
			t.Errorf("Hide nobody: %v", err)
		}
	})
}

// TestAMissingShardIsNoPartialSum: with one shard lost, no view of a board that is
// kept in layers is answered.
func TestAMissingShardIsNoPartialSum(t *testing.T) {
	t.Parallel()
	r := newRig(t, 3)
	r.def.Freeze = campaign.Freeze{At: noon.Add(time.Hour)}
	for _, who := range []string{"alice", "bob", "carol", "dave"} {
		r.enrol(who, "u1", "public")
		r.submit(who, 80, time.Minute, noon)
	}
	alone := r.db.Del(t.Context(), keysOf(r.def.ID, 2).meta())
	if alone.Err() != nil {
		t.Fatal(alone.Err())
	}
	for _, v := range []leaderboard.View{leaderboard.Frozen, leaderboard.Now, leaderboard.Everybody} {
		ctx, id := t.Context(), r.def.ID
		_, _, errTop := r.boards.Top(ctx, id, "", v, 0, 10)
		_, errAbove := r.boards.Above(ctx, id, "", v, 1)
		_, errRanks := r.boards.Ranks(ctx, id, "", v, []string{"alice", "bob", "carol", "dave"})
		_, _, errStanding := r.boards.Standing(ctx, id, "", v, "alice", 2)
		for what, err := range map[string]error{"Top": errTop, "Above": errAbove, "Ranks": errRanks, "Standing": errStanding} {
			if !errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("view %d, %s: %v", v, what, err)
			}
		}
	}
	for shard := range 3 {
		if left, err := r.boards.Thaw(t.Context(), r.def.ID, shard, 10); (shard == 2) != errors.Is(err, fault.ErrUnavailable) || shard < 2 && left {
			t.Errorf("Thaw of shard %d: %t, %v", shard, left, err)
		}
	}
}
