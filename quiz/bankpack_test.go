package quiz_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/quiz"
)

// version is a bank with everything that a question may have.
func version(t testing.TB, stem string) *quiz.Bank {
	t.Helper()
	b, err := quiz.NewBank("antidrug", []quiz.Question{{
		ID: "q1", Kind: quiz.Multiple, Topic: "law", Audience: []string{quiz.AllAudiences}, Difficulty: 2, Stem: stem,
		Options: []quiz.Option{{Text: "甲"}, {Text: "以上都对", Pinned: true}}, Key: 3, Explanation: "解析", Basis: "《禁毒法》第三条",
		Fact: "F1", ValidFrom: "2008-06-01", ValidTo: "2030-12-31", Media: []quiz.Media{{URL: "/a.png", Alt: "图"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func packed(t testing.TB, b *quiz.Bank) []byte {
	t.Helper()
	raw, err := b.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestBanksArePacked(t *testing.T) {
	t.Parallel()
	b := version(t, strings.Repeat("题干", 1000))
	raw := packed(t, b)
	if len(raw) > 1000 {
		t.Errorf("%d bytes", len(raw))
	}
	if !bytes.Equal(raw, packed(t, b)) {
		t.Error("the same version is packed in two ways")
	}
	got, err := quiz.UnpackBank(b.Digest, raw)
	if diff := cmp.Diff(b, got); err != nil || diff != "" {
		t.Errorf("unpacked (-want +got): %v\n%s", err, diff)
	}
}

// TestAnotherVersionIsRefused: what is not the version asked for marks nobody.
func TestAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	b := version(t, "题干")
	var half bytes.Buffer
	z := gzip.NewWriter(&half)
	if _, err := z.Write([]byte(`{"id":"antidrug","questions":`)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"another version": packed(t, version(t, "另一题干")), "nothing": nil, "not packed": []byte("{}"),
		"half a document": half.Bytes(), "cut short": packed(t, b)[:40],
	} {
		got, err := quiz.UnpackBank(b.Digest, raw)
		if err == nil || got != nil || !strings.Contains(err.Error(), b.Digest) {
			t.Errorf("%s: %v, %v; want an error that names the version", name, got, err)
		}
	}
}

// FuzzUnpackBank shows that a damaged version makes no reader panic, and that
// only the version asked for is returned.
func FuzzUnpackBank(f *testing.F) {
	b := version(f, "题干")
	f.Add(packed(f, b))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, err := quiz.UnpackBank(b.Digest, raw); err == nil && got.Digest != b.Digest {
			t.Errorf("got version %s", got.Digest)
		}
	})
}
