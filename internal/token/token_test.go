package token_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/fault"
	"qingyuan/internal/seal"
	"qingyuan/internal/token"
	"qingyuan/internal/waittest"
)

var start = time.Unix(1_800_000_000, 0)

func secret(letter byte) []byte { return bytes.Repeat([]byte{letter}, 32) }

func options(c *waittest.Clock) token.Options {
	return token.Options{
		Keys:     seal.Keys{Current: "k1", Secrets: map[string][]byte{"k1": secret('1')}},
		Audience: "test", Now: c.Now,
	}
}

func authority(tb testing.TB, o token.Options) *token.Authority {
	tb.Helper()
	a, err := token.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func access(tb testing.TB, a *token.Authority) string {
	tb.Helper()
	raw, err := a.SignAccess("participant-0001", "family-1")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestAccess(t *testing.T) {
	c := waittest.NewClock(start)
	a := authority(t, options(c))
	raw := access(t, a)
	want := token.Claims{
		Type: token.Access, Participant: "participant-0001", Family: "family-1",
		ExpiresAt: start.Add(2 * time.Hour),
	}
	for range 2 { // verified, then remembered
		got, err := a.Check(raw, token.Access)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	if len(raw) > 512 {
		t.Errorf("an access token has %d bytes", len(raw))
	}
}

func TestViewer(t *testing.T) {
	c := waittest.NewClock(start)
	a := authority(t, options(c))
	for _, scope := range []string{"", "140702"} {
		raw, err := a.SignViewer("campaign-1", scope, 12*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Check(raw, token.Access, token.Viewer)
		want := token.Claims{
			Type: token.Viewer, Campaign: "campaign-1", Scope: scope,
			ExpiresAt: start.Add(12 * time.Hour),
		}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("Check = %v %s", err, d)
		}
		if _, err := a.Check(raw, token.Access); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("a viewer passes as a participant: %v", err)
		}
	}
	if _, err := a.Check(access(t, a), token.Viewer); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a participant passes as a viewer: %v", err)
	}
}

func TestTimes(t *testing.T) {
	cases := map[string]struct {
		at   time.Duration
		want error
	}{
		"another clock is a little behind": {-token.Leeway, nil},
		"not yet":                          {-token.Leeway - time.Second, token.ErrInvalid},
		"at once":                          {0, nil},
		"just before the end":              {2*time.Hour - time.Second, nil},
		"within the leeway":                {2*time.Hour + token.Leeway - time.Second, nil},
		"run out":                          {2*time.Hour + token.Leeway, token.ErrExpired},
		"long ago":                         {2000 * time.Hour, token.ErrExpired},
	}
	for name, tc := range cases {
		c := waittest.NewClock(start)
		for kind, size := range map[string]int{"fresh": -1, "remembered": 8} {
			o := options(c)
			o.CacheSize = size
			c.Set(start)
			a := authority(t, o)
			raw := access(t, a)
			if _, err := a.Check(raw, token.Access); kind == "remembered" && err != nil {
				t.Fatal(err)
			}
			c.Set(start.Add(tc.at))
			if kind == "remembered" && tc.at < 0 {
				continue // a token already taken is not untaken by a clock that steps back
			}
			for range 2 {
				if _, err := a.Check(raw, token.Access); !errors.Is(err, tc.want) {
					t.Errorf("%s, %s: err = %v, want %v", name, kind, err, tc.want)
				}
			}
		}
	}
}

func TestKeyRotation(t *testing.T) {
	c := waittest.NewClock(start)
	old := authority(t, options(c))
	raw := access(t, old)

	o := options(c)
	o.Keys = seal.Keys{Current: "k2", Secrets: map[string][]byte{"k1": secret('1'), "k2": secret('2')}}
	both := authority(t, o)
	if _, err := both.Check(raw, token.Access); err != nil {
		t.Errorf("the older key is still configured: %v", err)
	}
	renewed := access(t, both)
	if _, err := old.Check(renewed, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("an unknown key id is taken: %v", err)
	}

	o.Keys = seal.Keys{Current: "k2", Secrets: map[string][]byte{"k2": secret('2')}}
	after := authority(t, o)
	if _, err := after.Check(raw, token.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a withdrawn key is taken: %v", err)
	}
	if _, err := after.Check(renewed, token.Access); err != nil {
		t.Error(err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	c := waittest.NewClock(start)
	cases := map[string]func(*token.Options){
		"short secret":      func(o *token.Options) { o.Keys.Secrets["k1"] = secret('1')[:31] },
		"no keys":           func(o *token.Options) { o.Keys = seal.Keys{} },
		"no audience":       func(o *token.Options) { o.Audience = "" },
		"no clock":          func(o *token.Options) { o.Now = nil },
		"negative lifetime": func(o *token.Options) { o.AccessLifetime = -1 },
	}
	for name, spoil := range cases {
		o := options(c)
		spoil(&o)
		if _, err := token.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnfitTokensAreNotSigned(t *testing.T) {
	c := waittest.NewClock(start)
	a := authority(t, options(c))
	long := strings.Repeat("x", token.MaxSize)
	for name, sign := range map[string]func() (string, error){
		"no participant":   func() (string, error) { return a.SignAccess("", "f") },
		"no family":        func() (string, error) { return a.SignAccess("p", "") },
		"oversize":         func() (string, error) { return a.SignAccess(long, "f") },
		"no campaign":      func() (string, error) { return a.SignViewer("", "", time.Hour) },
		"no time":          func() (string, error) { return a.SignViewer("c", "", 0) },
		"negative time":    func() (string, error) { return a.SignViewer("c", "", -time.Hour) },
		"part of a second": func() (string, error) { return a.SignViewer("c", "", time.Millisecond) },
	} {
		if raw, err := sign(); err == nil || raw != "" {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestBearer(t *testing.T) {
	cases := map[string]struct {
		want string
		err  error
	}{
		"":               {"", token.ErrMissing},
		"Bearer ":        {"", token.ErrMissing},
		"Bearer a.b.c":   {"a.b.c", nil},
		"bearer a.b.c":   {"a.b.c", nil},
		"Bearer  a.b.c":  {" a.b.c", nil}, // Check refuses it
		"Bearer":         {"", token.ErrInvalid},
		"Basic dXNlcjpw": {"", token.ErrInvalid},
		"a.b.c":          {"", token.ErrInvalid},
	}
	for header, tc := range cases {
		got, err := token.Bearer(header)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("Bearer(%q) = %q, %v; want %q, %v", header, got, err, tc.want, tc.err)
		}
	}
}

func TestRefusalsAreUnauthenticatedAndShowable(t *testing.T) {
	c := waittest.NewClock(start)
	a := authority(t, options(c))
	for raw, want := range map[string]*fault.Error{"": token.ErrMissing, "canary.canary.canary": token.ErrInvalid} {
		_, err := a.Check(raw, token.Access)
		f := fault.From(err)
		if f.Code != want.Code || f.Kind != fault.Unauthenticated || f.Text == "" {
			t.Errorf("Check(%q) = %+v", raw, f)
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}
