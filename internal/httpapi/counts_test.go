package httpapi

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

const counts = "/api/v1/campaigns/spring/counts"

func TestCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.get(t, counts, "")
	const want = `{"as_of":"2026-06-02T12:00:00.000+08:00","enrolled":64,"participants":60,"attempts":120,"signatures":29,"answered":60,"passed":19,"participation_rate":0.428571,` +
		`"today":{"participants":9,"attempts":8,"signatures":7},"last_hour":{"participants":1,"attempts":0,"signatures":0}}`
	if a.status != 200 || a.body != want {
		t.Errorf("%d %s\nwant %s", a.status, a.body, want)
	}
	if len(a.body) >= 1024 {
		t.Errorf("%d bytes, want under 1 KB", len(a.body))
	}
	if got := a.header.Get("Cache-Control"); got != "public, max-age=2, stale-while-revalidate=10" {
		t.Errorf("Cache-Control %q", got)
	}
}

func TestBeforeTheFirstSnapshot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	young := *b.catalog.campaigns[0]
	young.ID = "young"
	b.catalog.campaigns = append(b.catalog.campaigns, &young)
	for _, path := range []string{"counts", "frame"} {
		a := b.get(t, "/api/v1/campaigns/young/"+path, "")
		if a.status != 503 || a.problem(t).RetryAfterMS != 1000 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestFrame(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame", ""))
	if f.Campaign.Title != "春季禁毒知识竞答" || f.Counts.Participants != 60 {
		t.Errorf("campaign %+v counts %+v", f.Campaign, f.Counts)
	}
	var people int64
	for _, r := range f.Regions {
		people += r.Participants
	}
	if len(f.Regions) != 3 || people != 60 {
		t.Errorf("%d regions with %d persons, want 3 with 60", len(f.Regions), people)
	}
	if f.Boards == nil || len(f.Boards.Participants.Items) != 1 || len(f.Boards.Regions) != 1 || f.Boards.Regions[0].ID != "yuci" {
		t.Errorf("boards %+v", f.Boards)
	}
	want := recentAnswer{Kind: "signed", Name: "张*", Unit: "no1", UnitName: "榆次一中", Path: []string{"榆次区"}, At: "2026-06-02T12:00:00.000+08:00"}
	if !reflect.DeepEqual(f.Recent, []recentAnswer{want}) {
		t.Errorf("recent %+v", f.Recent)
	}
	tibetan := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame?lang=bo", ""))
	if tibetan.Campaign.Title != "དཔྱིད་དུས།" || tibetan.Regions[0].Name != "ཡུལ་ཚི།" {
		t.Errorf("in Tibetan: %+v", tibetan.Campaign)
	}
	if a := b.get(t, "/api/v1/campaigns/spring/frame", ""); strings.Contains(a.body, "secret-id") {
		t.Error("a participant's id is public")
	}
}

// TestFrameShowsWhatFits: of a full snapshot a frame has the top only, and every
// watcher gets that much a second.
func TestFrameShowsWhatFits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	snap := *b.snap
	full := func(n int) leaderboard.Board {
		return leaderboard.Board{Total: int64(n), Items: slices.Repeat([]leaderboard.Item{{Rank: 1, Name: "张*", Unit: "no1", Score: 5}}, n)}
	}
	snap.Boards = map[string]leaderboard.Board{"": full(50), leaderboard.RegionScope("yuci"): full(10)}
	snap.Recent = slices.Repeat(snap.Recent, 8)
	snap.Trend = []leaderboard.Bucket{{Start: noon()}, {Start: noon().Add(time.Hour), Window: leaderboard.Window{Attempts: 1}}}
	b.Published(&snap)
	f := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame", ""))
	top, leaders := f.Boards.Participants, f.Boards.Regions[0]
	if top.Total != 50 || len(top.Items) != 10 || leaders.Total != 10 || len(leaders.Items) != 1 || len(f.Recent) != 5 {
		t.Errorf("main %d of %d, region %d of %d, recent %d",
			len(top.Items), top.Total, len(leaders.Items), leaders.Total, len(f.Recent))
	}
	if len(f.Trend) != 1 || f.Trend[0].Attempts != 1 {
		t.Errorf("trend %+v, want the one hour in which something happened", f.Trend)
	}
	if len(snap.Trend) != 2 || snap.Trend[1].Attempts != 1 {
		t.Errorf("the snapshot's own trend became %+v", snap.Trend)
	}
}

func TestFrameShowsWhatIsPublic(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.catalog.campaigns[0].PublicBreakdown = campaign.BreakdownNone
	b.catalog.campaigns[0].Ranking = campaign.ProgressOnly
	b.Published(b.snap)
	f := decoded[frameAnswer](t, b.get(t, "/api/v1/campaigns/spring/frame", ""))
	if len(f.Regions) != 0 || f.Boards != nil {
		t.Errorf("regions %v boards %v, want none", f.Regions, f.Boards)
	}
}

// TestEncodedOnce shows that a snapshot is written when it is published and not
// when it is read.
func TestEncodedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	calls := 0
	b.boards.breakdown = func(c, parent, lang string, v leaderboard.Viewer) (leaderboard.Table, error) {
		calls++
		return b.realBreakdown(c, parent, lang, v)
	}
	b.Published(b.snap)
	once := calls
	for range 3 {
		b.get(t, "/api/v1/campaigns/spring/frame", "")
		b.get(t, counts, "")
	}
	if once != 2 || calls != once { // one for each language of the title
		t.Errorf("laid out %d times, %d of them for reading", calls, calls-once)
	}
}

func TestUnpublishableSnapshotKeepsTheOld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.get(t, "/api/v1/campaigns/spring/frame", "").body
	b.boards.breakdown = nil // it fails
	b.Published(b.snap)
	if got := b.get(t, "/api/v1/campaigns/spring/frame", "").body; got != before {
		t.Errorf("the frame became %s", got)
	}
	if !strings.Contains(b.logs.String(), "snapshot not published") {
		t.Errorf("log: %s", b.logs)
	}
}

func TestBreakdown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, parent := range []string{"", "yuci", "taigu"} {
		a := b.get(t, counts+"/breakdown?parent="+parent, "")
		got := decoded[breakdownAnswer](t, a)
		var sum figures
		for _, r := range got.Items {
			sum.Enrolled += r.Enrolled
			sum.Participants += r.Participants
			sum.Attempts += r.Attempts
			sum.Signatures += r.Signatures
		}
		total := got.Total
		if sum.Enrolled != total.Enrolled || sum.Participants != total.Participants ||
			sum.Attempts != total.Attempts || sum.Signatures != total.Signatures {
			t.Errorf("below %q: items sum to %+v, total is %+v", parent, sum, total)
		}
		for _, r := range got.Items {
			if small := r.Participants < 5; small != (r.Passed == nil) || small && r.Average != nil {
				t.Errorf("below %q: %d persons, passed %v, average %v", parent, r.Participants, r.Passed, r.Average)
			}
		}
	}
	if top := decoded[breakdownAnswer](t, b.get(t, counts+"/breakdown", "")); top.Items[2].ID != campaign.Unassigned {
		t.Errorf("the unassigned are no row: %+v", top.Items)
	}
}

// TestFewScoresAreWithheld has a region where many signed and one took the quiz.
func TestFewScoresAreWithheld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tally := map[leaderboard.Cell]int64{}
	for m, n := range map[leaderboard.Metric]int64{
		leaderboard.Participants: 100, leaderboard.Signatures: 100, leaderboard.Scored: 1, leaderboard.Score: 7, leaderboard.Passed: 1,
	} {
		tally[leaderboard.Cell{Unit: "no1", Metric: m}] = n
	}
	b.snap.Roll = leaderboard.RollUp(b.catalog.campaigns[0].Tree, tally)
	for _, parent := range []string{"", "yuci"} {
		got := decoded[breakdownAnswer](t, b.get(t, counts+"/breakdown?parent="+parent, ""))
		for _, f := range []figures{got.Total, got.Items[0].figures} {
			if f.Participants != 100 || f.Passed != nil || f.Average != nil {
				t.Errorf("below %q: %d persons, passed %v, average %v", parent, f.Participants, f.Passed, f.Average)
			}
		}
	}
}

func TestBreakdownGuards(t *testing.T) {
	t.Parallel()
	hidden := func(_ *testing.T, b *bench) { b.catalog.campaigns[0].PublicBreakdown = campaign.BreakdownNone }
	const path = counts + "/breakdown"
	run(t, map[string]scenario{
		"the public":             {path: path, set: hidden, status: 403, code: "board.not_published"},
		"a participant":          {path: path, as: "p:ann", set: hidden, status: 403, code: "board.not_published"},
		"the whole office":       {path: path, as: "v:all", set: hidden, status: 200, want: `{"as_of":"2026-06-02T12:00:00.000+08:00","parent":null,"total":{"enrolled":64*`},
		"an office of its own":   {path: path + "?parent=yuci", as: "v:yuci", set: hidden, status: 200, want: `{"as_of":"2026-06-02T12:00:00.000+08:00","parent":"yuci","total":{"enrolled":53*`},
		"an office of another":   {path: path + "?parent=taigu", as: "v:yuci", set: hidden, status: 403, code: "board.not_published"},
		"an office above itself": {path: path, as: "v:yuci", set: hidden, status: 403, code: "board.not_published"},
		"a viewer run out":       {path: path, as: "old", set: hidden, status: 401, code: "auth.expired"},
		"no such parent":         {path: path + "?parent=no1", status: 400, code: "request.invalid"},
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	shows := func(step leaderboard.Step, scope string, v leaderboard.Viewer) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.boards.history = func(c string, gotStep leaderboard.Step, gotScope string, gotViewer leaderboard.Viewer) ([]leaderboard.Bucket, error) {
				if c != "spring" || gotStep != step || gotScope != scope || gotViewer != v {
					t.Errorf("called for %s %s %s %+v", c, gotStep, gotScope, gotViewer)
				}
				w := leaderboard.Window{Participants: 1, Attempts: 2, Signatures: 3}
				return []leaderboard.Bucket{{Start: noon().In(time.UTC), Window: w}}, nil
			}
		}
	}
	const path = counts + "/history"
	const items = `,"items":[{"start":"2026-06-02T12:00:00.000+08:00","participants":1,"attempts":2,"signatures":3}],"next_cursor":null}`
	run(t, map[string]scenario{
		"by hour": {path: path, set: shows("hour", "", leaderboard.Viewer{}), status: 200, want: `{"step":"hour","scope":null` + items},
		"by day": {
			path: path + "?step=day&scope=yuci", as: "v:yuci", status: 200, want: `{"step":"day","scope":"yuci"` + items,
			set: shows("day", "yuci", leaderboard.Viewer{Office: true, Campaign: "spring", Scope: "yuci"}),
		},
	})
}

func TestHidden(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"冯宁明": "冯**", "张三": "张*", "李**": "李**", "匿名": "匿名", "": "匿名", "扎西": "扎*"} {
		if got := hidden(name); got != want {
			t.Errorf("hidden(%q) = %q, want %q", name, got, want)
		}
	}
}
