package session_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/session"
	"qingyuan/internal/token"
)

func TestRefresh(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	family := claims(t, s, p.AccessToken).Family
	seen := map[string]bool{p.RefreshToken: true}
	for range 5 {
		d.clock.Add(2 * time.Hour)
		next := refreshed(t, s, p.RefreshToken)
		c := claims(t, s, next.AccessToken)
		if c.Family != family || next.Participant != p.Participant || !c.ExpiresAt.Equal(d.clock.Now().Add(2*time.Hour)) {
			t.Errorf("the next access token says %+v", c)
		}
		if seen[next.RefreshToken] {
			t.Error("a refresh token is given twice")
		}
		seen[next.RefreshToken] = true
		p = next
	}
}

func TestLostReplyGetsTheSameSuccessor(t *testing.T) {
	d := deploy(t)
	s, other := d.instance(t), d.instance(t)
	p := sandbox(t, s, "甲")
	next := refreshed(t, s, p.RefreshToken)
	d.clock.Add(time.Minute)
	if again := refreshed(t, other, p.RefreshToken); again.RefreshToken != next.RefreshToken {
		t.Error("another successor")
	}
	refreshed(t, s, next.RefreshToken)
}

func TestReuseEndsTheFamily(t *testing.T) {
	d := deploy(t)
	s, other := d.instance(t), d.instance(t)
	stolen := sandbox(t, s, "甲")
	bystander := sandbox(t, s, "甲") // the same person, another session
	next := refreshed(t, s, stolen.RefreshToken)
	d.clock.Add(time.Minute + time.Millisecond)
	if _, err := s.Refresh(t.Context(), stolen.RefreshToken); !errors.Is(err, session.ErrReused) {
		t.Fatalf("an old token: %v, want %v", err, session.ErrReused)
	}
	for name, in := range map[string]*session.Service{"here": s, "elsewhere": other} {
		if err := in.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Refresh(t.Context(), next.RefreshToken); !errors.Is(err, session.ErrReused) {
			t.Errorf("%s: the newest token of the family: %v, want %v", name, err, session.ErrReused)
		}
		for _, access := range []string{stolen.AccessToken, next.AccessToken} {
			if _, err := in.Check(access, token.Access); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: an access token of the family: %v, want %v", name, err, token.ErrInvalid)
			}
		}
		refreshedOnce := claims(t, in, bystander.AccessToken)
		if refreshedOnce.Participant != stolen.Participant {
			t.Errorf("%s: the bystander is %s", name, refreshedOnce.Participant)
		}
	}
	log := d.log.String()
	if !strings.Contains(log, "refresh token reused") || !strings.Contains(log, stolen.Participant) {
		t.Errorf("no record of it in the log: %s", log)
	}
}

func TestRefreshesRace(t *testing.T) {
	d := deploy(t)
	instances := []*session.Service{d.instance(t), d.instance(t)}
	p := sandbox(t, instances[0], "甲")
	for range 10 {
		pairs := make([]session.Pair, 20)
		var wg sync.WaitGroup
		for i := range pairs {
			wg.Go(func() {
				var err error
				if pairs[i], err = instances[i%2].Refresh(t.Context(), p.RefreshToken); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, next := range pairs {
			if next.RefreshToken != pairs[0].RefreshToken {
				t.Fatal("two successors of one token")
			}
		}
		p = pairs[0]
	}
}

func TestReuseSurvivesARestartOfRedis(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	next := refreshed(t, s, p.RefreshToken)
	d.redis.Kill(t)
	d.redis.Restart(t)
	if again := refreshed(t, s, p.RefreshToken); again.RefreshToken != next.RefreshToken {
		t.Error("another successor after the restart")
	}
	d.clock.Add(time.Hour)
	if _, err := s.Refresh(t.Context(), p.RefreshToken); !errors.Is(err, session.ErrReused) {
		t.Errorf("an old token after the restart: %v, want %v", err, session.ErrReused)
	}
	d.redis.Kill(t)
	d.redis.Restart(t)
	if _, err := s.Refresh(t.Context(), next.RefreshToken); !errors.Is(err, session.ErrReused) {
		t.Errorf("the family after another: %v, want %v", err, session.ErrReused)
	}
	fresh := d.instance(t) // started after it happened
	if err := fresh.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.clock.Add(-time.Hour)
	if _, err := fresh.Check(next.AccessToken, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("an instance started later takes its access token: %v", err)
	}
}

func TestSessionsRunOut(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	idle, kept := sandbox(t, s, "甲"), sandbox(t, s, "甲")
	day := 24 * time.Hour
	d.clock.Add(29 * day)
	kept = refreshed(t, s, kept.RefreshToken)
	d.clock.Add(day)
	if _, err := s.Refresh(t.Context(), idle.RefreshToken); !errors.Is(err, token.ErrExpired) {
		t.Errorf("after 30 idle days: %v, want %v", err, token.ErrExpired)
	}
	for range 2 {
		d.clock.Add(28 * day)
		kept = refreshed(t, s, kept.RefreshToken)
	}
	d.clock.Add(4 * day)
	if _, err := s.Refresh(t.Context(), kept.RefreshToken); !errors.Is(err, token.ErrExpired) {
		t.Errorf("after 90 days in all: %v, want %v", err, token.ErrExpired)
	}

	short := d.instance(t, func(o *session.Options) { o.Idle, o.Longest = time.Hour, 90*time.Minute })
	p := sandbox(t, short, "乙")
	d.clock.Add(59 * time.Minute)
	p = refreshed(t, short, p.RefreshToken)
	d.clock.Add(31 * time.Minute)
	if _, err := short.Refresh(t.Context(), p.RefreshToken); !errors.Is(err, token.ErrExpired) {
		t.Errorf("after what was configured: %v, want %v", err, token.ErrExpired)
	}
}

func TestForeignRefreshTokens(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	good := p.RefreshToken
	parts := strings.Split(good, ".")
	change := func(i int, to string) string {
		out := append([]string(nil), parts...)
		out[i] = to
		return strings.Join(out, ".")
	}
	foreign := secrets()
	foreign.Tokens.Secrets["t1"] = []byte(strings.Repeat("x", 32))
	stranger := d.instance(t, with(deriveKeys(t, foreign)))
	cases := map[string]string{
		"an access token":        p.AccessToken,
		"another participant":    change(0, sandbox(t, s, "乙").Participant),
		"another family":         change(1, "AAAAAAAAAAAAAAAAAAAAAAAAAA"),
		"a later generation":     change(2, "2"),
		"generation 0":           change(2, "0"),
		"a negative generation":  change(2, "-1"),
		"generation, other form": change(2, "01"),
		"an unknown key":         change(3, "t9"),
		"no key":                 change(3, ""),
		"no MAC":                 change(4, ""),
		"half a MAC":             change(4, parts[4][:22]),
		"a MAC of zeros":         change(4, strings.Repeat("A", 43)),
		"a padded MAC":           good + "=",
		"one part less":          strings.Join(parts[:4], "."),
		"one part more":          good + ".x",
		"a space":                good + " ",
		"a line end":             good + "\n",
		"of another deployment":  sandbox(t, stranger, "甲").RefreshToken,
		"only dots":              "....",
		"1 MB of dots":           strings.Repeat(".", 1<<20),
		"1 MB":                   strings.Repeat("A", 1<<20),
		"not UTF-8":              "\xff\xff.\xff",
		"a key of Redis":         "}:x.{s:.1.t1." + strings.Repeat("A", 43),
	}
	for name, raw := range cases {
		if _, err := s.Refresh(t.Context(), raw); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v, want %v", name, err, token.ErrInvalid)
		}
	}
	if _, err := s.Refresh(t.Context(), ""); !errors.Is(err, token.ErrMissing) {
		t.Errorf("none: %v, want %v", err, token.ErrMissing)
	}
	refreshed(t, s, good) // none of this has ended the session
}

func TestUnknownFamilyIsInvalid(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	p := sandbox(t, s, "甲")
	if err := d.db.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refresh(t.Context(), p.RefreshToken); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a family the store does not know: %v, want %v", err, token.ErrInvalid)
	}
}

func TestTokenKeysRotate(t *testing.T) {
	d := deploy(t)
	p := sandbox(t, d.instance(t), "甲")
	rotated := secrets()
	rotated.Tokens = keyring("t2", "t1", "t2")
	s := d.instance(t, with(deriveKeys(t, rotated)))
	if got := claims(t, s, p.AccessToken).Participant; got != p.Participant {
		t.Errorf("participant %s, want %s", got, p.Participant)
	}
	next := refreshed(t, s, p.RefreshToken)

	withdrawn := secrets()
	withdrawn.Tokens = keyring("t2", "t2")
	after := d.instance(t, with(deriveKeys(t, withdrawn)))
	if _, err := after.Refresh(t.Context(), p.RefreshToken); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a token under a withdrawn key: %v", err)
	}
	refreshed(t, after, next.RefreshToken)
	claims(t, after, next.AccessToken)
}
