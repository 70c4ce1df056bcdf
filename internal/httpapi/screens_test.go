package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
)

const (
	screenTickets = "/api/v1/campaigns/spring/screen-tickets"
	framePath     = "/api/v1/campaigns/spring/frame"
)

// TestWhoGetsATicket asks as everybody, for everything, for inside and for outside.
func TestWhoGetsATicket(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	hire := func(role operator.Role, scope string) string {
		return b.operator(t, operator.Grant{Role: role, Campaign: "spring", Scope: scope})
	}
	for name, tc := range map[string]struct {
		as, body string
		status   int
		want     string // the ticket, or the code
	}{
		"nobody":                   {"", `{}`, 401, "auth.missing"},
		"a forged token":           {"forged", `{}`, 401, "operator.sign_in"},
		"a token run out":          {"old", `{}`, 401, "auth.expired"},
		"a participant":            {"p:ann", `{}`, 403, "auth.forbidden"},
		"an office":                {"v:all", `{}`, 201, "s:audience/"},
		"an office, of a part":     {"v:yuci", `{}`, 201, "s:audience/yuci"},
		"its unit":                 {"v:yuci", `{"scope":"no1","view":"office"}`, 201, "s:office/no1"},
		"an office, of another":    {"v:yuci", `{"scope":"taigu"}`, 404, "request.not_found"},
		"a viewer":                 {hire(operator.OfficeViewer, ""), ``, 201, "s:audience/"},
		"a viewer of a part":       {hire(operator.OfficeViewer, "yuci"), `{"scope":"yuci"}`, 201, "s:audience/yuci"},
		"a viewer of all":          {hire(operator.OfficeViewer, "yuci"), `{}`, 404, "request.not_found"},
		"a viewer of another part": {hire(operator.OfficeViewer, "taigu"), `{"scope":"no1"}`, 404, "request.not_found"},
		"an editor of questions":   {hire(operator.QuestionEditor, ""), `{}`, 403, "operator.forbidden"},
		"no such part":             {hire(operator.OfficeViewer, ""), `{"scope":"mars"}`, 400, "request.invalid"},
		"other eyes":               {"v:all", `{"view":"all"}`, 400, "request.invalid"},
		"another field":            {"v:all", `{"lifetime":"1y"}`, 400, "request.invalid"},
	} {
		a := b.do(t, request(http.MethodPost, screenTickets, tc.as, tc.body))
		if a.status != tc.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tc.status)
			continue
		}
		if tc.status != 201 {
			if got := a.problem(t).Code; got != tc.want {
				t.Errorf("%s: %s, want %s", name, got, tc.want)
			}
			continue
		}
		got := decoded[ticketAnswer](t, a)
		if got.Ticket != tc.want || got.ExpiresAt != "2026-06-02T12:05:00.000+08:00" || got.RenewAfterMS != 150_000 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if a := b.do(t, request(http.MethodPost, strings.Replace(screenTickets, "spring", "autumn", 1), "v:all", "{}")); a.status != 404 {
		t.Errorf("of another campaign: %d", a.status)
	}
}

// closedBench is a campaign that publishes no breakdown, with a board in each part.
func closedBench(t *testing.T, change func(*campaign.Campaign)) *bench {
	t.Helper()
	b := newBench(t, func(b *bench) {
		c := b.catalog.campaigns[0]
		c.PublicBreakdown = campaign.BreakdownNone
		change(c)
		b.boards.board = func(_ string, q leaderboard.Query) (leaderboard.Board, error) {
			sight := leaderboard.Look(c, noon(), q.Viewer, q.Scope)
			if sight.Depth == 0 {
				return leaderboard.Board{}, leaderboard.ErrNotRanked
			}
			return leaderboard.Board{AsOf: noon(), Total: 7, Items: []leaderboard.Item{{Rank: 1, Name: q.Scope, Unit: "no1"}}}, nil
		}
		b.boards.history = func(_ string, _ leaderboard.Step, scope string, _ leaderboard.Viewer) ([]leaderboard.Bucket, error) {
			return []leaderboard.Bucket{
				{Start: noon().Add(-30 * time.Hour), Window: leaderboard.Window{Attempts: 100}},
				{Start: noon().Add(-14 * time.Hour), Window: leaderboard.Window{Attempts: 10}},
				{Start: noon().Truncate(time.Hour), Window: leaderboard.Window{Attempts: 3, Participants: int64(len(scope))}},
			}, nil
		}
	})
	return b
}

func (b *bench) frame(t *testing.T, ticket string) frameAnswer {
	t.Helper()
	path := framePath
	if ticket != "" {
		path += "?ticket=" + ticket
	}
	return decoded[frameAnswer](t, b.get(t, path, ""))
}

func TestScreenOfAPart(t *testing.T) {
	t.Parallel()
	b := closedBench(t, func(*campaign.Campaign) {})
	if open := b.frame(t, ""); len(open.Regions) != 0 || open.Scope != nil {
		t.Fatalf("the public sees %+v", open.Regions)
	}
	f := b.frame(t, "s:audience/yuci")
	if f.Scope == nil || f.Scope.Name != "榆次区" || len(f.Regions) != 2 || f.Regions[0].ID != "no1" {
		t.Fatalf("the screen sees %+v in %+v", f.Regions, f.Scope)
	}
	// The part's own figures are the sum of what lies in it, and not everybody's.
	if f.Counts.Participants != f.Regions[0].Participants+f.Regions[1].Participants || f.Counts.Participants != 51 {
		t.Errorf("counts %+v", f.Counts)
	}
	if f.Counts.Today.Attempts != 3 || f.Counts.LastHour != nil || len(f.Trend) != 2 {
		t.Errorf("today %+v, the last hour %v, %d hours", f.Counts.Today, f.Counts.LastHour, len(f.Trend))
	}
	if f.Boards == nil || f.Boards.Participants.Total != 7 || len(f.Recent) != 1 {
		t.Errorf("boards %+v, recent %+v", f.Boards, f.Recent)
	}
	if all := b.frame(t, "s:audience/"); len(all.Regions) != 3 || all.Counts.LastHour == nil || all.Counts.Participants != 60 {
		t.Errorf("everything: %+v", all)
	}
	unit := b.frame(t, "s:audience/no2")
	if unit.Counts.Participants != 11 || len(unit.Regions) != 0 || len(unit.Recent) != 0 || unit.Scope.Kind != "unit" {
		t.Errorf("a unit: %+v", unit)
	}
	if a := b.get(t, framePath+"?ticket=s:audience/yuci", ""); a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a screen's frame may be kept: %s", a.header.Get("Cache-Control"))
	}
	if a := b.get(t, framePath+"?ticket=v:all", ""); a.status != 200 && a.status != 401 {
		t.Errorf("a viewer's token as a ticket: %d", a.status)
	}
	for _, bad := range []string{"forged", "old"} {
		if a := b.get(t, framePath+"?ticket="+bad, ""); a.status != 401 {
			t.Errorf("ticket %s: %d", bad, a.status)
		}
	}
	if strings.Contains(b.logs.String(), "ticket=") {
		t.Errorf("tickets are logged: %s", b.logs)
	}
}

// TestScreenFollowsTheMode: a ticket makes no order visible that the public does not see,
// unless it is for the office's own eyes.
func TestScreenFollowsTheMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []campaign.RankingMode{campaign.RankNone, campaign.ProgressOnly, campaign.Tiers, campaign.TopN} {
		b := closedBench(t, func(c *campaign.Campaign) { c.Ranking = mode })
		audience, office := b.frame(t, "s:audience/yuci"), b.frame(t, "s:office/yuci")
		if (audience.Boards != nil) != (mode == campaign.TopN) || office.Boards == nil {
			t.Errorf("%s: the audience's board %v, the office's %v", mode, audience.Boards, office.Boards)
		}
		if ranked := audience.Regions[0].Rank != nil; ranked != (mode != campaign.RankNone) || ranked != (audience.RegionsBy != nil) {
			t.Errorf("%s: units ranked %t by %v", mode, ranked, audience.RegionsBy)
		}
	}
}

// TestScreenFollowsTheFreeze: what stands still for the public stands still before an
// audience too.
func TestScreenFollowsTheFreeze(t *testing.T) {
	t.Parallel()
	b := closedBench(t, func(c *campaign.Campaign) { c.Freeze.At = noon().Add(-time.Hour) })
	still := leaderboard.Published{Roll: leaderboard.RollUp(b.snap.Campaign.Tree, map[leaderboard.Cell]int64{{Unit: "no1", Metric: leaderboard.Participants}: 5})}
	snap := *b.snap
	snap.Still = &still
	b.snap = &snap
	b.Published(b.snap)
	audience, office := b.frame(t, "s:audience/yuci"), b.frame(t, "s:office/yuci")
	if audience.FrozenAt == "" || audience.Regions[0].Participants != 5 || audience.Regions[0].RankBefore != nil {
		t.Errorf("the audience sees %+v", audience.Regions[0])
	}
	if office.FrozenAt != "" || office.Regions[0].Participants != 40 {
		t.Errorf("the office sees %+v", office.Regions[0])
	}
}

// TestRiseAndFall waits for what today has brought, and looks who rose.
func TestRiseAndFall(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 10)
	b := newBench(t, func(b *bench) {
		b.boards.today = func(string) (map[string]leaderboard.Window, error) {
			asked <- struct{}{}
			return map[string]leaderboard.Window{"yuci": {Participants: 50, Signatures: 25}}, nil
		}
	})
	<-asked
	b.state.feeds.work.Wait()
	b.Published(b.snap)
	f := b.frame(t, "")
	got := map[string][2]int64{}
	for _, r := range f.Regions {
		if r.Rank != nil && r.RankBefore != nil {
			got[r.ID] = [2]int64{*r.Rank, *r.RankBefore}
		}
	}
	if *f.RegionsBy != leaderboard.ByParticipation || got["yuci"] != [2]int64{1, 1} {
		t.Errorf("by %s: %v", *f.RegionsBy, got)
	}
	if len(asked) != 0 {
		t.Error("it was asked for more than once a minute")
	}
}

// TestScreensAreEncodedOnce: however many ask for the same part, one frame is made for a
// snapshot; and none for a part that nobody watches.
func TestScreensAreEncodedOnce(t *testing.T) {
	t.Parallel()
	made := make(chan string, 100)
	b := newBench(t, func(b *bench) {
		b.boards.board = func(_ string, q leaderboard.Query) (leaderboard.Board, error) {
			made <- q.Scope
			return leaderboard.Board{AsOf: noon()}, nil
		}
		b.boards.history = func(string, leaderboard.Step, string, leaderboard.Viewer) ([]leaderboard.Bucket, error) {
			return nil, nil
		}
	})
	for range 20 {
		b.frame(t, "s:audience/yuci")
	}
	if len(made) != 1 {
		t.Errorf("20 screens had %d frames made", len(made))
	}
	for i := range 3 {
		snap := *b.snap
		snap.AsOf = noon().Add(time.Duration(i+1) * time.Second)
		b.Published(&snap)
		b.state.feeds.work.Wait()
	}
	if len(made) != 4 {
		t.Errorf("three snapshots later %d frames were made", len(made))
	}
	snap := *b.snap
	snap.AsOf = noon().Add(time.Hour)
	b.Published(&snap)
	b.state.feeds.work.Wait()
	if len(made) != 4 {
		t.Errorf("nobody has asked for an hour, and %d frames were made", len(made))
	}
}

// TestStreamEndsWithItsTicket: whoever lost their rights sees no more.
func TestStreamEndsWithItsTicket(t *testing.T) {
	t.Parallel()
	clock := newClock()
	b := newBench(t, quickly, func(b *bench) {
		b.Now = clock.Now
		b.boards.board = func(string, leaderboard.Query) (leaderboard.Board, error) {
			return leaderboard.Board{AsOf: noon()}, nil
		}
		b.boards.history = func(string, leaderboard.Step, string, leaderboard.Viewer) ([]leaderboard.Bucket, error) {
			return nil, nil
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	base := serve(t, b)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+base+livePath+"?ticket=s:audience/yuci", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	head := make([]byte, 512)
	if n, err := resp.Body.Read(head); err != nil || !strings.Contains(string(head[:n]), "retry") {
		t.Fatalf("%q, %v", head[:n], err)
	}
	clock.Add(ticketLife)
	for err == nil { // until the server closes the stream; the context bounds a failure
		_, err = resp.Body.Read(head)
	}
	if ctx.Err() != nil {
		t.Error("the stream goes on after its ticket")
	}
}
