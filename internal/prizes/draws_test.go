package prizes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/operator"
	"qingyuan/internal/prizes"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/prize"
	"qingyuan/prize/draw"
)

// drawn is a rig with a draw of two bicycles among forty people, one in four of whom did
// not pass, and an insider who did.
func drawn(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	r := newRig(t, db)
	r.plan.Qualify = prize.Qualify{Passed: true, Attempts: prize.AnyAttempt}
	r.plan.Draws = []prize.Draw{{
		ID: "final", Name: campaign.Text{"zh-CN": "抽奖"}, EntrantsAt: opens.AddDate(0, 0, 5), Reserves: 2, Source: "双色球第 2026077 期",
		Prizes: []prize.Prize{{ID: "bike", Kind: prize.Goods, Name: campaign.Text{"zh-CN": "车"}, Stock: 2, Value: 80_000}},
	}}
	r.Keys = prize.Keys{Secrets: [32]byte{1}, Tickets: [32]byte{2}}
	r.Entrants = func(_ context.Context, _ *campaign.Campaign, by time.Time, _ bool, each func(prizes.Candidate)) error {
		if !by.Equal(r.plan.Draws[0].EntrantsAt) {
			t.Errorf("entrants by %s", by)
		}
		for i := range 40 {
			acts := &prize.Acts{Unit: "u1", Group: "public", Attempts: []prize.Attempt{{StartedAt: opens, First: true, Passed: i%4 > 0}}}
			each(prizes.Candidate{Participant: fmt.Sprint("p", i), Acts: acts, Phones: []string{fmt.Sprint(13800000000 + i)}})
		}
		return nil
	}
	return r
}

// decide runs what two persons agreed on, twice, as after a crash.
func (r *rig) decide(kind, id, reason string, d prizes.Drawing) error {
	r.Helper()
	params, err := json.Marshal(d)
	if err != nil {
		r.Fatal(err)
	}
	for _, k := range r.Kinds() {
		if k.Name != kind {
			continue
		}
		for range 2 {
			if _, err := k.Run(r.Context(), approval.Approval{ID: id, Campaign: "c", Params: params, Reason: reason}); err != nil {
				return err
			}
		}
	}
	return nil
}

// file reads the published draw, which must be sound.
func (r *rig) file() *draw.File {
	r.Helper()
	f, err := r.Draw(r.Context(), "c", "final")
	if err != nil {
		r.Fatal(err)
	}
	file, err := draw.Read(bytes.NewReader(f.File))
	if err != nil {
		r.Fatal(err)
	}
	if err := file.Verify(); err != nil {
		r.Fatal(err)
	}
	if file.Root != f.Root || file.Count != f.Count {
		r.Errorf("the file has root %s of %d, and %s of %d was published", file.Root, file.Count, f.Root, f.Count)
	}
	return file
}

// TestADraw: its entrants are frozen once, without insiders; it is drawn once, by two
// persons; what nobody claims goes to the reserves in their order.
func TestADraw(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := drawn(t, db)
		ctx := t.Context()
		for range 2 {
			if _, err := r.Exclude(ctx, console(), "c", prizes.Insiders{Participants: []string{"p1", "p2"}}, "工作人员"); err != nil {
				t.Fatal(err)
			}
		}
		if !r.Barred("c", "p1") || r.Barred("c", "p3") || r.Barred("d", "p1") {
			t.Error("the wrong people are barred")
		}
		result := prizes.Drawing{Draw: "final", Value: "03 07 11 19 26 31 + 09"}
		if err := r.decide(prizes.KindDraw, "a1", "", result); !errors.Is(err, prizes.ErrNotFrozen) {
			t.Errorf("before the freeze: %v", err)
		}
		r.at = r.plan.Draws[0].EntrantsAt.Add(time.Second)
		if err := r.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Draw(ctx, "c", "final"); !errors.Is(err, prizes.ErrNotFrozen) {
			t.Errorf("frozen before everything has arrived: %v", err)
		}
		r.at = r.at.Add(time.Minute)
		if err := r.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		frozen, err := r.Draw(ctx, "c", "final")
		if err != nil || frozen.Count != 28 || frozen.ExcludedCount != 2 || frozen.File != nil {
			t.Fatalf("frozen: %d entrants, %d excluded, %v", frozen.Count, frozen.ExcludedCount, err)
		}
		if _, err := r.Exclude(ctx, console(), "c", prizes.Insiders{Participants: []string{"p3"}}, "迟到"); err != nil {
			t.Fatal(err)
		}
		if err := r.Freeze(ctx); err != nil {
			t.Fatal(err)
		}
		if again, err := r.Draw(ctx, "c", "final"); err != nil || again.Root != frozen.Root {
			t.Errorf("frozen again: %s, then %s, %v", frozen.Root, again.Root, err)
		}

		if err := r.decide(prizes.KindRedraw, "early", "", prizes.Drawing{Draw: "final", Place: 1}); !errors.Is(err, prizes.ErrNotDrawn) {
			t.Errorf("drawn again before: %v", err)
		}
		if err := r.decide(prizes.KindDraw, "a1", "", result); err != nil {
			t.Fatal(err)
		}
		file := r.file()
		other := result
		other.Value = "01 02 03 04 05 06 + 07"
		if err := r.decide(prizes.KindDraw, "a2", "", other); !errors.Is(err, prizes.ErrDrawn) {
			t.Errorf("a second draw: %v", err)
		}
		if err := r.MayDraw(ctx, "c", other); !errors.Is(err, prizes.ErrDrawn) {
			t.Errorf("to ask for a second draw: %v", err)
		}
		// What was agreed on can be looked at afterwards.
		for _, k := range r.Kinds() {
			if k.Name != prizes.KindDraw && k.Name != prizes.KindRedraw {
				continue
			}
			if err := k.Reach(ctx, console(), operator.CorrectResults, r.c, json.RawMessage(`{"draw":"final"}`)); err != nil {
				t.Errorf("%s cannot be seen any more: %v", k.Name, err)
			}
		}
		wins, err := r.Store.Wins(ctx, "c")
		if err != nil || len(wins) != 2 || len(file.Places) != 4 {
			t.Fatalf("wins %+v, places %+v, %v", wins, file.Places, err)
		}
		for i, w := range wins {
			if ticket := r.Keys.Ticket("c", w.Participant); ticket != file.Places[i].Ticket || w.Place != i+1 || w.Draw != "final" {
				t.Errorf("win %+v is not place %+v", w, file.Places[i])
			}
		}

		again := prizes.Drawing{Draw: "final", Place: 2}
		if err := r.decide(prizes.KindRedraw, "b1", "逾期未领", again); !errors.Is(err, prizes.ErrClaimable) {
			t.Errorf("drawn again while it may be claimed: %v", err)
		}
		for n, id := range []string{"b2", "b3"} {
			r.at = r.at.AddDate(0, 0, r.plan.ClaimDays+1)
			if err := r.Expire(ctx); err != nil {
				t.Fatal(err)
			}
			if err := r.decide(prizes.KindRedraw, id, "逾期未领", again); err != nil {
				t.Fatal(err)
			}
			file = r.file()
			if len(file.Redraws) != n+1 || file.Redraws[n].Ticket != file.Places[2+n].Ticket {
				t.Fatalf("redraws %+v", file.Redraws)
			}
			w, err := r.Store.Win(ctx, "c", prize.WinID{Prize: "bike", Item: 3 + n})
			if err != nil || r.Keys.Ticket("c", w.Participant) != file.Redraws[n].Ticket || w.State != prize.Won {
				t.Errorf("the reserve has %+v, %v", w, err)
			}
		}
		r.at = r.at.AddDate(0, 0, r.plan.ClaimDays+1)
		if err := r.Expire(ctx); err != nil {
			t.Fatal(err)
		}
		if err := r.decide(prizes.KindRedraw, "b4", "逾期未领", again); !errors.Is(err, prizes.ErrNoReserve) {
			t.Errorf("without a reserve: %v", err)
		}
	})
}
