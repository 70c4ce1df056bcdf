package replay

import (
	"fmt"
	"maps"
	"slices"

	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// compareSums compares what the participants add up to with what Redis says, as
// far as the ledger reaches. It returns the boards of which that cannot be told yet:
// somebody stood there, and no key was listed.
func (s *shardCheck) compareSums(c *counter) (unlisted []string) {
	want := c.sums()
	if arrived(s.heads.Facts, s.reach.Totals) {
		s.compareFigures(want)
		s.compareMinutes(want.Minutes)
		s.compareRecent(want.Recent)
	}
	for _, cell := range bothKeys(want.Hours, s.live.Hours) {
		if arrived(s.heads.Facts, s.reach.hour(cell.Bucket)) {
			s.cells(fmt.Sprintf("hour %d %s|%s", cell.Bucket, cell.Unit, cell.Metric), want.Hours[cell], s.live.Hours[cell])
		}
	}
	for _, scope := range bothKeys(want.Boards, s.live.Boards) {
		if _, listed := s.live.Boards[scope]; !listed && s.anybody(want.Boards[scope]) {
			unlisted = append(unlisted, scope)
			continue
		}
		s.compareBoard(scope, want.Boards[scope])
	}
	if arrived(s.heads.Facts, s.ends.Facts) {
		s.entries("board", want.Main, s.live.Main)
		s.members("open set", "members", want.Open, s.live.Open)
		s.members("wins", "members", want.Wins, s.live.Wins)
		for _, p := range bothKeys(want.Prizes, s.live.Prizes) {
			s.cells("prize "+p, want.Prizes[p], s.live.Prizes[p])
		}
	}
	return unlisted
}

func (s *shardCheck) compareBoard(scope string, want state.Cards) {
	if arrived(s.heads.Facts, s.reach.board(scope)) {
		s.entries("board "+scope, want, s.live.Boards[scope])
	}
}

// compareFigures compares the public and the late figures, each by itself while
// the boards stand still. Afterwards the late ones go over to the public, step by
// step, and only both together are known.
func (s *shardCheck) compareFigures(want *state.Sums) {
	got := s.live
	if s.rules.standStill() {
		s.figures("late ", want.Late, got.Late)
	} else {
		want.Thaw()
		got.Thaw()
	}
	s.figures("", want.Public, got.Public)
}

func (s *shardCheck) figures(late string, want, got leaderboard.Figures) {
	for _, cell := range bothKeys(want.Cells, got.Cells) {
		s.cells(late+"tally "+cell.Unit+"|"+string(cell.Metric), want.Cells[cell], got.Cells[cell])
	}
	for _, points := range bothKeys(want.Scores, got.Scores) {
		s.cells(fmt.Sprintf("%sscore %d", late, points), want.Scores[points], got.Scores[points])
	}
}

func (s *shardCheck) compareMinutes(minutes map[leaderboard.BucketCell]int64) {
	oldest := oldestMinute(minutes)
	for _, cell := range bothKeys(minutes, s.live.Minutes) {
		if cell.Bucket >= oldest {
			s.cells(fmt.Sprintf("minute %d %s", cell.Bucket, cell.Metric), minutes[cell], s.live.Minutes[cell])
		}
	}
}

func (s *shardCheck) compareRecent(want []leaderboard.Act) {
	same := func(a, b leaderboard.Act) bool {
		return a.At.Equal(b.At) && a.Kind == b.Kind && a.Participant == b.Participant && a.Unit == b.Unit
	}
	if !slices.EqualFunc(want, s.live.Recent, same) {
		s.differ(Difference{Shard: s.Number, Cell: "recent", Field: "acts", Want: "the newest", Got: "others"})
	}
}

func (s *shardCheck) cells(cell string, want, got int64) {
	s.count(func(r *Report) { r.Cells++ })
	s.cell(s.Number, cell, "count", want, got)
}

// entries compares how many entries a board has, each part by itself while the
// boards stand still, and those whom somebody sees on afterwards.
func (s *shardCheck) entries(board string, want, got state.Cards) {
	if got.Stuck {
		s.differ(Difference{Shard: s.Number, Cell: board, Field: "late members", Want: "to be thawed", Got: "on no list"})
	}
	for _, part := range []struct {
		whose     string
		want, got state.Layers[int64]
	}{{"", want.Shown, got.Shown}, {"hidden ", want.Hidden, got.Hidden}} {
		if !s.rules.standStill() {
			s.members(board, part.whose+"members", everybody(part.want), everybody(part.got))
			continue
		}
		s.members(board, part.whose+"members", part.want.Board, part.got.Board)
		s.members(board, part.whose+"late members", part.want.Late, part.got.Late)
		s.members(board, part.whose+"kept members", part.want.Kept, part.got.Kept)
	}
}

// anybody tells whether a board of which Redis has nothing differs: after a freeze, who
// left since may be gone from it.
func (s *shardCheck) anybody(want state.Cards) bool {
	if s.rules.standStill() {
		return want != state.Cards{}
	}
	return everybody(want.Shown) != 0 || everybody(want.Hidden) != 0
}

// everybody counts who stands on a board by everything that happened.
func everybody(n state.Layers[int64]) int64 { return n.Board - n.Kept + n.Late }

func (s *shardCheck) members(board, whose string, want, got int64) {
	s.count(func(r *Report) { r.Boards++ })
	s.cell(s.Number, board, whose, want, got)
}

// bothKeys returns the keys of two maps, each once.
func bothKeys[K comparable, V any](a, b map[K]V) []K {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}
