package httpapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
)

const desks = "/api/v1/admin/sessions"

// signedIn is what a sign-in answers.
type signedIn struct {
	Token     string `json:"token"`
	ExpiresAt string `json:"expires_at"`
	Session   string `json:"session"`
	TwoFactor bool   `json:"two_factor"`
	Operator  struct {
		ID         string `json:"id"`
		Login      string `json:"login"`
		MustChange bool   `json:"must_change_password"`
	} `json:"operator"`
}

func credentials(login, password, code string) string {
	return `{"login":"` + login + `","password":"` + password + `","code":"` + code + `"}`
}

// TestTheWayIn goes from the first password to the second factor, over HTTP alone.
func TestTheWayIn(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newOfficeBench(t, func(b *bench) { b.Now = c.Now })
	made, once, err := b.office.accounts.Create(t.Context(), operator.Console("test"), operator.Newcomer{Login: "wangming", Name: "王明"})
	if err != nil {
		t.Fatal(err)
	}
	in := decode2[signedIn](t, b.ask(t, "", "POST", desks, credentials("WangMing", once, ""), 201))
	if in.Operator.ID != made.ID || !in.Operator.MustChange || in.TwoFactor {
		t.Errorf("%+v", in)
	}
	b.refused(t, in.Token, "PATCH", officePath+"/me", `{"name":"王"}`, "operator.password_change")
	b.refused(t, in.Token, "POST", officePath+"/me/password", `{"old_password":"`+once+`","password":"short"}`, "operator.password_weak")
	b.ask(t, in.Token, "POST", officePath+"/me/password", `{"old_password":"`+once+`","password":"Yushu-Linfeng-62"}`, 204)
	secret := decode2[struct{ Secret, URI string }](t, b.ask(t, in.Token, "POST", officePath+"/me/totp", `{"password":"Yushu-Linfeng-62"}`, 200))
	h := hired{token: in.Token, login: "wangming", password: "Yushu-Linfeng-62", secret: secret.Secret}
	b.refused(t, in.Token, "POST", officePath+"/me/totp/confirm", `{"code":"000000"}`, "operator.code_wrong")
	codes := decode2[struct {
		Codes []string `json:"recovery_codes"`
	}](t, b.ask(t, in.Token, "POST", officePath+"/me/totp/confirm", `{"code":"`+b.code(t, h)+`"}`, 200)).Codes
	b.refused(t, "", "POST", desks, credentials(h.login, h.password, ""), "operator.code_required")
	c.Add(time.Minute)
	again := decode2[signedIn](t, b.ask(t, "", "POST", desks, credentials(h.login, h.password, b.code(t, h)), 201))
	lost := decode2[signedIn](t, b.ask(t, "", "POST", desks, credentials(h.login, h.password, codes[3]), 201))
	if !again.TwoFactor || !lost.TwoFactor {
		t.Error("two factors were shown and are not told")
	}
	b.ask(t, again.Token, "DELETE", desks+"/current", "", 204)
	b.refused(t, again.Token, "GET", officePath+"/me", "", "operator.sign_in")
	b.ask(t, lost.Token, "GET", officePath+"/me", "", 200)
	if strings.Contains(b.logs.String(), h.password) || strings.Contains(b.logs.String(), h.secret) || strings.Contains(b.logs.String(), lost.Token) {
		t.Error("a secret is in the log")
	}
}

// refused wants a failure, at the status that its code has.
func (b *bench) refused(t *testing.T, as, method, path, body, code string) {
	t.Helper()
	row := slices.IndexFunc(errorCodes(), func(r codeRow) bool { return r.Code == code })
	if a := b.ask(t, as, method, path, body, errorCodes()[row].Status); a.problem(t).Code != code {
		t.Errorf("%s %s: %s, want %s", method, path, a.body, code)
	}
}

func decode2[T any](t *testing.T, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return v
}

// TestSignInIsNoOracle compares whole answers, the ids of requests apart.
func TestSignInIsNoOracle(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	known := b.hireWithOneFactor(t, operator.Grant{Role: operator.Auditor})
	off := true
	gone := b.hireWithOneFactor(t)
	if _, err := b.office.accounts.Change(t.Context(), operator.Console("test"), gone.id, operator.Change{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	both := b.hire(t)
	asked := func(login, password, code string) string {
		a := b.do(t, request("POST", desks, "", credentials(login, password, code)))
		p := a.problem(t)
		return http.StatusText(a.status) + p.Code + p.Message
	}
	want := asked("nobody.here", "Falsch-Falsch-1", "")
	for name, got := range map[string]string{
		"a wrong password":  asked(known.login, "Falsch-Falsch-1", ""),
		"a disabled one":    asked(gone.login, gone.password, ""),
		"a wrong code":      asked(both.login, both.password, "000000"),
		"both wrong":        asked(both.login, "Falsch-Falsch-1", "000000"),
		"no code, wrong":    asked(both.login, "Falsch-Falsch-1", ""),
		"much too long":     asked(strings.Repeat("a", 65), "x", ""),
		"with a code given": asked("nobody.here", "Falsch-Falsch-1", "123456"),
	} {
		if got != want {
			t.Errorf("%s is answered %s, a login that nobody has %s", name, got, want)
		}
	}
}

func TestSignInsAreCountedByAddress(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	codes := map[string]int{}
	for range 25 {
		a := b.do(t, request("POST", desks, "", credentials("user"+sequence(), "x", "")))
		codes[a.problem(t).Code]++
	}
	if codes["rate.limited"] == 0 || codes["operator.sign_in_failed"] != 20 {
		t.Errorf("%v", codes)
	}
}

// TestTwoPersonsGiveARoleThatDecides goes from asking to having it.
func TestTwoPersonsGiveARoleThatDecides(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	one, two := b.operator(t, operator.Grant{Role: operator.System}), b.operator(t, operator.Grant{Role: operator.System})
	h := b.hire(t)
	path := officePath + "/operators/" + h.id
	asked := decode2[struct{ Approval string }](t, b.ask(t, one, "PUT", path+"/grants", `{"role":"campaign_operator","campaign":"spring","reason":"负责"}`, 202))
	decide := officePath + "/approvals/" + asked.Approval
	b.refused(t, one, "POST", decide+"/approve", `{}`, "approval.own")
	b.refused(t, h.token, "POST", decide+"/approve", `{}`, "approval.not_found")
	b.refused(t, two, "POST", decide+"/refuse", `{}`, "request.invalid") // a refusal says why
	b.ask(t, two, "POST", decide+"/approve", `{}`, 200)
	b.ask(t, two, "POST", decide+"/approve", `{}`, 200) // a repeat
	b.refused(t, two, "POST", decide+"/refuse", `{"reason":"不"}`, "approval.decided")
	b.settleApprovals(t)
	if a := b.actor(t, h.token); !a.May(operator.CorrectResults, "spring") || a.May(operator.CorrectResults, "") {
		t.Errorf("%+v", a.Grants)
	}
	reset := `{"password":true,"two_factor":true,"reason":"手机丢失"}`
	asked = decode2[struct{ Approval string }](t, b.ask(t, one, "POST", path+"/reset", reset, 202))
	b.ask(t, two, "POST", officePath+"/approvals/"+asked.Approval+"/approve", `{}`, 200)
	b.settleApprovals(t)
	done := decode2[struct{ Password string }](t, b.ask(t, one, "POST", path+"/reset", reset, 200))
	b.ask(t, "", "POST", desks, credentials(h.login, done.Password, ""), 201)
	b.ask(t, one, "POST", path+"/reset", reset, 202)
	list := decode2[list[struct{ Kind, State string }]](t, b.ask(t, two, "GET", officePath+"/approvals?state=done", "", 200))
	if len(list.Items) != 2 {
		t.Errorf("%+v", list)
	}
}

// settleApprovals runs what was approved.
func (b *bench) settleApprovals(t *testing.T) {
	t.Helper()
	for {
		did, err := b.office.approvals.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !did {
			return
		}
	}
}

// TestAuditorsSeeTheirPart fills the log with acts everywhere.
func TestAuditorsSeeTheirPart(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t)
	all := b.operator(t, operator.Grant{Role: operator.Auditor})
	campaign := b.operator(t, operator.Grant{Role: operator.Auditor, Campaign: "spring"})
	district := b.operator(t, operator.Grant{Role: operator.Auditor, Scope: "140702"})
	for i, object := range []string{"unit:no1", "region:yuci", "unit:tg1", "campaign", "unit:no2", "unit:gone"} {
		r := audit.Record{At: noon().Add(time.Duration(i) * time.Hour), Actor: "actor" + object[:1], Action: "test.act", Campaign: "spring", Object: object, Reason: "=1+1"}
		if err := b.office.journal.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	seen := func(as, query string) (n int) {
		for path := officePath + "/audit?action=test.&limit=2" + query; ; {
			page := decode2[list[entryT]](t, b.ask(t, as, "GET", path, "", 200))
			n += len(page.Items)
			if page.NextCursor == nil {
				return n
			}
			path = officePath + "/audit?action=test.&limit=2" + query + "&cursor=" + *page.NextCursor
		}
	}
	for name, c := range map[string]struct{ got, want int }{
		"everything":    {seen(all, ""), 6},
		"the campaign":  {seen(campaign, ""), 6},
		"the district":  {seen(district, ""), 3},
		"by actor":      {seen(all, "&actor=actoru"), 4},
		"by time":       {seen(all, "&from="+noon().UTC().Add(time.Hour).Format(time.RFC3339)+"&until="+noon().UTC().Add(3*time.Hour).Format(time.RFC3339)), 2},
		"of a campaign": {seen(all, "&campaign=autumn"), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d entries, want %d", name, c.got, c.want)
		}
	}
	b.refused(t, all, "GET", officePath+"/audit?from=yesterday", "", "request.invalid")
	file := b.ask(t, district, "GET", officePath+"/audit/export?action=test.", "", 200)
	if lines := strings.Split(file.body, "\r\n"); len(lines) != 5 || !strings.HasPrefix(file.body, "\ufeff序号,") || !strings.Contains(file.body, ",'=1+1,") {
		t.Errorf("%q", file.body)
	}
	if !strings.HasPrefix(file.body, "\ufeff序号,时间（UTC+08:00）,") || !strings.Contains(file.body, ","+noon().Format("2006-01-02 15:04:05.000")) {
		t.Errorf("times are not those of the office: %q", file.body)
	}
	if last := b.entries(t); last[len(last)-1].Action != "audit.export" {
		t.Error("nobody learns that the log was exported")
	}
	const chain = officePath + "/audit/chain"
	follow := func(query string) chainT { return decode2[chainT](t, b.ask(t, district, "GET", chain+query, "", 200)) }
	now := follow("")
	if entries := b.entries(t); now.Broken != nil || now.Entries != int64(len(entries)) || now.Head != follow("?head="+now.Head).Head {
		t.Errorf("the chain of %d entries: %+v", len(entries), now)
	}
	if other := follow("?head=1:" + strings.Repeat("0", 64)); other.Broken == nil || other.Broken.Seq != 1 {
		t.Errorf("a head that is another's: %+v", other)
	}
	b.refused(t, all, "GET", chain+"?head=yesterday", "", "request.invalid")
}
