package casetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// Bench is an empty campaign on a real store, and what a case needs around it.
type Bench struct {
	Store leaderboard.Store
	Facts leaderboard.Facts
	Enrol func(t testing.TB, participant, unit string)
	// Submit hands the next attempt in, of so many as are allowed (0: any number),
	// and tells whether it was let begin.
	Submit func(t testing.TB, participant string, a Attempt, allowed int) bool
	// Correct lets an attempt count no more, or again.
	Correct func(t testing.TB, participant string, number int, counts bool)
	// Clock turns the clock of the store.
	Clock func(now time.Time)
	// Shard tells on which shard a participant is.
	Shard func(participant string) int
}

// Attempt is one submission.
type Attempt struct {
	Score int
	Used  time.Duration
	At    time.Time
}

// Open opens a campaign in an empty store with the shards it says. It may change
// the campaign's id, and releases everything through t.Cleanup.
type Open func(t testing.TB, c *campaign.Campaign) Bench

// played is a board of a case on a real store, read through the service.
type played struct {
	testing.TB
	Bench
	rule    *Rule
	c       *campaign.Campaign
	mapping *mapping
	names   map[string]string // of members, by participant
	ids     map[string]string
	taken   map[string][]attempt // as the case says them
	service *leaderboard.Service
	now     time.Time
	latest  Moment // of the acts so far
}

// play lets a script happen on a store.
func play(t testing.TB, open Open, shards int, s *script) (*played, error) {
	t.Helper()
	m, err := newMapping(s)
	if err != nil {
		return nil, err
	}
	p := &played{TB: t, rule: s.rule, mapping: m, taken: map[string][]attempt{}, c: campaignOf(t, s.rule, shards)}
	if f := s.rule.Freeze; f != nil {
		p.c.Freeze.At = m.when(*f)
		if u := s.rule.Unfreeze; u != nil {
			p.c.Freeze.Until = m.when(*u)
		}
	}
	p.Bench = open(t, p.c)
	p.name(s, shards)
	for _, id := range slices.Sorted(maps.Keys(p.names)) {
		p.Enrol(t, id, "u")
	}
	for _, a := range s.acts {
		if err := p.act(a); err != nil {
			return nil, err
		}
	}
	return p, p.fold()
}

// campaignOf is a campaign of one unit with the rules of a case.
func campaignOf(t testing.TB, r *Rule, shards int) *campaign.Campaign {
	t.Helper()
	tree, err := campaign.NewTree([]campaign.Node{{ID: "u", Kind: campaign.Unit, Name: campaign.Text{campaign.DefaultLanguage: "u"}}})
	if err != nil {
		t.Fatal(err)
	}
	c := &campaign.Campaign{
		ID: "cases", Zone: time.UTC, Shards: shards, Tree: tree, OpensAt: opened(), ClosesAt: opened().AddDate(0, 0, 190),
		Ranking: campaign.RankingMode(cmp.Or(r.Mode, "top_n")), TopN: cmp.Or(r.TopN, everybody),
		Policy: campaign.PolicyBest, Groups: []campaign.Group{{ID: "public"}}, PublicBreakdown: campaign.BreakdownUnits,
	}
	if r.Encoding != nil && !r.sums() {
		if l, err := r.Encoding.layout(); err == nil {
			c.ClosesAt = opened().Add(l.Span() - time.Second)
		}
	}
	if r.sums() {
		c.Policy = campaign.Policy(r.Policy)
	}
	for _, tier := range r.tiers() {
		c.Tiers = append(c.Tiers, campaign.Tier{ID: tier.ID, Share: tier.Share})
	}
	return c
}

// name gives the members ids of which those later in the list come first: equals
// are listed by their ids from the last, and cases list them by name from the
// first. Where a case says on which shard a member is, the id is one of that shard.
func (p *played) name(s *script, shards int) {
	on := map[string]*int{}
	for _, a := range s.acts {
		if on[a.member] == nil {
			on[a.member] = a.shard
		}
	}
	p.ids, p.names = map[string]string{}, map[string]string{}
	order := slices.Sorted(maps.Keys(s.truth.members))
	if !slices.Contains(p.rule.Tie, "member_desc") {
		slices.Reverse(order)
	}
	for i, m := range order {
		id := fmt.Sprintf("m%06d", i)
		if shard := on[m]; shard != nil && p.rule.ShardOf == "explicit" {
			for n := 0; p.Shard(id) != *shard%shards; n++ {
				id = fmt.Sprintf("m%06d-%d", i, n)
			}
		}
		p.ids[m], p.names[id] = id, m
	}
}

// clock turns the store's clock on to the moment of an act; it never goes back.
func (p *played) clock(a act) {
	p.latest = max(p.latest, a.at)
	p.Clock(p.mapping.when(p.latest))
}

// act takes one step. Under last, what was submitted before is taken back first.
func (p *played) act(a act) error {
	id := p.ids[a.member]
	p.clock(a)
	switch a.kind {
	case submits:
		if !a.accepted && p.rule.Attempts == 0 {
			return p.refused(a)
		}
		return p.submit(id, a)
	case hides, shows:
		return p.Store.Hide(p.Context(), p.c.ID, id, a.kind == hides)
	case voids, restores:
		taken := p.taken[a.member]
		taken[a.number-1].void = a.kind == voids
		p.Correct(p.TB, id, a.number, a.kind == restores)
		if p.rule.last() {
			return p.onlyLast(id, taken)
		}
	}
	return nil
}

// refused shows that the layout refuses what the case says is refused.
func (p *played) refused(a act) error {
	if _, err := p.rule.Encoding.pack(a.score, a.used, a.at, true); !errors.Is(err, leaderboard.ErrOutOfRange) {
		return fmt.Errorf("%d points of %s are refused by the rule and by the layout not: %w", a.score, a.member, err)
	}
	return nil
}

func (p *played) submit(id string, a act) error {
	at := p.mapping.place(place{a.score, a.used, a.at})
	accepted := p.Submit(p.TB, id, Attempt{
		Score: int(at.score), Used: time.Duration(at.used) * time.Millisecond,
		At: opened().Add(time.Duration(at.at) * time.Millisecond),
	}, p.rule.Attempts)
	if accepted != a.accepted {
		return fmt.Errorf("an attempt of %s was accepted: %t, the rule says %t", a.member, accepted, a.accepted)
	}
	if !accepted {
		return nil
	}
	p.taken[a.member] = append(p.taken[a.member], attempt{score: a.score, used: a.used, at: a.at})
	if p.rule.last() {
		return p.onlyLast(id, p.taken[a.member])
	}
	return nil
}

// onlyLast lets the last attempt count that does, and no other: boards keep the
// best one, so what was before it is taken back.
func (p *played) onlyLast(id string, taken []attempt) error {
	last := -1
	for i, a := range taken {
		if !a.void {
			last = i
		}
	}
	for i := range taken {
		if taken[i].void {
			continue
		}
		p.Correct(p.TB, id, i+1, i == last)
	}
	return nil
}

// fold folds everything and publishes it.
func (p *played) fold() error {
	f := leaderboard.Folder{
		Store: p.Store, Facts: p.Facts, Now: func() time.Time { return p.now }, Folded: func(int, time.Duration) {},
		Campaign: func() (*campaign.Campaign, error) { return p.c, nil },
	}
	for shard := range p.c.Shards {
		for {
			n, err := f.Step(p.Context(), shard)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// look turns the clock, so that the service answers as of then.
func (p *played) look(s sight) (leaderboard.Query, error) {
	q := leaderboard.Query{Viewer: leaderboard.Viewer{Office: s.admin, Campaign: p.c.ID}}
	now := p.mapping.when(s.now)
	if p.service != nil && now.Equal(p.now) {
		return q, nil
	}
	p.now = now
	p.Clock(now)
	var failed error
	pub := &leaderboard.Publisher{
		Store: p.Store, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{p.c} },
		Now: func() time.Time { return p.now }, Published: func(*leaderboard.Snapshot) {},
		Failed: func(_ string, err error) { failed = err },
	}
	pub.Refresh(p.Context())
	p.service = &leaderboard.Service{Catalog: p, Store: p.Store, Snapshots: pub, Now: func() time.Time { return p.now }}
	return q, failed
}

// Campaign makes played a campaign.Catalog.
func (p *played) Campaign(string) (*campaign.Campaign, error) { return p.c, nil }

// thaw lets the boards move again, in steps of one.
func (p *played) thaw() error {
	p.service = nil // which remembers
	for shard := range p.c.Shards {
		for left := true; left; {
			var err error
			if left, err = p.Store.Thaw(p.Context(), p.c.ID, shard, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// Page implements board.
func (p *played) Page(s sight, offset, limit int64) ([]line, int64, error) {
	q, err := p.look(s)
	if err != nil {
		return nil, 0, err
	}
	var out []line
	var total int64
	for q.Offset = offset; int64(len(out)) < limit; {
		q.Limit = limit - int64(len(out))
		b, err := p.service.Board(p.Context(), p.c.ID, q)
		if err != nil {
			return nil, 0, shown(err)
		}
		total = max(total, b.Total)
		out = append(out, p.lines(b.Items)...)
		if b.Next == 0 {
			break
		}
		q.Offset = b.Next
	}
	return out, total, nil
}

// shown translates what the rules keep back.
func shown(err error) error {
	if errors.Is(err, leaderboard.ErrNotRanked) {
		return errNotShown
	}
	return err
}

func (p *played) lines(items []leaderboard.Item) []line {
	var out []line
	for _, i := range items {
		out = append(out, line{p.names[i.Participant], place{score: p.mapping.score.back(int64(i.Score))}, i.Rank})
	}
	return out
}

// Ranks implements board.
func (p *played) Ranks(s sight, members []string) (map[string]int64, error) {
	q, err := p.look(s)
	if err != nil {
		return nil, err
	}
	ids := []string{"nobody"}
	for _, m := range members {
		if id, ok := p.ids[m]; ok {
			ids = append(ids, id)
		}
	}
	view := leaderboard.Look(p.c, p.now, q.Viewer, "").View
	found, err := p.Store.Ranks(p.Context(), p.c.ID, "", view, ids)
	out := map[string]int64{}
	for id, r := range found {
		out[p.names[id]] = r.Above + 1
	}
	return out, err
}

// Own implements board.
func (p *played) Own(s sight, member string, window int64) (own, bool, error) {
	if _, err := p.look(s); err != nil {
		return own{}, false, err
	}
	m, err := p.service.Mine(p.Context(), p.c.ID, p.ids[member], leaderboard.Query{}, window)
	switch {
	case errors.Is(err, leaderboard.ErrNoPlace):
		return own{}, false, nil
	case err != nil:
		return own{}, false, shown(err)
	}
	o := own{Score: p.mapping.score.back(int64(m.Score)), Shown: m.Rank != nil, Tier: m.Tier, Around: p.lines(m.Around)}
	if m.Rank != nil {
		o.Beat = m.Rank.BeatPercent
	}
	return o, true, nil
}

// Record implements board.
func (p *played) Record(member string) (place, bool, error) {
	st, ok, err := p.Store.Standing(p.Context(), p.c.ID, "", leaderboard.Everybody, p.ids[member], 0)
	if err != nil || !ok {
		return place{}, false, err
	}
	l, err := p.Store.Layout(p.Context(), p.c.ID)
	if err != nil {
		return place{}, false, err
	}
	score, used, at := l.Unpack(st.Packed)
	there := place{int64(score), used.Milliseconds(), Moment(at.Sub(opened()).Milliseconds())}
	if p.rule.sums() {
		return place{score: there.score, at: Moment(p.mapping.second.back(int64(there.at)))}, true, nil
	}
	for _, a := range p.taken[member] {
		if this := (place{a.score, a.used, a.at}); !a.void && p.mapping.place(this) == there {
			return this, true, nil
		}
	}
	return place{}, false, fmt.Errorf("%s stands with %+v, which they never submitted", member, there)
}

// ScoreRank implements board.
func (p *played) ScoreRank(s sight, score int64) (int64, error) {
	q, err := p.look(s)
	if err != nil {
		return 0, err
	}
	mapped, ok := p.mapping.score.find(score)
	if !ok {
		return 0, fmt.Errorf("nobody ever had %d points", score)
	}
	rank, err := p.service.ScoreRank(p.c.ID, int(mapped), q.Viewer)
	return rank, shown(err)
}
