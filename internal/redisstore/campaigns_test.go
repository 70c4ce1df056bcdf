package redisstore

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

func TestOpenOnce(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		before := contents(t, r.db)
		later := definition(t, "antidrug", 2*shards)
		later.OpensAt = later.OpensAt.Add(time.Hour)
		other := newServer(t, r.db)
		for range 2 {
			if err := other.campaigns.Open(t.Context(), later, Known{}, noon); err != nil {
				t.Fatal(err)
			}
		}
		layout, err := other.boards.Layout(t.Context(), "antidrug")
		if err != nil || !layout.Base.Equal(opens) {
			t.Errorf("base moved to %s, %v", layout.Base, err)
		}
		if n, err := other.boards.Shards(t.Context(), "antidrug"); err != nil || n != shards {
			t.Errorf("%d shards, %v; want %d", n, err, shards)
		}
		if diff := cmp.Diff(before, contents(t, r.db)); diff != "" {
			t.Errorf("a later server wrote (-before +after):\n%s", diff)
		}
	})
}

func TestRacingOpens(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	var opening sync.WaitGroup
	barrier := make(chan struct{})
	for range 20 {
		one := newServer(t, s.Client(t))
		def := definition(t, "antidrug", 4)
		opening.Go(func() {
			<-barrier
			if err := one.campaigns.Open(t.Context(), def, Known{}, noon); err != nil {
				t.Error(err)
			}
		})
	}
	close(barrier)
	opening.Wait()
}

// TestAWindowTooLong: base and layout never move, so a close that was put off
// beyond what the boards hold is refused, to the moment.
func TestAWindowTooLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	layout, err := r.boards.Layout(t.Context(), "antidrug")
	if err != nil {
		t.Fatal(err)
	}
	end := layout.Base.Add(layout.Span())
	for closes, want := range map[time.Time]error{
		end.Add(-time.Second): nil, end: leaderboard.ErrOutOfRange, end.AddDate(1, 0, 0): leaderboard.ErrOutOfRange,
	} {
		def := definition(t, "antidrug", 1)
		def.ClosesAt = closes
		if err := r.campaigns.Open(t.Context(), def, Known{}, noon); !errors.Is(err, want) {
			t.Errorf("Open until %s: %v, want %v", closes, err, want)
		}
		if _, err := layout.Pack(0, 0, closes); !errors.Is(err, want) {
			t.Errorf("Pack at %s: %v, want %v", closes, err, want)
		}
	}
	always := definition(t, "demo", 1)
	always.AlwaysOpen = true
	if err := r.campaigns.Open(t.Context(), always, Known{}, noon); err != nil {
		t.Errorf("a demonstration: %v", err)
	}
}

// TestALostShard proves invariant 4: a shard that was emptied, or is in another
// epoch, is recognised at the start.
func TestALostShard(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lose func(*rig)
		want error
	}{
		"nothing is lost":           {func(*rig) {}, nil},
		"a shard lost its meta":     {func(r *rig) { r.db.Del(r.Context(), keysOf("antidrug", 2).meta()) }, ErrEmptied},
		"a shard is of an older":    {func(r *rig) { r.db.HSet(r.Context(), keysOf("antidrug", 0).meta(), "epoch", 0) }, ErrEpoch},
		"a shard is of a newer one": {func(r *rig) { r.db.HSet(r.Context(), keysOf("antidrug", 3).meta(), "epoch", 2) }, ErrEpoch},
	} {
		r := newRig(t, 4)
		tc.lose(r)
		r.unchanged(name, func() {
			if err := newServer(t, r.db).campaigns.Open(t.Context(), r.def, Known{}, noon); !errors.Is(err, tc.want) {
				t.Errorf("%s: Open = %v, want %v", name, err, tc.want)
			}
		})
	}
}

// acts are all calls of a server that somebody waits for, on behalf of alice.
func (r *rig) acts(s server) map[string]error {
	ctx, p := r.Context(), r.person("alice")
	a := takenUp(noon)
	a.Number = 1
	_, errEnrol := s.enrolments.Enrol(ctx, r.def.ID, "alice", campaign.Enrolment{Unit: "u2", Group: "public", At: noon}, campaign.Personal{Name: "张三"})
	_, _, errSign := s.signatures.Sign(ctx, r.def.ID, "alice", signature(noon), campaign.Personal{Name: "张三"})
	_, _, _, errStart := s.quiz.Start(ctx, p, a, quiz.Limits{Day: "2026-06-10", WantedNumber: 2})
	_, errSave := s.quiz.Save(ctx, p, 1, quiz.Saved{Revision: 9, Choices: quiz.Choices{1}})
	_, errSubmit := s.quiz.Submit(ctx, p, finished(a, 50, noon.Add(time.Minute)), true)
	return map[string]error{
		"Enrol": errEnrol, "Sign": errSign, "Start": errStart, "Save": errSave, "Submit": errSubmit,
		"Expire": s.quiz.Expire(ctx, p, a.Expired(nil, a.Deadline)),
	}
}

// apply folds a first fact.
func (r *rig) apply(s server) error {
	_, err := s.boards.Apply(r.Context(), r.def.ID, 0, leaderboard.Batch{
		To: event.Position{Epoch: 1}, Tally: leaderboard.Figures{Cells: map[leaderboard.Cell]int64{{Unit: "u1", Metric: leaderboard.Enrolled}: 1}},
	})
	return err
}

// refused shows that every act is answered "try the same again", and that none
// wrote anything.
func (r *rig) refused(what string, s server, because error) {
	r.Helper()
	r.unchanged(what, func() {
		acts := r.acts(s)
		acts["Apply"] = r.apply(s)
		for act, err := range acts {
			if !errors.Is(err, fault.ErrUnavailable) || because != nil && !errors.Is(err, because) {
				r.Errorf("%s: %s = %v, want unavailable because of %v", what, act, err, because)
			}
		}
	})
}

// TestEveryScriptChecksTheEpoch proves invariants 1 and 4: in a shard that was
// emptied or rebuilt under a server, nothing of it is accepted.
func TestEveryScriptChecksTheEpoch(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*rig){
		"an emptied meta": func(r *rig) { r.db.Del(r.Context(), keysOf("antidrug", 0).meta()) },
		"an emptied shard": func(r *rig) {
			for key := range contents(r.TB, r.db) {
				if strings.Contains(key, "{antidrug:0}") {
					r.db.Del(r.Context(), key)
				}
			}
		},
		"everything emptied": func(r *rig) { r.db.FlushAll(r.Context()) },
		"a newer epoch":      func(r *rig) { r.db.HSet(r.Context(), keysOf("antidrug", 0).meta(), "epoch", 2) },
		"an epoch of ten":    func(r *rig) { r.db.HSet(r.Context(), keysOf("antidrug", 0).meta(), "epoch", 10) },
	} {
		r := newRig(t, 1)
		r.enrol("alice", "u1", "public")
		r.start("alice", noon)
		lose(r)
		r.refused(name, r.server, ErrEpoch)
	}
}

func TestNothingBeforeOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.refused("a campaign this server has not opened", newServer(t, r.db), ErrNotOpened)
}

// TestTheGuard: while Redis might not keep it, nothing is accepted.
func TestTheGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol("alice", "u1", "public")
	errDisk := errors.New("the disk is full")
	var guard error
	r.campaigns.Guard = func() error { return guard }
	guard = errDisk
	r.unchanged("behind a guard", func() {
		for act, err := range r.acts(r.server) {
			if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, errDisk) {
				t.Errorf("%s = %v, want unavailable because of %v", act, err, errDisk)
			}
		}
	})
	guard = nil
	if _, _, err := r.signatures.Sign(t.Context(), "antidrug", "alice", signature(noon), campaign.Personal{}); err != nil {
		t.Errorf("once Redis is well again: %v", err)
	}
}

// TestShardsOfParticipants: the spread is even, and it may never change: a
// participant's state would not be found again.
func TestShardsOfParticipants(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	o, err := r.campaigns.of("antidrug")
	if err != nil {
		t.Fatal(err)
	}
	n := map[int]int{}
	for i := range 4000 {
		n[o.shard(fmt.Sprintf("participant-%04d", i))]++
	}
	for shard := range 4 {
		if n[shard] < 900 || n[shard] > 1100 {
			t.Errorf("shard %d has %d of 4000", shard, n[shard])
		}
	}
	want := map[string]int{"": 1, "p1": 0, "p2": 2, "AAAAAAAAAAAAAAAA": 1, "zzzzzzzzzzzzzzzz": 3}
	got := map[string]int{}
	for p := range want {
		got[p] = o.shard(p)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shards (-ever +now):\n%s", diff)
	}
}
