package boardtest

import (
	"errors"
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
		"a board that was published whole is not read":       wholeBoards,
		"boards of a part":                            partBoards,
		"a filter that means nothing is named":        wrongFilters,
		"every ranking mode shows what it may":        modes,
		"one's own score goes on while boards do not": ownWhileFrozen,
		"hidden people are told their score":          hiddenOwn,
		"one's own place is that on the board":        ownPlaces,
		"who does not belong has no place":            notBelonging,
		"one's own last act is included":              ownLastAct,
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

// wholeBoards: everybody is in the snapshot, so that a page longer than the board comes
// from there as well, and is as old.
func wholeBoards(b *bench) {
	people := names(4)
	b.enrol("u1", people...)
	for _, p := range people[:3] {
		b.submit(p, 50)
	}
	b.fold()
	s, p := b.service()
	p.Refresh(b.Context())
	b.submit(people[3], 80)
	b.fold()
	for scope, want := range map[string]int{"": 3, "city": 3, "d1": 4} { // of which the last is not published
		for _, q := range []leaderboard.Query{{Scope: scope, Limit: 50}, {Scope: scope, Offset: 1, Limit: 50}, {Scope: scope, Offset: 9, Limit: 50}} {
			page, err := s.Board(b.Context(), b.c.ID, q)
			b.wants("Board", err, nil)
			b.same(fmt.Sprintf("lines of %q from %d", scope, q.Offset), max(want-int(q.Offset), 0), len(page.Items))
			b.same(fmt.Sprintf("total of %q", scope), int64(want), page.Total)
		}
	}
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
			{Scope: "nowhere"},
			{Scope: campaign.Unassigned},
			{Scope: "u:u1"},
		},
		"group": {{Group: "aliens"}},
		"period": {
			{Period: "today"},
			{Period: "2026-6-1"},
			{Period: "2026-02-30"},
			{Period: "2026-05-31"},
			{Period: "2026-06-28"},
			{Period: "2025-06-10"}, // not of the campaign
			{Period: "finals"},
			{Scope: "u1", Period: "2026-06-10"},
			{Group: "public", Period: "2026-06-10"}, // not kept here
		},
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

// modes goes through the ranking modes: what the public reads of the order, what
// participants are told of themselves, and what an office reads.
func modes(b *bench) {
	b.enrol("u1", names(10)...)
	b.Enrol(b.TB, "elsewhere", "u3", "public")
	b.submit("elsewhere", 5)
	for i, p := range names(10) {
		b.submit(p, 10*(i+1))
	}
	b.fold()
	s, p := b.service()
	office := leaderboard.Viewer{Office: true, Campaign: b.c.ID, Scope: "d1"}
	for mode, want := range map[campaign.RankingMode]struct {
		list, own, place bool
		tiers            string
		average          bool
		participation    bool
	}{
		campaign.TopN:         {list: true, own: true, place: true, average: true, participation: true},
		campaign.Tiers:        {own: true, tiers: "gold", average: true, participation: true},
		campaign.ProgressOnly: {own: true, participation: true},
		campaign.RankNone:     {},
		"":                    {},
	} {
		b.c.Ranking, b.c.Tiers = mode, campaign.PresetTiers()
		b.now = b.now.Add(2 * time.Second) // answers are remembered for a second
		what := "mode " + string(mode)
		published := b.snapshot(p)
		b.same(what+": boards are published", want.list, len(published.Boards) > 0)
		_, err := s.Board(b.Context(), b.c.ID, leaderboard.Query{Limit: 10})
		b.allowed(what+": the board", err, want.list)
		_, err = s.ScoreRank(b.c.ID, 50, leaderboard.Viewer{})
		b.allowed(what+": a score's place", err, want.list)
		_, err = s.TopPercent(b.Context(), b.c.ID, leaderboard.Query{}, 10)
		b.allowed(what+": the top per cent", err, want.list)
		m, err := s.Mine(b.Context(), b.c.ID, "p009", leaderboard.Query{}, 5)
		b.allowed(what+": one's own", err, want.own)
		if want.own {
			b.same(what+": own score", leaderboard.Mine{
				Score: 100, Used: time.Minute, Passed: true, Rank: m.Rank, Tier: want.tiers, Around: m.Around,
			}, m)
			b.same(what+": place", want.place, m.Rank != nil)
			b.same(what+": neighbours", want.place, len(m.Around) > 0)
		}
		for _, metric := range leaderboard.UnitMetrics() {
			may := want.average
			if metric == leaderboard.ByParticipation || metric == leaderboard.BySignatures {
				may = want.participation
			}
			for _, viewer := range []leaderboard.Viewer{{}, office} {
				_, err = s.Units(b.c.ID, leaderboard.UnitQuery{Metric: metric, Kind: campaign.Unit, Parent: "d1", Viewer: viewer})
				b.allowed(what+": units by "+string(metric), err, may)
			}
		}
		b.checkOffice(s, what, office, want.list)
	}
}

// allowed compares whether something was answered or kept back.
func (b *bench) allowed(what string, err error, may bool) {
	b.Helper()
	if may && err != nil || !may && !errors.Is(err, leaderboard.ErrNotRanked) {
		b.Errorf("%s: %v, want it allowed: %t", what, err, may)
	}
}

// checkOffice: an office reads the boards of its own part in every mode, hidden
// people and masked names included, and elsewhere what the public does.
func (b *bench) checkOffice(s *leaderboard.Service, what string, office leaderboard.Viewer, public bool) {
	b.Helper()
	own, err := s.Board(b.Context(), b.c.ID, leaderboard.Query{Scope: "d1", Limit: 50, Viewer: office})
	b.wants(what+": an office's own part", err, nil)
	b.same(what+": lines of it", 10, len(own.Items))
	people, err := b.People(b.Context(), b.c.ID, []string{"p009"})
	b.wants("People", err, nil)
	b.same(what+": names as they may be shown", people["p009"].Name, own.Items[0].Name)
	found, err := s.LookUp(b.Context(), b.c.ID, leaderboard.Query{Scope: "u1", Viewer: office}, []string{"p009", "p008", "elsewhere", "nobody"})
	b.wants(what+": look-up", err, nil)
	b.same(what+": found", map[string]leaderboard.Found{
		"p009": {Place: 1, Score: 100, Used: time.Minute}, "p008": {Place: 2, Score: 90, Used: time.Minute},
	}, found)
	for _, q := range []leaderboard.Query{{}, {Scope: "d2"}, {Scope: "city"}, {Group: "public"}} {
		q.Viewer, q.Limit = office, 10
		_, err := s.Board(b.Context(), b.c.ID, q)
		b.allowed(what+": another part", err, public)
		_, err = s.LookUp(b.Context(), b.c.ID, q, []string{"p009"})
		b.wants(what+": look-up elsewhere", err, leaderboard.ErrNotPublished)
	}
	_, err = s.LookUp(b.Context(), b.c.ID, leaderboard.Query{Scope: "u1", Viewer: office}, names(leaderboard.MaxLookUp+1))
	b.invalid(what+": too many", err, "participants")
}

// ownWhileFrozen: while the boards stand still one's own score goes on, one's place
// and tier are told to nobody, and the lists are those of before; an office reads on.
func ownWhileFrozen(b *bench) {
	l := b.livesOf(4, func(c *campaign.Campaign) { freezes(c); c.Combined = true })
	for i, p := range names(4) {
		l.submits(p, 20*(i+1), time.Minute)
	}
	l.turn(time.Minute)
	l.submits("p000", 100, time.Minute)
	l.fold()
	s, p := l.service()
	office := leaderboard.Viewer{Office: true, Campaign: l.c.ID}
	for _, mode := range []campaign.RankingMode{campaign.TopN, campaign.Tiers} {
		l.c.Ranking, l.c.Tiers = mode, campaign.PresetTiers()
		l.snapshot(p)
		for _, q := range []leaderboard.Query{{}, {Scope: "u1"}, {Period: "2026-06-10"}, {Scope: "u1", Period: "2026-06-10"}} {
			m, err := s.Mine(l.Context(), l.c.ID, "p000", q, 5)
			l.wants("Mine", err, nil)
			l.same(fmt.Sprintf("own of %+v while frozen", q), leaderboard.Mine{
				Score: 100, Used: time.Minute, Passed: true, Frozen: &l.c.Freeze,
			}, m)
		}
	}
	l.c.Ranking = campaign.TopN
	first := func(v leaderboard.Viewer) leaderboard.Board {
		l.turn(2 * time.Second)
		l.snapshot(p)
		board, err := s.Board(l.Context(), l.c.ID, leaderboard.Query{Limit: 10, Viewer: v})
		l.wants("Board", err, nil)
		return board
	}
	public, all := first(leaderboard.Viewer{}), first(office)
	l.same("the public's first", "p003", public.Items[0].Participant)
	l.same("and since when", &l.c.Freeze, public.Frozen)
	l.same("the office's first", "p000", all.Items[0].Participant)
	if all.Frozen != nil {
		l.Error("an office's board says that it stands still")
	}
	rank, err := s.ScoreRank(l.c.ID, 80, leaderboard.Viewer{})
	l.wants("ScoreRank", err, nil)
	l.same("the place of 80 points, of what stands still", int64(1), rank)
	l.turn(time.Hour)
	l.same("the public's first afterwards", "p000", first(leaderboard.Viewer{}).Items[0].Participant)
	m, err := s.Mine(l.Context(), l.c.ID, "p000", leaderboard.Query{}, 1)
	l.wants("Mine", err, nil)
	l.same("one's place afterwards", &leaderboard.Rank{Place: 1, Of: 4, BeatPercent: 75, ByScore: 1}, m.Rank)
}

// hiddenOwn: hidden people are told their score and no place.
func hiddenOwn(b *bench) {
	l := b.livesOf(3, func(*campaign.Campaign) {})
	for i, p := range names(3) {
		l.submits(p, 40*i, time.Minute)
	}
	l.hides("p002", true)
	l.fold()
	s, p := l.service()
	l.snapshot(p)
	m, err := s.Mine(l.Context(), l.c.ID, "p002", leaderboard.Query{}, 5)
	l.wants("Mine", err, nil)
	l.same("a hidden person's own", leaderboard.Mine{Score: 80, Used: time.Minute, Passed: true, Hidden: true}, m)
	board, err := s.Board(l.Context(), l.c.ID, leaderboard.Query{Limit: 10})
	l.wants("Board", err, nil)
	l.same("lines", 2, len(board.Items))
	l.same("the gap is closed", int64(1), board.Items[0].Rank)
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
