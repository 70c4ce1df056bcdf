package operator_test

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/pquerna/otp/totp"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// rig is one server's accounts, on a clock that the test moves.
type rig struct {
	*testing.T
	*operator.Service

	db  *sqldb.DB
	now *atomic.Int64
}

var desk = netip.MustParseAddr("192.0.2.7")

// cheap is as little as Argon2id can do: what stretching costs is looked at by itself.
func cheap() *argon2id.Params {
	return &argon2id.Params{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	return newRigWith(t, db, func(*operator.Options) {})
}

func newRigWith(t *testing.T, db *sqldb.DB, change func(*operator.Options)) *rig {
	t.Helper()
	r := &rig{T: t, db: db, now: &atomic.Int64{}}
	r.now.Store(time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC).UnixMilli())
	r.Service = r.server(change)
	return r
}

// server is one more server of the same deployment.
func (r *rig) server(change func(*operator.Options)) *operator.Service {
	r.Helper()
	box, err := seal.New(seal.Keys{Current: "k", Secrets: map[string][]byte{"k": make([]byte, 32)}})
	if err != nil {
		r.Fatal(err)
	}
	o := operator.Options{DB: r.db, Box: box, Campaign: findCampaign, Rules: operator.DefaultRules(), Now: r.time, Hashing: cheap(), At: 4}
	change(&o)
	s, err := operator.New(o)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r *rig) time() time.Time { return time.UnixMilli(r.now.Load()).UTC() }

func (r *rig) pass(d time.Duration) { r.now.Add(d.Milliseconds()) }

// each runs fn on both databases.
func each(t *testing.T, fn func(r *rig)) {
	t.Helper()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) { fn(newRig(t, db)) })
}

// findCampaign has one city with two districts of two units.
func findCampaign(id string) (*campaign.Campaign, error) {
	if id != "spring" && id != "autumn" {
		return nil, campaign.ErrNotFound
	}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "city", Kind: campaign.Region, Code: "140700"},
		{ID: "yuci", Kind: campaign.Region, Code: "140702", Parent: "city"},
		{ID: "no1", Kind: campaign.Unit, Parent: "yuci"},
		{ID: "taigu", Kind: campaign.Region, Code: "140703", Parent: "city"},
		{ID: "tg1", Kind: campaign.Unit, Parent: "taigu"},
	})
	return &campaign.Campaign{ID: id, Tree: tree}, err
}

var console = operator.Console("root")

const password = "Sonne-Mond-und-7-Sterne"

// person is somebody with an account.
type person struct {
	id, login, password, secret string

	actor operator.Actor
	token string
}

// hire makes an account, has its owner choose a password, and leaves them signed in.
func (r *rig) hire(login string, grants ...operator.Grant) *person {
	r.Helper()
	made, once, err := r.Create(r.Context(), console, operator.Newcomer{Login: login, Name: "王明"})
	r.must(err)
	for _, g := range grants {
		_, err := r.Grant(r.Context(), console, made.ID, g, "")
		r.must(err)
	}
	p := &person{id: made.ID, login: login, password: once}
	r.signIn(p, "")
	r.must(r.ChangePassword(r.Context(), p.actor, once, password))
	p.password = password
	r.refresh(p)
	return p
}

// hireWithBoth is hire, and sets a second factor up.
func (r *rig) hireWithBoth(login string, grants ...operator.Grant) (*person, []string) {
	r.Helper()
	p := r.hire(login, grants...)
	secret, err := r.EnrolSecret(r.Context(), p.actor, p.password)
	r.must(err)
	p.secret = secret.Text
	codes, err := r.ConfirmSecret(r.Context(), p.actor, r.code(p))
	r.must(err)
	r.refresh(p)
	return p, codes
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) want(what string, err, want error) {
	r.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		r.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (r *rig) try(p *person, code string) (operator.Opened, error) {
	return r.SignIn(r.Context(), operator.SignIn{Login: p.login, Password: p.password, Code: code, Addr: desk})
}

func (r *rig) signIn(p *person, code string) {
	r.Helper()
	o, err := r.try(p, code)
	r.must(err)
	p.token, p.actor = o.Token, o.Actor
}

// refresh reads who the person's session stands for now.
func (r *rig) refresh(p *person) {
	r.Helper()
	var err error
	p.actor, err = r.Actor(r.Context(), p.token, desk)
	r.must(err)
}

// code is what the person's phone shows.
func (r *rig) code(p *person) string {
	r.Helper()
	code, err := totp.GenerateCode(p.secret, r.time())
	r.must(err)
	return code
}

func (r *rig) ended(p *person) bool {
	r.Helper()
	_, err := r.Actor(r.Context(), p.token, desk)
	if err != nil {
		r.want("an ended session", err, operator.ErrSignIn)
	}
	return err != nil
}

func TestFirstSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		made, once, err := r.Create(r.Context(), console, operator.Newcomer{Login: " Wang.Ming ", Name: "王明"})
		r.must(err)
		if made.Login != "wang.ming" || !made.MustChange || len(made.Grants) != 0 {
			r.Errorf("%+v", made)
		}
		p := &person{login: "WANG.MING", password: once}
		r.signIn(p, "")
		if !p.actor.MustChange || p.actor.TwoFactor || p.actor.ID != made.ID || p.actor.Addr != desk {
			r.Errorf("%+v", p.actor)
		}
		r.want("the wrong old one", r.ChangePassword(r.Context(), p.actor, "x", password), operator.ErrWrongPassword)
		r.must(r.ChangePassword(r.Context(), p.actor, once, password))
		r.refresh(p)
		if p.actor.MustChange {
			r.Error("the password has to be changed still")
		}
		_, err = r.try(p, "")
		r.want("the first password again", err, operator.ErrSignInFailed)
	})
}

func TestFirstPasswordGrowsOld(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		_, once, err := r.Create(r.Context(), console, operator.Newcomer{Login: "late", Name: "迟"})
		r.must(err)
		r.pass(8 * 24 * time.Hour)
		_, err = r.try(&person{login: "late", password: once}, "")
		r.want("after a week", err, operator.ErrSignInFailed)
	})
}

func TestLockoutSaysNothing(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		for _, login := range []string{p.login, "nobody.has.this"} {
			wrong := &person{login: login, password: "Wrong-Password-1"}
			for range 5 {
				_, err := r.try(wrong, "")
				r.want(login, err, operator.ErrSignInFailed)
			}
			_, err := r.try(wrong, "")
			r.want(login+", the sixth time", err, operator.ErrLocked)
			if f := fault.From(err); f.RetryAfter != 15*time.Minute {
				r.Errorf("%s: wait %v", login, f.RetryAfter)
			}
		}
		_, err := r.try(p, "")
		r.want("the right password while locked", err, operator.ErrLocked)
		r.pass(15*time.Minute - time.Millisecond)
		_, err = r.try(p, "")
		r.want("just before the end", err, operator.ErrLocked)
		r.pass(time.Millisecond)
		r.signIn(p, "")
	})
}

// TestTriesAreSpreadOverTime: four wrong ones, and then no more within the window.
func TestTriesAreSpreadOverTime(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		for range 3 {
			for range 4 {
				_, err := r.try(&person{login: p.login, password: "Wrong-1"}, "")
				r.want("wrong", err, operator.ErrSignInFailed)
			}
			r.pass(15 * time.Minute)
		}
		for range 3 { // what is right takes the tries back
			for range 4 {
				_, err := r.try(&person{login: p.login, password: "Wrong-1"}, "")
				r.want("wrong", err, operator.ErrSignInFailed)
			}
			r.signIn(p, "")
		}
	})
}

// TestGuessesAtOnceAreCountedOneByOne has two servers asked at the same time.
func TestGuessesAtOnceAreCountedOneByOne(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		servers := []*operator.Service{r.Service, r.server(func(*operator.Options) {})}
		var failed, locked atomic.Int64
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				_, err := servers[i%2].SignIn(r.Context(), operator.SignIn{Login: p.login, Password: "Wrong-" + strconv.Itoa(i), Addr: desk})
				switch {
				case errors.Is(err, operator.ErrSignInFailed):
					failed.Add(1)
				case errors.Is(err, operator.ErrLocked):
					locked.Add(1)
				default:
					r.Errorf("%v", err)
				}
			})
		}
		wg.Wait()
		if failed.Load() != 5 || locked.Load() != 11 {
			r.Errorf("%d guesses were looked at, %d were locked out", failed.Load(), locked.Load())
		}
	})
}

func TestOneNetworkTriesFewLogins(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		from := func(i int) netip.Addr { return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}) } // one /64
		for i := range 50 {
			_, err := r.SignIn(r.Context(), operator.SignIn{Login: "user" + strconv.Itoa(i), Password: "x", Addr: from(i)})
			r.want("a try", err, operator.ErrSignInFailed)
		}
		_, err := r.SignIn(r.Context(), operator.SignIn{Login: p.login, Password: p.password, Addr: from(77)})
		r.want("one more from there", err, operator.ErrLocked)
		r.signIn(p, "") // from elsewhere
	})
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p, recovery := r.hireWithBoth("both")
		if !p.actor.TwoFactor || len(recovery) != 10 {
			r.Fatalf("%+v, %d codes", p.actor, len(recovery))
		}
		_, err := r.try(p, "")
		r.want("no code", err, operator.ErrCodeRequired)
		_, err = r.try(p, r.code(p))
		r.want("the code that confirmed", err, operator.ErrSignInFailed)
		r.pass(30 * time.Second)
		code := r.code(p)
		r.signIn(p, code)
		if !p.actor.TwoFactor {
			r.Error("the session has one factor")
		}
		_, err = r.try(p, code)
		r.want("a code again", err, operator.ErrSignInFailed)
		r.pass(30 * time.Second)
		_, err = r.try(p, code)
		r.want("the code before, again", err, operator.ErrSignInFailed)
		r.pass(10 * time.Minute)
		_, err = r.try(p, code)
		r.want("an old code", err, operator.ErrSignInFailed)
		r.signIn(p, strings.ToLower(recovery[0]))
		_, err = r.try(p, recovery[0])
		r.want("a recovery code again", err, operator.ErrSignInFailed)
		r.signIn(p, recovery[1])
		r.want("set up again", second(r.EnrolSecret(r.Context(), p.actor, p.password)), operator.ErrSecretThere)
		r.want("dropped with a wrong code", r.DropSecret(r.Context(), p.actor, p.password, "000000"), operator.ErrCode)
		r.must(r.DropSecret(r.Context(), p.actor, p.password, r.code(p)))
		r.refresh(p)
		if p.actor.TwoFactor {
			r.Error("the session has two factors still")
		}
		r.signIn(p, "")
	})
}

func second[T any](_ T, err error) error { return err }

// TestOneCodeOpensOneSession has the same code shown at two servers at once.
func TestOneCodeOpensOneSession(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p, _ := r.hireWithBoth("both")
		r.pass(time.Minute)
		code := r.code(p)
		servers := []*operator.Service{r.Service, r.server(func(*operator.Options) {})}
		var opened atomic.Int64
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				_, err := servers[i%2].SignIn(r.Context(), operator.SignIn{Login: p.login, Password: p.password, Code: code, Addr: desk})
				if err == nil {
					opened.Add(1)
				}
			})
		}
		wg.Wait()
		if opened.Load() != 1 {
			r.Errorf("one code opened %d sessions", opened.Load())
		}
	})
}

func TestSecretsAndPasswordsAreNotInTheDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p, recovery := r.hireWithBoth("both")
		var stored string
		var secret []byte
		r.must(r.db.QueryRowContext(r.Context(), `SELECT password, secret FROM operators WHERE id = $1`, p.id).Scan(&stored, &secret))
		if strings.Contains(stored, password) || !strings.HasPrefix(stored, "$argon2id$") || strings.Contains(string(secret), p.secret) {
			r.Errorf("%q %q", stored, secret)
		}
		var n int
		r.must(r.db.QueryRowContext(r.Context(), `SELECT COUNT(*) FROM operator_sessions WHERE token = $1`, []byte(p.token)).Scan(&n))
		if n != 0 {
			r.Error("a token lies there as it is")
		}
		r.must(audit.New(r.db).Back(r.Context(), audit.Filter{}, 0, func(e audit.Entry) (bool, error) {
			all := e.Reason + e.Object + string(e.Before) + string(e.After)
			for _, s := range append(recovery, password, p.secret, p.token) {
				if strings.Contains(all, s) {
					r.Errorf("entry %d tells a secret", e.Seq)
				}
			}
			return true, nil
		}))
	})
}

// TestKeysOfSecondFactorsAreChanged goes from one key to another without anybody
// setting their phone up anew.
func TestKeysOfSecondFactorsAreChanged(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p, _ := r.hireWithBoth("both")
		with := func(current string, ids ...string) *operator.Service {
			keys := seal.Keys{Current: current, Secrets: map[string][]byte{}}
			for _, id := range ids {
				keys.Secrets[id] = make([]byte, 32)
				copy(keys.Secrets[id], strings.TrimPrefix(id, "k"))
			}
			box, err := seal.New(keys)
			r.must(err)
			return r.server(func(o *operator.Options) { o.Box = box })
		}
		both, after := with("next", "k", "next"), with("next", "next")
		got, err := after.Reseal(r.Context())
		r.must(err)
		if got != (operator.Resealed{Seen: 1, Closed: 1}) {
			r.Errorf("without the old key: %+v", got)
		}
		for _, want := range []operator.Resealed{{Seen: 1, Changed: 1}, {Seen: 1}} {
			if got, err := both.Reseal(r.Context()); err != nil || got != want {
				r.Errorf("%+v, want %+v", got, want)
			}
		}
		r.pass(time.Minute)
		_, err = after.SignIn(r.Context(), operator.SignIn{Login: p.login, Password: p.password, Code: r.code(p), Addr: desk})
		r.must(err)
	})
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		r.pass(30*time.Minute - time.Second)
		r.refresh(p) // use keeps it
		r.pass(30*time.Minute - time.Second)
		r.refresh(p)
		r.pass(30 * time.Minute)
		if !r.ended(p) {
			r.Error("an idle session lives on")
		}
		r.signIn(p, "")
		for range 50 {
			r.pass(15*time.Minute - time.Second)
			if r.time().Sub(p.begun(r)) < 12*time.Hour {
				r.refresh(p)
			}
		}
		if !r.ended(p) {
			r.Error("a session lives longer than 12 hours")
		}
		for _, bad := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("=", 43)} {
			_, err := r.Actor(r.Context(), bad, desk)
			r.want("token "+bad, err, operator.ErrSignIn)
		}
	})
}

// begun is when the person's session began, by its id.
func (p *person) begun(r *rig) time.Time {
	var ms int64
	r.must(r.db.QueryRowContext(r.Context(), `SELECT begun FROM operator_sessions WHERE id = $1`, p.actor.Session).Scan(&ms))
	return time.UnixMilli(ms)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p, other := r.hire("somebody"), r.hire("other")
		first := *p
		r.pass(time.Second)
		r.signIn(p, "")
		all, err := r.Sessions(r.Context(), p.actor, p.id)
		r.must(err)
		if len(all) != 2 || !all[0].Current || all[1].Current || all[0].Addr != desk.String() {
			r.Fatalf("%+v", all)
		}
		r.want("those of somebody else", second(r.Sessions(r.Context(), other.actor, p.id)), operator.ErrUnknown)
		r.want("ending one of somebody else", r.EndSession(r.Context(), other.actor, first.actor.Session), fault.ErrNotFound)
		r.must(r.EndSession(r.Context(), p.actor, first.actor.Session))
		r.must(r.EndSession(r.Context(), p.actor, first.actor.Session))
		if !r.ended(&first) || r.ended(p) {
			r.Error("the wrong session has ended")
		}
		third := *p
		r.signIn(&third, "")
		r.must(r.ChangePassword(r.Context(), p.actor, password, "Noch-ein-Mond-8"))
		if !r.ended(&third) || r.ended(p) {
			r.Error("a new password leaves other sessions, or not its own")
		}
	})
}

// TestDisablingEndsSessionsEverywhere: on another server within a second.
func TestDisablingEndsSessionsEverywhere(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody", operator.Grant{Role: operator.OfficeViewer})
		there := r.server(func(*operator.Options) {})
		_, err := there.Actor(r.Context(), p.token, desk)
		r.must(err)
		off := true
		_, err = r.Change(r.Context(), console, p.id, operator.Change{Disabled: &off})
		r.must(err)
		if !r.ended(p) {
			r.Error("the session lives on here")
		}
		r.pass(time.Second + time.Millisecond)
		_, err = there.Actor(r.Context(), p.token, desk)
		r.want("on the other server", err, operator.ErrSignIn)
		_, err = r.try(p, "")
		r.want("signing in", err, operator.ErrSignInFailed)
		on := false
		_, err = r.Change(r.Context(), console, p.id, operator.Change{Disabled: &on})
		r.must(err)
		if !r.ended(p) {
			r.Error("an ended session lives again")
		}
		r.signIn(p, "")
	})
}

func TestPasswordsAreChangedInTime(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		r.pass(90 * 24 * time.Hour)
		r.signIn(p, "")
		if p.actor.MustChange {
			r.Error("too early")
		}
		r.pass(time.Minute)
		r.refresh(p)
		if !p.actor.MustChange {
			r.Error("after 90 days the password has to be changed")
		}
		now := password
		for i := range 6 {
			next := "Neuer-Mond-" + strconv.Itoa(i)
			r.want("the same again", r.ChangePassword(r.Context(), p.actor, now, now), operator.ErrPassword)
			if i > 0 && i < 5 {
				r.want("the first one again, after "+strconv.Itoa(i), r.ChangePassword(r.Context(), p.actor, now, password), operator.ErrPassword)
			}
			r.must(r.ChangePassword(r.Context(), p.actor, now, next))
			now = next
		}
		r.must(r.ChangePassword(r.Context(), p.actor, now, password)) // six ago
	})
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t))
	for password, ok := range map[string]bool{
		"Kurz-1":                              false, // short
		"nurkleinbuchstaben":                  false,
		"klein und 12345":                     true, // small letters, digits, other
		"KeinZeichenDabei1":                   true,
		"abcdefghij1":                         false, // two classes
		"1234567890":                          false,
		"Somebody-2026":                       false, // the login
		"xx-SOMEBODY-1":                       false,
		"Password123!":                        false,
		"P@ssw0rd2026":                        false,
		"Admin@123456":                        false,
		"Qwerty!2345":                         false,
		"1qaz@WSX3edc":                        false,
		"Jindu-6260626":                       false,
		"!!2026!!0626AA":                      false,
		"春风杨柳Wanqian66":                       true,
		"Mit\x07Glocke-12":                    false,
		strings.Repeat("Lang-1", 22):          false, // more than 128 bytes
		"Drei Klassen ohne Ziffer, aber lang": true,
	} {
		_, _, err := r.Create(t.Context(), console, operator.Newcomer{Login: "somebody", Name: "某", Password: password})
		if good := err == nil || errors.Is(err, operator.ErrLoginTaken); good != ok {
			t.Errorf("%q: %v", password, err)
		} else if !ok && !errors.Is(err, operator.ErrPassword) {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestOldHashesAreStretchedAnew(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		p := r.hire("somebody")
		stronger := cheap()
		stronger.Iterations = 2
		there := r.server(func(o *operator.Options) { o.Hashing = stronger })
		_, err := there.SignIn(r.Context(), operator.SignIn{Login: p.login, Password: p.password, Addr: desk})
		r.must(err)
		var stored string
		r.must(r.db.QueryRowContext(r.Context(), `SELECT password FROM operators WHERE id = $1`, p.id).Scan(&stored))
		if !strings.Contains(stored, "t=2") {
			r.Errorf("kept %s", stored)
		}
		r.signIn(p, "")
	})
}

// TestUnknownLoginsAreStretchedAlike counts what a sign-in costs: the same memory is
// filled whoever is asked for. Time is too noisy to compare.
func TestUnknownLoginsAreStretchedAlike(t *testing.T) {
	r := newRigWith(t, sqltest.SQLite(t), func(o *operator.Options) {
		o.Hashing = &argon2id.Params{Memory: 4096, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	})
	p := r.hire("somebody")
	cost := func(login string) int64 {
		return testing.Benchmark(func(b *testing.B) {
			b.Helper()
			b.ReportAllocs()
			for range b.N {
				r.pass(time.Hour) // nobody is locked out
				if _, err := r.SignIn(t.Context(), operator.SignIn{Login: login, Password: "Wrong-1"}); !errors.Is(err, operator.ErrSignInFailed) {
					b.Fatal(err)
				}
			}
		}).AllocedBytesPerOp()
	}
	known, unknown := cost(p.login), cost("nobody")
	if diff := known - unknown; max(diff, -diff) > 200<<10 || known < 4<<20 {
		t.Errorf("a login that somebody has takes %d bytes, another one %d", known, unknown)
	}
}
