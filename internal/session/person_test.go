package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"qingyuan/internal/seal"
	"qingyuan/internal/session"
	"qingyuan/internal/wechattest"
)

// A visit is one sign-in of the same human being. A and B are mini-programs, W
// is the page; a capital letter with + is a visit where WeChat gives a unionid.
func visit(t *testing.T, d deployment, s *session.Service, what string) string {
	t.Helper()
	who := wechattest.Person{OpenID: "openid-at-" + what[:1]}
	if strings.HasSuffix(what, "+") {
		who.UnionID = "union"
	}
	switch what[0] {
	case 'A':
		return d.signIn(t, s, program, who).Participant
	case 'B':
		return d.signIn(t, s, second, who).Participant
	default:
		return d.signInWeb(t, s, who).Participant
	}
}

// Each order in which one human being may come through their doors. From the
// visit on that shows which doors are one person's, all of them lead to one
// participant.
func TestOrdersOfArrival(t *testing.T) {
	cases := map[string]struct {
		visits string
		// same has a letter for each visit: equal letters are one participant.
		same string
	}{
		"one door, no unionid":              {"A A A", "a a a"},
		"one door, unionid at once":         {"A+ A+ A+", "a a a"},
		"unionid later":                     {"A A+ A+", "a a a"},
		"unionid later, then the page":      {"A A+ W+ A+", "a a a a"},
		"unionid not always given":          {"A+ A A+ A", "a a a a"},
		"mini-program, then page":           {"A+ W+ A+ W+", "a a a a"},
		"page, then mini-program":           {"W+ A+ W+", "a a a"},
		"three doors":                       {"A+ B+ W+ B+ A+", "a a a a a"},
		"later without it, through each":    {"A+ W+ A W", "a a a a"},
		"two doors never bound":             {"A B A B", "a b a b"},
		"bound after both were used":        {"A B A+ B+ A B", "a b a a a a"},
		"bound after both, the other first": {"A B B+ A+ A B", "a b b b b b"},
		"page knows, mini-program not yet":  {"A W+ A A+ A W+", "a b a b b b"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			s := d.instance(t)
			first := map[string]string{} // letter → participant
			taken := map[string]string{} // participant → letter
			visits, same := strings.Fields(tc.visits), strings.Fields(tc.same)
			for i, v := range visits {
				p := visit(t, d, s, v)
				if was, ok := first[same[i]]; ok && was != p {
					t.Errorf("visit %d (%s) is %s, want %s", i+1, v, p, was)
				}
				if letter, ok := taken[p]; ok && letter != same[i] {
					t.Errorf("visit %d (%s) is the same participant as %q, want another", i+1, v, letter)
				}
				first[same[i]], taken[p] = p, same[i]
			}
			moved := strings.Contains(d.log.String(), "two participants are one person")
			if want := strings.Contains(tc.same, "b") && strings.Contains(tc.visits, "+"); moved != want {
				t.Errorf("a move is logged: %t, want %t", moved, want)
			}
		})
	}
}

// Everybody arrives at once, through every door, over two instances. Once the
// dust has settled, each door leads to one participant, and whoever was given a
// unionid was told that one.
func TestArrivalsRace(t *testing.T) {
	for name, doors := range map[string][]string{
		"all with unionid":     {"A+", "B+", "W+"},
		"with and without":     {"A", "A+"},
		"one new door, no one": {"A"},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			instances := []*session.Service{d.instance(t), d.instance(t)}
			got := make([]string, 24)
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() { got[i] = visit(t, d, instances[i%2], doors[i%len(doors)]) })
			}
			wg.Wait()
			for i, p := range got {
				if p != got[0] {
					t.Errorf("visit %d (%s) is %s, the first %s", i, doors[i%len(doors)], p, got[0])
				}
			}
			for _, v := range doors {
				if p := visit(t, d, instances[0], v); p != got[0] {
					t.Errorf("later, %s is %s, want %s", v, p, got[0])
				}
			}
		})
	}
}

func TestStrangersStayApart(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	people := map[string]string{}
	for _, p := range []struct {
		what string
		id   string
	}{
		{"o1 at the program", d.signIn(t, s, program, wechattest.Person{OpenID: "o1"}).Participant},
		{"o2 at the program", d.signIn(t, s, program, wechattest.Person{OpenID: "o2"}).Participant},
		{"o1 at the second", d.signIn(t, s, second, wechattest.Person{OpenID: "o1"}).Participant},
		{"o1 at the page", d.signInWeb(t, s, wechattest.Person{OpenID: "o1"}).Participant},
		{"unionid o1", d.signIn(t, s, program, wechattest.Person{OpenID: "o3", UnionID: "o1"}).Participant},
		{"sandbox o1", sandbox(t, s, "o1").Participant},
		{"sandbox that looks like a door", sandbox(t, s, "wx:"+program+":o1").Participant},
	} {
		if was, ok := people[p.id]; ok {
			t.Errorf("%s and %s are one participant", was, p.what)
		}
		people[p.id] = p.what
	}
}

// A key for sealing is replaced: the record is sealed anew when its person
// comes next, and keeps what it knew.
func TestSealsRotate(t *testing.T) {
	d := deploy(t)
	old := d.instance(t)
	who := wechattest.Person{OpenID: "o1", UnionID: "u1"}
	want := d.signIn(t, old, program, who).Participant

	rotated := secrets()
	rotated.Seals = keyring("s2", "s1", "s2")
	s := d.instance(t, with(deriveKeys(t, rotated)))
	if got := d.signIn(t, s, program, wechattest.Person{OpenID: "o1"}).Participant; got != want {
		t.Errorf("participant %s, want %s", got, want)
	}
	rows, err := d.db.Keys(t.Context(), "*}:d:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(keyring("s2", "s2").Derive("session doors"))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, key := range rows {
		sealed := d.db.HGet(t.Context(), key, "s").Val()
		if sealed == "" {
			continue // the unionid's own door keeps nothing
		}
		_, hash, _ := strings.Cut(key, "}:d:")
		plain, err := box.Open([]byte(sealed), []byte(hash))
		if err != nil {
			t.Errorf("a record does not open with the new key alone: %v", err)
		}
		told = append(told, string(plain))
	}
	if len(told) != 1 || told[0] != `{"appid":"wx-program","openid":"o1","unionid":"u1"}` {
		t.Errorf("kept of the person: %q", told)
	}

	lost := secrets() // the keys are gone: people still are who they are
	lost.Seals = keyring("s9", "s9")
	if got := d.signIn(t, d.instance(t, with(deriveKeys(t, lost))), program, who).Participant; got != want {
		t.Errorf("without the key: participant %s, want %s", got, want)
	}
}

// TestTheOfficeHearsOfOnePerson moves no door before somebody was told that two
// participants are one person, and ends the sessions of the one who is not there any more.
func TestTheOfficeHearsOfOnePerson(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	var told [][2]string
	away := errors.New("the database is away")
	fails := true
	s := d.instance(t, func(o *session.Options) {
		o.Same = func(_ context.Context, from, to string) error {
			told = append(told, [2]string{from, to})
			if fails {
				return away
			}
			return nil
		}
	})
	first := d.signIn(t, s, program, wechattest.Person{OpenID: "o1"})
	page := d.signIn(t, s, second, wechattest.Person{OpenID: "o2", UnionID: "u"}).Participant
	for range 2 { // as long as nobody hears of it, the door stays and is spoken of again
		if now := d.signIn(t, s, program, wechattest.Person{OpenID: "o1", UnionID: "u"}).Participant; now != page {
			t.Errorf("signed in as %s, want %s", now, page)
		}
	}
	if now := d.signIn(t, s, program, wechattest.Person{OpenID: "o1"}).Participant; now != first.Participant {
		t.Errorf("the door was moved to %s although nobody knows", now)
	}
	fails = false
	d.signIn(t, s, program, wechattest.Person{OpenID: "o1", UnionID: "u"})
	if now := d.signIn(t, s, program, wechattest.Person{OpenID: "o1"}).Participant; now != page {
		t.Errorf("the door leads to %s, want %s", now, page)
	}
	if want := [][2]string{{first.Participant, page}, {first.Participant, page}, {first.Participant, page}}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
	if _, err := s.Refresh(t.Context(), first.RefreshToken); err == nil {
		t.Error("the session of the one who is not there any more goes on")
	}
}
