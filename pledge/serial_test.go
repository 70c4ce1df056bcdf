package pledge_test

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qingyuan/pledge"
)

// serialKey is a key of 32 bytes, each of them fill.
func serialKey(fill byte) []byte { return []byte(strings.Repeat(string(rune(fill)), 32)) }

func serials(t *testing.T) *pledge.Serials {
	t.Helper()
	s, err := pledge.NewSerials(serialKey('k'))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// person is a participant's id: twelve bytes in base64url.
func person(n uint64) string {
	raw := make([]byte, 12)
	rng := rand.New(rand.NewPCG(n, 0))
	for i := range raw {
		raw[i] = byte(rng.UintN(256))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func made(t *testing.T, s *pledge.Serials, campaignID, participant string) string {
	t.Helper()
	serial, err := s.Make("JZ26", campaignID, participant)
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

func TestSerialsTravel(t *testing.T) {
	t.Parallel()
	s := serials(t)
	rapid.Check(t, func(t *rapid.T) {
		id := base64.RawURLEncoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "id"))
		serial, err := s.Make("JZ26", "antidrug", id)
		if err != nil || len(serial) != len("JZ26-")+26 || pledge.Prefix(serial) != "JZ26" {
			t.Fatalf("Make = %q, %v", serial, err)
		}
		if strings.ContainsAny(serial[5:], "ILOU") || serial != strings.ToUpper(serial) {
			t.Errorf("serial %q is hard to read aloud", serial)
		}
		if got, ok := s.Read(serial, "antidrug"); !ok || got != id {
			t.Errorf("Read(%q) = %q, %t; want %q", serial, got, ok, id)
		}
		if _, ok := s.Read(serial, "other"); ok {
			t.Errorf("serial %q is of two campaigns", serial)
		}
	})
}

// TestSerialsSayNothing: neighbours have nothing in common, and the same person
// another serial in each campaign.
func TestSerialsSayNothing(t *testing.T) {
	t.Parallel()
	s := serials(t)
	seen := map[string]bool{}
	for n := range uint64(500) {
		for _, c := range []string{"antidrug", "other"} {
			head := made(t, s, c, person(n))[:5+8]
			if seen[head] {
				t.Fatalf("two serials begin with %s", head)
			}
			seen[head] = true
		}
	}
}

// TestABitFlipKills a serial, wherever it happens.
func TestABitFlipKills(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	s := serials(t)
	serial := made(t, s, "antidrug", person(1))
	for i := 5; i < len(serial); i++ {
		for _, c := range alphabet {
			changed := serial[:i] + string(c) + serial[i+1:]
			if _, ok := s.Read(changed, "antidrug"); ok && changed != serial {
				t.Errorf("%s is read as %s", changed, serial)
			}
		}
	}
}

// TestGuessesDie is case 22: ten thousand guesses, none is a serial.
func TestGuessesDie(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	s := serials(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		guess := []byte("JZ26-")
		for range 26 {
			guess = append(guess, alphabet[rng.IntN(len(alphabet))])
		}
		if p, ok := s.Read(string(guess), "antidrug"); ok {
			t.Fatalf("the guess %s is %s", guess, p)
		}
	}
}

func TestMalformedSerials(t *testing.T) {
	t.Parallel()
	s := serials(t)
	serial := made(t, s, "antidrug", person(1))
	for why, bad := range map[string]string{
		"empty":           "",
		"only a prefix":   "JZ26-",
		"no hyphen":       strings.ReplaceAll(serial, "-", ""),
		"small letters":   strings.ToLower(serial),
		"cut short":       serial[:len(serial)-1],
		"longer":          serial + "0",
		"padding":         serial + "======",
		"a line break":    serial[:12] + "\n" + serial[12:],
		"a carriage":      serial + "\r",
		"a second hyphen": serial[:12] + "-" + serial[12:],
		"a look-alike":    serial[:30] + "O",
		"not ASCII":       "JZ26-" + strings.Repeat("零", 26),
		"very long":       "JZ26-" + strings.Repeat("0", 1<<20),
	} {
		if p, ok := s.Read(bad, "antidrug"); ok {
			t.Errorf("%s: read as %q", why, p)
		}
	}
}

func TestAnotherKeyReadsNothing(t *testing.T) {
	t.Parallel()
	other, err := pledge.NewSerials(serialKey('o'))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := other.Read(made(t, serials(t), "antidrug", person(1)), "antidrug"); ok {
		t.Errorf("another deployment reads %q", p)
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := pledge.NewSerials(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
}

func TestSerialsAreOfParticipants(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "p1", "AAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAA="} {
		if serial, err := serials(t).Make("JZ26", "antidrug", bad); err == nil {
			t.Errorf("Make for %q = %s", bad, serial)
		}
	}
}

// FuzzRead shows that only what Make wrote is read.
func FuzzRead(f *testing.F) {
	s, err := pledge.NewSerials(serialKey('k'))
	if err != nil {
		f.Fatal(err)
	}
	serial, err := s.Make("JZ26", "antidrug", person(1))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{serial, "", "-", "JZ26-00000000000000000000000000", serial + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := s.Read(text, "antidrug")
		if !ok {
			return
		}
		if again, err := s.Make(pledge.Prefix(text), "antidrug", p); err != nil || again != text {
			t.Errorf("%q is read as %s, whose serial is %q, %v", text, p, again, err)
		}
	})
}
