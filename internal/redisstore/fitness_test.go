package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
)

// reads are all questions about a campaign that a server answers.
func (r *rig) reads(s server) map[string]error {
	ctx, p, id := r.Context(), r.person("alice"), r.def.ID
	out := map[string]error{}
	_, out["Enrolment"] = s.enrolments.Enrolment(ctx, id, "alice")
	_, out["Signature"] = s.signatures.Signature(ctx, id, "alice")
	_, out["quiz.Standing"] = s.quiz.Standing(ctx, p)
	_, out["Attempt"] = s.quiz.Attempt(ctx, p, 1)
	_, out["Attempts"] = s.quiz.Attempts(ctx, p, 1, 10)
	_, out["Stands"] = s.quiz.Stands(ctx, p, 1, true)
	_, _, out["boards.Standing"] = s.boards.Standing(ctx, id, "", leaderboard.Now, "alice", 2)
	_, _, out["boards.Standing of a day"] = s.boards.Standing(ctx, id, "d:2026-06-09", leaderboard.Now, "alice", 2)
	_, out["People"] = s.boards.People(ctx, id, []string{"alice", "nobody"})
	_, out["Above"] = s.boards.Above(ctx, id, "", leaderboard.Now, 1)
	_, _, out["Top"] = s.boards.Top(ctx, id, "", leaderboard.Now, 0, 10)
	_, out["Tallies"] = s.boards.Tallies(ctx, id)
	_, out["Hours"] = s.boards.Hours(ctx, id, 495000, 495001)
	_, out["Cursor"] = s.boards.Cursor(ctx, id, 0)
	return out
}

// busy is a participant who did everything there is.
func (r *rig) busy() {
	r.enrol("alice", "u1", "public")
	r.submit("alice", 80, 60e9, noon)
	r.sign("alice", noon)
}

// unread shows that every question is answered "ask again" and none "not found".
func (r *rig) unread(what string, s server, because error) {
	r.Helper()
	for question, err := range r.reads(s) {
		if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, because) {
			r.Errorf("%s: %s = %v, want unavailable because of %v", what, question, err, because)
		}
	}
}

// TestNobodyIsToldNotFound proves invariant 4 for reads: in a shard that was
// emptied or is another one, nobody is told that they never took part.
func TestNobodyIsToldNotFound(t *testing.T) {
	t.Parallel()
	meta := keysOf("antidrug", 0).meta()
	for _, shards := range []int{1, 4} {
		for name, lose := range map[string]func(*rig){
			"everything emptied": func(r *rig) { r.db.FlushAll(r.Context()) },
			"a newer epoch":      func(r *rig) { r.db.HSet(r.Context(), meta, "epoch", 2) },
			"an emptied meta":    func(r *rig) { r.db.Del(r.Context(), meta) },
		} {
			r := newRig(t, shards)
			r.busy()
			for question, err := range r.reads(r.server) {
				if err != nil {
					t.Errorf("before: %s = %v", question, err)
				}
			}
			lose(r)
			if shards == 1 {
				r.unread(name, r.server, ErrEpoch)
				continue
			}
			// Of several shards one is lost: what is summed over all is no answer.
			all := r.reads(r.server)
			for _, question := range []string{"Stands", "Above", "Top", "Tallies", "Hours", "Cursor"} {
				if !errors.Is(all[question], ErrEpoch) {
					t.Errorf("%s of one shard: %s = %v", name, question, all[question])
				}
			}
		}
	}
}

// TestCheck proves invariant 4: a Redis that has lost something under a running
// server is found out, nothing is accepted nor read until it is well again.
func TestCheck(t *testing.T) {
	t.Parallel()
	record, k := campaignKey("antidrug"), keysOf("antidrug", 0)
	for name, tc := range map[string]struct {
		harm, heal func(context.Context, *rig)
		want       error
	}{
		"an emptied campaign": {
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, record, "away") },
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, "away", record) }, ErrEmptied,
		},
		"an emptied shard": {
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, k.meta(), "away") },
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, "away", k.meta()) }, ErrEmptied,
		},
		"a rebuild under way": {
			func(ctx context.Context, r *rig) { r.db.HSet(ctx, record, "state", "rebuilding") },
			func(ctx context.Context, r *rig) { r.db.HSet(ctx, record, "state", "open") }, ErrRebuilding,
		},
		"a rebuild elsewhere": {
			func(ctx context.Context, r *rig) { r.db.HSet(ctx, record, "epoch", 2) },
			func(ctx context.Context, r *rig) { r.db.HSet(ctx, record, "epoch", 1) }, ErrEpoch,
		},
		"a shard from before": {
			func(ctx context.Context, r *rig) { r.db.HSet(ctx, k.meta(), "epoch", 0) },
			func(ctx context.Context, r *rig) { r.db.HSet(ctx, k.meta(), "epoch", 1) }, ErrOlder,
		},
		"facts that are gone": {
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, k.facts(), "away") },
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, "away", k.facts()) }, ErrLedgerAhead,
		},
		"records that are gone": {
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, k.personal(), "away") },
			func(ctx context.Context, r *rig) { r.db.Rename(ctx, "away", k.personal()) }, ErrLedgerAhead,
		},
		"a fold ahead": {
			func(_ context.Context, r *rig) { r.folded("1-900") },
			func(_ context.Context, r *rig) { r.folded("1-0") }, ErrFoldAhead,
		},
	} {
		r := newRig(t, 1)
		r.busy()
		heads := headsAt(r.ends())
		check := func(want error) {
			t.Helper()
			if err := r.campaigns.Check(t.Context(), "antidrug", heads); !errors.Is(err, want) || want == nil && err != nil {
				t.Errorf("%s: Check = %v, want %v", name, err, want)
			}
		}
		check(nil)
		tc.harm(t.Context(), r)
		check(tc.want)
		r.unread(name, r.server, tc.want)
		r.unchanged(name, func() {
			for act, err := range r.acts(r.server) {
				if !errors.Is(err, fault.ErrUnavailable) || !errors.Is(err, tc.want) {
					t.Errorf("%s: %s = %v", name, act, err)
				}
			}
		})
		tc.heal(t.Context(), r)
		check(nil)
		for question, err := range r.reads(r.server) {
			if err != nil {
				t.Errorf("%s, healed: %s = %v", name, question, err)
			}
		}
	}
}

// TestARebuiltCampaignIsOpenedAgain: with the new epoch, everything goes on.
func TestARebuiltCampaignIsOpenedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.busy()
	known := r.knows(r.ends())
	r.db.HSet(t.Context(), campaignKey("antidrug"), "epoch", 2)
	r.db.HSet(t.Context(), keysOf("antidrug", 0).meta(), "epoch", 2)
	if err := r.campaigns.Check(t.Context(), "antidrug", known.Heads); !errors.Is(err, ErrEpoch) {
		t.Errorf("Check = %v", err)
	}
	known.Epoch = 2
	if err := r.campaigns.Open(t.Context(), r.def, known, noon); err != nil {
		t.Fatal(err)
	}
	if o, err := r.campaigns.Opened("antidrug"); err != nil || o.Epoch != 2 {
		t.Errorf("opened as %+v, %v", o, err)
	}
	r.enrol("bob", "u2", "public")
	list := r.facts(0)
	if last := list[len(list)-1]; last.Participant != "bob" || last.Position != (event.Position{Epoch: 2}) {
		t.Errorf("the next fact is %s at %s", last.Participant, last.Position)
	}
}

// TestCheckDuringAnOutage: what cannot be asked is not found guilty; the acts
// themselves say that nobody answers.
func TestCheckDuringAnOutage(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Durable())
	r := rigOn(t, clientsOf(t, s), definition(t, "antidrug", 1))
	r.busy()
	s.Kill(t)
	if err := r.campaigns.Check(t.Context(), "antidrug", nil); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Check = %v", err)
	}
	s.Restart(t)
	for question, err := range r.reads(r.server) {
		if err != nil {
			t.Errorf("after the outage: %s = %v", question, err)
		}
	}
	if err := r.campaigns.Check(t.Context(), "nowhere", nil); !errors.Is(err, ErrNotOpened) {
		t.Errorf("Check of a campaign that is not opened = %v", err)
	}
}

// TestCheckWhileEverythingMoves: a ledger that reads, a fold that folds and
// people who act are never mistaken for a loss.
func TestCheckWhileEverythingMoves(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	ctx, stop := context.WithCancel(t.Context())
	var moving sync.WaitGroup
	moving.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			e := campaign.Enrolment{Unit: "u1", Group: "public", NoticeVersion: "1", At: noon}
			_, err := r.servers[1].enrolments.Enrol(ctx, "antidrug", fmt.Sprint("p", i), e, campaign.Personal{})
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	folder := r.folder(r.servers[2])
	for shard := range 2 {
		moving.Go(func() { folder.Run(ctx, shard) })
	}
	for range 300 {
		err := r.campaigns.Check(t.Context(), "antidrug", func(shard int) (facts, personal event.Position) {
			k := keysOf("antidrug", shard)
			facts, _ = lastOf(r.db.XInfoStream(t.Context(), k.facts()))
			personal, _ = lastOf(r.db.XInfoStream(t.Context(), k.personal()))
			return facts, personal
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stop()
	moving.Wait()
}
