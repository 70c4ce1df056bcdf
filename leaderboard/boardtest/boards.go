package boardtest

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/rapidtest"
	"qingyuan/leaderboard"
)

func boardPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"any stretch of a board is the board's":                stretches,
		"ranks over shards equal a sort of all":                ranksEqualASort,
		"people are who enrolled":                              people,
		"the main board is written with the act":               mainBoardAtOnce,
		"a sum over shards is of all shards":                   sums,
		"hours are read in the bounds that were asked for":     hourBounds,
		"a long history is read whole, and hours without acts": longHistory,
	}
}

func stretches(b *bench) {
	all := b.crowd(30)
	b.fold()
	whole := b.boardOf(all...)
	for _, tc := range []struct{ offset, limit int64 }{
		{0, 1}, {0, 10}, {0, 1000}, {5, 5}, {29, 1}, {25, 50}, {30, 10}, {1000, 10}, {0, 0}, {7, 0},
	} {
		n := int64(len(whole))
		want := whole[min(tc.offset, n):min(tc.offset+tc.limit, n)]
		got, total, err := b.Top(b.Context(), b.c.ID, "", leaderboard.Now, tc.offset, tc.limit)
		b.wants("Top", err, nil)
		b.same(fmt.Sprintf("places %d to +%d", tc.offset, tc.limit), want, board(got))
		b.same("total", n, total)
	}
	got, total, err := b.Top(b.Context(), b.c.ID, leaderboard.UnitScope("nobody's"), leaderboard.Now, 0, 10)
	b.wants("Top of no board", err, nil)
	b.same("no board", int64(0), total+int64(len(got)))
}

// genAttempts draws attempts of which many are equal in score, time and moment.
func genAttempts(t *rapid.T) []Attempt {
	attempt := rapid.Custom(func(t *rapid.T) Attempt {
		return Attempt{
			Participant: fmt.Sprint("p", rapid.IntRange(0, 25).Draw(t, "participant")),
			Score:       10 * rapid.IntRange(0, 3).Draw(t, "score"),
			Used:        100 * time.Millisecond * time.Duration(rapid.IntRange(0, 2).Draw(t, "used")),
			At:          Noon().Add(time.Second * time.Duration(rapid.IntRange(0, 2).Draw(t, "at"))),
		}
	})
	return rapid.SliceOfN(attempt, 1, 50).Draw(t, "attempts")
}

// ranksEqualASort: with everybody's attempts known, every question about every
// participant has the answer that sorting them gives.
func ranksEqualASort(b *bench) {
	rapid.Check(b.TB, rapidtest.OneIn(4, func(t *rapid.T) {
		inner := newBench(b.TB, b.open)
		all := genAttempts(t)
		known := map[string]bool{}
		for _, a := range all {
			if !known[a.Participant] {
				inner.enrol("u1", a.Participant)
			}
			known[a.Participant] = true
			inner.Submit(b.TB, a)
		}
		window := rapid.Int64Range(0, 6).Draw(t, "window")
		folded := rapid.Bool().Draw(t, "folded")
		if folded {
			inner.fold()
		}
		whole := inner.boardOf(all...)
		for _, e := range whole {
			inner.checkStanding("", whole, e.Participant, window)
			if folded {
				inner.checkStanding(leaderboard.RegionScope("d1"), whole, e.Participant, window)
			}
		}
		if b.Failed() {
			t.FailNow()
		}
	}))
}

func people(b *bench) {
	b.Enrol(b.TB, "p", "u1", "public")
	b.Enrol(b.TB, "q", campaign.Unassigned, "pupils")
	got, err := b.People(b.Context(), b.c.ID, []string{"p", "nobody", "q", "p", ""})
	b.wants("People", err, nil)
	b.same("who", 2, len(got))
	b.wants("Hide", b.Hide(b.Context(), b.c.ID, "p", true), nil)
	hidden, err := b.People(b.Context(), b.c.ID, []string{"p", "q"})
	b.wants("People", err, nil)
	b.same("who is hidden", []bool{true, false}, []bool{hidden["p"].Hidden, hidden["q"].Hidden})
	for id, want := range map[string]leaderboard.Person{
		"p": {Name: got["p"].Name, Unit: "u1", Group: "public"}, "q": {Name: got["q"].Name, Unit: campaign.Unassigned, Group: "pupils"},
	} {
		b.same("person "+id, want, got[id])
		if want.Name == "" {
			b.Errorf("%s has no name to be shown", id)
		}
	}
	for _, none := range [][]string{nil, {}, {"nobody"}} {
		got, err := b.People(b.Context(), b.c.ID, none)
		b.wants("People", err, nil)
		b.same("nobody", 0, len(got))
	}
}

// mainBoardAtOnce: only the main board needs no fold.
func mainBoardAtOnce(b *bench) {
	b.enrol("u1", "p")
	a := b.submit("p", 70)
	for scope, want := range map[string]int64{"": 1, leaderboard.UnitScope("u1"): 0, leaderboard.GroupScope("public"): 0} {
		_, total, err := b.Top(b.Context(), b.c.ID, scope, leaderboard.Now, 0, 10)
		b.wants("Top", err, nil)
		b.same("before the fold: "+scope, want, total)
	}
	b.fold()
	for _, scope := range []string{"", "u:u1", "r:d1", "r:city", "g:public", "d:2026-06-10"} {
		got, _, err := b.Top(b.Context(), b.c.ID, scope, leaderboard.Now, 0, 10)
		b.wants("Top", err, nil)
		b.same("after the fold: "+scope, board{b.entry(a)}, board(got))
	}
}

func sums(b *bench) {
	b.crowd(40)
	b.fold()
	t, err := b.Tallies(b.Context(), b.c.ID)
	b.wants("Tallies", err, nil)
	total := leaderboard.RollUp(b.c.Tree, t.All().Cells).Total
	if total.Enrolled != 40 || total.Attempts != 80 || total.Signatures != 20 {
		b.Errorf("totals %+v, want 40 enrolled, 80 attempts, 20 signatures", total)
	}
	_, onBoard, err := b.Top(b.Context(), b.c.ID, "", leaderboard.Now, 0, 1)
	b.wants("Top", err, nil)
	b.same("persons with a score", onBoard, total.Scored)
}

func hourBounds(b *bench) {
	b.enrol("u1", "p", "q", "r")
	start := Noon().Truncate(time.Hour)
	for i, p := range []string{"p", "q", "r"} {
		b.Sign(b.TB, p, start.Add(time.Duration(i)*time.Hour))
	}
	b.fold()
	for _, tc := range []struct{ first, last, want int64 }{
		{0, 2, 3}, {0, 0, 1}, {1, 2, 2}, {2, 2, 1}, {3, 9, 0}, {-5, -1, 0}, {2, 0, 0},
	} {
		cells, err := b.Hours(b.Context(), b.c.ID, hour(start)+tc.first, hour(start)+tc.last)
		b.wants("Hours", err, nil)
		var signatures int64
		for cell, n := range cells {
			if cell.Metric == leaderboard.Signatures {
				signatures += n
			}
		}
		b.same(fmt.Sprintf("signatures of the hours %d to %d", tc.first, tc.last), tc.want, signatures)
	}
}

func longHistory(b *bench) {
	b.enrol("u1", names(26)...)
	for i, p := range names(26) {
		b.Sign(b.TB, p, Opens().AddDate(0, 0, i))
	}
	b.fold()
	cells, err := b.Hours(b.Context(), b.c.ID, hour(Opens().AddDate(-1, 0, 0)), hour(b.c.ClosesAt))
	b.wants("Hours", err, nil)
	for i := range 26 {
		cell := leaderboard.BucketCell{Bucket: hour(Opens().AddDate(0, 0, i)), Cell: leaderboard.Cell{Unit: "u1", Metric: leaderboard.Signatures}}
		b.same("signatures of a day", int64(1), cells[cell])
	}
	b.same("cells", 2*26, len(cells))
}
