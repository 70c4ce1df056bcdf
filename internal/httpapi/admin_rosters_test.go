package httpapi

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/roster"
)

// stubDesk knows a roster of one person a unit, and remembers what was imported.
type stubDesk struct{ scopes []string }

func (d *stubDesk) Ask(_ context.Context, _ jobs.Request, _ roster.Mode, scopes []string, file io.Reader) (string, error) {
	d.scopes = scopes
	_, err := io.Copy(io.Discard, file)
	return "job", err
}

func (*stubDesk) People(_ context.Context, _, _, _ string, _ int) ([]roster.Person, int64, error) {
	return []roster.Person{{Number: "1", Name: "王芳", Group: "under14"}}, 1, nil
}

func (d *stubDesk) NotYet(ctx context.Context, c, unit, group string, limit int) ([]roster.Person, int64, error) {
	return d.People(ctx, c, unit, group, limit)
}

func openRosters(_ *testing.T, b *bench) { b.RosterDesk = &stubDesk{} }

// rosterArea is the roster of unit no1.
func rosterArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/rosters"
	unit := func(*testing.T, *bench) map[string]string { return map[string]string{"unit": "no1"} }
	return area{open: openRosters, subjects: map[string]subject{
		"POST " + all + "/imports":      {ok: http.StatusAccepted, body: "单位编号,编号,姓名\n"},
		"GET " + all + "/:unit":         {object: unit},
		"GET " + all + "/:unit/not-yet": {object: unit, exact: true},
	}}
}

// TestNotYetIsForTheUnitAlone shows the list to the unit's own operator, and to nobody
// above, and remembers that a child's name was read.
func TestNotYetIsForTheUnitAlone(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openRosters(t, b) })
	for scope, want := range map[string]int{"no1": http.StatusOK, "no2": http.StatusNotFound, "yuci": http.StatusForbidden, "": http.StatusForbidden} {
		as := b.hire(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: scope}).token
		got := b.do(t, request(http.MethodGet, "/api/v1/admin/campaigns/spring/rosters/no1/not-yet", as, ""))
		if got.status != want {
			t.Errorf("bound to %q = %d %s, want %d", scope, got.status, got.body, want)
		}
	}
	var read bool
	for _, e := range b.entries(t) {
		read = read || e.Action == string(actNotYet) && e.Object == "roster:no1" && strings.Contains(string(e.After), "under14")
	}
	if !read {
		t.Error("that a child's name was read is not in the audit log")
	}
}

// shuffled is a desk whose roster comes in no order.
type shuffled struct{ stubDesk }

func (*shuffled) NotYet(context.Context, string, string, string, int) ([]roster.Person, int64, error) {
	return []roster.Person{{Number: "N010"}, {Number: "N9"}, {Number: "N002"}, {Number: "N10"}}, 4, nil
}

// TestNotYetIsInOrderOfNumbers: the office goes through it beside its own list.
func TestNotYetIsInOrderOfNumbers(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { b.RosterDesk = &shuffled{} })
	as := b.hire(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"}).token
	got := b.do(t, request(http.MethodGet, "/api/v1/admin/campaigns/spring/rosters/no1/not-yet", as, ""))
	var numbers []string
	for _, part := range strings.Split(got.body, `"number":"`)[1:] {
		number, _, _ := strings.Cut(part, `"`)
		numbers = append(numbers, number)
	}
	if is := strings.Join(numbers, " "); is != "N9 N10 N002 N010" {
		t.Errorf("in order %s", is)
	}
}

// TestRosterImportKeepsWithinScope hands on where an operator may write.
func TestRosterImportKeepsWithinScope(t *testing.T) {
	t.Parallel()
	desk := &stubDesk{}
	b := newOfficeBench(t, func(b *bench) { b.RosterDesk = desk })
	as := b.hire(t, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "yuci"}).token
	r := request(http.MethodPost, "/api/v1/admin/campaigns/spring/rosters/imports?mode=valid", as, "单位编号,编号,姓名\n")
	r.Header.Set("Content-Type", "text/csv")
	if got := b.do(t, r); got.status != http.StatusAccepted || len(desk.scopes) != 1 || desk.scopes[0] != "yuci" {
		t.Errorf("import = %d %s into %q", got.status, got.body, desk.scopes)
	}
}
