package leaderboard

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// board makes entries a, b, c … of the given packed attempts, best first.
func board(packed ...uint64) []Entry {
	var out []Entry
	for i, v := range packed {
		out = append(out, Entry{Participant: string(rune('a' + i)), Packed: v})
	}
	return out
}

func ranks(entries []Entry, r ranker) []int64 { return r.all(entries) }

func TestCompetitionRanks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		packed []uint64
		want   []int64
	}{
		{nil, []int64{}},
		{[]uint64{7}, []int64{1}},
		{[]uint64{50, 50, 30, 30, 10}, []int64{1, 1, 3, 3, 5}},
		{[]uint64{9, 8, 7}, []int64{1, 2, 3}},
		{[]uint64{5, 5, 5}, []int64{1, 1, 1}},
		{[]uint64{5, 0, 0}, []int64{1, 2, 2}}, // zero is an attempt like any other
	} {
		if diff := cmp.Diff(tc.want, ranks(board(tc.packed...), ranker{})); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tc.packed, diff)
		}
	}
}

// TestRanksOfAPage: wherever a page begins, its ranks are those of the whole.
func TestRanksOfAPage(t *testing.T) {
	t.Parallel()
	all := board(50, 50, 50, 50, 30, 30, 30, 30, 10, 10)
	whole := ranks(all, ranker{})
	for offset := range all {
		above := slices.IndexFunc(all, func(e Entry) bool { return e.Packed == all[offset].Packed })
		got := ranks(all[offset:], ranker{above: int64(above), place: int64(offset)})
		if diff := cmp.Diff(whole[offset:], got); diff != "" {
			t.Errorf("from %d (-whole +page):\n%s", offset, diff)
		}
	}
}

// standingOf is what a store answers for the entry at place i of a board when
// it gives everybody as neighbours.
func standingOf(all []Entry, i int) Standing {
	st := Standing{Entry: all[i], Of: int64(len(all)), Around: all}
	for _, e := range all {
		switch {
		case e.Packed > all[i].Packed:
			st.Above++
		case e.Packed < all[i].Packed:
			st.Below++
		}
	}
	return st
}

// TestAroundClamps: the window keeps its size at either end of the board.
func TestAroundClamps(t *testing.T) {
	t.Parallel()
	all := board(50, 40, 30, 20, 10)
	for _, tc := range []struct {
		who    int
		window int64
		want   string
	}{
		{2, 3, "bcd"},
		{0, 3, "abc"},
		{4, 3, "cde"},
		{1, 3, "abc"},
		{3, 3, "cde"},
		{0, 1, "a"},
		{2, 1, "c"},
		{4, 1, "e"},
		{2, 5, "abcde"},
		{0, 50, "abcde"},
		{2, 0, ""},
		{2, 2, "bc"},
		{2, 4, "abcd"},
	} {
		var got string
		for _, e := range around(standingOf(all, tc.who), tc.window) {
			got += e.Participant
		}
		if got != tc.want {
			t.Errorf("%d lines around %c: %s, want %s", tc.window, 'a'+tc.who, got, tc.want)
		}
	}
}

// TestRanksAround: wherever the window lies, its ranks are those of the board.
func TestRanksAround(t *testing.T) {
	t.Parallel()
	for _, all := range [][]Entry{
		board(50, 50, 50, 50, 30, 30, 30, 30, 10, 10), board(9, 8, 7, 6, 5), board(3, 3, 3), board(1),
		board(9, 5, 5, 5, 5, 5, 5, 5, 1),
	} {
		whole := ranks(all, ranker{})
		for i := range all {
			for window := range int64(12) {
				st := standingOf(all, i)
				st.Around = around(st, window)
				first := 0
				if len(st.Around) > 0 {
					first = slices.Index(all, st.Around[0])
				}
				above := standingOf(all, first).Above
				if told, known := aboveFirst(read(all, i, window), st.Around); len(st.Around) > 0 && known && told != above {
					t.Errorf("%v, %d lines around %d: %d above the first, want %d", all, window, i, told, above)
				}
				got := rankAround(st, above)
				if !slices.Equal(got, whole[first:first+len(got)]) {
					t.Errorf("%v, %d lines around %d: ranks %v, want %v", all, window, i, got, whole[first:first+len(got)])
				}
			}
		}
	}
}

// read is a standing with the neighbours that a store reads.
func read(all []Entry, own int, window int64) Standing {
	st := standingOf(all, own)
	st.Around = all[max(own-int(window), 0):min(own+int(window)+1, len(all))]
	return st
}

// TestAboveFirst: nobody is asked who is above the neighbours unless there may be equals.
func TestAboveFirst(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		all   []Entry
		own   int
		known bool
	}{
		"the top":              {board(9, 8, 7, 6, 5), 0, true},
		"in the middle":        {board(9, 8, 7, 6, 5, 4, 3, 2, 1), 5, true},
		"equals before":        {board(9, 8, 8, 8, 8, 8, 8, 8, 5, 4, 3), 9, false},
		"among equals":         {board(9, 5, 5, 5, 5, 5, 5, 1), 4, true},
		"all better are shown": {board(9, 9, 5, 4, 3, 2), 2, true},
	} {
		st := read(tt.all, tt.own, 5)
		if _, known := aboveFirst(st, around(st, 5)); known != tt.known {
			t.Errorf("%s: known %v", name, known)
		}
	}
}

func TestAroundNobody(t *testing.T) {
	t.Parallel()
	st := Standing{Entry: Entry{Participant: "a", Packed: 5}, Of: 1, Around: board(5)}
	if got := around(st, 5); len(got) != 1 || fmt.Sprint(rankAround(st, 0)) != "[1]" {
		t.Errorf("alone on the board: %v", got)
	}
}
