package boardtest

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// lives are people whose every act is known, on boards that can stand still and
// from which people can be hidden: what every board must hold follows from the rules.
type lives struct {
	*bench
	rules   leaderboard.Rules
	records map[string]*leaderboard.Record
	picks   *rand.Rand // always the same
}

// livesOf opens a campaign after a change and enrols so many people in its units.
func (b *bench) livesOf(people int, change func(*campaign.Campaign)) *lives {
	b.Helper()
	l := &lives{
		bench: newBench(b.TB, b.open, change), records: map[string]*leaderboard.Record{}, picks: rand.New(rand.NewPCG(1, 7)),
	}
	l.rules = leaderboard.Rules{Campaign: l.c, Layout: l.layout}
	l.turn(0)
	units := []string{"u1", "u2", "u3", "u5"}
	for i, p := range names(people) {
		rec := &leaderboard.Record{Unit: units[i%len(units)], Group: []string{"public", "pupils"}[i%2]}
		l.Enrol(l.TB, p, rec.Unit, rec.Group)
		l.records[p] = rec
	}
	return l
}

// turn turns the clock on.
func (l *lives) turn(by time.Duration) {
	l.now = l.now.Add(by)
	l.Clock(l.now)
}

func (l *lives) submits(p string, score int, used time.Duration) {
	l.Helper()
	l.turn(time.Second)
	l.Submit(l.TB, Attempt{Participant: p, Score: score, Used: used, At: l.now})
	rec := l.records[p]
	rec.Attempts = append(rec.Attempts, event.Counted{
		Number: len(rec.Attempts) + 1, At: l.now.UnixMilli(), UsedMS: used.Milliseconds(), Score: score,
		Passed: score >= passMark, Full: score == fullMarks,
	})
}

// What Bench.Submit takes for passed and for full marks.
const (
	passMark  = 60
	fullMarks = 100
)

func (l *lives) corrects(p string, number int, counts bool) {
	l.Helper()
	l.turn(time.Second)
	l.Correct(l.TB, p, number, counts)
	l.records[p].Attempts[number-1].Void = !counts
}

func (l *lives) hides(p string, hidden bool) {
	l.Helper()
	l.turn(time.Second)
	l.wants("Hide", l.Hide(l.Context(), l.c.ID, p, hidden), nil)
	l.records[p].Hidden = hidden
}

// boards are what every board must show in each view: everybody, by the rules.
func (l *lives) boards() map[string]map[leaderboard.View]board {
	l.Helper()
	out := map[string]map[leaderboard.View]board{}
	for p, rec := range l.records {
		places, err := l.rules.Placements(rec, l.now)
		l.wants("Placements", err, nil)
		for scope, at := range places {
			if out[scope] == nil {
				out[scope] = map[leaderboard.View]board{leaderboard.Frozen: nil, leaderboard.Now: nil, leaderboard.Everybody: nil}
			}
			put := func(v leaderboard.View, packed *uint64, hidden bool) {
				if packed != nil && !hidden {
					out[scope][v] = append(out[scope][v], leaderboard.Entry{Participant: p, Packed: *packed})
				}
			}
			put(leaderboard.Frozen, at.Base, at.Hidden)
			put(leaderboard.Now, at.Now, at.Hidden)
			put(leaderboard.Everybody, at.Now, false)
		}
	}
	for _, views := range out {
		for _, b := range views {
			slices.SortFunc(b, func(x, y leaderboard.Entry) int {
				return cmp.Or(cmp.Compare(y.Packed, x.Packed), cmp.Compare(y.Participant, x.Participant))
			})
		}
	}
	return out
}

// check folds everything and compares every board in every view, everybody's place
// on it, and the figures, with what the rules make of the records.
func (l *lives) check(when string) {
	l.Helper()
	l.fold()
	boards := l.boards()
	for _, scope := range slices.Sorted(maps.Keys(boards)) {
		for _, v := range l.views() {
			l.checkBoard(fmt.Sprintf("%s: board %q in view %d", when, scope, v), scope, v, boards[scope][v])
		}
	}
	l.checkScores(when, boards[""])
}

// views are those that mean something now: once a freeze is over nobody reads what
// stood still.
func (l *lives) views() []leaderboard.View {
	if l.c.Freeze.Over(l.now) {
		return []leaderboard.View{leaderboard.Now, leaderboard.Everybody}
	}
	return []leaderboard.View{leaderboard.Frozen, leaderboard.Now, leaderboard.Everybody}
}

func (l *lives) checkBoard(what, scope string, v leaderboard.View, want board) {
	l.Helper()
	got, total, err := l.Top(l.Context(), l.c.ID, scope, v, 0, 1000)
	l.wants(what, err, nil)
	l.same(what, want, board(got))
	l.same(what+": total", int64(len(want)), total)
	ranks, err := l.Ranks(l.Context(), l.c.ID, scope, v, append(slices.Sorted(maps.Keys(l.records)), "nobody"))
	l.wants(what+": Ranks", err, nil)
	l.same(what+": people found", len(want), len(ranks))
	for _, e := range want {
		l.same(what+": rank of "+e.Participant, leaderboard.Ranked{Entry: e, Above: want.above(e.Packed)}, ranks[e.Participant])
		if !l.asks() {
			continue
		}
		above, err := l.Above(l.Context(), l.c.ID, scope, v, e.Packed)
		l.wants(what+": Above", err, nil)
		l.same(what+": above "+e.Participant, want.above(e.Packed), above)
		if v != leaderboard.Frozen {
			l.checkOwn(what, scope, v, want, e)
		}
	}
}

// asks tells whether one person on one board is asked about by themselves, which is by far
// the dearest: everybody on one shard, and where several are put together one in four.
func (l *lives) asks() bool { return l.c.Shards == 1 || l.picks.IntN(4) == 0 }

func (l *lives) checkOwn(what, scope string, v leaderboard.View, want board, e leaderboard.Entry) {
	l.Helper()
	st, ok, err := l.Standing(l.Context(), l.c.ID, scope, v, e.Participant, 2)
	l.wants(what+": Standing", err, nil)
	l.same(what+": stands", true, ok)
	passed := slices.ContainsFunc(l.records[e.Participant].Attempts, func(a event.Counted) bool { return a.Passed && !a.Void })
	l.same(what+": standing of "+e.Participant, leaderboard.Standing{
		Entry: e, Above: want.above(e.Packed), Below: want.below(e.Packed), Of: int64(len(want)), Passed: passed, Around: st.Around,
	}, st)
	if !l.stretch(want, packedOf(st.Around)) {
		l.Errorf("%s: the neighbours %v of %s are no stretch of %v", what, st.Around, e.Participant, want)
	}
}

// checkScores compares the histograms with the main board.
func (l *lives) checkScores(when string, main map[leaderboard.View]board) {
	l.Helper()
	t, err := l.Tallies(l.Context(), l.c.ID)
	l.wants("Tallies", err, nil)
	histogram := func(b board) map[int]int64 {
		out := map[int]int64{}
		for _, e := range b {
			out[l.layout.Score(e.Packed)]++
		}
		return out
	}
	counted := func(f leaderboard.Figures) map[int]int64 {
		maps.DeleteFunc(f.Scores, func(_ int, n int64) bool { return n == 0 })
		return f.Scores
	}
	l.same(when+": scores", histogram(main[leaderboard.Now]), counted(t.All()))
	if l.c.Freeze.Active(l.now) {
		l.same(when+": scores that stand still", histogram(main[leaderboard.Frozen]), counted(t.Public))
	}
}

// thaw lets every shard's boards move again, in steps of n.
func (l *lives) thaw(n int) (steps int) {
	l.Helper()
	for shard := range l.c.Shards {
		for left := true; left; steps++ {
			var err error
			if left, err = l.Thaw(l.Context(), l.c.ID, shard, n); err != nil {
				l.Fatal(err)
			}
		}
	}
	return steps
}

// anything lets somebody do something, or something be done to them.
func (l *lives) anything(rng *rand.Rand) {
	l.Helper()
	l.turn(time.Duration(rng.IntN(3600)) * time.Second)
	p := names(len(l.records))[rng.IntN(len(l.records))]
	rec := l.records[p]
	switch act := rng.IntN(10); {
	case act == 0:
		l.hides(p, !rec.Hidden)
	case act < 4 && len(rec.Attempts) > 0:
		number := 1 + rng.IntN(len(rec.Attempts))
		l.corrects(p, number, rec.Attempts[number-1].Void)
	default:
		l.submits(p, 20*rng.IntN(6), time.Duration(1+rng.IntN(2))*time.Minute)
	}
}
