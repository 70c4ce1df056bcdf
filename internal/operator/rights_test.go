package operator_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
)

// TestTableOfRights holds what must be true of any table.
func TestTableOfRights(t *testing.T) {
	t.Parallel()
	changes := []operator.Action{operator.CorrectResults, operator.ApproveResults}
	for _, role := range operator.Roles() {
		if !role.Known() || role.Name() == string(role) || len(role.Actions()) == 0 {
			t.Errorf("%s is not described", role)
		}
		for _, a := range changes {
			if role.May(a) && (role.Exclusive() || !role.Deciding()) {
				t.Errorf("%s changes results, and keeps accounts or needs no second person", role)
			}
			if !operator.NeedsTwoFactor(a) {
				t.Errorf("%s takes one factor", a)
			}
		}
		if role.May(operator.ManageOperators) && len(role.Actions()) > 3 {
			t.Errorf("%s keeps accounts and does much else: %v", role, role.Actions())
		}
		if role.May(operator.EditBanks) && role.May(operator.ReviewBanks) {
			t.Errorf("%s signs off its own questions", role)
		}
	}
	if operator.Role("").Known() || operator.Role("root").May(operator.ReadCampaigns) {
		t.Error("a role that does not exist has rights")
	}
}

func TestScopesReachDownAndNotAside(t *testing.T) {
	t.Parallel()
	c, err := findCampaign("spring")
	if err != nil {
		t.Fatal(err)
	}
	viewer := func(campaign, scope string) operator.Actor {
		return operator.Actor{Grants: []operator.Grant{{Role: operator.OfficeViewer, Campaign: campaign, Scope: scope}}}
	}
	for _, tt := range []struct {
		campaign, scope string
		inside, outside []string
		may             bool
	}{
		{"", "", []string{"", "city", "yuci", "no1", "tg1"}, nil, true},
		{"spring", "", []string{"", "no1"}, nil, true},
		{"spring", "yuci", []string{"yuci", "no1"}, []string{"", "city", "taigu", "tg1", "nowhere"}, true},
		{"", "140702", []string{"yuci", "no1"}, []string{"", "city", "taigu", "tg1"}, true},
		{"spring", "no1", []string{"no1"}, []string{"", "yuci", "tg1"}, true},
		{"spring", "elsewhere", nil, []string{"", "city", "no1"}, true},
		{"autumn", "", nil, []string{"", "city", "no1"}, false},
	} {
		a := viewer(tt.campaign, tt.scope)
		for _, n := range tt.inside {
			if !a.Within(operator.ReadFigures, c, n) {
				t.Errorf("%s/%s does not reach %q", tt.campaign, tt.scope, n)
			}
		}
		for _, n := range tt.outside {
			if a.Within(operator.ReadFigures, c, n) {
				t.Errorf("%s/%s reaches %q", tt.campaign, tt.scope, n)
			}
		}
		if a.May(operator.ReadFigures, "spring") != tt.may || !a.MayAnywhere(operator.ReadFigures) || a.MayAnywhere(operator.ReadAudit) {
			t.Errorf("%s/%s: may %v", tt.campaign, tt.scope, a.May(operator.ReadFigures, "spring"))
		}
	}
	both := operator.Actor{Grants: []operator.Grant{{Role: operator.OfficeViewer, Scope: "140702"}, {Role: operator.OfficeViewer, Campaign: "spring", Scope: "tg1"}}}
	if got, ok := both.Scopes(operator.ReadFigures, c); !ok || !slices.Equal(got, []string{"yuci", "tg1"}) {
		t.Errorf("scopes %v", got)
	}
}

func TestPart(t *testing.T) {
	t.Parallel()
	c, err := findCampaign("spring")
	if err != nil {
		t.Fatal(err)
	}
	several := errors.New("choose")
	for _, tt := range []struct {
		scopes []string
		want   string
		err    error
	}{
		{[]string{"yuci"}, "yuci", nil},
		{[]string{"yuci", ""}, "", nil},
		{[]string{"yuci", "tg1"}, "", several},
		{nil, "", operator.ErrForbidden},
		{[]string{"elsewhere"}, "", operator.ErrForbidden},
	} {
		var a operator.Actor
		for _, scope := range tt.scopes {
			a.Grants = append(a.Grants, operator.Grant{Role: operator.OfficeViewer, Scope: scope})
		}
		if got, err := a.Part(operator.ReadFigures, c, several); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("of %q it is %q, %v", tt.scopes, got, err)
		}
	}
}

func TestAccountsAreKeptWithinOnesOwnPart(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		system := func(login, campaign, scope string) *person {
			p, _ := r.hireWithBoth(login, operator.Grant{Role: operator.System, Campaign: campaign, Scope: scope})
			return p
		}
		all, yuci, taigu, code := system("all", "", ""), system("yuci", "spring", "yuci"), system("taigu", "spring", "taigu"), system("code", "", "140702")
		made, _, err := r.Create(ctx, yuci.actor, operator.Newcomer{Login: "viewer", Name: "看", Home: operator.Place{Campaign: "spring", Scope: "no1"}})
		r.must(err)
		for name, home := range map[string]operator.Place{"other district": {Campaign: "spring", Scope: "tg1"}, "city": {Campaign: "spring", Scope: "city"}, "other campaign": {Campaign: "autumn", Scope: "no1"}, "everything": {}} {
			_, _, err := r.Create(ctx, yuci.actor, operator.Newcomer{Login: "x-viewer", Name: "看", Home: home})
			r.want("an account of "+name, err, operator.ErrBeyond)
		}
		for name, p := range map[string]*person{"all": all, "yuci": yuci, "code": code} {
			r.want(name+" looks", second(r.Account(ctx, p.actor, made.ID)), nil)
		}
		r.want("another district looks", second(r.Account(ctx, taigu.actor, made.ID)), operator.ErrUnknown)
		r.want("another district changes", second(r.Change(ctx, taigu.actor, made.ID, operator.Change{})), operator.ErrUnknown)
		view := operator.Grant{Role: operator.OfficeViewer, Campaign: "spring", Scope: "no1"}
		_, err = r.Grant(ctx, yuci.actor, made.ID, view, "")
		r.must(err)
		for name, g := range map[string]operator.Grant{
			"the city":         {Role: operator.OfficeViewer, Campaign: "spring", Scope: "city"},
			"another campaign": {Role: operator.OfficeViewer, Campaign: "autumn", Scope: "no1"},
			"all campaigns":    {Role: operator.OfficeViewer, Scope: "140702"},
		} {
			r.want("a right over "+name, second(r.Grant(ctx, yuci.actor, made.ID, g, "")), operator.ErrBeyond)
		}
		_, err = r.Grant(ctx, console, made.ID, operator.Grant{Role: operator.OfficeViewer, Campaign: "spring", Scope: "city"}, "")
		r.must(err)
		r.want("somebody who reaches further is reset", second(r.Reset(ctx, yuci.actor, made.ID, operator.Reset{Password: true})), operator.ErrBeyond)
		list, err := r.Accounts(ctx, yuci.actor, "", 10)
		r.must(err)
		if len(list) != 1 || list[0].Login != "viewer" || len(list[0].Grants) != 2 {
			r.Errorf("%+v", list)
		}
		one, err := r.Accounts(ctx, all.actor, "", 2)
		r.must(err)
		rest, err := r.Accounts(ctx, all.actor, one[1].Login, 10)
		r.must(err)
		if len(one) != 2 || len(rest) != 3 {
			r.Errorf("%d and %d accounts", len(one), len(rest))
		}
	})
}

func TestGrantsMakeSense(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		for name, g := range map[string]operator.Grant{
			"role":            {Role: "root"},
			"no role":         {},
			"campaign":        {Role: operator.Auditor, Campaign: "winter"},
			"scope":           {Role: operator.Auditor, Campaign: "spring", Scope: "nowhere"},
			"unit everywhere": {Role: operator.Auditor, Scope: "no1"},
		} {
			if _, err := r.Grant(r.Context(), console, p.id, g, ""); err == nil {
				r.Errorf("a grant with a wrong %s was taken", name)
			}
		}
		_, err := r.Grant(r.Context(), console, p.id, operator.Grant{Role: operator.OfficeViewer}, "")
		r.must(err)
		for _, role := range []operator.Role{operator.System, operator.Auditor} {
			r.want("together with "+string(role), second(r.Grant(r.Context(), console, p.id, operator.Grant{Role: role}, "")), operator.ErrRoles)
		}
		_, err = r.Grant(r.Context(), console, p.id, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"}, "")
		r.must(err)
		r.refresh(p)
		if !p.actor.May(operator.CorrectResults, "spring") {
			r.Error("a grant does not reach the session that is open")
		}
		_, err = r.Revoke(r.Context(), console, p.id, operator.Grant{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"}, "")
		r.must(err)
		r.refresh(p)
		if p.actor.May(operator.CorrectResults, "spring") {
			r.Error("what was revoked is still there")
		}
	})
}

// TestNobodyGivesThemselvesPower walks every way from keeping accounts to changing
// results alone.
func TestNobodyGivesThemselvesPower(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		system, _ := r.hireWithBoth("system", operator.Grant{Role: operator.System})
		other, _ := r.hireWithBoth("other", operator.Grant{Role: operator.System})
		runs, _ := r.hireWithBoth("runs", operator.Grant{Role: operator.CampaignOperator})
		reads := r.hire("reads", operator.Grant{Role: operator.OfficeViewer})
		fresh := r.hire("fresh", operator.Grant{Role: operator.CampaignOperator})
		for _, role := range operator.Roles() {
			g := operator.Grant{Role: role}
			r.want("oneself "+string(role), second(r.GrantApproved(ctx, system.actor, system.id, g, "")), operator.ErrSelf)
			_, err := r.Grant(ctx, system.actor, reads.id, g, "")
			switch {
			case role.Exclusive():
				if err == nil {
					r.Errorf("%s beside another role", role)
				}
			case role.Deciding():
				r.want("somebody "+string(role), err, operator.ErrSecondPerson)
			default:
				r.want("somebody "+string(role), err, nil)
			}
		}
		puppet, _, err := r.Create(ctx, system.actor, operator.Newcomer{Login: "puppet", Name: "偶"})
		r.must(err)
		r.want("a second keeper of accounts", second(r.Grant(ctx, system.actor, puppet.ID, operator.Grant{Role: operator.System}, "")), operator.ErrSecondPerson)
		r.want("oneself", second(r.Reset(ctx, system.actor, system.id, operator.Reset{Password: true})), operator.ErrSelf)
		for name, what := range map[string]operator.Reset{"second factor": {TwoFactor: true}, "both": {Password: true, TwoFactor: true}} {
			r.want("reset "+name, second(r.Reset(ctx, system.actor, runs.id, what)), operator.ErrSecondPerson)
			r.want("reset another keeper's "+name, second(r.Reset(ctx, system.actor, other.id, what)), operator.ErrSecondPerson)
		}
		r.want("the password of somebody without a second factor", second(r.Reset(ctx, system.actor, fresh.id, operator.Reset{Password: true})), operator.ErrSecondPerson)
		once, err := r.Reset(ctx, system.actor, runs.id, operator.Reset{Password: true})
		r.must(err)
		_, err = r.try(&person{login: "runs", password: once}, "")
		r.want("with that password alone", err, operator.ErrCodeRequired)
		r.must(second(r.Reset(ctx, system.actor, reads.id, operator.Reset{Password: true, TwoFactor: true})))
	})
}

func TestApprovedResetsAreForOnePersonAndADay(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		system, _ := r.hireWithBoth("system", operator.Grant{Role: operator.System})
		other, _ := r.hireWithBoth("other", operator.Grant{Role: operator.System})
		runs, _ := r.hireWithBoth("runs", operator.Grant{Role: operator.CampaignOperator})
		both := operator.Reset{Password: true, TwoFactor: true, Reason: "手机丢失"}
		r.must(r.LetReset(ctx, system.actor, runs.id))
		r.want("somebody else's leave", second(r.Reset(ctx, other.actor, runs.id, both)), operator.ErrSecondPerson)
		once, err := r.Reset(ctx, system.actor, runs.id, both)
		r.must(err)
		r.want("twice", second(r.Reset(ctx, system.actor, runs.id, both)), operator.ErrSecondPerson)
		if !r.ended(runs) {
			r.Error("a session outlives the reset")
		}
		runs.password = once
		r.signIn(runs, "")
		if runs.actor.TwoFactor || !runs.actor.MustChange {
			r.Errorf("%+v", runs.actor)
		}
		r.must(r.LetReset(ctx, system.actor, runs.id))
		r.pass(24 * time.Hour)
		r.want("a day later", second(r.Reset(ctx, system.actor, runs.id, both)), operator.ErrSecondPerson)
	})
}

func TestTheLastSystemStays(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, off, on := r.Context(), true, false
		one, two := r.hire("one", operator.Grant{Role: operator.System}), r.hire("two", operator.Grant{Role: operator.System})
		r.hire("part", operator.Grant{Role: operator.System, Campaign: "spring"})
		r.must(second(r.Change(ctx, console, one.id, operator.Change{Disabled: &off})))
		r.want("disabling the last", second(r.Change(ctx, console, two.id, operator.Change{Disabled: &off})), operator.ErrLastSystem)
		r.want("revoking the last", second(r.Revoke(ctx, console, two.id, operator.Grant{Role: operator.System}, "")), operator.ErrLastSystem)
		r.must(second(r.Change(ctx, console, one.id, operator.Change{Disabled: &on})))
		errs := make(chan error, 2)
		for _, p := range []*person{one, two} { // each from a server of their own
			s := r.server(func(*operator.Options) {})
			go func() { errs <- second(s.Change(ctx, console, p.id, operator.Change{Disabled: &off})) }()
		}
		first, second := <-errs, <-errs
		if (first == nil) == (second == nil) {
			r.Errorf("both at once: %v, %v", first, second)
		}
	})
}

// TestEveryChangeIsAudited counts the entries of each act, and follows the chain.
func TestEveryChangeIsAudited(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, off := r.Context(), true
		p, _ := r.hireWithBoth("somebody", operator.Grant{Role: operator.OfficeViewer})
		_, err := r.try(&person{login: p.login, password: "Wrong-1"}, "")
		r.want("wrong", err, operator.ErrSignInFailed)
		r.must(second(r.Rename(ctx, p.actor, "王小明")))
		r.must(r.EndSession(ctx, p.actor, p.actor.Session))
		r.must(second(r.Revoke(ctx, console, p.id, operator.Grant{Role: operator.OfficeViewer}, "离职")))
		r.must(second(r.Revoke(ctx, console, p.id, operator.Grant{Role: operator.OfficeViewer}, "离职"))) // a repeat
		r.must(second(r.Change(ctx, console, p.id, operator.Change{Disabled: &off, Reason: "离职"})))
		log, got := audit.New(r.db), map[string]int{}
		r.must(log.Back(ctx, audit.Filter{}, 0, func(e audit.Entry) (bool, error) {
			got[e.Action]++
			return true, nil
		}))
		for action, n := range map[string]int{
			"operator.create": 1, "operator.grant": 1, "operator.revoke": 1, "operator.password": 1, "operator.totp_begin": 1, "operator.totp": 1,
			"operator.change": 2, "session.begin": 1, "session.end": 1, "session.refused": 1,
		} {
			if got[action] != n {
				r.Errorf("%s: %d entries, want %d", action, got[action], n)
			}
		}
		report, err := log.Verify(ctx)
		r.must(err)
		if report.Broken != nil {
			r.Errorf("%+v", report.Broken)
		}
	})
}
