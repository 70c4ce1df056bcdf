package replay

import (
	"fmt"
	"maps"
	"slices"

	"qingyuan/leaderboard"
)

// compareSums compares what the participants add up to with what Redis says, as
// far as the ledger reaches.
func (s *shardCheck) compareSums(c *counter) {
	want := c.sums()
	if arrived(s.heads.Facts, s.reach.Totals) {
		s.compareTotals(want.Tally, want.Minutes)
		s.compareRecent(want.Recent)
	}
	for _, cell := range bothKeys(want.Hours, s.live.Hours) {
		if arrived(s.heads.Facts, s.reach.hour(cell.Bucket)) {
			s.cells(fmt.Sprintf("hour %d %s|%s", cell.Bucket, cell.Unit, cell.Metric), want.Hours[cell], s.live.Hours[cell])
		}
	}
	for _, scope := range bothKeys(want.Boards, s.live.Boards) {
		if arrived(s.heads.Facts, s.reach.board(scope)) {
			s.board("board "+scope, want.Boards[scope], s.live.Boards[scope])
		}
	}
	if arrived(s.heads.Facts, s.ends.Facts) {
		s.board("board", want.Board, s.live.Board)
		s.board("open set", want.Open, s.live.Open)
	}
}

func (s *shardCheck) compareTotals(tally map[leaderboard.Cell]int64, minutes map[leaderboard.BucketCell]int64) {
	for _, cell := range bothKeys(tally, s.live.Tally) {
		s.cells("tally "+cell.Unit+"|"+string(cell.Metric), tally[cell], s.live.Tally[cell])
	}
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

func (s *shardCheck) board(board string, want, got int64) {
	s.count(func(r *Report) { r.Boards++ })
	s.cell(s.Number, board, "members", want, got)
}

// bothKeys returns the keys of two maps, each once.
func bothKeys[K comparable](a, b map[K]int64) []K {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	return keys
}
