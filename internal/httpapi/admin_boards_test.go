package httpapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/leaderboard"
)

// openBoards lets the stubs answer what an office asks of boards.
func openBoards(_ *testing.T, b *bench) {
	b.boards.board = func(_ string, q leaderboard.Query) (leaderboard.Board, error) {
		if !q.Viewer.Office || q.Viewer.Scope != q.Scope {
			return leaderboard.Board{}, leaderboard.ErrNotPublished
		}
		return leaderboard.Board{AsOf: noon(), Total: 1, Items: []leaderboard.Item{{Rank: 1, Name: "王*", Unit: "no1", Score: 90}}}, nil
	}
	b.boards.lookUp = func(_ string, _ leaderboard.Query, ids []string) (map[string]leaderboard.Found, error) {
		out := map[string]leaderboard.Found{}
		for _, id := range ids {
			if id != "stranger" {
				out[id] = leaderboard.Found{Place: int64(len(id)), Score: 90, Used: time.Second}
			}
		}
		return out, nil
	}
}

// boardArea is the board of unit no1.
func boardArea() area {
	const board = "/api/v1/admin/campaigns/:campaign/boards/participants"
	return area{open: openBoards, subjects: map[string]subject{
		"GET " + board:              {placed: true, query: "scope=no1"},
		"POST " + board + "/lookup": {placed: true, query: "scope=no1", body: `{"participants":["a"]}`},
	}}
}

func TestLookUpAndTopPercent(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openBoards(t, b) })
	as := b.hire(t, operator.Grant{Role: operator.OfficeViewer, Campaign: "spring"}).token
	const board = "/api/v1/admin/campaigns/spring/boards/participants"
	got := b.do(t, request(http.MethodPost, board+"/lookup", as, `{"participants":["bbb","stranger","a","a"]}`))
	const want = `{"items":[{"participant":"bbb","rank":3,"score":90,"used_ms":1000},{"participant":"a","rank":1,"score":90,"used_ms":1000}],"next_cursor":null}`
	if got.status != http.StatusOK || strings.TrimSpace(got.body) != want {
		t.Errorf("look-up = %d %s", got.status, got.body)
	}
	for query, status := range map[string]int{"": 200, "?percent=10": 200, "?percent=ten": 400, "?limit=0": 400} {
		if got := b.do(t, request(http.MethodGet, board+query, as, "")); got.status != status {
			t.Errorf("%s = %d %s", query, got.status, got.body)
		}
	}
}
