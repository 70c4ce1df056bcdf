package replay

import (
	"slices"

	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// Reach is up to which fact each part of a shard counts: the fold moves on while
// the parts are read one after another.
type Reach struct {
	// Facts is how far the main board and the attempts are, Fold how far the
	// tallies are and every hour and board that is not named here.
	Facts, Fold event.Position
	Hours       map[int64]event.Position
	Boards      map[string]event.Position
}

func (r *Reach) hour(h int64) event.Position {
	if p, ok := r.Hours[h]; ok {
		return p
	}
	return r.Fold
}

func (r *Reach) board(scope string) event.Position {
	if p, ok := r.Boards[scope]; ok {
		return p
	}
	return r.Fold
}

// Sums are what the lives of a shard's participants add up to.
type Sums struct {
	Tally   map[leaderboard.Cell]int64
	Hours   map[leaderboard.BucketCell]int64
	Minutes map[leaderboard.BucketCell]int64
	// Boards says how many stand on each scoped board, Board how many on the main
	// one, Open how many have an attempt open, and People how many enrolled.
	Boards              map[string]int64
	Board, Open, People int64
	Recent              Newest
}

func newSums() *Sums {
	return &Sums{
		Tally: map[leaderboard.Cell]int64{}, Hours: map[leaderboard.BucketCell]int64{},
		Minutes: map[leaderboard.BucketCell]int64{}, Boards: map[string]int64{},
	}
}

// counter counts lives into sums.
type counter struct {
	*Sums

	rules *Rules
	reach *Reach
	batch leaderboard.Batch // of one fact, used again for the next
}

func newCounter(rules *Rules, reach *Reach) *counter {
	return &counter{Sums: newSums(), rules: rules, reach: reach, batch: leaderboard.NewBatch(event.Position{})}
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
		c.People++
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
	clear(b.Tally)
	clear(b.Hours)
	clear(b.Minutes)
	b.Places, b.Recent = b.Places[:0], b.Recent[:0]
	if err := b.Count(c.rules.Campaign, c.rules.Layout, f); err != nil {
		return err
	}
	for cell, n := range b.Hours {
		if f.Compare(c.reach.hour(cell.Bucket)) <= 0 {
			c.Hours[cell] += n
		}
	}
	if f.Compare(c.reach.Fold) > 0 {
		return nil
	}
	for cell, n := range b.Tally {
		c.Tally[cell] += n
	}
	for cell, n := range b.Minutes {
		c.Minutes[cell] += n
	}
	for _, act := range b.Recent {
		c.Recent.add(f.Position, act)
	}
	return nil
}

// merge adds what another counter of the same shard has.
func (s *Sums) merge(o *Sums) {
	addAll(s.Tally, o.Tally)
	addAll(s.Hours, o.Hours)
	addAll(s.Minutes, o.Minutes)
	addAll(s.Boards, o.Boards)
	s.Board, s.Open, s.People = s.Board+o.Board, s.Open+o.Open, s.People+o.People
	for _, a := range o.Recent.acts {
		s.Recent.add(a.at, a.act)
	}
}

func addAll[K comparable](to, from map[K]int64) {
	for k, n := range from {
		to[k] += n
	}
}

// keepNewestMinutes drops the minutes that may have gone from Redis: those that
// are two hours older than the newest.
func (s *Sums) keepNewestMinutes() {
	oldest := oldestMinute(s.Minutes)
	for cell := range s.Minutes {
		if cell.Bucket < oldest {
			delete(s.Minutes, cell)
		}
	}
}

func oldestMinute(minutes map[leaderboard.BucketCell]int64) int64 {
	var newest int64
	for cell := range minutes {
		newest = max(newest, cell.Bucket)
	}
	return newest - int64(leaderboard.MinutesKept.Minutes())
}

// Newest collects the newest acts, by their facts' positions.
type Newest struct{ acts []placedAct }

type placedAct struct {
	at  event.Position
	act leaderboard.Act
}

func (n *Newest) add(at event.Position, act leaderboard.Act) {
	if len(n.acts) == leaderboard.RecentActs && at.Compare(n.acts[len(n.acts)-1].at) < 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(n.acts, at, func(a placedAct, at event.Position) int { return at.Compare(a.at) })
	n.acts = slices.Insert(n.acts, i, placedAct{at, act})
	n.acts = n.acts[:min(len(n.acts), leaderboard.RecentActs)]
}

// Acts returns them, newest first.
func (n *Newest) Acts() []leaderboard.Act {
	out := make([]leaderboard.Act, len(n.acts))
	for i := range n.acts {
		out[i] = n.acts[i].act
	}
	return out
}
