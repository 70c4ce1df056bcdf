package leaderboard

import (
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
)

// FoldVersion changes with the meaning of the tallies; an older fold is refused
// by the store.
const FoldVersion = 1

// Metric is one integer kept per unit.
type Metric string

// The metrics. Score is the sum of best scores and Scored how many persons have
// one: their quotient is the average.
const (
	Enrolled     Metric = "enrolled"
	Participants Metric = "participants"
	Attempts     Metric = "attempts"
	Signatures   Metric = "signatures"
	Passed       Metric = "passed"
	Scored       Metric = "scored"
	Score        Metric = "score"
)

// Cell is one metric of one unit.
type Cell struct {
	Unit   string
	Metric Metric
}

// BucketCell is a cell within an hour or a minute: the Unix time divided by 3600
// or 60.
type BucketCell struct {
	Bucket int64
	Cell
}

// Place is a participant's packed attempt on a scoped board.
type Place struct {
	Scope       string
	Participant string
	Packed      uint64
}

// Act is one accepted act, for the list of the newest.
type Act struct {
	Kind        event.Kind
	Participant string
	Unit        string
	At          time.Time
}

// Batch is what a run of facts changes. Applying it moves the cursor from From
// to To in the same step, so that every fact counts exactly once.
type Batch struct {
	From, To event.Position
	Tally    map[Cell]int64
	Hours    map[BucketCell]int64
	// Minutes are campaign-wide: their cells have no unit.
	Minutes map[BucketCell]int64
	Places  []Place
	Recent  []Act
}

// UnitScope names the board of a unit.
func UnitScope(id string) string { return "u:" + id }

// RegionScope names the board of a region.
func RegionScope(id string) string { return "r:" + id }

// GroupScope names the board of a group.
func GroupScope(id string) string { return "g:" + id }

// DayScope names the board of a local date.
func DayScope(day string) string { return "d:" + day }

// RecentActs is how many of the newest acts are kept, and MinutesKept for how
// long the counts of a minute are.
const (
	RecentActs  = 20
	MinutesKept = 2 * time.Hour
)

// NewBatch returns a batch that starts at from and changes nothing yet.
func NewBatch(from event.Position) Batch {
	return Batch{From: from, To: from, Tally: map[Cell]int64{}, Hours: map[BucketCell]int64{}, Minutes: map[BucketCell]int64{}}
}

// Fold turns facts, in order and without a gap after from, into the batch to
// apply. It depends on its arguments alone.
func Fold(c *campaign.Campaign, l Layout, from event.Position, facts []event.Fact) (Batch, error) {
	b := NewBatch(from)
	for i := range facts {
		f := &facts[i]
		if !f.Follows(b.To) {
			return Batch{}, fmt.Errorf("fold %s: fact %s does not follow %s", c.ID, f.Position, b.To)
		}
		if err := b.Count(c, l, f); err != nil {
			return Batch{}, fmt.Errorf("fold %s: fact %s: %w", c.ID, f.Position, err)
		}
		b.To = f.Position
	}
	if n := len(b.Recent); n > RecentActs {
		b.Recent = b.Recent[n-RecentActs:]
	}
	return b, nil
}

// Count adds what one fact changes. It neither checks nor moves the position, so
// that the facts of one participant can be counted by themselves.
func (b *Batch) Count(c *campaign.Campaign, l Layout, f *event.Fact) error {
	switch body := f.Body.(type) {
	case event.Enrolled:
		b.count(f.Unit, Enrolled, 1)
	case event.Moved:
		b.count(body.FromUnit, Enrolled, -1)
		b.count(f.Unit, Enrolled, 1)
	case event.Submitted:
		b.act(f, Attempts)
		b.best(f.Unit, body)
		return b.places(c, l, f, body)
	case event.Signed:
		b.act(f, Signatures)
	case event.Started, event.Expired, event.Erased:
		// They change no figure.
	default:
		return fmt.Errorf("the fold does not know %T", f.Body)
	}
	return nil
}

func (b *Batch) count(unit string, m Metric, n int64) { b.Tally[Cell{unit, m}] += n }

// act counts an accepted act, in all and in its hour and minute, and the
// participant with their first.
func (b *Batch) act(f *event.Fact, m Metric) {
	metrics := []Metric{m}
	if f.First {
		metrics = append(metrics, Participants)
	}
	for _, m := range metrics {
		cell := Cell{f.Unit, m}
		b.Tally[cell]++
		b.Hours[BucketCell{hourOf(f.At), cell}]++
		b.Minutes[BucketCell{minuteOf(f.At), Cell{Metric: m}}]++
	}
	b.Recent = append(b.Recent, Act{Kind: f.Kind, Participant: f.Participant, Unit: f.Unit, At: f.At})
}

// best keeps the sum of best scores and the number of persons who passed.
func (b *Batch) best(unit string, s event.Submitted) {
	switch p := s.Previous; {
	case p == nil:
		b.count(unit, Scored, 1)
		b.count(unit, Score, int64(s.Score))
		if s.Passed {
			b.count(unit, Passed, 1)
		}
	case s.Score > p.Score:
		b.count(unit, Score, int64(s.Score-p.Score))
		if s.Passed && !p.Passed {
			b.count(unit, Passed, 1)
		}
	}
}

func (b *Batch) places(c *campaign.Campaign, l Layout, f *event.Fact, s event.Submitted) error {
	v, err := l.Pack(s.Score, time.Duration(s.UsedMS)*time.Millisecond, f.At)
	if err != nil {
		return err
	}
	for _, scope := range Scopes(c, f) {
		b.Places = append(b.Places, Place{Scope: scope, Participant: f.Participant, Packed: v})
	}
	return nil
}

// Scopes names the boards on which the attempt of a fact has a place, beside the
// main one.
func Scopes(c *campaign.Campaign, f *event.Fact) []string {
	scopes := []string{UnitScope(f.Unit), GroupScope(f.Group), DayScope(c.Day(f.At))}
	for _, r := range c.Tree.Regions(f.Unit) {
		scopes = append(scopes, RegionScope(r))
	}
	return scopes
}
