package correction_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/sqltest"
	"qingyuan/leaderboard"
)

// TestBoardsStandStill: while boards stand still, a batch of what was done since changes
// nothing that the public sees, whoever sees on sees it at once, and a hidden participant
// stays hidden. The undo, also after the freeze, leads back to the same.
func TestBoardsStandStill(t *testing.T) {
	t.Parallel()
	for _, policy := range []campaign.Policy{campaign.PolicyBest, campaign.PolicySum} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			def := definition(t, "antidrug", 2)
			def.Policy, def.Combined = policy, true
			def.Freeze = campaign.Freeze{At: noon.Add(time.Hour), Until: noon.Add(48 * time.Hour)}
			r := newRig(t, sqltest.SQLite(t), def)
			r.populate(12, 1)
			must(t, 0, r.boards.Hide(t.Context(), def.ID, person(3), true))
			r.pass(2 * time.Hour)
			for i := range 12 {
				must(t, 0, r.sit(t.Context(), person(i), 4-i%3))
			}
			r.settle()
			before, public := r.image(), r.publicly()
			b := r.run(r.create(clerk(""), correction.Conditions{Attempts: true, From: def.Freeze.At}))
			if b.Counts[correction.Out] != 12 {
				t.Fatalf("%+v", b)
			}
			r.settle()
			r.clean()
			if diff := cmp.Diff(public, r.publicly()); diff != "" {
				t.Errorf("the public sees it (-before +after):\n%s", diff)
			}
			if _, n, err := r.boards.Top(t.Context(), def.ID, "", leaderboard.Now, 0, 20); err != nil || n != 11 {
				t.Errorf("%d are shown, %v; one is hidden", n, err)
			}
			attempts := int64(0)
			for cell, n := range r.tallies().Cells {
				if cell.Metric == leaderboard.Attempts {
					attempts += n
				}
			}
			if attempts != 12 {
				t.Errorf("%d attempts count, want those from before the freeze", attempts)
			}
			if b = r.undo(b); b.Counts[correction.Back] != 12 {
				t.Fatalf("%+v", b)
			}
			r.same(before)
		})
	}
}

// publicly is what everybody sees while the boards stand still.
func (r *rig) publicly() map[string]any {
	r.Helper()
	out := map[string]any{}
	for _, scope := range []string{"", "r:city", "u:u1", "d:2026-06-10", "g:public"} {
		top, n, err := r.boards.Top(r.Context(), r.def.ID, scope, leaderboard.Frozen, 0, 50)
		must(r, 0, err)
		out[scope], out[scope+" of"] = top, n
	}
	v, err := r.boards.Tallies(r.Context(), r.def.ID)
	must(r, 0, err)
	out["scores"] = nonzero(v.Public.Scores)
	out["cells"] = nonzero(v.Public.Cells)
	return out
}

func nonzero[K comparable](all map[K]int64) map[K]int64 {
	out := map[K]int64{}
	for k, n := range all {
		if n != 0 {
			out[k] = n
		}
	}
	return out
}
