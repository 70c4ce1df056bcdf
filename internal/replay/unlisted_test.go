package replay_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
)

// listing is a Redis in which something happens right before and after its keys are
// listed.
type listing struct {
	*redisstore.Mirror

	before, after func()
}

func (l listing) Names(ctx context.Context, campaign string, shards int) ([]state.Names, error) {
	l.before()
	defer l.after()
	return l.Mirror.Names(ctx, campaign, shards)
}

// TestABoardOfWhichNoKeyIsListed lets the only one on a board leave it after it was asked
// where the fold is. What is wrong with the board all the same is found.
func TestABoardOfWhichNoKeyIsListed(t *testing.T) {
	t.Parallel()
	for name, freezes := range map[string]bool{"moving": false, "frozen": true} {
		for what, tc := range map[string]struct {
			after func(g *garden, key string)
			want  []string // without the board and whose members they are
		}{
			"nobody comes":  {func(*garden, string) {}, nil},
			"another comes": {func(g *garden, _ string) { g.comes(2) }, nil},
			"another is lost": {func(g *garden, key string) {
				g.comes(2)
				must(g.TB, 0, g.db.Del(g.Context(), key).Err())
			}, []string{"0, not 1"}},
			"a guest": {func(g *garden, key string) {
				g.comes(2)
				must(g.TB, 0, g.db.ZAdd(g.Context(), key, z(1, "nobody")).Err())
			}, []string{"2, not 1"}},
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				t.Parallel()
				def, layer, whose := definition(t, "antidrug", 1), "board", "members"
				if freezes {
					def, layer, whose = season(t, "antidrug", 1, campaign.PolicyBest), "board-late", "late members"
				}
				g := &garden{rig: newRigOn(t, redistest.Start(t).Client(t), sqltest.SQLite(t), def)}
				g.pass(time.Hour)
				g.comes(1)
				g.clean()
				key := strings.TrimSuffix(g.key("{antidrug:0}:meta"), "meta") + layer + ":u:u3"
				for i, diff := range tc.want {
					tc.want[i] = "board u:u3: " + whose + ": " + diff
				}
				got := g.verifyListing(
					func() { g.correct(person(1), 1, quiz.StateInvalidated); g.settle() },
					func() { tc.after(g, key) },
				)
				// That somebody is not where they stand is found by itself.
				got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, person(2)) })
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("differences (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// comes lets somebody onto the boards of a unit.
func (g *garden) comes(i int) {
	g.Helper()
	g.enrol(person(i), "u3")
	v := g.start(person(i))
	g.pass(time.Second)
	g.hand(person(i), v, 3)
	g.settle()
}

// verifyListing compares the campaign, and returns what differs in words.
func (r *rig) verifyListing(before, after func()) []string {
	r.Helper()
	r.differences = nil
	v := r.verifier()
	v.Live = listing{redisstore.NewMirror(r.db), before, after}
	report, err := v.Campaign(r.Context(), r.def, &r.rules)
	must(r, report, err)
	return r.inWords(&report)
}
