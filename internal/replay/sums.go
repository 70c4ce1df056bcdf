package replay

import (
	"maps"
	"slices"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// reach is up to which fact each part of a shard counts: the fold moves on while
// the parts are read one after another.
type reach struct {
	// Totals is for the tallies, the minutes and the newest acts, Hours and Boards
	// for those that have a key, and Rest for those that have none.
	Totals, Rest event.Position
	Hours        map[int64]event.Position
	Boards       map[string]event.Position
}

func (r *reach) hour(h int64) event.Position {
	if p, ok := r.Hours[h]; ok {
		return p
	}
	return r.Rest
}

func (r *reach) board(scope string) event.Position {
	if p, ok := r.Boards[scope]; ok {
		return p
	}
	return r.Rest
}

// earliest is the fact up to which every board is counted.
func (r *reach) earliest() event.Position {
	first := r.Rest
	for _, p := range r.Boards {
		if p.Compare(first) < 0 {
			first = p
		}
	}
	return first
}

// counter adds up the lives of a shard's participants.
type counter struct {
	state.Sums

	people   int64 // who enrolled
	newest   newest
	rules    *Rules
	reach    *reach
	earliest event.Position    // that every board was read at, or later
	batch    leaderboard.Batch // of one fact, used again for the next
}

func newCounter(rules *Rules, reach *reach) *counter {
	return &counter{rules: rules, reach: reach, earliest: reach.earliest(), batch: leaderboard.NewBatch(event.Position{}), Sums: state.Sums{
		Public: leaderboard.NewFigures(), Late: leaderboard.NewFigures(), Hours: map[leaderboard.BucketCell]int64{},
		Minutes: map[leaderboard.BucketCell]int64{}, Boards: map[string]state.Cards{}, Prizes: map[string]int64{},
	}}
}

// add counts a life. The error is of a fact that the fold cannot count.
func (c *counter) add(l *Life) error {
	for i := range l.Facts {
		if err := c.fact(&l.Facts[i]); err != nil {
			return err
		}
	}
	c.boards(l)
	if l.Enrolment.Unit != "" {
		c.people++
	}
	if l.Open != nil {
		c.Open++
	}
	c.Main = onto(c.Main, &l.Main)
	if l.Lot != nil {
		for i := range l.Lot.Wins {
			c.Prizes[l.Lot.Wins[i].Prize]++
		}
		c.Wins += int64(len(l.Lot.Wins))
	}
	return nil
}

// boards counts a life on the scoped boards. Hardly anybody changes places while
// the boards are read one after another; of those it is worked out where they stood
// before each change.
func (c *counter) boards(l *Life) {
	if l.Turned.Compare(c.earliest) <= 0 {
		for i := range l.Places {
			c.stands(l.Places[i].Scope, &l.Places[i].Placement)
		}
		return
	}
	for scope, p := range c.rules.atReach(l, c.reach) {
		c.stands(scope, &p)
	}
}

func (c *counter) stands(scope string, p *leaderboard.Placement) {
	c.Boards[scope] = onto(c.Boards[scope], p)
}

// onto counts the entries that a place makes on a board and beside it: what is done
// since the freeze is kept beside, and with it the entry that it replaces.
func onto(n state.Cards, p *leaderboard.Placement) state.Cards {
	in := n.Of(p.Hidden)
	if p.Base != nil {
		in.Board++
	}
	switch {
	case state.HasLeft(p):
		in.Kept++
	case state.IsLate(p):
		in.Late++
		if p.Base != nil {
			in.Kept++
		}
	}
	return n
}

// atReach returns where somebody stood on each board when it was read.
func (r *Rules) atReach(l *Life, reach *reach) map[string]leaderboard.Placement {
	out := map[string]leaderboard.Placement{}
	var rec leaderboard.Record
	for i := range l.Facts {
		f := &l.Facts[i]
		if !correct(&rec, f) {
			continue
		}
		now := r.placements(&rec)
		for scope := range out {
			if _, ok := now[scope]; !ok {
				now[scope] = leaderboard.Placement{}
			}
		}
		for scope, p := range now {
			if scope != "" && f.Compare(reach.board(scope)) <= 0 {
				out[scope] = p
			}
		}
	}
	return out
}

func (c *counter) fact(f *event.Fact) error {
	b := &c.batch
	for _, t := range []*leaderboard.Figures{&b.Tally, &b.Late} {
		clear(t.Cells)
		clear(t.Scores)
	}
	clear(b.Hours)
	clear(b.Minutes)
	b.Moves, b.Recent = b.Moves[:0], b.Recent[:0]
	if err := b.Count(c.rules.boards(), f); err != nil {
		return err
	}
	for cell, n := range b.Hours {
		if f.Compare(c.reach.hour(cell.Bucket)) <= 0 {
			c.Hours[cell] += n
		}
	}
	if f.Compare(c.reach.Totals) > 0 {
		return nil
	}
	addFigures(&c.Public, &b.Tally)
	addFigures(&c.Late, &b.Late)
	addAll(c.Minutes, b.Minutes)
	for _, act := range b.Recent {
		c.newest.add(f.Position, act)
	}
	return nil
}

// merge adds what another counter of the same shard has.
func (c *counter) merge(o *counter) {
	addFigures(&c.Public, &o.Public)
	addFigures(&c.Late, &o.Late)
	addAll(c.Hours, o.Hours)
	addAll(c.Minutes, o.Minutes)
	for scope, n := range o.Boards {
		c.Boards[scope] = both(c.Boards[scope], n)
	}
	c.Main = both(c.Main, o.Main)
	c.Open, c.people = c.Open+o.Open, c.people+o.people
	addAll(c.Prizes, o.Prizes)
	c.Wins += o.Wins
	for _, a := range o.newest.acts {
		c.newest.add(a.at, a.act)
	}
}

func addFigures(to, from *leaderboard.Figures) {
	addAll(to.Cells, from.Cells)
	addAll(to.Scores, from.Scores)
}

func both(a, b state.Cards) state.Cards {
	layers := func(a, b state.Layers[int64]) state.Layers[int64] {
		return state.Layers[int64]{Board: a.Board + b.Board, Late: a.Late + b.Late, Kept: a.Kept + b.Kept}
	}
	return state.Cards{Entries: state.Entries[int64]{Shown: layers(a.Shown, b.Shown), Hidden: layers(a.Hidden, b.Hidden)}}
}

func addAll[K comparable](to, from map[K]int64) {
	for k, n := range from {
		to[k] += n
	}
}

// sums closes the count. Minutes that may have gone from Redis, because they are
// two hours older than the newest, are dropped.
func (c *counter) sums() *state.Sums {
	oldest := oldestMinute(c.Minutes)
	maps.DeleteFunc(c.Minutes, func(cell leaderboard.BucketCell, _ int64) bool { return cell.Bucket < oldest })
	c.Recent = make([]leaderboard.Act, len(c.newest.acts))
	for i, a := range c.newest.acts {
		c.Recent[i] = a.act
	}
	return &c.Sums
}

// oldestMinute is the first that is certainly still kept.
func oldestMinute(minutes map[leaderboard.BucketCell]int64) int64 {
	var newest int64
	for cell := range minutes {
		newest = max(newest, cell.Bucket)
	}
	return newest - int64(leaderboard.MinutesKept.Minutes())
}

// newest collects the newest acts, by their facts' positions, newest first.
type newest struct{ acts []placedAct }

type placedAct struct {
	at  event.Position
	act leaderboard.Act
}

func (n *newest) add(at event.Position, act leaderboard.Act) {
	if len(n.acts) == leaderboard.RecentActs && at.Compare(n.acts[len(n.acts)-1].at) < 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(n.acts, at, func(a placedAct, at event.Position) int { return at.Compare(a.at) })
	n.acts = slices.Insert(n.acts, i, placedAct{at, act})
	n.acts = n.acts[:min(len(n.acts), leaderboard.RecentActs)]
}
