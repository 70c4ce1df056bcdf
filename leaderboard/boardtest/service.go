package boardtest

import (
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func servicePromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"the pages of a board are the board, with its ranks": pages,
		"no more places are public than the campaign says":   publicPlaces,
		"boards of a part":                             partBoards,
		"a filter that means nothing is named":         wrongFilters,
		"no place is told where the campaign has none": notRanked,
		"one's own place is that on the board":         ownPlaces,
		"who does not belong has no place":             notBelonging,
		"one's own last act is included":               ownLastAct,
	}
}

// service answers from the bench's store and from a publisher's snapshots.
func (b *bench) service() (*leaderboard.Service, *leaderboard.Publisher) {
	p := &leaderboard.Publisher{
		Store: b.Store, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{b.c} },
		Now: func() time.Time { return b.now }, Published: func(*leaderboard.Snapshot) {},
		Failed: func(id string, err error) { b.Errorf("snapshot of %s: %v", id, err) },
	}
	return &leaderboard.Service{Catalog: b, Store: b.Store, Snapshots: p, Now: func() time.Time { return b.now }}, p
}

// Campaign makes the bench a campaign.Catalog.
func (b *bench) Campaign(id string) (*campaign.Campaign, error) {
	if id != b.c.ID {
		return nil, campaign.ErrNotFound
	}
	return b.c, nil
}

// ranked are the lines of a board with competition ranks: 1, 1, 3.
func (b *bench) ranked(whole board) []leaderboard.Item {
	b.Helper()
	ids := make([]string, len(whole))
	for i, e := range whole {
		ids[i] = e.Participant
	}
	people, err := b.People(b.Context(), b.c.ID, ids)
	b.wants("People", err, nil)
	out := make([]leaderboard.Item, len(whole))
	for i, e := range whole {
		score, used, _ := b.layout.Unpack(e.Packed)
		p := people[e.Participant]
		out[i] = leaderboard.Item{
			Rank: whole.above(e.Packed) + 1, Name: p.Name, Unit: p.Unit, Score: score, Used: used, Participant: e.Participant,
		}
	}
	return out
}

// read goes through the pages of a board.
func (b *bench) read(s *leaderboard.Service, q leaderboard.Query) []leaderboard.Item {
	b.Helper()
	var all []leaderboard.Item
	for {
		page, err := s.Board(b.Context(), b.c.ID, q)
		if err != nil {
			b.Fatal(err)
		}
		if n := int64(len(page.Items)); n > q.Limit || n == 0 && q.Offset > 0 {
			b.Errorf("a page of %d from %d has %d lines", q.Limit, q.Offset, n)
		}
		all = append(all, page.Items...)
		if page.Next == 0 {
			return all
		}
		if page.Next <= q.Offset {
			b.Fatalf("the page from %d goes on at %d", q.Offset, page.Next)
		}
		q.Offset = page.Next
	}
}

func pages(b *bench) {
	whole := b.ranked(b.boardOf(b.crowd(60)...))
	b.fold()
	s, p := b.service()
	for _, published := range []bool{false, true} { // from the store, and from the snapshot where it reaches
		if published {
			p.Refresh(b.Context())
		}
		for _, limit := range []int64{1, 7, 50} {
			b.same(fmt.Sprintf("pages of %d, published %t", limit, published), whole, b.read(s, leaderboard.Query{Limit: limit}))
		}
		b.now = b.now.Add(2 * time.Second)
	}
	page, err := s.Board(b.Context(), b.c.ID, leaderboard.Query{Limit: 1000})
	b.wants("Board", err, nil)
	b.same("lines of the largest page", leaderboard.MaxPage, len(page.Items))
	b.same("total", int64(len(whole)), page.Total)
}

func publicPlaces(b *bench) {
	whole := b.ranked(b.boardOf(b.crowd(60)...))
	b.fold()
	b.c.TopN = 10
	s, p := b.service()
	p.Refresh(b.Context())
	for _, limit := range []int64{1, 3, 10, 50} {
		b.same(fmt.Sprintf("pages of %d", limit), whole[:10], b.read(s, leaderboard.Query{Limit: limit}))
	}
	for _, q := range []leaderboard.Query{{Offset: 10, Limit: 5}, {Offset: 1 << 31, Limit: 5}, {Offset: 5}} {
		page, err := s.Board(b.Context(), b.c.ID, q)
		b.wants("Board", err, nil)
		if len(page.Items) != 0 || page.Next != 0 {
			b.Errorf("%d from %d: %d lines, next %d", q.Limit, q.Offset, len(page.Items), page.Next)
		}
	}
	snap, err := p.Snapshot(b.c.ID)
	b.wants("Snapshot", err, nil)
	b.same("lines of the published top", 10, len(snap.Boards[""].Items))
}

func partBoards(b *bench) {
	all := b.crowd(60)
	b.fold()
	s, p := b.service()
	p.Refresh(b.Context())
	for name, tc := range map[string]struct {
		query leaderboard.Query
		in    func(leaderboard.Person, Attempt) bool
	}{
		"a unit":     {leaderboard.Query{Scope: "u1"}, func(p leaderboard.Person, _ Attempt) bool { return p.Unit == "u1" }},
		"a district": {leaderboard.Query{Scope: "d2"}, func(p leaderboard.Person, _ Attempt) bool { return p.Unit == "u3" || p.Unit == "u4" }},
		"the city": {
			leaderboard.Query{Scope: "city"},
			func(p leaderboard.Person, _ Attempt) bool { return p.Unit != campaign.Unassigned },
		},
		"a group":          {leaderboard.Query{Group: "pupils"}, func(p leaderboard.Person, _ Attempt) bool { return p.Group == "pupils" }},
		"a day":            {leaderboard.Query{Period: "2026-06-11"}, func(_ leaderboard.Person, a Attempt) bool { return b.c.Day(a.At) == "2026-06-11" }},
		"a day of nothing": {leaderboard.Query{Period: "2026-06-25"}, func(leaderboard.Person, Attempt) bool { return false }},
	} {
		var of []Attempt
		for _, a := range all {
			people, err := b.People(b.Context(), b.c.ID, []string{a.Participant})
			b.wants("People", err, nil)
			if tc.in(people[a.Participant], a) {
				of = append(of, a)
			}
		}
		tc.query.Limit = 9
		b.same(name, b.ranked(b.boardOf(of...)), b.read(s, tc.query))
	}
}

func wrongFilters(b *bench) {
	b.enrol("u1", "p")
	b.submit("p", 50)
	s, _ := b.service()
	for field, queries := range map[string][]leaderboard.Query{
		"scope": {
			{Scope: "u1", Group: "public"},
			{Scope: "u1", Period: "2026-06-10"},
			{Group: "public", Period: "2026-06-10"},
			{Scope: "nowhere"},
			{Scope: campaign.Unassigned},
			{Scope: "u:u1"},
		},
		"group":  {{Group: "aliens"}},
		"period": {{Period: "today"}, {Period: "2026-6-1"}, {Period: "2026-02-30"}},
		"cursor": {{Offset: -1}, {Offset: -1 << 62}},
	} {
		for _, q := range queries {
			q.Limit = 10
			_, errBoard := s.Board(b.Context(), b.c.ID, q)
			b.invalid(fmt.Sprintf("Board of %+v", q), errBoard, field)
			if field != "cursor" {
				_, errMine := s.Mine(b.Context(), b.c.ID, "p", q, 5)
				b.invalid(fmt.Sprintf("Mine of %+v", q), errMine, field)
			}
		}
	}
	for _, window := range []int64{-1, leaderboard.MaxPage + 1} {
		_, err := s.Mine(b.Context(), b.c.ID, "p", leaderboard.Query{}, window)
		b.invalid(fmt.Sprintf("%d neighbours", window), err, "window")
	}
	_, err := s.Board(b.Context(), "other", leaderboard.Query{Limit: 10})
	b.wants("an unknown campaign", err, campaign.ErrNotFound)
}

// invalid shows that a question is refused for one field.
func (b *bench) invalid(what string, err error, field string) {
	b.Helper()
	f := fault.From(err)
	if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Name != field {
		b.Errorf("%s: %v, want a fault of %s", what, err, field)
	}
}

func notRanked(b *bench) {
	b.enrol("u1", "p")
	b.submit("p", 50)
	s, p := b.service()
	for _, mode := range []campaign.RankingMode{campaign.RankNone, campaign.ProgressOnly, ""} {
		b.c.Ranking = mode
		_, errBoard := s.Board(b.Context(), b.c.ID, leaderboard.Query{Limit: 10})
		_, errMine := s.Mine(b.Context(), b.c.ID, "p", leaderboard.Query{}, 5)
		b.wants("Board", errBoard, leaderboard.ErrNotRanked)
		b.wants("Mine", errMine, leaderboard.ErrNotRanked)
		p.Refresh(b.Context())
		snap, err := p.Snapshot(b.c.ID)
		b.wants("Snapshot", err, nil)
		b.same("published boards", 0, len(snap.Boards))
	}
}

func ownPlaces(b *bench) {
	all := b.crowd(60)
	b.fold()
	whole := b.boardOf(all...)
	items := b.ranked(whole)
	s, _ := b.service()
	for i, want := range items {
		for _, window := range []int64{0, 1, 5, 50} {
			m, err := s.Mine(b.Context(), b.c.ID, want.Participant, leaderboard.Query{}, window)
			b.wants("Mine", err, nil)
			n := int64(len(whole))
			b.same("one's own place", leaderboard.Mine{
				Rank:  &leaderboard.Rank{Place: want.Rank, Of: n, BeatPercent: 100 * whole.below(whole[i].Packed) / n},
				Score: want.Score, Used: want.Used, Passed: want.Score >= 60, Around: m.Around,
			}, m)
			b.checkLines(items, m.Around, want, min(window, n))
		}
	}
}

// checkLines: the lines are those of the board, with its ranks, around one's own.
func (b *bench) checkLines(items, lines []leaderboard.Item, own leaderboard.Item, n int64) {
	b.Helper()
	if int64(len(lines)) != n {
		b.Errorf("%d lines around %s, want %d", len(lines), own.Participant, n)
	}
	ranks := map[string]leaderboard.Item{}
	for _, i := range items {
		ranks[i.Participant] = i
	}
	found := n == 0
	for i, line := range lines {
		b.same("line", ranks[line.Participant], line)
		found = found || line.Participant == own.Participant
		if i > 0 && line.Rank < lines[i-1].Rank {
			b.Errorf("line %d has rank %d after %d", i, line.Rank, lines[i-1].Rank)
		}
	}
	if !found {
		b.Errorf("%s is not among their own neighbours", own.Participant)
	}
}

func notBelonging(b *bench) {
	b.Enrol(b.TB, "p", "u1", "public")
	b.Enrol(b.TB, "q", "u3", "pupils")
	b.enrol("u1", "idle")
	b.submit("p", 50)
	b.submit("q", 60)
	b.fold()
	s, _ := b.service()
	for _, tc := range []struct {
		participant string
		query       leaderboard.Query
		want        error
	}{
		{"p", leaderboard.Query{Scope: "u1"}, nil},
		{"p", leaderboard.Query{Scope: "d1"}, nil},
		{"p", leaderboard.Query{Scope: "city"}, nil},
		{"p", leaderboard.Query{Group: "public"}, nil},
		{"p", leaderboard.Query{Period: "2026-06-10"}, nil},
		{"p", leaderboard.Query{Scope: "u2"}, leaderboard.ErrNoPlace},
		{"p", leaderboard.Query{Scope: "d2"}, leaderboard.ErrNoPlace},
		{"p", leaderboard.Query{Group: "pupils"}, leaderboard.ErrNoPlace},
		{"p", leaderboard.Query{Period: "2026-06-09"}, leaderboard.ErrNoPlace},
		{"q", leaderboard.Query{Scope: "d1"}, leaderboard.ErrNoPlace},
		{"idle", leaderboard.Query{}, leaderboard.ErrNoPlace},
		{"idle", leaderboard.Query{Scope: "u1"}, leaderboard.ErrNoPlace},
		{"nobody", leaderboard.Query{}, leaderboard.ErrNoPlace},
		{"nobody", leaderboard.Query{Scope: "u1"}, leaderboard.ErrNoPlace},
	} {
		_, err := s.Mine(b.Context(), b.c.ID, tc.participant, tc.query, 5)
		b.wants(fmt.Sprintf("Mine of %s by %+v", tc.participant, tc.query), err, tc.want)
	}
}

// ownLastAct: nothing was folded, nothing published, and a minute has not passed.
func ownLastAct(b *bench) {
	b.enrol("u1", "p", "q")
	s, _ := b.service()
	for i, score := range []int{10, 50, 90} {
		b.submit("p", score)
		for _, q := range []leaderboard.Query{{}, {Scope: "u1"}, {Group: "public"}, {Period: "2026-06-10"}} {
			m, err := s.Mine(b.Context(), b.c.ID, "p", q, 5)
			if err != nil || m.Rank == nil || m.Rank.Place != 1 || m.Rank.Of != 1 || m.Score != score || len(m.Around) != 1 {
				b.Errorf("attempt %d by %+v: %+v, %v", i, q, m, err)
			}
		}
	}
}
