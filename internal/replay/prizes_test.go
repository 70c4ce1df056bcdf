package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/redisstore"
	"qingyuan/prize"
)

// Every other chance of the tests falls on tea, of which there are so many.
const teaStock = 3

func rolled(_ string, chance int) string {
	if chance%2 == 1 {
		return "tea"
	}
	return ""
}

func (r *rig) prizes() *redisstore.Prizes { return redisstore.NewPrizes(r.campaigns, r.Campaign) }

// spend spends a chance that must be taken.
func (r *rig) spend(who string, number int) prize.Chance {
	r.Helper()
	c, outcome, err := r.prizes().Spend(r.Context(), prize.Person{Campaign: r.def.ID, Participant: who}, prize.Try{
		Number: number, At: r.now(), Day: r.def.Day(r.now()), Chances: prize.Chances{InAll: 9}, Unit: "u1", Group: "public",
		Rolled: rolled(who, number), Limit: teaStock,
	})
	if err != nil || outcome != prize.Spent {
		r.Fatalf("chance %d of %s: %s, %v", number, who, outcome, err)
	}
	return c
}

func (r *rig) move(item int, from, to prize.State) {
	r.Helper()
	_, fresh, err := r.prizes().Move(r.Context(), r.def.ID, prize.WinID{Prize: "tea", Item: item}, from, to, r.now())
	if err != nil || !fresh {
		r.Fatalf("move item %d from %s to %s: fresh %t, %v", item, from, to, fresh, err)
	}
}

// readPrizes is everything that the store tells of prizes.
func (r *rig) readPrizes(people int) map[string]any {
	r.Helper()
	ctx, s := r.Context(), r.prizes()
	wins, err := s.Wins(ctx, r.def.ID)
	must(r.TB, 0, err)
	granted, err := s.Granted(ctx, r.def.ID)
	must(r.TB, 0, err)
	out := map[string]any{"wins": wins, "granted": granted}
	for i := range people {
		p := prize.Person{Campaign: r.def.ID, Participant: person(i)}
		st, err := s.Standing(ctx, p)
		must(r.TB, 0, err)
		list, err := s.Chances(ctx, p, st.Last, 99)
		must(r.TB, 0, err)
		out[fmt.Sprint(i)] = []any{st, list}
	}
	return out
}

// TestPrizesSurviveALostRedis: what was won is won by the same people, the stock is what
// it was, and nobody can spend a chance again.
func TestPrizesSurviveALostRedis(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		const people = 6
		r := newRig(t, shards)
		for i := range people {
			r.enrol(person(i), "u1")
			r.spend(person(i), 1)
			r.pass(time.Hour)
			r.spend(person(i), 2)
		}
		r.pass(24 * time.Hour)
		r.spend(person(0), 3)
		r.move(1, prize.Won, prize.Claimed)
		r.move(1, prize.Claimed, prize.Sent)
		r.move(2, prize.Won, prize.Refused)
		bike := prize.Win{
			WinID: prize.WinID{Prize: "bike", Item: 1}, Participant: person(5), Unit: "u1", Group: "public", Draw: "final", Place: 1, At: r.now(),
		}
		_, err := r.prizes().Award(t.Context(), r.def.ID, bike)
		must(t, 0, err)
		r.settle()
		r.clean()
		before := r.readPrizes(people)
		if wins, _ := before["wins"].([]prize.Win); len(wins) != teaStock+1 {
			t.Fatalf("%d wins: %+v", len(wins), wins)
		}
		r.flush()
		if report := r.rebuild(); report.Faults != 0 {
			t.Errorf("rebuilt: %+v", report)
		}
		r.clean()
		if diff := cmp.Diff(before, r.readPrizes(people)); diff != "" {
			t.Errorf("after a rebuild from nothing (-before +after):\n%s", diff)
		}
		if c := r.spend(person(1), 3); c.Item != 0 || c.Why != prize.WhyGone {
			t.Errorf("what is gone was won again: %+v", c)
		}
		r.settle()
		r.clean()
	})
}

// TestPrizesAreCompared changes what lies in Redis of prizes, one thing at a time.
func TestPrizesAreCompared(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	for i := range 2 {
		r.enrol(person(i), "u1")
		r.spend(person(i), 1)
	}
	r.settle()
	r.clean()
	g := &garden{rig: r}
	ctx := t.Context()
	wins, prizes, chances := g.key("}:wins"), g.key("}:prizes"), g.key("}:q:"+person(0))
	stolen := strings.Replace(r.db.HGet(ctx, wins, "tea.1").Val(), person(0), person(1), 1)
	honest := r.db.HGet(ctx, wins, "tea.1").Val()
	g.plant(wins, func() { r.db.HSet(ctx, wins, "tea.1", stolen) }, person(0)+": win tea.1: "+stolen+", not "+honest)
	g.plant(wins, func() { r.db.HSet(ctx, wins, "tea.9", stolen) }, "wins: members: 3, not 2")
	g.plant(prizes, func() { r.db.HSet(ctx, prizes, "tea", 1) }, "prize tea: count: 1, not 2")
	spent := r.db.HGet(ctx, chances, "c1").Val()
	g.plant(chances, func() { r.db.HDel(ctx, chances, "c1") }, person(0)+": chances c1: none, not "+spent)
	stranger := strings.Replace(chances, person(0), person(9), 1)
	g.plant(stranger, func() { r.db.HSet(ctx, stranger, "l", "1|fm7|1|0") }, person(9)+": chances l: 1|fm7|1|0, not none")
}

// TestOddsAreCompared: what a chance fell on must follow from the secret.
func TestOddsAreCompared(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol(person(0), "u1")
	r.spend(person(0), 1)
	r.settle()
	for fell, want := range map[string]int64{"tea": 0, "": 1, "bag": 1} {
		v := r.verifier()
		v.Roll = func(string, string, int) string { return fell }
		report, err := v.Campaign(t.Context(), r.def, &r.rules)
		if must(t, report, err).Differences != want {
			t.Errorf("as if it had fallen on %q: %d differences, want %d", fell, report.Differences, want)
		}
	}
}
