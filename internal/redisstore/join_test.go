package redisstore

import (
	"errors"
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// TestJoin counts somebody as another participant, and lets nothing come of them until
// something is given back. Whatever speaks against it is told, and nothing is written.
func TestJoin(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		c := NewCorrections(r.campaigns, r.world.define, r.world.now)
		join := func(who, into string, want act.Joining) {
			t.Helper()
			if came, err := c.Join(t.Context(), r.def.ID, who, into, false); err != nil || came != want {
				t.Errorf("join %s with %s: %q, %v; want %q", who, into, came, err, want)
			}
		}
		r.enrol("alice", "u1", "public")
		r.unchanged("what speaks against a join", func() {
			join("nobody", "alice", act.Nobody)
			join("alice", "nobody", act.Alone)
			if _, err := c.Join(t.Context(), r.def.ID, "alice", "alice", false); !errors.Is(err, errNobody) {
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
		if m, err := c.Membership(t.Context(), r.def.ID, "alice"); err != nil || m != (act.Membership{Enrolled: true, Into: "bob"}) {
			t.Errorf("alice is %+v, %v", m, err)
		}
		f, err := c.Restore(t.Context(), r.def.ID, turn, signature)
		if m, errLook := c.Membership(t.Context(), r.def.ID, "alice"); err != nil || errLook != nil || !f.Counts || m != (act.Membership{Enrolled: true, Counts: true}) {
			t.Errorf("given back: %+v, %v; alice is %+v, %v", f, err, m, errLook)
		}
		r.kinds("alice", event.KindJoined, event.KindParted, event.KindSignatureRestored)
		r.foldAll()
		r.foldedOnce()
	})
}

// TestWhoReturns: whoever is counted as another participant and signs in as themselves all
// the same is counted again by whatever they do next, in the same step.
func TestWhoReturns(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]struct {
		do   func(*rig)
		fact event.Kind
	}{
		"an attempt":     {func(r *rig) { r.start("bob", noon) }, event.KindStarted},
		"a signature":    {func(r *rig) { r.sign("bob", noon) }, event.KindSigned},
		"another unit":   {func(r *rig) { r.enrol("bob", "u3", "public") }, event.KindMoved},
		"an office does": {func(r *rig) { r.part("bob") }, event.KindParted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 2)
			r.enrol("alice", "u1", "public")
			r.sign("alice", noon)
			r.enrol("bob", "u2", "public")
			c := NewCorrections(r.campaigns, r.world.define, r.world.now)
			if came, err := c.Join(t.Context(), r.def.ID, "bob", "alice", true); err != nil || came != act.Joined {
				t.Fatalf("join: %s, %v", came, err)
			}
			r.unchanged("the same enrolment again", func() { r.enrol("bob", "u2", "public") })
			next.do(r)
			want := []event.Kind{event.KindJoined, event.KindParted}
			if next.fact != event.KindParted {
				want = append(want, next.fact)
			}
			r.kinds("bob", want...)
			m, err := c.Membership(t.Context(), r.def.ID, "bob")
			if err != nil || m.Into != "" || m.Returns || !m.Enrolled {
				t.Errorf("bob is %+v, %v", m, err)
			}
			r.foldAll()
			r.foldedOnce()
		})
	}
}

// part counts somebody as themselves again.
func (r *rig) part(who string) {
	r.Helper()
	if err := NewCorrections(r.campaigns, r.world.define, r.world.now).Part(r.Context(), r.def.ID, who); err != nil {
		r.Fatal(err)
	}
}

// kinds fails unless the facts of somebody end with these.
func (r *rig) kinds(who string, want ...event.Kind) {
	r.Helper()
	var got []event.Kind
	for _, f := range r.allFacts() {
		if f.Participant == who {
			got = append(got, f.Kind)
		}
	}
	if len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		r.Errorf("the facts of %s are %v, and do not end with %v", who, got, want)
	}
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
	turn, one := act.Turn{Batch: "batch", Number: 1}, act.Act{Participant: "alice", Number: 1}
	if f, err := c.Restore(ctx, id, turn, one); err != nil || f.Counts || f.Batch != "" {
		r.Errorf("given back by a batch that has not taken it out: %+v, %v", f, err)
	}
	_, err = c.Give(ctx, id, turn, one)
	wants("giving back", err, act.ErrNone)
	_, err = c.Transfer(ctx, id, act.Transfer{Participant: "alice", Request: "t1", To: act.Place{Unit: "u3", Group: "public"}})
	wants("a transfer", err, act.ErrElsewhere)
}
