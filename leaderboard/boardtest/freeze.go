package boardtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

func freezePromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"boards stand still from the instant, and all at once move again":  standingStill,
		"hidden people close the gap, and come back where they would be":   hiding,
		"what is taken back brings the next best back, everywhere":         takingBack,
		"sums of all attempts and of days, on every board":                 summing,
		"phases and the boards of parts within them":                       phases,
		"whatever happens, every board is what the rules say":              anyLives,
		"a shard that does not answer is an error, never a partial answer": silentShard,
		"figures stand still with the boards, and the totals go on":        stillFigures,
		"the history of a part stands still with the boards":               stillHistory,
		"a snapshot begun before the instant tells nothing of after it":    stillAtTheInstant,
	}
}

// freezes makes boards stand still from a minute after noon for an hour.
func freezes(c *campaign.Campaign) {
	c.Freeze = campaign.Freeze{At: Noon().Add(time.Minute), Until: Noon().Add(time.Hour)}
}

func standingStill(b *bench) {
	l := b.livesOf(9, freezes)
	for i, p := range names(9)[:6] {
		l.submits(p, 20*(i%4), time.Minute)
	}
	l.check("before")
	l.turn(l.c.Freeze.At.Sub(l.now) - time.Second)
	l.submits("p000", 100, time.Minute) // at the very instant
	l.same("moment", l.c.Freeze.At, l.now)
	l.submits("p007", 80, time.Minute) // for the first time
	l.submits("p003", 20, time.Minute) // worse
	l.submits("p000", 60, time.Minute) // worse than before, but within
	l.check("within")
	l.turn(l.c.Freeze.Until.Sub(l.now) - time.Second)
	l.submits("p007", 100, time.Second) // the first of the new time is p007 again
	l.check("over")
	l.submits("p008", 40, time.Minute)
	for range 3 {
		if _, err := l.Thaw(l.Context(), l.c.ID, 0, 1); err != nil {
			l.Fatal(err)
		}
		l.check("thawing")
	}
	l.thaw(2)
	l.check("thawed")
	l.same("steps when nothing is left", l.c.Shards, l.thaw(100))
	l.submits("p001", 100, time.Minute)
	l.check("afterwards")
	t, err := l.Tallies(l.Context(), l.c.ID)
	l.wants("Tallies", err, nil)
	l.same("late figures after the thaw", leaderboard.NewFigures(), leaderboard.Figures{
		Cells: nonZero(t.Late.Cells), Scores: nonZero(t.Late.Scores),
	})
}

func nonZero[K comparable](m map[K]int64) map[K]int64 {
	out := map[K]int64{}
	for k, n := range m {
		if n != 0 {
			out[k] = n
		}
	}
	return out
}

func hiding(b *bench) {
	l := b.livesOf(6, freezes)
	for i, p := range names(6)[:4] {
		l.submits(p, 20*i, time.Minute)
	}
	l.hides("p003", true)
	l.hides("p003", true) // again
	l.hides("p005", true) // who has no attempt
	l.check("two are hidden")
	l.submits("p003", 100, time.Minute)
	l.submits("p005", 60, time.Minute)
	l.check("they act on")
	l.turn(time.Minute)
	l.submits("p003", 80, time.Second)
	l.submits("p001", 100, time.Second)
	l.hides("p001", true)
	l.check("hidden while boards stand still")
	l.hides("p003", false)
	l.hides("p001", false)
	l.hides("p005", false)
	l.check("shown while boards stand still")
	l.turn(time.Hour)
	l.hides("p001", true)
	l.check("hidden before the thaw")
	l.thaw(1)
	l.check("thawed")
	l.hides("p001", false)
	l.check("shown")
	l.wants("Hide nobody", l.Hide(l.Context(), l.c.ID, "nobody", true), campaign.ErrRequired)
}

func takingBack(b *bench) {
	for _, policy := range []campaign.Policy{campaign.PolicyBest, campaign.PolicySum} {
		l := b.livesOf(4, func(c *campaign.Campaign) { c.Policy = policy; freezes(c) })
		for _, score := range []int{40, 100, 60} {
			l.submits("p000", score, time.Minute)
			l.submits("p001", 80, time.Minute)
		}
		l.check("before")
		l.corrects("p000", 2, false)
		l.corrects("p000", 2, false) // again
		l.check("without the best")
		l.corrects("p001", 1, false)
		l.corrects("p001", 2, false)
		l.corrects("p001", 3, false)
		l.check("without any")
		l.submits("p001", 20, time.Minute)
		l.turn(time.Minute)
		l.submits("p000", 80, time.Minute)
		l.corrects("p000", 1, false)
		l.corrects("p000", 2, true)
		l.check("while boards stand still")
		for n := 1; n <= 3; n++ {
			l.corrects("p001", n, true)
		}
		l.corrects("p000", 1, true)
		l.check("everything restored")
		l.turn(time.Hour)
		l.corrects("p000", 4, false)
		l.check("after the freeze")
		l.thaw(10)
		l.check("thawed")
	}
}

func summing(b *bench) {
	for _, policy := range []campaign.Policy{campaign.PolicySum, campaign.PolicySumDays} {
		l := b.livesOf(5, func(c *campaign.Campaign) { c.Policy = policy })
		for day := range 3 {
			for i, p := range names(5) {
				l.submits(p, 20*((i+day)%6), time.Minute)
				l.submits(p, 10*i, time.Minute)
			}
			l.submits("p002", 0, time.Minute) // adds nothing, and so does not come later
			l.check(fmt.Sprintf("%s, day %d", policy, day))
			l.turn(24 * time.Hour)
		}
	}
}

func phases(b *bench) {
	l := b.livesOf(6, func(c *campaign.Campaign) {
		c.Combined, c.Policy = true, campaign.PolicySumDays
		half := Noon().Add(time.Hour)
		c.Phases = []campaign.Phase{{ID: "heats", From: c.OpensAt, To: half}, {ID: "final", From: half, To: half.Add(time.Hour)}}
	})
	for range 3 {
		for i, p := range names(6) {
			l.submits(p, 20*((i*7+l.now.Hour())%6), time.Minute)
		}
		l.check("phase by phase")
		l.turn(time.Hour)
	}
	for _, scope := range []string{
		"p:heats", "p:final", "d:2026-06-10", leaderboard.In("u:u1", "p:heats"), leaderboard.In("r:city", "d:2026-06-10"),
		leaderboard.In("g:pupils", "p:final"),
	} {
		if _, total, err := l.Top(l.Context(), l.c.ID, scope, leaderboard.Now, 0, 1); err != nil || total == 0 {
			l.Errorf("board %s has %d places, %v", scope, total, err)
		}
	}
}

// anyLives: the script is random but always the same, through the whole of a freeze.
func anyLives(b *bench) {
	for seed, policy := range []campaign.Policy{campaign.PolicyBest, campaign.PolicySum, campaign.PolicySumDays} {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		l := b.livesOf(7, func(c *campaign.Campaign) {
			c.Policy, c.Combined = policy, true
			c.Freeze = campaign.Freeze{At: Noon().Add(12 * time.Hour), Until: Noon().Add(30 * time.Hour)}
		})
		for i := range 100 {
			l.anything(rng)
			if i%20 == 19 {
				l.check(fmt.Sprintf("%s, after %d acts", policy, i+1))
			}
			if l.c.Freeze.Over(l.now) && i%7 == 0 {
				l.thaw(1 + rng.IntN(3))
			}
		}
		l.check(fmt.Sprintf("%s, at the end", policy))
	}
}

func silentShard(b *bench) {
	l := b.livesOf(20, func(*campaign.Campaign) {})
	for _, p := range names(20) {
		l.submits(p, 40, time.Minute)
	}
	l.check("before")
	last := l.c.Shards - 1
	l.Break(l.TB, last)
	for _, v := range l.views() {
		_, _, errTop := l.Top(l.Context(), l.c.ID, "", v, 0, 10)
		_, errAbove := l.Above(l.Context(), l.c.ID, "", v, 1)
		_, errRanks := l.Ranks(l.Context(), l.c.ID, "", v, names(20))
		for what, err := range map[string]error{"Top": errTop, "Above": errAbove, "Ranks": errRanks} {
			if err == nil {
				l.Errorf("%s answers without shard %d", what, last)
			}
		}
		for _, p := range names(20) {
			if _, ok, err := l.Standing(l.Context(), l.c.ID, "", v, p, 3); err == nil {
				l.Errorf("Standing of %s answers %t without shard %d", p, ok, last)
			}
		}
	}
}

func stillFigures(b *bench) {
	l := b.livesOf(8, freezes)
	for _, p := range names(4) {
		l.submits(p, 60, time.Minute)
	}
	l.fold()
	s, p := l.service()
	before := l.snapshot(p)
	l.turn(time.Minute)
	for _, p := range names(8)[3:] {
		l.submits(p, 80, time.Minute)
	}
	l.fold()
	within := l.snapshot(p)
	l.same("attempts go on in the totals", int64(9), within.Roll.Total.Attempts)
	l.same("and in the history", int64(9), within.Today.Attempts)
	table, err := s.Breakdown(l.c.ID, "city", "zh-CN", leaderboard.Viewer{})
	l.wants("Breakdown", err, nil)
	l.same("rows stand still", leaderboard.Breakdown(l.c.Tree, before.Roll, "city", "zh-CN"), table.Rows)
	l.same("and so does what they sum to", before.Roll.Nodes["city"], table.Total.Counts)
	if table.Frozen == nil || !table.Frozen.At.Equal(l.c.Freeze.At) {
		l.Errorf("the table does not say since when: %+v", table.Frozen)
	}
	table, err = s.Breakdown(l.c.ID, "city", "zh-CN", leaderboard.Viewer{Office: true, Campaign: l.c.ID})
	l.wants("Breakdown", err, nil)
	l.same("rows of an office go on", leaderboard.Breakdown(l.c.Tree, within.Roll, "city", "zh-CN"), table.Rows)
	if table.Frozen != nil {
		l.Errorf("an office reads that its table stands still: %+v", table.Frozen)
	}
	l.turn(time.Hour)
	if after := l.snapshot(p); after.Still != nil {
		l.Error("figures stand still after the freeze")
	}
	table, err = s.Breakdown(l.c.ID, "city", "zh-CN", leaderboard.Viewer{})
	l.wants("Breakdown", err, nil)
	l.same("rows move again", leaderboard.Breakdown(l.c.Tree, within.Roll, "city", "zh-CN"), table.Rows)
}

// stillHistory: the boards are frozen in the middle of an hour that has acts of either
// side.
func stillHistory(b *bench) {
	l := b.livesOf(8, func(c *campaign.Campaign) {
		c.Freeze = campaign.Freeze{At: Noon().Add(90 * time.Minute), Until: Noon().Add(3 * time.Hour)}
	})
	for range 2 {
		for _, p := range names(4) {
			l.submits(p, 60, time.Second)
		}
		l.turn(time.Hour)
	}
	l.turn(-time.Hour)
	l.fold()
	s, p := l.service()
	before := l.snapshot(p)
	l.turn(40 * time.Minute)
	for _, p := range names(8)[3:] {
		l.submits(p, 80, time.Second)
	}
	l.fold()
	within := l.snapshot(p)
	public, office := leaderboard.Viewer{}, leaderboard.Viewer{Office: true, Campaign: l.c.ID}
	audience := office
	audience.Audience = true
	check := func(when string, at *leaderboard.Snapshot, frozen bool, scope string, viewers ...leaderboard.Viewer) {
		l.Helper()
		for _, v := range viewers {
			for _, step := range []leaderboard.Step{leaderboard.ByHour, leaderboard.ByDay} {
				h, err := s.History(l.Context(), l.c.ID, step, scope, v)
				l.wants("History", err, nil)
				want := at.Roll.Total
				if scope != "" {
					want = at.Roll.Nodes[scope]
				}
				l.same(fmt.Sprintf("%s, history of %q by %s for %+v", when, scope, step, v), whatCame(want), sumOf(h))
				l.same("it stands still", frozen, h.Frozen != nil)
			}
		}
	}
	for _, scope := range []string{"city", "d1", "u1"} {
		check("frozen", before, true, scope, public, audience)
		check("frozen", within, false, scope, office)
	}
	check("frozen", within, false, "", public, audience, office)
	l.turn(2 * time.Hour)
	for _, scope := range []string{"", "city", "d1", "u1"} {
		check("over", within, false, scope, public, audience, office)
	}
}

// stillAtTheInstant: what a snapshot reads a moment after the instant, though it was
// begun a moment before, is not for the public.
func stillAtTheInstant(b *bench) {
	l := b.livesOf(2, freezes)
	l.submits("p000", 60, time.Second)
	l.fold()
	s, p := l.service()
	before := l.snapshot(p)
	l.turn(l.c.Freeze.At.Sub(l.now))
	l.submits("p001", 60, time.Second)
	l.fold()
	p.Now = func() time.Time { return l.c.Freeze.At.Add(-time.Millisecond) }
	l.snapshot(p)
	table, err := s.Breakdown(l.c.ID, "city", "zh-CN", leaderboard.Viewer{})
	l.wants("Breakdown", err, nil)
	l.same("what the public reads", before.Roll.Nodes["city"], table.Total.Counts)
}
