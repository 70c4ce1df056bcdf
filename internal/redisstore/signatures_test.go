package redisstore

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
	"qingyuan/pledge"
	"qingyuan/pledge/pledgetest"
)

func TestPledgeStore(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		runPledges(t, suiteOn(t, shards))
	})
}

func runPledges(t *testing.T, open func(t *testing.T) *rig) {
	t.Helper()
	pledgetest.RunStore(t, func(t *testing.T) pledgetest.Bench {
		t.Helper()
		r := open(t)
		b := pledgetest.Bench{
			Campaign: r.def.ID,
			Facts:    func(testing.TB) []event.Fact { return r.allFacts() },
			Records:  func(testing.TB) []pledgetest.Record { return r.records() },
		}
		for _, s := range r.servers {
			b.Servers = append(b.Servers, pledgetest.Server{Enrolments: s.enrolments, Signatures: s.signatures})
		}
		return b
	})
}

// records opens the erasable streams of all shards.
func (r *rig) records() []pledgetest.Record {
	r.Helper()
	var out []pledgetest.Record
	for shard := range r.def.Shards {
		list, err := r.db.XRange(r.Context(), keysOf(r.def.ID, shard).personal(), "-", "+").Result()
		if err != nil {
			r.Fatal(err)
		}
		for _, m := range list {
			out = append(out, r.openRecord(m))
		}
	}
	return out
}

func (r *rig) openRecord(m redis.XMessage) pledgetest.Record {
	r.Helper()
	field := func(name string) string {
		s, _ := m.Values[name].(string)
		return s
	}
	raw, err := newBox(r.TB).Open([]byte(field("d")), []byte(r.def.ID+"|"+field("p")))
	if err != nil {
		r.Fatalf("open the record of %s: %v", field("p"), err)
	}
	ms, err := strconv.ParseInt(field("t"), 10, 64)
	if err != nil {
		r.Fatal(err)
	}
	out := pledgetest.Record{Participant: field("p"), At: time.UnixMilli(ms)}
	if err := json.Unmarshal(raw, &out.Personal); err != nil {
		r.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	out.Commitment = base64.RawStdEncoding.EncodeToString(sum[:])
	return out
}

// TestNothingPersonalInClear proves invariant 10: what a person typed or drew
// lies in Redis in no key and in no value that can be read.
func TestNothingPersonalInClear(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	strokes, err := json.Marshal(pledge.Strokes{{{X: 31.4159, Y: 27.1828}}})
	if err != nil {
		t.Fatal(err)
	}
	secret := campaign.Personal{
		Name: "买买提艾山", Phone: "13912345678", Guardian: "阿依古丽", Strokes: string(strokes),
	}
	for _, p := range []string{"p1", "p2", "p3", "p4", "p5", "p6"} {
		e := campaign.Enrolment{Unit: "u1", Group: "public", DisplayName: campaign.MaskName(secret.Name), At: noon}
		if _, err := r.enrolments.Enrol(t.Context(), r.def.ID, p, e, secret); err != nil {
			t.Fatal(err)
		}
		s := signature(noon)
		s.MaskedName = campaign.MaskName(secret.Name)
		if _, _, err := r.signatures.Sign(t.Context(), r.def.ID, p, s, secret); err != nil {
			t.Fatal(err)
		}
	}
	all := contents(t, r.db)
	for key, value := range all {
		for _, leak := range []string{"买买提", "阿依", "139123", "31.4159", "27.1828", "1391234"} {
			if strings.Contains(key, leak) || strings.Contains(value, leak) {
				t.Errorf("%s tells of %s: %s", key, leak, value)
			}
		}
	}
	if n := len(r.records()); n != 12 {
		t.Errorf("%d sealed records among %d keys, want 12", n, len(all))
	}
}

// TestARecordIsOfItsPerson: sealed for one person in one campaign, a record opens
// for no other.
func TestARecordIsOfItsPerson(t *testing.T) {
	t.Parallel()
	r := rigOn(t, clientsOf(t, redistest.Start(t)), definition(t, "c1", 1))
	r.enrol("alice", "u1", "public")
	list, err := r.db.XRange(t.Context(), keysOf("c1", 0).personal(), "-", "+").Result()
	if err != nil || len(list) != 1 {
		t.Fatalf("%d records, %v", len(list), err)
	}
	blob, _ := list[0].Values["d"].(string)
	for _, aad := range []string{"c1|bob", "c2|alice", "", "c1|alice "} {
		if raw, err := newBox(t).Open([]byte(blob), []byte(aad)); err == nil {
			t.Errorf("the record opens for %q: %s", aad, raw)
		}
	}
}
