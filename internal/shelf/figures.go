package shelf

import (
	"cmp"
	"maps"
	"slices"

	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// figures are the sums of all shards, as they are stored.
type figures struct {
	Public part              `json:"public"`
	Late   part              `json:"late"`
	Hours  []cell            `json:"hours"`
	Recent []leaderboard.Act `json:"recent"`
	// Places counts the entries of all boards.
	Places int64 `json:"places"`
}

// part is leaderboard.Figures as a list.
type part struct {
	Cells  []cell        `json:"cells"`
	Scores map[int]int64 `json:"scores"`
}

type cell struct {
	Bucket int64              `json:"b,omitempty"`
	Unit   string             `json:"u"`
	Metric leaderboard.Metric `json:"m"`
	N      int64              `json:"n"`
}

// recentKept is how many of the newest acts are kept.
const recentKept = 50

func partOf(f leaderboard.Figures) part {
	p := part{Scores: f.Scores}
	for c, n := range f.Cells {
		p.Cells = append(p.Cells, cell{Unit: c.Unit, Metric: c.Metric, N: n})
	}
	sortCells(p.Cells)
	return p
}

func sortCells(all []cell) {
	slices.SortFunc(all, func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Metric, b.Metric))
	})
}

func (p *part) figures() leaderboard.Figures {
	f := leaderboard.NewFigures()
	for _, c := range p.Cells {
		f.Cells[leaderboard.Cell{Unit: c.Unit, Metric: c.Metric}] = c.N
	}
	maps.Copy(f.Scores, p.Scores)
	return f
}

// sums adds the shards of a campaign up.
type sums struct {
	public, late leaderboard.Figures
	hours        map[leaderboard.BucketCell]int64
	recent       []leaderboard.Act
	places       int64
}

func newSums() *sums {
	return &sums{public: leaderboard.NewFigures(), late: leaderboard.NewFigures(), hours: map[leaderboard.BucketCell]int64{}}
}

func (s *sums) add(o *state.Sums) {
	s.public, s.late = s.public.Plus(o.Public), s.late.Plus(o.Late)
	for c, n := range o.Hours {
		s.hours[c] += n
	}
	s.recent = append(s.recent, o.Recent...)
}

func (s *sums) stored() figures {
	f := figures{Public: partOf(s.public), Late: partOf(s.late), Places: s.places}
	for c, n := range s.hours {
		f.Hours = append(f.Hours, cell{Bucket: c.Bucket, Unit: c.Unit, Metric: c.Metric, N: n})
	}
	sortCells(f.Hours)
	slices.SortFunc(s.recent, func(a, b leaderboard.Act) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Participant, b.Participant))
	})
	f.Recent = s.recent[:min(len(s.recent), recentKept)]
	return f
}
