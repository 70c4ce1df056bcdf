package httpapi

import (
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

const boards = "/api/v1/campaigns/spring/boards/"

func TestBoard(t *testing.T) {
	t.Parallel()
	shows := func(want leaderboard.Query) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.boards.board = func(c string, q leaderboard.Query) (leaderboard.Board, error) {
				if c != "spring" || q != want {
					t.Errorf("called for %s %+v, want %+v", c, q, want)
				}
				item := leaderboard.Item{Rank: 1, Name: "张*", Unit: "no1", Score: 10, Used: 42 * time.Second, Participant: "secret-id"}
				lost := leaderboard.Item{Rank: 2, Name: "李*", Unit: "closed-down", Score: 9, Used: time.Second}
				return leaderboard.Board{AsOf: noon(), Total: 70, Items: []leaderboard.Item{item, lost}, Next: 52}, nil
			}
		}
	}
	const body = `{"as_of":"2026-06-02T12:00:00.000+08:00","total":70,"items":[` +
		`{"rank":1,"name":"张*","unit":"no1","unit_name":"榆次一中","score":10,"used_ms":42000},` +
		`{"rank":2,"name":"李*","unit":"closed-down","unit_name":"","score":9,"used_ms":1000}],"next_cursor":"52"}`
	path := boards + "participants"
	run(t, map[string]scenario{
		"all":       {path: path, set: shows(leaderboard.Query{Limit: 50}), status: 200, want: body},
		"all, said": {path: path + "?period=all", set: shows(leaderboard.Query{Limit: 50}), status: 200, want: body},
		"a page":    {path: path + "?limit=2&cursor=50", set: shows(leaderboard.Query{Offset: 50, Limit: 2}), status: 200, want: body},
		"a region":  {path: path + "?scope=yuci", set: shows(leaderboard.Query{Scope: "yuci", Limit: 50}), status: 200, want: body},
		"a group":   {path: path + "?group=public", set: shows(leaderboard.Query{Group: "public", Limit: 50}), status: 200, want: body},
		"a day":     {path: path + "?period=2026-06-02", set: shows(leaderboard.Query{Period: "2026-06-02", Limit: 50}), status: 200, want: body},
		"not ranked": {
			path: path, status: 403, code: "board.not_ranked",
			set: func(_ *testing.T, b *bench) {
				b.boards.board = func(string, leaderboard.Query) (leaderboard.Board, error) {
					return leaderboard.Board{}, leaderboard.ErrNotRanked
				}
			},
		},
		"a page of nought": {path: path + "?limit=0", status: 400, code: "request.invalid"},
	})
}

// TestBoardWrittenOnce shows that a page is encoded once for a board, and anew
// for the next.
func TestBoardWrittenOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asOf, total := noon(), int64(1)
	b.boards.board = func(string, leaderboard.Query) (leaderboard.Board, error) {
		return leaderboard.Board{AsOf: asOf, Total: total}, nil
	}
	first := b.get(t, boards+"participants", "").body
	total = 2 // the same board cannot have changed: what is kept answers
	if got := b.get(t, boards+"participants", "").body; got != first {
		t.Errorf("written again: %s", got)
	}
	asOf = asOf.Add(time.Second)
	if got := b.get(t, boards+"participants", "").body; !strings.Contains(got, `"total":2`) {
		t.Errorf("not written anew: %s", got)
	}
	if got := b.get(t, boards+"participants?lang=bo", ""); got.status != 200 {
		t.Errorf("another language: %d", got.status)
	}
}

func TestPagesAreBounded(t *testing.T) {
	t.Parallel()
	p := newPages()
	for i := range maxPages + 10 {
		key := pageKey{page: page{offset: int64(i)}}
		if _, err := p.get(key, noon(), func() (*encoded, error) { return &encoded{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.all) > maxPages {
		t.Errorf("%d pages kept, at most %d", len(p.all), maxPages)
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	shows := func(q leaderboard.Query, window int64) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.boards.mine = func(c, p string, got leaderboard.Query, w int64) (leaderboard.Mine, error) {
				if c != "spring" || p != "ann" || got != q || w != window {
					t.Errorf("called for %s %s %+v %d", c, p, got, w)
				}
				return leaderboard.Mine{Rank: &leaderboard.Rank{Place: 2, Of: 3, BeatPercent: 33, ByScore: 1}, Passed: true, Score: 9, Used: time.Second, Around: []leaderboard.Item{
					{Rank: 1, Name: "张*", Unit: "no1", Score: 10, Used: time.Second, Participant: "bob"},
					{Rank: 2, Name: "李*", Unit: campaign.Unassigned, Score: 9, Used: time.Second, Participant: "ann"},
				}}, nil
			}
		}
	}
	const body = `{"rank":2,"score_rank":1,"of":3,"beat_percent":33,"tier":null,"score":9,"used_ms":1000,"passed":true,"around":[` +
		`{"rank":1,"name":"张*","unit":"no1","unit_name":"榆次一中","score":10,"used_ms":1000,"path":["榆次区"],"me":false},` +
		`{"rank":2,"name":"李*","unit":"unassigned","unit_name":"未分配","score":9,"used_ms":1000,"path":[],"me":true}]}`
	path := boards + "participants/me"
	run(t, map[string]scenario{
		"place":     {path: path, as: "p:ann", set: shows(leaderboard.Query{}, 5), status: 200, want: body},
		"by region": {path: path + "?scope=yuci&window=3", as: "p:ann", set: shows(leaderboard.Query{Scope: "yuci"}, 3), status: 200, want: body},
		"too many":  {path: path + "?window=51", as: "p:ann", status: 400, code: "request.invalid"},
		"no score yet": {
			path: path, as: "p:ann", status: 404, code: "request.not_found",
			set: func(_ *testing.T, b *bench) {
				b.boards.mine = func(string, string, leaderboard.Query, int64) (leaderboard.Mine, error) {
					return leaderboard.Mine{}, leaderboard.ErrNoPlace
				}
			},
		},
		"whose?": {path: path, status: 401, code: "auth.missing"},
	})
}

func TestUnitBoards(t *testing.T) {
	t.Parallel()
	depth := func(d campaign.Breakdown) func(*testing.T, *bench) {
		return func(_ *testing.T, b *bench) { b.catalog.campaigns[0].PublicBreakdown = d }
	}
	mode := func(m campaign.RankingMode) func(*testing.T, *bench) {
		return func(_ *testing.T, b *bench) { b.catalog.campaigns[0].Ranking = m }
	}
	const (
		no1 = `"id":"no1","name":"榆次一中","kind":"unit","enrolled":41,"participants":40,"attempts":80,"signatures":20,` +
			`"passed":13,"full":4,"average":8,"roster":100,"participation_rate":0.4,"over_roster":false}`
		no2 = `"id":"no2","name":"榆次二中","kind":"unit","enrolled":12,"participants":11,"attempts":22,"signatures":5,` +
			`"passed":3,"full":1,"average":9,"roster":40,"participation_rate":0.275,"over_roster":false}`
		tg1 = `"id":"tg1","name":"太谷中学","kind":"unit","enrolled":4,"participants":3,"attempts":6,"signatures":1,` +
			`"passed":null,"full":null,"average":null,"roster":null,"participation_rate":null,"over_roster":false}`
		head = `{"as_of":"2026-06-02T12:00:00.000+08:00","metric":"`
	)
	run(t, map[string]scenario{
		// 40 of 100 and 11 of 40; Taigu has no roster.
		"participation": {
			path: boards + "units", status: 200,
			want: head + `participation","total":2,"items":[{"rank":1,"value":0.4,"path":["榆次区"],` + no1 + `,{"rank":2,"value":0.275,"path":["榆次区"],` + no2 +
				`],"unranked":[{` + tg1 + `],"next_cursor":null}`,
		},
		// No. 2 has the better average and 11 persons, one under 30 % of 40.
		"average": {
			path: boards + "units?metric=average", status: 200,
			want: head + `average","total":1,"items":[{"rank":1,"value":8,"path":["榆次区"],` + no1 +
				`],"unranked":[{` + no2 + `,{` + tg1 + `],"next_cursor":null}`,
		},
		"signatures, second page": {
			path: boards + "units?metric=signatures&limit=1&cursor=1", status: 200,
			want: head + `signatures","total":3,"items":[{"rank":2,"value":5,"path":["榆次区"],` + no2 + `],"unranked":[],"next_cursor":"2"}`,
		},
		"a page across": {
			path: boards + "units?metric=average&limit=2", status: 200,
			want: head + `average","total":1,"items":[{"rank":1,"value":8,"path":["榆次区"],` + no1 + `],"unranked":[{` + no2 + `],"next_cursor":"2"}`,
		},
		"behind the ranked": {
			path: boards + "units?metric=average&limit=2&cursor=2", status: 200,
			want: head + `average","total":1,"items":[],"unranked":[{` + tg1 + `],"next_cursor":null}`,
		},
		"below a region": {path: boards + "units?parent=taigu&metric=signatures", status: 200, want: head + `signatures","total":1,"items":[{"rank":1,"value":1,"path":["太谷区"],` + tg1 + `],"unranked":[],"next_cursor":null}`},
		"regions":        {path: boards + "regions?metric=pass", status: 200, want: head + `pass","total":1,"items":[{"rank":1,"value":0.313725,"path":[],"id":"yuci"*`},
		// Every unit of Yuci takes part, 51 of 140 persons do; 16 of 51 passed, 5 had
		// everything right, the mean is 419 of 510: 35 + 12.75 + 3.14 + 0.98 + 8.22.
		"composite": {path: boards + "regions?metric=composite", status: 200, want: head + `composite","total":1,"items":[{"rank":1,"value":60.08,"path":[],"id":"yuci"*`},
		// 8 points a person for 40 of 100 and 9 for 11 of 40: 3.2 and 2.48 a head.
		"sum":            {path: boards + "units?metric=sum", status: 200, want: head + `sum","total":2,"items":[{"rank":1,"value":3.2,"path":["榆次区"],"id":"no1"*`},
		"full":           {path: boards + "units?metric=full", status: 200, want: head + `full","total":1,"items":[{"rank":1,"value":0.1,"path":["榆次区"],` + no1 + `],"unranked":[{` + no2 + `,{` + tg1 + `],"next_cursor":null}`},
		"unknown metric": {path: boards + "units?metric=points", status: 400, code: "request.invalid"},
		"unknown parent": {path: boards + "units?parent=nowhere", status: 400, code: "request.invalid"},
		"no ranking":     {path: boards + "units", set: mode(campaign.RankNone), status: 403, code: "board.not_ranked"},
		"progress":       {path: boards + "regions", set: mode(campaign.ProgressOnly), status: 200, want: head + `participation"*`},
		"progress only":  {path: boards + "regions?metric=average", set: mode(campaign.ProgressOnly), status: 403, code: "board.not_ranked"},
		"units unpublished": {
			path: boards + "units", set: depth(campaign.BreakdownRegions), status: 403, code: "board.not_published",
		},
		"units unpublished, for their office": {
			path: boards + "units?parent=yuci", as: "v:yuci", set: depth(campaign.BreakdownRegions), status: 200, want: head + `participation","total":2*`,
		},
		"another office's units": {
			path: boards + "units?parent=taigu", as: "v:yuci", set: depth(campaign.BreakdownNone), status: 403, code: "board.not_published",
		},
		"regions published": {path: boards + "regions", set: depth(campaign.BreakdownRegions), status: 200, want: head + `participation","total":1*`},
		"nothing published": {path: boards + "regions", set: depth(campaign.BreakdownNone), status: 403, code: "board.not_published"},
		"a participant":     {path: boards + "regions", as: "p:ann", status: 200, want: head + `participation"*`},
		"a forged token":    {path: boards + "regions", as: "forged", status: 401, code: "auth.invalid"},
	})
}

// TestOfficeAnswersAreNotShared shows that what an office sees is neither kept
// by caches on the way nor given to the public by our own.
func TestOfficeAnswersAreNotShared(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.catalog.campaigns[0].PublicBreakdown = campaign.BreakdownNone
	b.boards.history = func(_ string, _ leaderboard.Step, _ string, v leaderboard.Viewer) ([]leaderboard.Bucket, error) {
		if !v.Office {
			return nil, leaderboard.ErrNotPublished
		}
		return nil, nil
	}
	for _, path := range []string{boards + "regions", counts + "/breakdown", counts + "/history?scope=yuci"} {
		a := b.get(t, path, "v:all")
		if a.status != 200 || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Vary") != "Authorization" {
			t.Errorf("%s for an office: %d, Cache-Control %q, Vary %q", path, a.status, a.header.Get("Cache-Control"), a.header.Get("Vary"))
		}
		if a := b.get(t, path, ""); a.status != 403 {
			t.Errorf("%s for the public after the office: %d %s", path, a.status, a.body)
		}
	}
}
