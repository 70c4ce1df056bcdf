package redisstore

import (
	"errors"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// TestJoin counts somebody as another participant, and lets nothing come of them from
// then on. Whatever speaks against it is told, and nothing is written.
func TestJoin(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		c := NewCorrections(r.campaigns, r.world.define, r.world.now)
		join := func(who, into string, want act.Joining) {
			t.Helper()
			if came, err := c.Join(t.Context(), r.def.ID, who, into); err != nil || came != want {
				t.Errorf("join %s with %s: %q, %v; want %q", who, into, came, err, want)
			}
		}
		r.enrol("alice", "u1", "public")
		r.unchanged("what speaks against a join", func() {
			join("nobody", "alice", act.Nobody)
			join("alice", "nobody", act.Alone)
			if _, err := c.Join(t.Context(), r.def.ID, "alice", "alice"); !errors.Is(err, errNobody) {
				t.Errorf("joined with themselves: %v", err)
			}
		})
		r.enrol("bob", "u2", "public")
		open := r.start("alice", noon.Add(-time.Minute))
		r.unchanged("an open attempt", func() { join("alice", "bob", act.Sitting) })
		handed := finished(open, 80, noon)
		handed.ClosedBy = quiz.ByDeadline
		if _, err := r.quiz.Submit(t.Context(), r.person("alice"), handed, true); err != nil {
			t.Fatal(err)
		}
		r.unchanged("an attempt that counts", func() { join("alice", "bob", act.Counting) })
		again(t, func() error { return r.quiz.Correct(t.Context(), r.person("alice"), 1, quiz.StateInvalidated) })
		r.sign("alice", noon)
		r.unchanged("a signature that counts", func() { join("alice", "bob", act.Counting) })
		turn := act.Turn{Batch: "batch", Number: 1}
		signature := act.Act{Participant: "alice", Number: act.Signature}
		if err := c.Begin(t.Context(), r.def.ID, turn); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Invalidate(t.Context(), r.def.ID, turn, signature); err != nil {
			t.Fatal(err)
		}

		join("alice", "bob", act.Joined)
		var bodies []event.Joined
		for _, f := range r.allFacts() {
			if b, ok := f.Body.(event.Joined); ok && f.Unit == "u1" && f.Participant == "alice" {
				bodies = append(bodies, b)
			}
		}
		if len(bodies) != 1 || bodies[0].Into != "bob" || len(bodies[0].Attempts) != 1 || !bodies[0].Attempts[0].Void || !bodies[0].SignedVoid {
			t.Fatalf("the facts say %+v", bodies)
		}
		r.unchanged("nothing comes of them any more", func() { r.joined(c, join) })
		r.foldAll()
		r.foldedOnce()
	})
}

// joined sees that nothing changes alice, who is counted as bob.
func (r *rig) joined(c *Corrections, join func(who, into string, want act.Joining)) {
	r.Helper()
	ctx, id := r.Context(), r.def.ID
	wants := func(what string, err, want error) {
		r.Helper()
		if !errors.Is(err, want) {
			r.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	join("alice", "bob", act.Joined)
	join("bob", "alice", act.Alone)
	_, err := r.enrolments.Enrol(ctx, id, "alice", campaign.Enrolment{Unit: "u3", Group: "public", NoticeVersion: "1", At: noon}, campaign.Personal{Name: "张三"})
	wants("enrol", err, campaign.ErrJoined)
	_, _, _, err = r.quiz.Start(ctx, r.person("alice"), takenUp(noon), quiz.Limits{Day: "2026-06-10"})
	wants("start", err, campaign.ErrJoined)
	if _, fresh, err := r.signatures.Sign(ctx, id, "alice", signature(noon), campaign.Personal{}); err != nil || fresh {
		r.Errorf("a repeat of the signature: %t, %v", fresh, err)
	}
	wants("a correction", r.quiz.Correct(ctx, r.person("alice"), 1, quiz.StateSubmitted), nil)
	wants("hiding", r.boards.Hide(ctx, id, "alice", true), nil)
	turn, one := act.Turn{Batch: "batch", Number: 1}, act.Act{Participant: "alice", Number: 1}
	if f, err := c.Restore(ctx, id, turn, act.Act{Participant: "alice", Number: act.Signature}); err != nil || f.Counts || f.Batch != "batch" {
		r.Errorf("given back by the batch: %+v, %v", f, err)
	}
	_, err = c.Remark(ctx, id, turn, act.Remark{Act: one, From: act.Marks{Score: 80, MaxScore: 100}, To: act.Marks{MaxScore: 100}})
	wants("marking again", err, act.ErrNone)
	_, err = c.Give(ctx, id, turn, one)
	wants("giving back", err, act.ErrNone)
	moved, err := c.Transfer(ctx, id, act.Transfer{Participant: "alice", Request: "t1", To: act.Place{Unit: "u3", Group: "public"}})
	if err != nil || moved {
		r.Errorf("transferred: %t, %v", moved, err)
	}
}
