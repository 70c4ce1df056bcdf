package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"qingyuan/internal/seal"
)

func keys(current string, ids ...string) seal.Keys {
	k := seal.Keys{Current: current, Secrets: map[string][]byte{}}
	for _, id := range ids {
		k.Secrets[id] = bytes.Repeat([]byte(id[:1]), 32)
	}
	return k
}

func box(tb testing.TB, k seal.Keys) *seal.Box {
	tb.Helper()
	b, err := seal.New(k)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	b := box(t, keys("a", "a"))
	for _, plain := range []string{"", "x", strings.Repeat("长", 5000)} {
		sealed := b.Seal([]byte(plain), []byte("door"))
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("sealed value contains its plaintext of %d bytes", len(plain))
		}
		got, err := b.Open(sealed, []byte("door"))
		if err != nil || string(got) != plain {
			t.Errorf("Open of %d bytes = %d bytes, %v", len(plain), len(got), err)
		}
	}
}

func TestSealIsNeverTheSameTwice(t *testing.T) {
	b := box(t, keys("a", "a"))
	seen := map[string]bool{}
	for range 1000 {
		sealed := string(b.Seal([]byte("same"), nil))
		if seen[sealed] {
			t.Fatal("two seals of one text are equal: the nonce repeats")
		}
		seen[sealed] = true
	}
}

func TestRotation(t *testing.T) {
	before := box(t, keys("a", "a"))
	during := box(t, keys("b", "a", "b"))
	after := box(t, keys("b", "b"))
	old := before.Seal([]byte("text"), nil)

	if got, err := during.Open(old, nil); err != nil || string(got) != "text" {
		t.Errorf("a rotated box opens the older value: %q, %v", got, err)
	}
	if during.Current(old) {
		t.Error("Current(old) = true after rotation")
	}
	renewed := during.Seal([]byte("text"), nil)
	if !during.Current(renewed) {
		t.Error("Current(renewed) = false")
	}
	if _, err := after.Open(old, nil); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("Open under a withdrawn key: %v, want %v", err, seal.ErrOpen)
	}
	if got, err := after.Open(renewed, nil); err != nil || string(got) != "text" {
		t.Errorf("Open of the renewed value = %q, %v", got, err)
	}
}

func TestMisuseDoesNotOpen(t *testing.T) {
	b := box(t, keys("a", "a", "b"))
	good := b.Seal([]byte("text"), []byte("door 1"))
	other := box(t, seal.Keys{Current: "a", Secrets: map[string][]byte{"a": bytes.Repeat([]byte("z"), 32)}})
	cases := map[string]struct {
		sealed []byte
		aad    string
	}{
		"empty":              {nil, "door 1"},
		"length only":        {[]byte{1}, "door 1"},
		"length zero":        {append([]byte{0}, good[2:]...), "door 1"},
		"length too great":   {append([]byte{255}, good[1:]...), "door 1"},
		"no nonce":           {good[:2], "door 1"},
		"cut":                {good[:len(good)-1], "door 1"},
		"extended":           {append(bytes.Clone(good), 0), "door 1"},
		"another record":     {good, "door 2"},
		"no record":          {good, ""},
		"another known key":  {append([]byte{1, 'b'}, good[2:]...), "door 1"},
		"an unknown key":     {append([]byte{1, 'c'}, good[2:]...), "door 1"},
		"same id, other key": {other.Seal([]byte("text"), []byte("door 1")), "door 1"},
	}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 1
		cases[fmt.Sprintf("bit of byte %d", i)] = struct {
			sealed []byte
			aad    string
		}{flipped, "door 1"}
	}
	for name, c := range cases {
		if got, err := b.Open(c.sealed, []byte(c.aad)); !errors.Is(err, seal.ErrOpen) || got != nil {
			t.Errorf("%s: Open = %q, %v", name, got, err)
		}
	}
}

func TestKeysAreValidated(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	cases := map[string]struct {
		keys seal.Keys
		want string
	}{
		"none":               {seal.Keys{}, "current key id"},
		"current unknown":    {seal.Keys{Current: "b", Secrets: map[string][]byte{"a": secret}}, `"b" has no secret`},
		"short":              {seal.Keys{Current: "a", Secrets: map[string][]byte{"a": secret[:31]}}, "31 bytes"},
		"an older one short": {seal.Keys{Current: "a", Secrets: map[string][]byte{"a": secret, "b": nil}}, `key "b"`},
		"empty id":           {seal.Keys{Secrets: map[string][]byte{"": secret}}, "key id"},
		"dot in id":          {seal.Keys{Current: "a.b", Secrets: map[string][]byte{"a.b": secret}}, "key id"},
		"path in id":         {seal.Keys{Current: "../x", Secrets: map[string][]byte{"../x": secret}}, "key id"},
		"long id":            {seal.Keys{Current: strings.Repeat("k", 33), Secrets: map[string][]byte{strings.Repeat("k", 33): secret}}, "key id"},
	}
	for name, c := range cases {
		_, err := seal.New(c.keys)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: err = %v, want one with %q", name, err, c.want)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	canary := "canary-canary-canary-canary-canary"
	k := seal.Keys{Current: "a", Secrets: map[string][]byte{"a": []byte(canary)}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("keys", "keys", k)
	shown := fmt.Sprintf("%v %+v %#v %s", k, k, k, log.String())
	short := seal.Keys{Current: "a", Secrets: map[string][]byte{"a": []byte(canary[:20])}}
	shown += fmt.Sprint(short.Validate())
	decimal := "99 97 110 97 114 121" // as %v prints the bytes
	for _, leak := range []string{canary[:20], hex.EncodeToString([]byte(canary[:8])), decimal} {
		if strings.Contains(shown, leak) {
			t.Errorf("the secret shows in %q", shown)
		}
	}
}

// The derived keys name participants for the life of a deployment: a change
// here would make every person another one.
func TestDeriveIsFixed(t *testing.T) {
	key := seal.Derive([]byte("0123456789abcdef0123456789abcdef"), "participant id")
	const want = "16ca4ef2c4da30b7bfb72de73bf3e9f69627429a4131c5568ac94c78d890b17c"
	if got := hex.EncodeToString(key[:]); got != want {
		t.Errorf("Derive = %s, want %s", got, want)
	}
}

func TestDeriveKeepsPurposesApart(t *testing.T) {
	k := keys("a", "a", "b")
	seen := map[string]string{}
	for _, label := range []string{"", "x", "y", "x "} {
		for id, key := range k.Derive(label).Secrets {
			name := id + "/" + label
			if was, ok := seen[string(key)]; ok {
				t.Errorf("%s and %s share a key", was, name)
			}
			seen[string(key)] = name
		}
	}
	if d := k.Derive("x"); d.Current != "a" || d.Validate() != nil {
		t.Errorf("derived set %v is not usable: %v", d, d.Validate())
	}
}

func FuzzOpen(f *testing.F) {
	b := box(f, keys("a", "a", "b"))
	f.Add(b.Seal([]byte("text"), []byte("door")), []byte("door"))
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1, 'a'}, []byte("door"))
	f.Add([]byte{200, 'a', 'b'}, []byte{})
	f.Fuzz(func(t *testing.T, sealed, aad []byte) {
		plain, err := b.Open(sealed, aad)
		if err != nil && (!errors.Is(err, seal.ErrOpen) || plain != nil) {
			t.Errorf("Open = %q, %v", plain, err)
		}
		again, err := b.Open(b.Seal(sealed, aad), aad)
		if err != nil || !bytes.Equal(again, sealed) {
			t.Errorf("Open(Seal(%x)) = %x, %v", sealed, again, err)
		}
	})
}

// TestText: a text opens on its own row alone, and nothing needs no key to be nothing.
func TestText(t *testing.T) {
	t.Parallel()
	b := box(t, keys("a", "a"))
	row := []byte("feedback|1")
	sealed := b.Text("举报", row)
	if got, err := b.OpenText(sealed, row); err != nil || got != "举报" || bytes.Contains(sealed, []byte("举报")) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := b.OpenText(sealed, []byte("feedback|2")); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("on another row: %v", err)
	}
	if none := b.Text("", row); none != nil {
		t.Errorf("nothing is sealed as %q", none)
	}
	if got, err := b.OpenText(nil, row); got != "" || err != nil {
		t.Errorf("NULL is %q, %v", got, err)
	}
}
