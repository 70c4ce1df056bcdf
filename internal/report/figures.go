package report

import (
	"context"
	"maps"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// Figures are what everybody of a source adds up to. The zero Figures is not ready:
// use NewFigures.
type Figures struct {
	Campaign *campaign.Campaign
	// Days has the local dates on which anything was accepted that counts;
	// participants are counted on the day of their first act.
	Days map[string]leaderboard.Window
	// Scores counts persons by their best score.
	Scores map[int]int64
	// Groups are the figures by group.
	Groups map[string]leaderboard.Counts
	// Paper are the persons who have signed on paper, by unit. They are in no other figure.
	Paper map[string]int64

	cells map[leaderboard.Cell]int64
}

// NewFigures returns figures of nobody.
func NewFigures(c *campaign.Campaign) *Figures {
	return &Figures{
		Campaign: c, Days: map[string]leaderboard.Window{}, Scores: map[int]int64{},
		Groups: map[string]leaderboard.Counts{}, cells: map[leaderboard.Cell]int64{},
	}
}

// Collect adds everybody up.
func (s *Source) Collect(ctx context.Context, into ...interface{ Add(p *Person) error }) error {
	for p, err := range s.People(ctx) {
		if err != nil {
			return err
		}
		for _, c := range into {
			if err := c.Add(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// Add adds one person.
func (f *Figures) Add(p *Person) error {
	c := p.Counts()
	unit := leaf(f.Campaign.Tree, p.Unit)
	for m, n := range metrics(&c) {
		if n != 0 {
			f.cells[leaderboard.Cell{Unit: unit, Metric: m}] += n
		}
	}
	g := f.Groups[p.Group]
	f.Groups[p.Group] = g.Add(c)
	if p.Best != nil {
		f.Scores[p.Best.Result.Score]++
	}
	f.days(p)
	return nil
}

func metrics(c *leaderboard.Counts) map[leaderboard.Metric]int64 {
	return map[leaderboard.Metric]int64{
		leaderboard.Enrolled: c.Enrolled, leaderboard.Participants: c.Participants, leaderboard.Attempts: c.Attempts,
		leaderboard.Signatures: c.Signatures, leaderboard.Passed: c.Passed, leaderboard.Full: c.Full,
		leaderboard.Scored: c.Scored, leaderboard.Score: c.Score,
	}
}

func (f *Figures) days(p *Person) {
	on := func(at time.Time, add leaderboard.Window) {
		day := f.Campaign.Day(at)
		w := f.Days[day]
		w.Participants += add.Participants
		w.Attempts += add.Attempts
		w.Signatures += add.Signatures
		f.Days[day] = w
	}
	if !p.FirstAct.IsZero() {
		on(p.FirstAct, leaderboard.Window{Participants: 1})
	}
	for i := range p.Attempts {
		if a := &p.Attempts[i]; !a.State.Void() {
			on(a.Result.SubmittedAt, leaderboard.Window{Attempts: 1})
		}
	}
	if p.Signed() {
		on(p.Signature.SignedAt, leaderboard.Window{Signatures: 1})
	}
}

// Roll returns the figures of every node of the tree. Regions are the sums of their
// units, so that every level adds up to the total.
func (f *Figures) Roll() leaderboard.Roll { return leaderboard.RollUp(f.Campaign.Tree, f.cells) }

// paperByNode sums those who have signed on paper for every node, "" for the whole
// campaign and campaign.Unassigned for units that have left the tree.
func (f *Figures) paperByNode() map[string]int64 {
	out := map[string]int64{}
	for unit, n := range f.Paper {
		unit = leaf(f.Campaign.Tree, unit)
		out[unit] += n
		out[""] += n
		for _, region := range f.Campaign.Tree.Regions(unit) {
			out[region] += n
		}
	}
	return out
}

// DaysInOrder lists the dates, oldest first.
func (f *Figures) DaysInOrder() []string { return slices.Sorted(maps.Keys(f.Days)) }
