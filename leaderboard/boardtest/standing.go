package boardtest

import (
	"fmt"
	"slices"
	"time"

	"qingyuan/leaderboard"
)

func standingPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"who has no attempt has no place":               noPlace,
		"own act at once, also where the fold lags":     laggingFold,
		"a crowd of equals hides nobody":                manyEquals,
		"a day's place is the best of that day":         dayPlaces,
		"neighbours are at most as many as asked for":   neighbours,
		"a place is among all, wherever one's shard is": amongAll,
	}
}

// checkStanding asks for a participant's place on a board whose truth is known.
func (b *bench) checkStanding(scope string, whole board, participant string, window int64) {
	b.Helper()
	st, ok, err := b.Standing(b.Context(), b.c.ID, scope, leaderboard.Now, participant, window)
	i, want := whole.find(participant)
	if err != nil || ok != want {
		b.Errorf("Standing of %s on %q: %t, %v; want %t", participant, scope, ok, err, want)
		return
	}
	if !ok {
		return
	}
	own := whole[i]
	b.same("the standing of "+participant, leaderboard.Standing{
		Entry: own, Above: whole.above(own.Packed), Below: whole.below(own.Packed), Of: int64(len(whole)), Around: st.Around, Passed: st.Passed,
	}, st)
	b.checkAround(whole, st, window)
	if n, err := b.Above(b.Context(), b.c.ID, "", leaderboard.Now, own.Packed); scope == "" && (err != nil || n != st.Above) {
		b.Errorf("Above %s is %d, %v; the standing says %d", participant, n, err, st.Above)
	}
}

// checkAround: the neighbours are a stretch of the board around the participant,
// in which equals may stand in any order.
func (b *bench) checkAround(whole board, st leaderboard.Standing, window int64) {
	b.Helper()
	at := slices.Index(st.Around, st.Entry)
	if at < 0 || int64(at) > window || int64(len(st.Around)-at-1) > window {
		b.Errorf("%d neighbours of %s, who is at %d; want at most %d on either side", len(st.Around), st.Participant, at, window)
		return
	}
	seen := map[string]bool{}
	for i, e := range st.Around {
		if j, ok := whole.find(e.Participant); !ok || whole[j] != e || seen[e.Participant] {
			b.Errorf("neighbour %d of %s is %+v", i, st.Participant, e)
		}
		seen[e.Participant] = true
	}
	if !b.stretch(whole, packedOf(st.Around)) {
		b.Errorf("the neighbours %v of %s are no stretch of the board %v", st.Around, st.Participant, whole)
	}
	// The lines with the participant in the middle are there, and who is next to them.
	before, behind := min(window/2+1, st.Above), min((window-1)/2+1, st.Below)
	if window > 0 && (int64(at) < before || int64(len(st.Around)-1-at) < behind || len(st.Around) < min(int(window), len(whole))) {
		b.Errorf("%d of %d neighbours before %s, want %d before and %d behind", at, len(st.Around), st.Participant, before, behind)
	}
}

func packedOf(entries []leaderboard.Entry) []uint64 {
	out := make([]uint64, len(entries))
	for i, e := range entries {
		out[i] = e.Packed
	}
	return out
}

// stretch tells whether the packed attempts stand on the board in a row.
func (b *bench) stretch(whole board, packed []uint64) bool {
	all := packedOf(whole)
	for i := 0; i+len(packed) <= len(all); i++ {
		if slices.Equal(all[i:i+len(packed)], packed) {
			return true
		}
	}
	return false
}

func noPlace(b *bench) {
	b.enrol("u1", "signed", "enrolled", "p")
	b.Sign(b.TB, "signed", b.now)
	b.submit("p", 50)
	b.fold()
	for _, who := range []string{"signed", "enrolled", "nobody", ""} {
		for _, scope := range []string{"", leaderboard.UnitScope("u1"), leaderboard.DayScope("2026-06-10")} {
			st, ok, err := b.Standing(b.Context(), b.c.ID, scope, leaderboard.Now, who, 5)
			if ok || err != nil {
				b.Errorf("%q stands at %+v on %q, %v", who, st, scope, err)
			}
		}
	}
}

// laggingFold: before the fold has come to an act, its participant sees it all
// the same, and is counted once.
func laggingFold(b *bench) {
	b.enrol("u1", names(6)...)
	b.enrol("u2", "elsewhere")
	b.submit("elsewhere", 90)
	var all []Attempt
	for i, p := range names(6)[:5] {
		all = append(all, b.submit(p, 10*i))
	}
	b.fold()
	scopes := []string{"", leaderboard.UnitScope("u1"), leaderboard.DayScope("2026-06-10"), leaderboard.GroupScope("public")}
	for _, next := range []Attempt{
		{Participant: "p005", Score: 25},  // the first act
		{Participant: "p000", Score: 35},  // better: from the last to the middle
		{Participant: "p004", Score: 5},   // worse: stays
		{Participant: "p001", Score: 100}, // the first of all
	} {
		all = append(all, b.submit(next.Participant, next.Score))
		for _, scope := range scopes {
			// Of this scope the board knows what was folded and one's own.
			whole := b.folded(scope, all, next.Participant)
			b.checkStanding(scope, whole, next.Participant, 3)
		}
	}
}

// folded is what a scope's board shows to a participant when only the first six
// acts were folded: the main board knows everything.
func (b *bench) folded(scope string, all []Attempt, participant string) board {
	b.Helper()
	elsewhere := Attempt{Participant: "elsewhere", Score: 90, Used: time.Minute, At: Noon().Add(time.Second)}
	var known []Attempt
	for i, a := range all {
		if scope == "" || i < 5 || a.Participant == participant {
			known = append(known, a)
		}
	}
	if scope != leaderboard.UnitScope("u1") {
		known = append(known, elsewhere)
	}
	return b.boardOf(known...)
}

// manyEquals: far more equals than neighbours, over all shards.
func manyEquals(b *bench) {
	var all []Attempt
	for i, p := range names(70) {
		b.enrol("u1", p)
		a := Attempt{Participant: p, Score: 50, Used: time.Minute, At: b.now}
		switch {
		case i < 5:
			a.Score = 60
		case i >= 60:
			a.Score = 40
		}
		b.Submit(b.TB, a)
		all = append(all, a)
	}
	b.fold()
	whole := b.boardOf(all...)
	for _, scope := range []string{"", leaderboard.UnitScope("u1")} {
		for _, p := range names(70) {
			for _, window := range []int64{0, 1, 3} {
				b.checkStanding(scope, whole, p, window)
			}
		}
	}
}

// dayPlaces: a day's board has the best of that day, also of one who did better
// on another, and also when the fold has not come to today.
func dayPlaces(b *bench) {
	b.enrol("u1", "p", "q")
	day := func(n int) time.Time { return Noon().AddDate(0, 0, n) }
	attempts := map[string][]Attempt{}
	for _, a := range []Attempt{
		{"p", 80, time.Minute, day(0)},
		{"q", 70, time.Minute, day(0)},
		{"p", 30, time.Minute, day(1)},
		{"q", 60, time.Minute, day(1)},
		{"p", 50, time.Minute, day(1).Add(time.Hour)},
		{"q", 10, time.Minute, day(2)},
	} {
		b.Submit(b.TB, a)
		d := b.c.Day(a.At)
		attempts[d] = append(attempts[d], a)
	}
	b.fold()
	check := func() {
		b.Helper()
		for d, of := range attempts {
			for _, p := range []string{"p", "q"} {
				b.checkStanding(leaderboard.DayScope(d), b.boardOf(of...), p, 3)
			}
		}
	}
	check()
	late := Attempt{"p", 5, time.Minute, day(2).Add(time.Hour)} // not folded
	b.Submit(b.TB, late)
	d := b.c.Day(late.At)
	attempts[d] = append(attempts[d], late)
	b.checkStanding(leaderboard.DayScope(d), b.boardOf(attempts[d]...), "p", 3)
	b.fold()
	check()
}

func neighbours(b *bench) {
	var all []Attempt
	for i, p := range names(40) {
		b.enrol("u1", p)
		all = append(all, b.submit(p, i))
	}
	b.fold()
	whole := b.boardOf(all...)
	for _, window := range []int64{0, 1, 5, 39, 50} {
		for _, i := range []int{0, 1, 20, 38, 39} {
			st, _, err := b.Standing(b.Context(), b.c.ID, "", leaderboard.Now, whole[i].Participant, window)
			b.wants("Standing", err, nil)
			b.checkAround(whole, st, window)
			w := int(window)
			first := max(min(i-w/2, len(whole)-w), 0)
			lines := whole[max(first-1, 0):min(first+w+1, len(whole))]
			if window == 0 {
				lines = whole[i : i+1]
			}
			at := slices.Index(st.Around, lines[0])
			b.same(fmt.Sprintf("%d around place %d", window, i), lines, board(st.Around[max(at, 0):][:len(lines)]))
		}
	}
}

func amongAll(b *bench) {
	all := b.crowd(60)
	b.fold()
	whole := b.boardOf(all...)
	for _, p := range names(60) {
		b.checkStanding("", whole, p, 5)
	}
}
