package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"qingyuan/internal/operator"
)

// The matrix asks every route of operators as every role, bound to every kind of place,
// about an object inside and outside of it. What is to be expected follows from the
// table of rights, so that nobody can give a right away by forgetting to ask for one.

// area is a part of the office. Its subjects say what its routes act on.
type area struct {
	// open sets what the routes need on the bench; nil where they need nothing more.
	open func(t *testing.T, b *bench)
	// subjects are by method and pattern: "GET /api/v1/admin/operators/:operator".
	subjects map[string]subject
}

// matrixAreas lists the areas: add one's own, from its own test file.
func matrixAreas() []area {
	return []area{deskArea(), accountArea(), auditArea(), approvalArea(), correctionArea(), grantArea(), catalogArea(), appealArea(), flagArea(), reportArea(), rosterArea(), boardArea(), hidingArea(), viewerArea(), bankArea(), feedbackArea(), transferArea(), offlineArea(), dutyArea(), challengeArea(), retentionArea(), prizeArea()}
}

// subject is what the matrix has to know of one route. The zero value is a route that
// answers 200 to everybody with the right, such as a list that shows only what the
// operator may see.
type subject struct {
	// object makes what the route acts on, below unit no1 of campaign spring, and returns
	// the values of the path's parameters; :campaign is always spring. It is called anew
	// for each request.
	object func(t *testing.T, b *bench) map[string]string
	// placed routes act on something of unit no1, also without an object. whole ones act
	// on the campaign as a whole: who has only a part of it is outside.
	placed, whole bool
	// body and query make the request; %d in them is a number that comes once.
	body, query string
	// own makes the body of who asks, instead.
	own func(t *testing.T, b *bench, h hired) string
	// ok is the status for who may; 200 when zero.
	ok int
	// okOne is that for somebody who has not set a second factor up; 0 is ok.
	okOne int
	// outside is the status for who has the right elsewhere only; 404 when zero.
	outside int
	// action is the right that the service asks for where the route names none, and
	// needsTwo whether it takes a second factor. Who lacks the right finds nothing.
	action   operator.Action
	needsTwo bool
	// exact routes are for who is bound to unit no1 itself: whoever is above is refused.
	exact bool
	// fresh routes change whoever asks: somebody new is hired for each request.
	fresh bool
}

// persona is who asks.
type persona struct {
	name string
	hired

	grant     operator.Grant // zero for nobody's
	oneFactor bool
	anonymous bool
	mustLeave bool // has to change the password
}

// places are what a role may be bound to, and whether unit no1 of spring is inside.
var places = map[string]struct {
	place  operator.Place
	inside bool
}{
	"everywhere":          {operator.Place{}, true},
	"campaign":            {operator.Place{Campaign: "spring"}, true},
	"district":            {operator.Place{Campaign: "spring", Scope: "yuci"}, true},
	"district by code":    {operator.Place{Scope: "140702"}, true},
	"unit":                {operator.Place{Campaign: "spring", Scope: "no1"}, true},
	"other unit":          {operator.Place{Campaign: "spring", Scope: "no2"}, false},
	"other district":      {operator.Place{Campaign: "spring", Scope: "taigu"}, false},
	"other code":          {operator.Place{Scope: "140703"}, false},
	"other campaign":      {operator.Place{Campaign: "autumn"}, false},
	"part of another":     {operator.Place{Campaign: "autumn", Scope: "yuci"}, false},
	"code that is no-one": {operator.Place{Scope: "659001"}, false},
}

func TestMatrixOfRights(t *testing.T) {
	t.Parallel()
	areas := matrixAreas()
	b := newOfficeBench(t, func(b *bench) {
		autumn := newCampaign(t)
		autumn.ID = "autumn"
		b.catalog.campaigns = append(b.catalog.campaigns, autumn)
		for _, a := range areas {
			if a.open != nil {
				a.open(t, b)
			}
		}
	})
	subjects := map[string]subject{}
	for _, a := range areas {
		maps.Copy(subjects, a.subjects)
	}
	people := b.everybody(t)
	for _, r := range b.staffRoutes() {
		key := r.method + " " + r.path
		s, known := subjects[key]
		if !known {
			t.Errorf("%s has no subject: say in matrixAreas what it acts on", key)
			continue
		}
		delete(subjects, key)
		for _, p := range people {
			if p.tells(or(r.action, s.action)) {
				b.checkMatrix(t, r, s, p)
			}
		}
	}
	for key := range subjects {
		t.Errorf("%s is described and not served", key)
	}
}

// tells says whether the persona's answer tells something that another's does not: of a
// role without the right, whoever has it everywhere stands for those bound to less.
func (p persona) tells(a operator.Action) bool {
	unbound := p.grant.Campaign == "" && p.grant.Scope == ""
	return unbound || slices.Contains(p.grant.Role.Actions(), a)
}

// staffRoutes are the routes of operators, as the router has them.
func (b *bench) staffRoutes() []route {
	return slices.DeleteFunc(b.routes(), func(r route) bool { return r.guard != staff })
}

// everybody hires one of each kind.
func (b *bench) everybody(t *testing.T) []persona {
	t.Helper()
	people := []persona{
		{name: "nobody", anonymous: true},
		{name: "without a role", hired: b.hire(t)},
		{name: "before the first password", hired: b.newcomer(t), mustLeave: true},
	}
	for _, role := range operator.Roles() {
		one := operator.Grant{Role: role}
		people = append(people, persona{name: string(role) + " with one factor", hired: b.hireWithOneFactor(t, one), grant: one, oneFactor: true})
		for _, name := range slices.Sorted(maps.Keys(places)) {
			g := operator.Grant{Role: role, Campaign: places[name].place.Campaign, Scope: places[name].place.Scope}
			people = append(people, persona{name: string(role) + ", " + name, hired: b.hire(t, g), grant: g})
		}
	}
	return people
}

// newcomer has a session and has not yet chosen a password.
func (b *bench) newcomer(t *testing.T) hired {
	t.Helper()
	login := "user" + sequence()
	console := operator.Console("test")
	made, once, err := b.office.accounts.Create(t.Context(), console, operator.Newcomer{Login: login, Name: "李华"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.office.accounts.GrantApproved(t.Context(), console, made.ID, operator.Grant{Role: operator.System}, ""); err != nil {
		t.Fatal(err)
	}
	o, err := b.office.accounts.SignIn(t.Context(), operator.SignIn{Login: login, Password: once})
	if err != nil {
		t.Fatal(err)
	}
	return hired{token: o.Token, id: made.ID, login: login, password: once}
}

func (b *bench) checkMatrix(t *testing.T, r route, s subject, p persona) {
	t.Helper()
	if s.fresh && !p.anonymous {
		p = b.again(t, p)
	}
	path := strings.ReplaceAll(r.path, ":campaign", "spring")
	if s.object != nil {
		for name, value := range s.object(t, b) {
			path = strings.ReplaceAll(path, ":"+name, value)
		}
	}
	if s.query != "" {
		path += "?" + s.query
	}
	body := s.body
	if s.own != nil {
		body = s.own(t, b, p.hired)
	}
	if strings.Contains(body, "%d") {
		body = fmt.Sprintf(body, counter.Add(1))
	}
	a := b.do(t, request(r.method, path, p.token, body))
	status, code := expected(r, s, p)
	got := ""
	if a.status >= http.StatusBadRequest {
		got = a.problem(t).Code
	}
	if a.status != status || code != "" && got != code {
		t.Errorf("%s %s as %s: %d %s, want %d %s", r.method, r.path, p.name, a.status, got, status, code)
	}
}

// again hires somebody new of the same kind.
func (b *bench) again(t *testing.T, p persona) persona {
	t.Helper()
	var grants []operator.Grant
	if p.grant.Role != "" {
		grants = append(grants, p.grant)
	}
	switch {
	case p.mustLeave:
		p.hired = b.newcomer(t)
	case p.oneFactor:
		p.hired = b.hireWithOneFactor(t, grants...)
	default:
		p.hired = b.hire(t, grants...)
	}
	return p
}

// expected derives the answer from the table of rights, in words of its own: it asks
// nothing of the code that it judges.
func expected(r route, s subject, p persona) (status int, code string) {
	if p.anonymous {
		return http.StatusUnauthorized, "operator.sign_in"
	}
	if p.mustLeave && !r.always {
		return http.StatusForbidden, "operator.password_change"
	}
	done := or(s.ok, http.StatusOK)
	if p.oneFactor || p.mustLeave {
		done = or(s.okOne, done)
	}
	action := or(r.action, s.action)
	if action == "" {
		return done, ""
	}
	granted := slices.Contains(p.grant.Role.Actions(), action)
	inPath := strings.Contains(r.path, ":campaign") && p.grant.Campaign != "" && p.grant.Campaign != "spring"
	if r.action != "" && (!granted || inPath) {
		return http.StatusForbidden, "operator.forbidden"
	}
	if r.action == "" && (!granted || p.grant.Campaign != "" && p.grant.Campaign != "spring") {
		return http.StatusNotFound, ""
	}
	if p.oneFactor && (s.needsTwo || operator.NeedsTwoFactor(r.action)) {
		return http.StatusForbidden, "operator.two_factor"
	}
	if !s.covers(p) {
		return or(s.outside, http.StatusNotFound), ""
	}
	if s.exact && p.grant.Scope != "no1" {
		return http.StatusForbidden, "operator.forbidden"
	}
	return done, ""
}

// covers tells whether the persona's place holds what the route acts on.
func (s subject) covers(p persona) bool {
	if s.whole {
		return p.grant.Scope == "" && p.grant.Campaign != "autumn"
	}
	if s.object == nil && !s.placed {
		return true
	}
	for _, c := range places {
		if c.place == (operator.Place{Campaign: p.grant.Campaign, Scope: p.grant.Scope}) {
			return c.inside
		}
	}
	return false
}

// TestDeniedByDefault looks at the map of routes and the table of rights alone.
func TestDeniedByDefault(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	granted := map[operator.Action]bool{}
	for _, role := range operator.Roles() {
		for _, a := range role.Actions() {
			granted[a] = true
		}
	}
	for _, r := range b.routes() {
		office := strings.HasPrefix(r.path, officePath)
		door := r.method == http.MethodPost && r.path == officePath+"/sessions"
		if office && !door && r.guard != staff || !office && r.guard == staff {
			t.Errorf("%s %s has guard %d", r.method, r.path, r.guard)
		}
		if r.action != "" && !granted[r.action] {
			t.Errorf("%s %s asks for %q, which no role has", r.method, r.path, r.action)
		}
		if (r.uploads || r.slow || r.always) && !office {
			t.Errorf("%s %s is slow, takes files or is always open, outside the office", r.method, r.path)
		}
	}
	none := operator.Actor{ID: "x", TwoFactor: true, Grants: []operator.Grant{{Role: "owner"}, {Role: ""}}}
	for a := range granted {
		if none.MayAnywhere(a) || none.May(a, "") || none.Within(a, b.catalog.campaigns[0], "no1") {
			t.Errorf("a role that does not exist grants %s", a)
		}
	}
	all := operator.Actor{ID: "x", Grants: []operator.Grant{{Role: operator.CampaignOperator}, {Role: operator.System}, {Role: operator.Auditor}}}
	if all.MayAnywhere("something.new") {
		t.Error("an action that nobody has listed is granted")
	}
	if mayAct(operator.Actor{ID: "x", Grants: []operator.Grant{{Role: operator.CampaignOperator}}}, operator.CorrectResults, "spring") != operator.ErrTwoFactor { //nolint:errorlint // The very value.
		t.Error("one factor is enough to change results")
	}
}
