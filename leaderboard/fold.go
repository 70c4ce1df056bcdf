package leaderboard

import (
	"fmt"
	"maps"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
)

// FoldVersion changes with the meaning of the tallies; an older fold is refused
// by the store.
const FoldVersion = 2

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
	Full         Metric = "full" // persons whose best attempt had everything right
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

// Op says what a Move does.
type Op uint8

// The operations on a scoped board.
const (
	// Raise puts the participant where Packed says unless they stand higher.
	Raise Op = iota
	// Add adds the points of Packed to theirs, reached at its time. Adding nothing
	// moves nobody, but puts somebody new on the board.
	Add
	// Set puts them where To says, whatever was there.
	Set
)

// Move changes one participant's place on one scoped board. Raise and Add leave
// a board as it is while it stands still and keep the place beside it.
type Move struct {
	Op          Op
	Scope       string
	Participant string
	Packed      uint64    // of Raise and Add
	To          Placement // of Set
	// Late is an act since the freeze, and Hidden one of somebody hidden.
	Late, Hidden bool
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
	// Tally counts for everybody, and Late only for those who see on while the
	// boards stand still, until they move again.
	Tally, Late Figures
	Hours       map[BucketCell]int64
	// Minutes are campaign-wide: their cells have no unit.
	Minutes map[BucketCell]int64
	// Moves are in the order of the facts.
	Moves  []Move
	Recent []Act

	// facts is how many are to be counted, 0 where that is not known, and known the boards
	// of places that were asked for before.
	facts int
	known map[place][]string
}

// Figures are sums of one shard.
type Figures struct {
	Cells map[Cell]int64
	// Scores say how many people who are not hidden stand on the main board with
	// a score, or with a sum of points.
	Scores map[int]int64
}

// NewFigures returns figures that are all zero.
func NewFigures() Figures { return Figures{Cells: map[Cell]int64{}, Scores: map[int]int64{}} }

// Plus returns the sums of both.
func (t *Figures) Plus(o Figures) Figures {
	out := Figures{Cells: maps.Clone(t.Cells), Scores: maps.Clone(t.Scores)}
	for cell, n := range o.Cells {
		out.Cells[cell] += n
	}
	for score, n := range o.Scores {
		out.Scores[score] += n
	}
	return out
}

// UnitScope names the board of a unit.
func UnitScope(id string) string { return "u:" + id }

// RegionScope names the board of a region.
func RegionScope(id string) string { return "r:" + id }

// GroupScope names the board of a group.
func GroupScope(id string) string { return "g:" + id }

// DayScope names the board of a local date.
func DayScope(day string) string { return "d:" + day }

// PhaseScope names the board of a phase.
func PhaseScope(id string) string { return "p:" + id }

// RecentActs is how many of the newest acts are kept, and MinutesKept for how
// long the counts of a minute are.
const (
	RecentActs  = 20
	MinutesKept = 2 * time.Hour
)

// NewBatch returns a batch that starts at from and changes nothing yet.
func NewBatch(from event.Position) Batch {
	return Batch{
		From: from, To: from, Tally: NewFigures(), Late: NewFigures(),
		Hours: map[BucketCell]int64{}, Minutes: map[BucketCell]int64{},
	}
}

// Fold turns facts, in order and without a gap after from, into the batch to
// apply. It depends on its arguments alone.
func (r Rules) Fold(from event.Position, facts []event.Fact) (Batch, error) {
	b := NewBatch(from)
	b.facts = len(facts)
	for i := range facts {
		f := &facts[i]
		if !f.Follows(b.To) {
			return Batch{}, fmt.Errorf("fold %s: fact %s does not follow %s", r.Campaign.ID, f.Position, b.To)
		}
		if err := b.Count(r, f); err != nil {
			return Batch{}, fmt.Errorf("fold %s: fact %s: %w", r.Campaign.ID, f.Position, err)
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
func (b *Batch) Count(r Rules, f *event.Fact) error {
	to := &b.Tally
	if r.Campaign.Freeze.Active(f.At) {
		to = &b.Late
	}
	switch body := f.Body.(type) {
	case event.Enrolled:
		to.count(f.Unit, Enrolled, 1)
	case event.Moved:
		to.count(body.FromUnit, Enrolled, -1)
		to.count(f.Unit, Enrolled, 1)
	case event.Submitted:
		b.act(to, f, Attempts)
		to.best(f.Unit, body)
		to.points(r, body)
		return b.moves(r, f, body)
	case event.Signed:
		b.act(to, f, Signatures)
	case event.Corrected:
		return b.correct(r, f, body)
	case event.Transferred:
		return b.correct(r, f, body.Corrected)
	case event.Remarked:
		return b.correct(r, f, body.Corrected)
	case event.Joined:
		return b.correct(r, f, body.Corrected)
	case event.Parted:
		to.count(f.Unit, Enrolled, 1)
	case event.Started, event.Expired, event.Granted, event.Erased, event.Chance, event.Won, event.Prize:
		// They change no figure.
	default:
		return fmt.Errorf("the fold does not know %T", f.Body)
	}
	return nil
}

func (t *Figures) count(unit string, m Metric, n int64) { t.Cells[Cell{unit, m}] += n }

// act counts an accepted act, in all and in its hour and minute, and the
// participant with their first.
func (b *Batch) act(to *Figures, f *event.Fact, m Metric) {
	metrics := []Metric{m}
	if f.First {
		metrics = append(metrics, Participants)
	}
	for _, m := range metrics {
		cell := Cell{f.Unit, m}
		to.Cells[cell]++
		b.Hours[BucketCell{hourOf(f.At), cell}]++
		b.Minutes[BucketCell{minuteOf(f.At), Cell{Metric: m}}]++
	}
	b.Recent = append(b.Recent, Act{Kind: f.Kind, Participant: f.Participant, Unit: f.Unit, At: f.At})
}

// best keeps the sum of best scores and the numbers of persons who passed and who
// had everything right.
func (t *Figures) best(unit string, s event.Submitted) {
	before := event.Best{}
	if s.Previous == nil {
		t.count(unit, Scored, 1)
	} else {
		before = *s.Previous
		if s.Score <= before.Score {
			return
		}
	}
	t.count(unit, Score, int64(s.Score-before.Score))
	if s.Passed && !before.Passed {
		t.count(unit, Passed, 1)
	}
	if s.Score == s.MaxScore && !before.Full {
		t.count(unit, Full, 1)
	}
}

// points moves a participant who is not hidden to the score they have now.
func (t *Figures) points(r Rules, s event.Submitted) {
	if s.Hidden {
		return
	}
	before, now := 0, s.Score
	switch {
	case r.Layout.Sums():
		before, now = s.Total-s.Added, s.Total
	case s.Previous != nil:
		before, now = s.Previous.Score, max(s.Score, s.Previous.Score)
	}
	if s.Previous != nil {
		t.Scores[before]--
	}
	t.Scores[now]++
}

// moves raises the participant on every scoped board the attempt belongs to.
func (b *Batch) moves(r Rules, f *event.Fact, s event.Submitted) error {
	m := Move{Participant: f.Participant, Late: r.Campaign.Freeze.Active(f.At), Hidden: s.Hidden}
	score := s.Score
	if r.Layout.Sums() {
		m.Op, score = Add, s.Added
	}
	var err error
	if m.Packed, err = r.Layout.Pack(score, time.Duration(s.UsedMS)*time.Millisecond, f.At); err != nil {
		return err
	}
	scopes := b.scopes(r.Campaign, f)
	if b.Moves == nil {
		b.Moves = make([]Move, 0, max(b.facts, 1)*len(scopes))
	}
	for _, m.Scope = range scopes {
		b.Moves = append(b.Moves, m)
	}
	return nil
}

// place is all that Scopes depends on.
type place struct {
	unit, group, phase string

	year, day int
}

// scopes is Scopes, of which a batch has few different ones.
func (b *Batch) scopes(c *campaign.Campaign, f *event.Fact) []string {
	phase, _ := c.PhaseAt(f.At)
	local := f.At.In(c.Zone)
	at := place{f.Unit, f.Group, phase.ID, local.Year(), local.YearDay()}
	known, ok := b.known[at]
	if !ok {
		if b.known == nil {
			b.known = map[place][]string{}
		}
		known = Scopes(c, f)
		b.known[at] = known
	}
	return known
}

// Scopes names the boards on which the attempt of a fact has a place, beside the
// main one.
func Scopes(c *campaign.Campaign, f *event.Fact) []string {
	scopes := Boards(c, f.Unit, f.Group, "")
	for _, w := range Windows(c, f.At) {
		scopes = append(scopes, Boards(c, f.Unit, f.Group, w)...)
	}
	return scopes
}
