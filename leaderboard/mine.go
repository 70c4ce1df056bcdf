package leaderboard

import (
	"context"
	"slices"
	"time"

	"qingyuan/campaign"
)

// Mine is what a participant is told of themself on a board.
type Mine struct {
	// Score and Used are of what places them: their best attempt, or the sum of
	// their points, which took no time.
	Score int
	Used  time.Duration
	// Passed says that their best attempt of all passed.
	Passed bool
	// Rank is nil where the campaign tells no place, while the boards stand still
	// and for hidden people.
	Rank *Rank
	// Tier is told instead of a place where the campaign says so; "" is below the
	// last tier, or none.
	Tier string
	// Around are the neighbours, where there is a place.
	Around []Item
	// Frozen is set while the boards stand still.
	Frozen *campaign.Freeze
	// Hidden says that they stand on no public board.
	Hidden bool
}

// Rank is a place among everybody on a board.
type Rank struct {
	Place, Of int64
	// BeatPercent is how many of everybody stand strictly below, in per cent,
	// rounded down.
	BeatPercent int64
	// ByScore is the place by the score or points alone; 0 where it is not known:
	// on boards of a part, and before the first snapshot.
	ByScore int64
}

// Mine returns the participant's place on a board in the middle of window lines,
// at most MaxPage. The last act of the participant is always included.
func (s *Service) Mine(ctx context.Context, campaignID, participant string, q Query, window int64) (Mine, error) {
	a, err := s.ask(campaignID, Query{Scope: q.Scope, Group: q.Group, Period: q.Period})
	switch {
	case a.c != nil && !a.sight.Score:
		return Mine{}, ErrNotRanked
	case err != nil:
		return Mine{}, err
	case window < 0 || window > MaxPage:
		return Mine{}, errWindow
	}
	if err := s.belongs(ctx, a.c, participant, q); err != nil {
		return Mine{}, err
	}
	st, listed, err := s.own(ctx, a, participant, window)
	if err != nil {
		return Mine{}, err
	}
	layout, err := s.Store.Layout(ctx, campaignID)
	if err != nil {
		return Mine{}, err
	}
	m := Mine{Passed: st.Passed, Frozen: a.sight.Frozen, Hidden: !listed}
	m.Score, m.Used, _ = layout.Unpack(st.Packed)
	if !listed {
		return m, nil
	}
	if a.sight.Tier {
		m.Tier = TierOf(a.c.Tiers, st.Above, st.Of)
	}
	if a.sight.Place {
		m.Rank = s.rank(a, st, m.Score)
		m.Around, err = s.neighbours(ctx, a, layout, st, window)
	}
	return m, err
}

// own returns where the participant stands now, and whether they are on the
// public board: hidden people are not, but have a score.
func (s *Service) own(ctx context.Context, a asked, participant string, window int64) (st Standing, listed bool, err error) {
	if !a.sight.Place {
		window = 0
	}
	st, ok, err := s.Store.Standing(ctx, a.c.ID, a.scope, Now, participant, window)
	if err != nil || ok {
		return st, ok, err
	}
	st, ok, err = s.Store.Standing(ctx, a.c.ID, a.scope, Everybody, participant, 0)
	if err == nil && !ok {
		err = ErrNoPlace
	}
	return st, false, err
}

func (s *Service) rank(a asked, st Standing, score int) *Rank {
	r := &Rank{Place: st.Above + 1, Of: st.Of, BeatPercent: BeatPercent(st.Below, st.Of)}
	if snap, err := s.Snapshots.Snapshot(a.c.ID); err == nil && a.scope == "" {
		r.ByScore = snap.seen(a.sight).Scores.Rank(score)
	}
	return r
}

// ScoreRank returns the place of a score, or a sum of points, among those of
// everybody, by the score alone, from the newest snapshot. Hidden people count for
// nobody.
func (s *Service) ScoreRank(campaignID string, score int, v Viewer) (int64, error) {
	c, err := s.Catalog.Campaign(campaignID)
	if err != nil {
		return 0, err
	}
	sight := Look(c, s.Now(), v, "")
	if sight.Depth == 0 {
		return 0, ErrNotRanked
	}
	snap, err := s.Snapshots.Snapshot(campaignID)
	if err != nil {
		return 0, err
	}
	return snap.seen(sight).Scores.Rank(score), nil
}

// belongs checks that the participant has a place on a scoped board at all.
func (s *Service) belongs(ctx context.Context, c *campaign.Campaign, participant string, q Query) error {
	if q.Scope == "" && q.Group == "" {
		return nil
	}
	people, err := s.Store.People(ctx, c.ID, []string{participant})
	if err != nil {
		return err
	}
	p, ok := people[participant]
	if !ok || !c.Tree.Within(p.Unit, q.Scope) || q.Group != "" && q.Group != p.Group {
		return ErrNoPlace
	}
	return nil
}

// neighbours are the lines around the participant.
func (s *Service) neighbours(ctx context.Context, a asked, layout Layout, st Standing, window int64) ([]Item, error) {
	shown := around(st, window)
	above, known := aboveFirst(st, shown)
	if !known {
		var err error
		if above, err = s.Store.Above(ctx, a.c.ID, a.scope, Now, shown[0].Packed); err != nil {
			return nil, err
		}
	}
	st.Around = shown
	people, err := s.Store.People(ctx, a.c.ID, participants(shown))
	if err != nil {
		return nil, err
	}
	return itemsOf(layout, shown, people, rankAround(st, above), a.sight.Frozen), nil
}

// around cuts the neighbours to window lines with the participant in the
// middle; at either end of the board the window moves rather than shrinks.
func around(st Standing, window int64) []Entry {
	own := slices.IndexFunc(st.Around, func(e Entry) bool { return e.Participant == st.Participant })
	n := len(st.Around)
	size := min(int(window), n)
	first := min(max(own-size/2, 0), n-size)
	return st.Around[first : first+size]
}

// aboveFirst returns how many stand strictly above the first of the neighbours that
// are shown, where that can be told without asking: where the next better one that
// was read stands strictly above it, or there is none. Otherwise the first may have
// equals that nobody has counted yet.
func aboveFirst(st Standing, shown []Entry) (above int64, known bool) {
	if len(shown) == 0 || shown[0].Packed <= st.Packed {
		return st.Above, true
	}
	better := slices.IndexFunc(shown, func(e Entry) bool { return e.Packed <= st.Packed })
	above = st.Above - int64(better)
	first := slices.Index(st.Around, shown[0])
	return above, above == 0 || first > 0 && st.Around[first-1].Packed > shown[0].Packed
}

// rankAround ranks the neighbours when so many stand strictly above the first.
// Those better than the participant stand directly above, those worse directly
// below all who are equal, however many of these the window shows.
func rankAround(st Standing, above int64) []int64 {
	better := slices.IndexFunc(st.Around, func(e Entry) bool { return e.Packed <= st.Packed })
	r := ranker{above: above, place: max(st.Above-int64(better), 0)}
	ranks := make([]int64, len(st.Around))
	worse := false
	for i, e := range st.Around {
		if e.Packed < st.Packed && !worse {
			worse = true
			r.place = st.Of - st.Below
		}
		ranks[i] = r.next(e.Packed)
	}
	return ranks
}

// Found is where one of many people who were looked up stands.
type Found struct {
	Place int64
	Score int
	Used  time.Duration
}

// LookUp returns where many people stand on a board. Only an office of the part
// that is asked for may look others up; those who are not on the board are left
// out.
func (s *Service) LookUp(ctx context.Context, campaignID string, q Query, participants []string) (map[string]Found, error) {
	a, err := s.ask(campaignID, q)
	switch {
	case err != nil:
		return nil, err
	case a.sight.View != Everybody:
		return nil, ErrNotPublished
	case len(participants) > MaxLookUp:
		return nil, errMany
	}
	ranked, err := s.Store.Ranks(ctx, campaignID, a.scope, a.sight.View, participants)
	if err != nil {
		return nil, err
	}
	layout, err := s.Store.Layout(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Found, len(ranked))
	for id, r := range ranked {
		f := Found{Place: r.Above + 1}
		f.Score, f.Used, _ = layout.Unpack(r.Packed)
		out[id] = f
	}
	return out, nil
}
