package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"qingyuan/configs"
	"qingyuan/internal/sqldb"
)

// officeCommands runs commands of the office on a deployment.
type officeCommands struct {
	*testing.T

	cfg configs.Config
}

// run wants an exit status and returns what was printed. stdin is a password.
func (o officeCommands) run(want int, stdin string, args ...string) string {
	o.Helper()
	var out, errs bytes.Buffer
	e := env{ctx: o.Context(), stdout: &out, stderr: &errs, stdin: strings.NewReader(stdin)}
	if got := run(e, append(args, "--data", o.cfg.Data.Dir)); got != want {
		o.Fatalf("%s = %d %s%s, want %d", strings.Join(args, " "), got, out.String(), errs.String(), want)
	}
	return out.String() + errs.String()
}

// printed returns the password that a command has shown.
func printed(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return lines[len(lines)-1]
}

// TestAnOfficeForADraft gives roles in a campaign that nobody sees yet, for a county too.
func TestAnOfficeForADraft(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	o := officeCommands{t, cfg}
	s := start(t, cfg)
	o.run(exitDone, "", "campaign", "apply", "--draft", "testdata/known/campaign.yaml")
	o.run(exitDone, "", "operator", "create", "--login", "county", "--role", "campaign_operator", "--campaign", "known-2026", "--scope", "140702")
	o.run(exitFailed, "", "operator", "grant", "county", "--role", "office_viewer", "--campaign", "known-2026", "--scope", "140799")
	o.run(exitFailed, "", "operator", "grant", "county", "--role", "office_viewer", "--campaign", "known-2027")
	admin := s.officeOf(t, "first", printed(o.run(exitDone, "", "operator", "create", "--login", "first", "--role", "system")))
	made := admin.want(201, "POST", "/admin/operators", map[string]string{"login": "viewer", "name": "柳莺"})
	grants := "/admin/operators/" + made.object("operator").text("id") + "/grants"
	admin.want(200, "PUT", grants, map[string]string{"role": "office_viewer", "campaign": "known-2026", "scope": "140702", "reason": "负责"})
	admin.want(400, "PUT", grants, map[string]string{"role": "office_viewer", "campaign": "known-2027", "reason": "负责"})
	log := o.run(exitDone, "", "audit", "export")
	if !strings.Contains(log, `""home"":{""campaign"":""known-2026"",""scope"":""140702""}`) {
		t.Errorf("the log tells\n%s", log)
	}
}

// TestTheFirstAdministrator goes from the first command to an approved role, a log
// that is checked, and one that was tampered with.
func TestTheFirstAdministrator(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	o := officeCommands{t, cfg}
	o.run(exitUsage, "", "operator", "create", "--login", "early", "--role", "system") // nothing was ever served there
	s := start(t, cfg)
	first := printed(o.run(exitDone, "", "operator", "create", "--login", "first", "--name", "王明", "--role", "system"))
	o.run(exitFailed, "weak\n", "operator", "create", "--login", "weak", "--role", "auditor", "--password-stdin")
	o.run(exitUsage, "", "operator", "create", "--login", "weak", "--role", "auditor", "--password-stdin")
	o.run(exitDone, "Yushu-Linfeng-62\n", "operator", "create", "--login", "watch", "--role", "auditor", "--password-stdin")
	o.run(exitFailed, "", "operator", "grant", "watch", "--role", "office_viewer") // auditors have no other role
	o.run(exitFailed, "", "operator", "grant", "nobody", "--role", "office_viewer")
	o.run(exitFailed, "", "operator", "disable", "first") // the last of its kind
	o.run(exitFailed, "", "operator", "create", "--login", "wrong", "--role", "office_viewer", "--phone", "0351-110")
	o.run(exitUsage, "", "operator", "mark", "first", "--line", demoCampaign)
	o.run(exitFailed, "", "operator", "mark", "first", "--line", demoCampaign+"/nowhere/1")
	runs := printed(o.run(exitDone, "", "operator", "create", "--login", "runs", "--role", "campaign_operator", "--campaign", demoCampaign, "--phone", "13800000000"))
	if out := o.run(exitDone, "", "operator", "mark", "runs", "--phone", "13900000000"); !strings.Contains(out, "known by 2 phone numbers and 0 lines") {
		t.Errorf("marked: %s", out)
	}

	admin := s.officeOf(t, "first", first)
	accounts := admin.want(200, "GET", "/admin/operators", nil).list("items")
	if len(accounts) != 3 {
		t.Errorf("%v", accounts)
	}
	o.run(exitDone, "", "operator", "create", "--login", "second", "--role", "system")
	second := s.officeOf(t, "second", printed(o.run(exitDone, "", "operator", "reset", "second", "--two-factor")))
	made := admin.want(201, "POST", "/admin/operators", map[string]string{"login": "liuying", "name": "柳莺"})
	asked := admin.want(202, "PUT", "/admin/operators/"+made.object("operator").text("id")+"/grants",
		map[string]string{"role": "campaign_operator", "campaign": demoCampaign, "reason": "负责"})
	second.want(200, "POST", "/admin/approvals/"+asked.text("approval")+"/approve", map[string]string{"reason": "同意"})
	s.eventually("the approved role", func() bool {
		return admin.want(200, "GET", "/admin/approvals/"+asked.text("approval"), nil).text("state") == "done"
	})
	if out := o.run(exitDone, "", "operator", "list", "--json"); !strings.Contains(out, `"campaign_operator"`) || strings.Contains(out, runs) {
		t.Errorf("%s", out)
	}
	o.run(exitDone, "", "operator", "revoke", "liuying", "--role", "campaign_operator", "--campaign", demoCampaign)
	o.run(exitDone, "", "operator", "disable", "second", "--reason", "离职")
	s.eventually("the disabled one to be out", func() bool {
		status, _, err := second.call("GET", "/admin/me", nil)
		return err == nil && status == 401
	})
	o.run(exitDone, "", "operator", "enable", "second")
	if out := o.run(exitDone, "", "operator", "list"); !strings.Contains(out, "first sign-in to come") || !strings.Contains(out, "second") {
		t.Errorf("%s", out)
	}
	o.checksTheLog(s)
}

// officeOf signs somebody in for the first time, as they would do it themselves.
func (a api) officeOf(t *testing.T, login, once string) api {
	t.Helper()
	const password = "Correct-Horse-77"
	a.token = a.want(201, "POST", "/admin/sessions", map[string]string{"login": login, "password": once}).text("token")
	a.want(403, "GET", "/admin/operators", nil)
	a.want(204, "POST", "/admin/me/password", map[string]string{"old_password": once, "password": password})
	a.want(403, "GET", "/admin/operators", nil) // for want of a second factor
	secret := a.want(200, "POST", "/admin/me/totp", map[string]string{"password": password}).text("secret")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a.want(200, "POST", "/admin/me/totp/confirm", map[string]string{"code": code})
	return a
}

// checksTheLog verifies, exports and cuts the audit log, and then changes it.
func (o officeCommands) checksTheLog(s *server) {
	o.Helper()
	var found struct {
		Clean bool
		Audit struct {
			Entries int64
			Head    string
		}
	}
	if err := json.Unmarshal([]byte(o.stdout("verify", "--json")), &found); err != nil {
		o.Fatal(err)
	}
	if !found.Clean || found.Audit.Entries < 10 || !strings.Contains(found.Audit.Head, ":") {
		o.Errorf("%+v", found)
	}
	file := filepath.Join(o.TempDir(), "audit.csv")
	o.run(exitDone, "", "audit", "export", "-o", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		o.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff")))).ReadAll()
	if err != nil || int64(len(lines)) != found.Audit.Entries+2 { // a head, and the export itself
		o.Errorf("%d lines, %v", len(lines), err)
	}
	o.run(exitUsage, "", "audit", "trim", "--keep-days", "30", "--reason", "x")
	if out := o.run(exitDone, "", "audit", "trim", "--keep-days", "180", "--reason", "x"); !strings.Contains(out, "0 entries") {
		o.Errorf("%s", out)
	}
	o.run(exitUsage, "", "verify", "--audit-head", "nonsense")
	if out := o.run(exitDone, "", "verify", "--audit-head", found.Audit.Head); !strings.Contains(out, "the chain holds; head ") {
		o.Errorf("%s", out)
	}
	if err := s.stop(); err != nil {
		o.Fatal(err)
	}
	db, err := sqldb.Open(o.Context(), o.cfg.DatabaseTarget())
	if err != nil {
		o.Fatal(err)
	}
	if _, err := db.ExecContext(o.Context(), `UPDATE audit SET login = 'somebody else' WHERE seq = 4`); err != nil {
		o.Fatal(err)
	}
	if err := db.Close(); err != nil {
		o.Fatal(err)
	}
	if out := o.run(exitFailed, "", "verify"); !strings.Contains(out, "BROKEN: entry 4 ") {
		o.Errorf("%s", out)
	}
}

// stdout is run for what a script reads.
func (o officeCommands) stdout(args ...string) string {
	o.Helper()
	var out, errs bytes.Buffer
	if got := run(env{ctx: o.Context(), stdout: &out, stderr: &errs}, append(args, "--data", o.cfg.Data.Dir)); got != exitDone {
		o.Fatalf("%s = %d %s", strings.Join(args, " "), got, errs.String())
	}
	return out.String()
}
