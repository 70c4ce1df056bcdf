package leaderboard

import (
	"maps"
	"slices"
	"sort"
)

// Scores say how many people stand with each score, or sum of points, on the main
// board. With them a place by score alone is told without asking any shard. The
// zero Scores are of nobody.
type Scores struct {
	scores []int   // those that occur, rising
	upTo   []int64 // how many people have that score or a lower one
}

// NewScores counts people by score. Scores of nobody are left out.
func NewScores(people map[int]int64) Scores {
	var s Scores
	var sum int64
	for _, score := range slices.Sorted(maps.Keys(people)) {
		if people[score] == 0 {
			continue
		}
		sum += people[score]
		s.scores, s.upTo = append(s.scores, score), append(s.upTo, sum)
	}
	return s
}

// Of returns how many people there are.
func (s Scores) Of() int64 { return s.before(len(s.scores)) }

// Below returns how many people have a lower score.
func (s Scores) Below(score int) int64 { return s.before(sort.SearchInts(s.scores, score)) }

// Above returns how many people have a higher score.
func (s Scores) Above(score int) int64 {
	return s.Of() - s.before(sort.SearchInts(s.scores, score+1))
}

// Rank returns the place of a score: one more than people have a higher one.
func (s Scores) Rank(score int) int64 { return s.Above(score) + 1 }

// Beat returns which part of everybody has a lower score, in per cent, rounded
// down.
func (s Scores) Beat(score int) int64 { return BeatPercent(s.Below(score), s.Of()) }

// AtLeast returns which part of everybody has that score or a higher one, and
// false of nobody.
func (s Scores) AtLeast(score int) (Ratio, bool) {
	return Ratio{s.Of() - s.Below(score), s.Of()}, s.Of() > 0
}

// Mean returns the mean score, and false of nobody.
func (s Scores) Mean() (Ratio, bool) {
	var sum int64
	for i, score := range s.scores {
		sum += int64(score) * (s.upTo[i] - s.before(i))
	}
	return Ratio{sum, s.Of()}, s.Of() > 0
}

// before returns how many people have one of the first n scores.
func (s Scores) before(n int) int64 {
	if n == 0 {
		return 0
	}
	return s.upTo[n-1]
}
