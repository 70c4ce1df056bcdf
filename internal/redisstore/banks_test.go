package redisstore

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/quiz"
)

// bankOf has so many questions with everything a question may have.
func bankOf(t *testing.T, id string, questions int) *quiz.Bank {
	t.Helper()
	list := make([]quiz.Question, questions)
	for i := range list {
		list[i] = quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Multiple, Topic: "law", Audience: []string{"all"}, Difficulty: 2, Stem: "题干",
			Options: []quiz.Option{{Text: "甲"}, {Text: "以上都对", Pinned: true}}, Key: 3, Explanation: "解析", Basis: "《禁毒法》第三条",
			Fact: "F1", ValidFrom: "2008-06-01", ValidTo: "2030-12-31", Media: []quiz.Media{{URL: "/a.png", Alt: "图"}},
		}
	}
	b, err := quiz.NewBank(id, list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBanksAreKept(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	s := NewBanks(db)
	for _, b := range []*quiz.Bank{bankOf(t, "antidrug", 0), bankOf(t, "antidrug", 1), bankOf(t, "antidrug", 500), bankOf(t, "other", 1)} {
		for range 2 {
			if err := s.PutBank(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Bank(t.Context(), b.Digest)
		if err != nil || got.Digest != b.Digest || len(got.Questions) != len(b.Questions) {
			t.Fatalf("Bank(%s) = %v", b.Digest, err)
		}
		for i := range b.Questions {
			if diff := cmp.Diff(b.Questions[i], got.Questions[i]); diff != "" {
				t.Fatalf("question %d (-stored +read):\n%s", i, diff)
			}
		}
	}
	if n := db.DBSize(t.Context()).Val(); n != 4 {
		t.Errorf("%d keys for four versions", n)
	}
	if ttl := db.TTL(t.Context(), bankKey(bankOf(t, "other", 1).Digest)).Val(); ttl >= 0 {
		t.Errorf("a version is forgotten after %v", ttl)
	}
}

func TestRacingBanks(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := bankOf(t, "antidrug", 50)
	var servers sync.WaitGroup
	for range 20 {
		s := NewBanks(server.Client(t))
		servers.Go(func() {
			if err := s.PutBank(t.Context(), b); err != nil {
				t.Error(err)
			}
			if got, err := s.Bank(t.Context(), b.Digest); err != nil || got.Digest != b.Digest {
				t.Errorf("Bank = %v", err)
			}
		})
	}
	servers.Wait()
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestDamagedBanks: scores hang on a bank, so what is read is checked against its
// digest.
func TestDamagedBanks(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	s := NewBanks(db)
	good, other := bankOf(t, "antidrug", 2), bankOf(t, "antidrug", 3)
	for _, b := range []*quiz.Bank{good, other} {
		if err := s.PutBank(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	whole := db.Get(t.Context(), bankKey(good.Digest)).Val()
	for name, damaged := range map[string]string{
		"empty":             "",
		"not packed":        `{"id":"antidrug","questions":[]}`,
		"cut short":         whole[:len(whole)/2],
		"a bit flipped":     whole[:40] + string([]byte{whole[40] ^ 1}) + whole[41:],
		"another version":   db.Get(t.Context(), bankKey(other.Digest)).Val(),
		"not JSON":          string(zipped(t, "{")),
		"another key right": string(zipped(t, `{"id":"antidrug","questions":[{"id":"q0","key":1}]}`)),
	} {
		if err := db.Set(t.Context(), bankKey(good.Digest), damaged, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Bank(t.Context(), good.Digest); err == nil {
			t.Errorf("%s: Bank = %+v", name, b)
		}
	}
}

func TestAnUnknownBank(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	banks := NewBanks(s.Client(t))
	if b, err := banks.Bank(t.Context(), "0123456789ab"); !errors.Is(err, redis.Nil) {
		t.Errorf("Bank = %+v, %v", b, err)
	}
	s.Kill(t)
	if b, err := banks.Bank(t.Context(), "0123456789ab"); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("Bank without Redis = %+v, %v", b, err)
	}
}
