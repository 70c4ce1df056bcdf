package redisstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/seal"
)

// lockbox is the box of production with the keys of these ids, the first current.
func lockbox(t testing.TB, ids ...string) *seal.Box {
	t.Helper()
	keys := seal.Keys{Current: ids[0], Secrets: map[string][]byte{}}
	for _, id := range ids {
		keys.Secrets[id] = bytes.Repeat([]byte(id[:1]), 32)
	}
	b, err := seal.New(keys)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestARecordHoldsAnEnrolment: with the fact, the sealed record of an enrolment
// says everything that Redis holds of it.
func TestARecordHoldsAnEnrolment(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	b, key := lockbox(t, "a"), bytes.Repeat([]byte("d"), 32)
	s := NewEnrolments(r.campaigns, b, key)
	p := campaign.Personal{Name: "张小三", Phone: "13800138000", Guardian: "张大三"}
	for _, publish := range []bool{true, false} {
		e := campaign.Enrolment{
			Unit: "u1", Group: "pupils", DisplayName: "张小三", PublishName: publish, NoticeVersion: "2026|2", Guardian: true, At: noon,
		}
		if _, err := s.Enrol(t.Context(), "antidrug", "alice", e, p); err != nil {
			t.Fatal(err)
		}
		got, err := OpenRecord(b, "antidrug", "alice", r.newest().Sealed)
		if err != nil {
			t.Fatal(err)
		}
		want := PersonalRecord{Personal: p, Publish: publish, Notice: "2026|2", Salt: got.Salt, Commitment: got.Commitment}
		if diff := cmp.Diff(want, got); diff != "" || len(got.Salt) < 22 {
			t.Errorf("the record (-want +got), salt of %d:\n%s", len(got.Salt), diff)
		}
		digest, err := Digest(key, got.Personal)
		held := r.db.HGet(t.Context(), keysOf("antidrug", 0).participant("alice"), "e").Val()
		if err != nil || !strings.Contains(held, "|"+digest+"|") {
			t.Errorf("Redis holds %q, the digest of the record is %s, %v", held, digest, err)
		}
	}
}

// newest is the newest personal record of the first shard.
func (r *rig) newest() event.Record {
	r.Helper()
	list, err := r.db.XRevRangeN(r.Context(), keysOf(r.def.ID, 0).personal(), "+", "-", 1).Result()
	if err != nil || len(list) != 1 {
		r.Fatalf("newest personal record: %v, %v", list, err)
	}
	fields := map[string]string{}
	for k, v := range list[0].Values {
		fields[k] = fmt.Sprint(v)
	}
	pos, err := event.ParsePosition(list[0].ID)
	if err != nil {
		r.Fatal(err)
	}
	rec, err := event.DecodeRecord(event.Entry{Position: pos, Fields: event.FieldsOf(fields)})
	if err != nil {
		r.Fatal(err)
	}
	return rec
}

// strokes are like those of a finger on glass: points near each other.
func strokes(points int) string {
	var b strings.Builder
	b.WriteString("[[")
	for i := range points {
		fmt.Fprintf(&b, "[%d,%d,%d],", 100+i*3%200, 200+i*7%90, i*16)
	}
	return strings.TrimSuffix(b.String(), ",") + "]]"
}

// TestDrawnSignaturesArePacked: what repeats itself is packed before it is sealed,
// which no reader notices, and the commitment does not depend on it.
func TestDrawnSignaturesArePacked(t *testing.T) {
	t.Parallel()
	b := lockbox(t, "a")
	for name, tc := range map[string]struct {
		strokes string
		most    int // bytes sealed
	}{
		"typed":                {"", 200},
		"drawn":                {strokes(400), len(strokes(400)) / 2},
		"what cannot shrink":   {base64.StdEncoding.EncodeToString(noise(600)), 1100},
		"begins like the mark": {"z", 200},
	} {
		want := PersonalRecord{Personal: campaign.Personal{Name: "张小三", Strokes: tc.strokes}}
		blob, commitment, err := newSealed(b, nil).seal("c", "p", want)
		if err != nil || len(blob) > tc.most {
			t.Errorf("%s: %d bytes sealed, %v; want at most %d", name, len(blob), err, tc.most)
		}
		got, err := OpenRecord(b, "c", "p", []byte(blob))
		if err != nil {
			t.Fatal(err)
		}
		want.Salt, want.Commitment = got.Salt, commitment
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-sealed +opened):\n%s", name, diff)
		}
		raw, err := json.Marshal(want)
		if sum := sha256.Sum256(raw); err != nil || base64.RawStdEncoding.EncodeToString(sum[:]) != commitment {
			t.Errorf("%s: the commitment is not to the record as JSON, %v", name, err)
		}
	}
}

// noise does not repeat itself.
func noise(n int) []byte {
	var out []byte
	for sum := [32]byte{}; len(out) < n; out = append(out, sum[:]...) {
		sum = sha256.Sum256(sum[:])
	}
	return out[:n]
}

// TestKeysOfRecordsRotate: what an older key sealed opens as long as the key is
// kept, and not after.
func TestKeysOfRecordsRotate(t *testing.T) {
	t.Parallel()
	want := PersonalRecord{Personal: campaign.Personal{Name: "张小三", Strokes: strokes(100)}}
	blob, _, err := newSealed(lockbox(t, "old"), nil).seal("c", "p", want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenRecord(lockbox(t, "new", "old"), "c", "p", []byte(blob)); err != nil || got.Personal != want.Personal {
		t.Errorf("with a new key beside the old: %+v, %v", got, err)
	}
	for what, open := range map[string]func() (PersonalRecord, error){
		"without its key":     func() (PersonalRecord, error) { return OpenRecord(lockbox(t, "new"), "c", "p", []byte(blob)) },
		"of another campaign": func() (PersonalRecord, error) { return OpenRecord(lockbox(t, "old"), "d", "p", []byte(blob)) },
		"of somebody else":    func() (PersonalRecord, error) { return OpenRecord(lockbox(t, "old"), "c", "q", []byte(blob)) },
		"cut short":           func() (PersonalRecord, error) { return OpenRecord(lockbox(t, "old"), "c", "p", []byte(blob[:40])) },
		"erased":              func() (PersonalRecord, error) { return OpenRecord(lockbox(t, "old"), "c", "p", nil) },
	} {
		if got, err := open(); !errors.Is(err, seal.ErrOpen) || got != (PersonalRecord{}) {
			t.Errorf("a record %s: %+v, %v", what, got, err)
		}
	}
}

// TestADamagedRecordIsNotQuoted: an error about personal data carries none of it.
func TestADamagedRecordIsNotQuoted(t *testing.T) {
	t.Parallel()
	b := lockbox(t, "a")
	for _, plain := range []string{"", "z", "zzz", `{"name":"张小三"`, `{"name":13800138000}`, `"张小三"`, "张小三"} {
		_, err := OpenRecord(b, "c", "p", b.Seal([]byte(plain), recordAAD("c", "p")))
		if err == nil || strings.Contains(err.Error(), "张") || strings.Contains(err.Error(), "138") {
			t.Errorf("%q: %v", plain, err)
		}
	}
}

func TestRecordsTravel(t *testing.T) {
	t.Parallel()
	b := lockbox(t, "a")
	s := newSealed(b, nil)
	rapid.Check(t, func(t *rapid.T) {
		want := PersonalRecord{
			Personal: campaign.Personal{
				Name: rapid.String().Draw(t, "name"), Phone: rapid.String().Draw(t, "phone"), Guardian: rapid.String().Draw(t, "guardian"),
				Strokes: strings.Repeat(rapid.String().Draw(t, "stroke"), rapid.IntRange(0, 60).Draw(t, "strokes")),
			},
			Publish: rapid.Bool().Draw(t, "publish"), Notice: rapid.String().Draw(t, "notice"),
		}
		blob, commitment, err := s.seal("c", "p", want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenRecord(b, "c", "p", []byte(blob))
		want.Salt, want.Commitment = got.Salt, commitment
		if err != nil || got != want {
			t.Errorf("opened %+v, %v; want %+v", got, err, want)
		}
	})
}

// TestSaltsDiffer: two records of the same words are told apart by nobody who
// has not opened them.
func TestSaltsDiffer(t *testing.T) {
	t.Parallel()
	s := newSealed(lockbox(t, "a"), nil)
	seen := map[string]bool{}
	for range 100 {
		_, commitment, err := s.seal("c", "p", PersonalRecord{Personal: campaign.Personal{Name: "张小三"}})
		if err != nil || seen[commitment] {
			t.Fatalf("commitment %s was seen already, %v", commitment, err)
		}
		seen[commitment] = true
	}
}
