package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/pquerna/otp/totp"

	"qingyuan/internal/approval"
	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
	"qingyuan/internal/spool"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// closedOffice is an office that nobody can enter. It is that of benches on stubs, so
// that the routes are there.
type closedOffice struct{}

func (closedOffice) Actor(context.Context, string, netip.Addr) (operator.Actor, error) {
	return operator.Actor{}, operator.ErrSignIn
}

// backOffice is what a bench with operators has, on a database of its own.
type backOffice struct {
	db        *sqldb.DB
	accounts  *operator.Service
	journal   *audit.Log
	approvals *approval.Service
}

// openBox stands in for the cipher of second factors.
type openBox struct{ plainBox }

func (openBox) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

func (openBox) Current([]byte) bool { return true }

// cheap stretches passwords as little as can be: what it costs is tested elsewhere.
func cheap() *argon2id.Params {
	return &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// newOfficeBench is a bench with accounts, an audit log and approvals in SQLite, whose
// clock is the bench's. change may set services on top of them: b.office is there.
func newOfficeBench(t *testing.T, change ...func(*bench)) *bench {
	t.Helper()
	return newBench(t, append([]func(*bench){func(b *bench) { b.openOffice(t) }}, change...)...)
}

func (b *bench) openOffice(t *testing.T) {
	t.Helper()
	o := &backOffice{db: sqltest.SQLite(t)}
	o.journal = audit.New(o.db)
	now := func() time.Time { return b.Now() } // b.Now may still be changed
	var err error
	o.accounts, err = operator.New(operator.Options{
		DB: o.db, Box: openBox{}, Campaign: b.catalog.Campaign, Rules: operator.DefaultRules(), Now: now, Hashing: cheap(), At: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.approvals = approval.New(approval.Options{
		DB: o.db, Campaign: b.catalog.Campaign, Now: now, Failed: func(a approval.Approval, err error) { t.Errorf("%s: %v", a.Kind, err) },
	})
	for _, k := range approval.Accounts(o.accounts) {
		o.approvals.Register(k)
	}
	b.office = o
	if b.Spool, err = spool.Open(filepath.Join(t.TempDir(), "uploads")); err != nil {
		t.Fatal(err)
	}
	b.Operators, b.Accounts, b.Journal, b.Approvals = o.accounts, o.accounts, o.journal, o.approvals
}

// operator makes an account with the grants and returns the token of a session that was
// opened with two factors. The account comes to be as anybody's does.
func (b *bench) operator(t *testing.T, grants ...operator.Grant) (token string) {
	t.Helper()
	return b.hire(t, grants...).token
}

// hired is an operator who is signed in.
type hired struct {
	token, id, login, password string
	secret                     string // of the second factor
}

// hire is operator for tests that need more than the token.
func (b *bench) hire(t *testing.T, grants ...operator.Grant) hired {
	t.Helper()
	h := b.hireWithOneFactor(t, grants...)
	a := b.actor(t, h.token)
	secret, err := b.office.accounts.EnrolSecret(t.Context(), a, h.password)
	if err != nil {
		t.Fatal(err)
	}
	h.secret = secret.Text
	if _, err := b.office.accounts.ConfirmSecret(t.Context(), a, b.code(t, h)); err != nil {
		t.Fatal(err)
	}
	return h
}

// hireWithOneFactor is hire for somebody who has not set a second factor up.
func (b *bench) hireWithOneFactor(t *testing.T, grants ...operator.Grant) hired {
	t.Helper()
	ctx, all, console := t.Context(), b.office.accounts, operator.Console("test")
	login := "user" + sequence()
	made, once, err := all.Create(ctx, console, operator.Newcomer{Login: login, Name: "王明"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grants {
		if _, err := all.GrantApproved(ctx, console, made.ID, g, ""); err != nil {
			t.Fatal(err)
		}
	}
	o, err := all.SignIn(ctx, operator.SignIn{Login: login, Password: once})
	if err != nil {
		t.Fatal(err)
	}
	h := hired{token: o.Token, id: made.ID, login: login, password: "Correct-Horse-7-" + sequence()}
	if err := all.ChangePassword(ctx, o.Actor, once, h.password); err != nil {
		t.Fatal(err)
	}
	return h
}

// counter numbers what tests make.
var counter atomic.Int64

func sequence() string { return strconv.FormatInt(counter.Add(1), 10) }

// actor is who a token stands for.
func (b *bench) actor(t *testing.T, token string) operator.Actor {
	t.Helper()
	a, err := b.office.accounts.Actor(t.Context(), token, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// code is what the authenticator of somebody shows now.
func (b *bench) code(t *testing.T, h hired) string {
	t.Helper()
	return b.codeAt(t, h, b.Now())
}

// codeAt is what it shows at a moment.
func (b *bench) codeAt(t *testing.T, h hired, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(h.secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// entries are the audit log, the oldest first.
func (b *bench) entries(t *testing.T) []audit.Entry {
	t.Helper()
	var all []audit.Entry
	err := b.office.journal.Back(t.Context(), audit.Filter{}, 0, func(e audit.Entry) (bool, error) {
		all = append(all, e)
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// ask sends a request of an operator and wants a status.
func (b *bench) ask(t *testing.T, as, method, path, body string, status int) answer {
	t.Helper()
	a := b.do(t, request(method, path, as, body))
	if a.status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

func TestHiredOperatorsMaySignIn(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := newOfficeBench(t, func(b *bench) { b.Now = c.Now })
	h := b.hire(t, operator.Grant{Role: operator.CampaignOperator})
	b.ask(t, h.token, http.MethodGet, "/api/v1/admin/me", "", http.StatusOK)
	c.Add(time.Minute) // a code is taken once
	body := `{"login":"` + h.login + `","password":"` + h.password + `","code":"` + b.code(t, h) + `"}`
	b.ask(t, "", http.MethodPost, "/api/v1/admin/sessions", body, http.StatusCreated)
}
