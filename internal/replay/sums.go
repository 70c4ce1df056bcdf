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

// counter adds up the lives of a shard's participants.
type counter struct {
	state.Sums

	people int64 // who enrolled
	newest newest
	rules  *Rules
	reach  *reach
	batch  leaderboard.Batch // of one fact, used again for the next
}

func newCounter(rules *Rules, reach *reach) *counter {
	return &counter{rules: rules, reach: reach, batch: leaderboard.NewBatch(event.Position{}), Sums: state.Sums{
		Tally: map[leaderboard.Cell]int64{}, Hours: map[leaderboard.BucketCell]int64{},
		Minutes: map[leaderboard.BucketCell]int64{}, Boards: map[string]int64{},
	}}
}

// add counts a life. The error is of a fact that the fold cannot count.
func (c *counter) add(l *Life) error {
	for i := range l.Facts {
		if err := c.fact(&l.Facts[i]); err != nil {
			return err
		}
	}
	for i, since := range l.Since {
		if scope := l.Places[i].Scope; since.Compare(c.reach.board(scope)) <= 0 {
			c.Boards[scope]++
		}
	}
	if l.Enrolment.Unit != "" {
		c.people++
	}
	if l.Open != nil {
		c.Open++
	}
	if l.Best != nil {
		c.Board++
	}
	return nil
}

func (c *counter) fact(f *event.Fact) error {
	b := &c.batch
	clear(b.Tally.Cells)
	clear(b.Hours)
	clear(b.Minutes)
	b.Moves, b.Recent = b.Moves[:0], b.Recent[:0]
	if err := b.Count(leaderboard.Rules{Campaign: c.rules.Campaign, Layout: c.rules.Layout}, f); err != nil {
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
	for cell, n := range b.Tally.Cells {
		c.Tally[cell] += n
	}
	for cell, n := range b.Minutes {
		c.Minutes[cell] += n
	}
	for _, act := range b.Recent {
		c.newest.add(f.Position, act)
	}
	return nil
}

// merge adds what another counter of the same shard has.
func (c *counter) merge(o *counter) {
	addAll(c.Tally, o.Tally)
	addAll(c.Hours, o.Hours)
	addAll(c.Minutes, o.Minutes)
	addAll(c.Boards, o.Boards)
	c.Board, c.Open, c.people = c.Board+o.Board, c.Open+o.Open, c.people+o.people
	for _, a := range o.newest.acts {
		c.newest.add(a.at, a.act)
	}
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
