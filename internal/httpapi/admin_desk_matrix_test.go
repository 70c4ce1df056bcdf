package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/operator"
)

// deskArea is everybody's own account.
func deskArea() area {
	return area{subjects: map[string]subject{
		"DELETE /api/v1/admin/sessions/current": {fresh: true, ok: http.StatusNoContent},
		"GET /api/v1/admin/sessions":            {},
		"DELETE /api/v1/admin/sessions/:session": {
			object: sessionOfNo1, ok: http.StatusNoContent, action: operator.ManageOperators, needsTwo: true,
		},
		"GET /api/v1/admin/me":   {},
		"PATCH /api/v1/admin/me": {body: `{"name":"王明"}`},
		"POST /api/v1/admin/me/password": {fresh: true, ok: http.StatusNoContent, own: func(_ *testing.T, _ *bench, h hired) string {
			return `{"old_password":"` + h.password + `","password":"Another-Horse-8"}`
		}},
		"POST /api/v1/admin/me/totp": {
			fresh: true, ok: http.StatusConflict, okOne: http.StatusOK,
			own: func(_ *testing.T, _ *bench, h hired) string { return `{"password":"` + h.password + `"}` },
		},
		"POST /api/v1/admin/me/totp/confirm": {fresh: true, body: `{"code":"x"}`, ok: http.StatusConflict},
		"DELETE /api/v1/admin/me/totp": {
			fresh: true, ok: http.StatusNoContent, okOne: http.StatusConflict,
			own: func(t *testing.T, b *bench, h hired) string {
				t.Helper()
				if h.secret == "" {
					return `{"password":"` + h.password + `","code":"000000"}`
				}
				return `{"password":"` + h.password + `","code":"` + b.codeAt(t, h, b.Now().Add(30*time.Second)) + `"}`
			},
		},
		"GET /api/v1/admin/roles": {},
	}}
}

// accountArea is the accounts of others.
func accountArea() area {
	const grant = `{"role":"office_viewer","campaign":"spring","scope":"no1","reason":"查看"}`
	return area{subjects: map[string]subject{
		"GET /api/v1/admin/operators": {},
		"POST /api/v1/admin/operators": {
			body: `{"login":"made%d","name":"赵云","campaign":"spring","scope":"no1"}`, placed: true,
			ok: http.StatusCreated, outside: http.StatusForbidden,
		},
		"GET /api/v1/admin/operators/:operator":          {object: accountOfNo1},
		"GET /api/v1/admin/operators/:operator/marks":    {object: accountOfNo1},
		"POST /api/v1/admin/operators/:operator/marks":   {object: accountOfNo1, body: `{"phones":["13800000000"],"people":[{"campaign":"spring","unit":"no1","number":"0017"}]}`},
		"PATCH /api/v1/admin/operators/:operator":        {object: accountOfNo1, body: `{"name":"赵云"}`},
		"GET /api/v1/admin/operators/:operator/sessions": {object: accountOfNo1},
		"POST /api/v1/admin/operators/:operator/reset":   {object: accountOfNo1, body: `{"password":true,"reason":"忘记密码"}`},
		"PUT /api/v1/admin/operators/:operator/grants":   {object: accountOfNo1, body: grant},
		"DELETE /api/v1/admin/operators/:operator/grants": {
			object: accountOfNo1, query: "role=office_viewer&campaign=spring&scope=no1",
		},
	}}
}

// accountOfNo1 is an account that belongs to unit no1.
func accountOfNo1(t *testing.T, b *bench) map[string]string {
	t.Helper()
	made, _ := b.accountOfNo1(t)
	return map[string]string{"operator": made.ID}
}

func (b *bench) accountOfNo1(t *testing.T) (operator.Account, string) {
	t.Helper()
	made, once, err := b.office.accounts.Create(t.Context(), operator.Console("test"), operator.Newcomer{
		Login: "no1." + sequence(), Name: "钱进", Home: operator.Place{Campaign: "spring", Scope: "no1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made, once
}

// sessionOfNo1 is a session of such an account.
func sessionOfNo1(t *testing.T, b *bench) map[string]string {
	t.Helper()
	made, once := b.accountOfNo1(t)
	o, err := b.office.accounts.SignIn(t.Context(), operator.SignIn{Login: made.Login, Password: once})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"session": o.Actor.Session}
}

// auditArea shows of the log what lies within.
func auditArea() area {
	return area{subjects: map[string]subject{
		"GET /api/v1/admin/audit":        {},
		"GET /api/v1/admin/audit/export": {},
		"GET /api/v1/admin/audit/chain":  {},
	}}
}

// kindTest is an act on unit no1 that needs a second person.
const kindTest = "test.correct"

// approvalArea is what a second person decides on.
func approvalArea() area {
	one := subject{object: approvalOfNo1, action: operator.ApproveResults}
	decide := one
	decide.body, decide.needsTwo = `{"reason":"同意"}`, true
	return area{
		open: func(_ *testing.T, b *bench) { b.office.approvals.Register(testKind(nil)) },
		subjects: map[string]subject{
			"GET /api/v1/admin/approvals":                    {},
			"GET /api/v1/admin/approvals/:approval":          one,
			"POST /api/v1/admin/approvals/:approval/approve": decide,
			"POST /api/v1/admin/approvals/:approval/refuse":  decide,
		},
	}
}

// testKind is a correction of one unit; run may be nil.
func testKind(run func(context.Context, approval.Approval) (json.RawMessage, error)) approval.Kind {
	if run == nil {
		run = func(context.Context, approval.Approval) (json.RawMessage, error) { return nil, nil }
	}
	return approval.Kind{
		Name: kindTest,
		Reach: approval.Nodes(func(_ *campaign.Campaign, params json.RawMessage) ([]string, error) {
			var p struct{ Unit string }
			err := json.Unmarshal(params, &p)
			return []string{p.Unit}, err
		}),
		Run: run,
	}
}

// approvalOfNo1 was asked for by somebody of the unit, and by nobody before.
func approvalOfNo1(t *testing.T, b *bench) map[string]string {
	t.Helper()
	asker := operator.Actor{ID: "asker", Login: "asker", TwoFactor: true, Grants: []operator.Grant{
		{Role: operator.CampaignOperator, Campaign: "spring", Scope: "no1"},
	}}
	id, err := b.Approvals.Ask(t.Context(), asker, kindTest, "spring", json.RawMessage(`{"unit":"no1","turn":`+sequence()+`}`), "误操作")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"approval": id}
}
