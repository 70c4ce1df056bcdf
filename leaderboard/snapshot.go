package leaderboard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
)

// Window is what was accepted within a stretch of time. Participants are counted
// by their first act.
type Window struct {
	Participants, Attempts, Signatures int64
}

func (w *Window) add(m Metric, n int64) {
	switch m {
	case Participants:
		w.Participants += n
	case Attempts:
		w.Attempts += n
	case Signatures:
		w.Signatures += n
	default: // the other metrics are not kept by time
	}
}

// Bucket is one step of a history.
type Bucket struct {
	Start time.Time
	Window
}

// Item is one line of a board of participants.
type Item struct {
	Rank int64
	Name string
	// Unit is the unit's id.
	Unit  string
	Score int
	Used  time.Duration
	// Participant is for the server's own use, and for operators: it marks the viewer's
	// line. Hidden is true only where operators see them.
	Participant string
	Hidden      bool
}

// Board is a part of a board of participants.
type Board struct {
	AsOf  time.Time
	Total int64
	Items []Item
	// Next is the offset to go on with, 0 at the end.
	Next int64
	// Frozen is set while the board stands still.
	Frozen *campaign.Freeze
}

// RecentAct is an accepted act as the public may see it.
type RecentAct struct {
	Kind event.Kind
	Name string
	Unit string
	At   time.Time
}

// Snapshot is the published state of a campaign. It is immutable.
type Snapshot struct {
	Campaign *campaign.Campaign
	AsOf     time.Time
	// Roll and Scores are of everything that was accepted. Still is what the public
	// reads of regions, units and scores while the boards stand still, and nil long
	// before and afterwards; the campaign's totals, its trend and the newest acts go on.
	Roll            Roll
	Scores          Scores
	Still           *Published
	Today, LastHour Window
	// Trend are the last 24 hours, oldest first, the running one last.
	Trend []Bucket
	// Boards are the tops of the main board ("") and of the top regions' boards,
	// by scope.
	Boards map[string]Board
	Recent []RecentAct
	// Lag is how many facts the fold has still to apply.
	Lag int64
}

// Published is what of a snapshot may stand still.
type Published struct {
	Roll   Roll
	Scores Scores
}

func publishedOf(t *campaign.Tree, f Figures) Published {
	return Published{RollUp(t, f.Cells), NewScores(f.Scores)}
}

// seen is what a viewer reads.
func (s *Snapshot) seen(sight Sight) Published {
	if !sight.True && s.Still != nil {
		return *s.Still
	}
	return Published{s.Roll, s.Scores}
}

// Sizes of what is published.
const (
	trendHours   = 24
	topMain      = 50
	topRegion    = 10
	shownRecent  = 8
	minutesInRow = 60
)

// Builder makes snapshots. It remembers the hours that are over, so that it
// reads only the running ones. It is not safe for concurrent use.
type Builder struct {
	Store    Store
	Campaign *campaign.Campaign

	hours map[int64]Window // closed hours, campaign-wide
	since time.Time        // when the oldest of hours was read
}

// closedAfter is how long after its end an hour is still read again: servers'
// clocks differ a little, and attempts are handed in at their deadline.
const closedAfter = 10 * time.Minute

// rememberFor is when everything is read again: after an outage attempts are
// handed in at deadlines that lie hours back.
const rememberFor = time.Minute

// stillAhead is how long before the boards are frozen snapshots already say what stands
// still: one that is begun a moment before may have read acts of a moment after.
const stillAhead = time.Minute

// Build reads the campaign's state at now.
func (b *Builder) Build(ctx context.Context, now time.Time) (*Snapshot, error) {
	t, err := b.Store.Tallies(ctx, b.Campaign.ID)
	if err != nil {
		return nil, fmt.Errorf("tallies of %s: %w", b.Campaign.ID, err)
	}
	all := publishedOf(b.Campaign.Tree, t.All())
	s := &Snapshot{Campaign: b.Campaign, AsOf: now, Roll: all.Roll, Scores: all.Scores, Lag: t.Lag}
	if freeze := b.Campaign.Freeze; freeze.Active(now) || freeze.Active(now.Add(stillAhead)) {
		s.Still = new(publishedOf(b.Campaign.Tree, t.Public))
	}
	for cell, n := range t.Minutes {
		if cell.Bucket > minuteOf(now)-minutesInRow && cell.Bucket <= minuteOf(now) {
			s.LastHour.add(cell.Metric, n)
		}
	}
	if err := b.byHour(ctx, s, now); err != nil {
		return nil, err
	}
	if err := b.boards(ctx, s); err != nil {
		return nil, err
	}
	return s, b.recent(ctx, s, t.Recent)
}

// byHour fills the trend and today's sums.
func (b *Builder) byHour(ctx context.Context, s *Snapshot, now time.Time) error {
	last := hourOf(now)
	first := last - trendHours + 1
	hours, err := b.window(ctx, first, last)
	if err != nil {
		return err
	}
	b.remember(hours, s, first)
	today := b.Campaign.Day(now)
	for h := first; h <= last; h++ {
		start := time.Unix(h*3600, 0).In(b.Campaign.Zone)
		w := hours[h]
		s.Trend = append(s.Trend, Bucket{Start: start, Window: w})
		if b.Campaign.Day(start) == today {
			s.Today.Participants += w.Participants
			s.Today.Attempts += w.Attempts
			s.Today.Signatures += w.Signatures
		}
	}
	return nil
}

// window returns the sums of the hours first to last, from memory where they
// are over.
func (b *Builder) window(ctx context.Context, first, last int64) (map[int64]Window, error) {
	from := first
	for ; from <= last; from++ {
		if _, known := b.hours[from]; !known {
			break
		}
	}
	out := map[int64]Window{}
	maps.Copy(out, b.hours)
	if from <= last {
		cells, err := b.Store.Hours(ctx, b.Campaign.ID, from, last)
		if err != nil {
			return nil, fmt.Errorf("hours of %s: %w", b.Campaign.ID, err)
		}
		fresh := sumByHour(cells)
		for h := from; h <= last; h++ {
			out[h] = fresh[h]
		}
	}
	return out, nil
}

// remember keeps for a while the hours that hardly change any more: they are
// over, and the fold has come past them.
func (b *Builder) remember(hours map[int64]Window, s *Snapshot, first int64) {
	if len(b.hours) == 0 {
		b.since = s.AsOf
	}
	b.hours = map[int64]Window{}
	if s.Lag > 0 || s.AsOf.Sub(b.since) >= rememberFor {
		return
	}
	for h, w := range hours {
		if h >= first && time.Unix((h+1)*3600, 0).Add(closedAfter).Before(s.AsOf) {
			b.hours[h] = w
		}
	}
}

func sumByHour(cells map[BucketCell]int64) map[int64]Window {
	out := map[int64]Window{}
	for cell, n := range cells {
		w := out[cell.Bucket]
		w.add(cell.Metric, n)
		out[cell.Bucket] = w
	}
	return out
}

// boards fills the tops that everybody may see.
func (b *Builder) boards(ctx context.Context, s *Snapshot) error {
	s.Boards = map[string]Board{}
	sight := Look(b.Campaign, s.AsOf, Viewer{}, "")
	if sight.Depth == 0 {
		return nil
	}
	limits := map[string]int64{"": min(topMain, sight.Depth)}
	for _, n := range b.Campaign.Tree.Children("") {
		if n.Kind == campaign.Region {
			limits[RegionScope(n.ID)] = min(topRegion, sight.Depth)
		}
	}
	for scope, limit := range limits {
		board, err := readBoard(ctx, b.Store, b.Campaign.ID, boardQuery{scope: scope, view: sight.View, limit: limit, frozen: sight.Frozen})
		if err != nil {
			return err
		}
		board.AsOf, board.Frozen = s.AsOf, sight.Frozen
		s.Boards[scope] = board
	}
	return nil
}

func (b *Builder) recent(ctx context.Context, s *Snapshot, acts []Act) error {
	acts = acts[:min(len(acts), shownRecent)]
	ids := make([]string, len(acts))
	for i, a := range acts {
		ids[i] = a.Participant
	}
	people, err := b.Store.People(ctx, b.Campaign.ID, ids)
	if err != nil {
		return fmt.Errorf("people of %s: %w", b.Campaign.ID, err)
	}
	for _, a := range acts {
		s.Recent = append(s.Recent, RecentAct{Kind: a.Kind, Name: people[a.Participant].Name, Unit: a.Unit, At: a.At})
	}
	return nil
}

// boardQuery is a stretch of one board.
type boardQuery struct {
	scope         string
	view          View
	offset, limit int64
	frozen        *campaign.Freeze // while the board stands still
}

// readBoard reads a stretch of a board with names and competition ranks: equal
// attempts share a place and the next place is skipped.
func readBoard(ctx context.Context, store Store, campaignID string, q boardQuery) (Board, error) {
	fail := func(err error) (Board, error) {
		return Board{}, fmt.Errorf("board %q of %s: %w", q.scope, campaignID, err)
	}
	layout, err := store.Layout(ctx, campaignID)
	if err != nil {
		return fail(err)
	}
	entries, total, err := store.Top(ctx, campaignID, q.scope, q.view, q.offset, q.limit)
	if err != nil {
		return fail(err)
	}
	var above int64
	if q.offset > 0 && len(entries) > 0 {
		if above, err = store.Above(ctx, campaignID, q.scope, q.view, entries[0].Packed); err != nil {
			return fail(err)
		}
	}
	people, err := store.People(ctx, campaignID, participants(entries))
	if err != nil {
		return fail(err)
	}
	ranks := ranker{above: above, place: q.offset}
	return Board{Total: total, Items: itemsOf(layout, entries, people, ranks.all(entries), q.frozen)}, nil
}

func participants(entries []Entry) []string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.Participant
	}
	return ids
}

// ranker gives competition ranks (1, 1, 3) to entries in order. above is how
// many stand strictly above the first entry, place how many stand before it.
type ranker struct {
	above, place int64
	started      bool
	last         uint64
}

func (r *ranker) next(packed uint64) int64 {
	if r.started && packed != r.last {
		r.above = r.place
	}
	r.started, r.last = true, packed
	r.place++
	return r.above + 1
}

// all ranks a stretch of a board.
func (r *ranker) all(entries []Entry) []int64 {
	ranks := make([]int64, len(entries))
	for i, e := range entries {
		ranks[i] = r.next(e.Packed)
	}
	return ranks
}

func itemsOf(l Layout, entries []Entry, people map[string]Person, ranks []int64, frozen *campaign.Freeze) []Item {
	items := make([]Item, len(entries))
	for i, e := range entries {
		score, used, _ := l.Unpack(e.Packed)
		p := people[e.Participant]
		items[i] = Item{
			Rank: ranks[i], Name: p.Name, Unit: p.unitOn(frozen),
			Score: score, Used: used, Participant: e.Participant, Hidden: p.Hidden,
		}
	}
	return items
}

// errNoSnapshot is answered until the first snapshot after the start is there.
var errNoSnapshot = errors.New("no snapshot of the campaign yet")

// sortedHours lists the hours of a history in order.
func sortedHours(m map[int64]Window) []int64 { return slices.Sorted(maps.Keys(m)) }
