package prooflog_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/proof"
)

const town = "town-2026"

// rig is a ledger with what lives in it, and a log of it. What happens is kept beside as
// plain states, by another rule than the log's.
type rig struct {
	testing.TB

	db     *sqldb.DB
	ledger *ledger.Ledger
	log    *prooflog.Log
	shards int
	next   map[ledger.Shard]event.Position // of the facts
	person map[ledger.Shard]event.Position // of the personal stream
	acts   map[string]*act                 // by participant and act
	rand   *rand.Rand
}

// act is what became of an attempt or the signature of somebody.
type act struct {
	participant string
	number      int // 0 for the signature
	void        bool
}

func onBoth(t *testing.T, shards int, test func(r *rig)) {
	t.Helper()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		test(newRig(t, db, shards))
	})
}

// onOne is onBoth for what no database does differently.
func onOne(t *testing.T, test func(r *rig)) {
	t.Helper()
	test(newRig(t, sqltest.Open(t, filepath.Join(t.TempDir(), "q.db")), 1))
}

func newRig(t testing.TB, db *sqldb.DB, shards int) *rig {
	t.Helper()
	r := &rig{
		TB: t, db: db, ledger: ledger.New(db), shards: shards, acts: map[string]*act{},
		next: map[ledger.Shard]event.Position{}, person: map[ledger.Shard]event.Position{}, rand: rand.New(rand.NewPCG(1, 2)),
	}
	r.log = r.another(t.TempDir())
	if _, err := r.ledger.Deployment(t.Context(), "d1"); err != nil {
		t.Fatal(err)
	}
	_, err := r.ledger.Register(t.Context(), ledger.Opened{Campaign: town, Shards: shards, Base: 1, Bits: 1, Epoch: 1, Condition: ledger.Open})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// another is the log of another server on the same database.
func (r *rig) another(dir string) *prooflog.Log { return newLog(r.db, dir) }

func newLog(db *sqldb.DB, dir string) *prooflog.Log {
	return &prooflog.Log{
		DB: db, Ledger: ledger.New(db), Open: openSigner, Pepper: [32]byte{1}, Dir: dir, Now: ledgertest.Noon, Batch: 40,
		Keys: prooflog.Keys{Current: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))},
	}
}

// openSigner reads what rig.sign wrote.
func openSigner(_, _ string, rec event.Record) (prooflog.Signer, error) {
	var s prooflog.Signer
	err := json.Unmarshal(rec.Sealed, &s)
	return s, err
}

func (r *rig) shard(participant string) ledger.Shard {
	return ledger.Shard{Campaign: town, Number: len(participant) * int(participant[len(participant)-1]) % r.shards}
}

// append puts an entry behind the last of a stream.
func (r *rig) append(s ledger.Shard, stream event.Stream, at map[ledger.Shard]event.Position, e event.Entry) {
	r.Helper()
	from := at[s]
	e.Position = event.Position{Epoch: from.Epoch, Seq: from.Seq + 1}
	if from == (event.Position{}) {
		e.Position = event.Position{Epoch: 1}
	}
	out, err := r.ledger.Append(r.Context(), ledger.Batch{Shard: s, Stream: stream, From: from, Entries: []event.Entry{e}, Now: ledgertest.Noon()})
	if err != nil || out.Stored+out.Dead != 1 {
		r.Fatalf("append %v: %v, %v", e, out, err)
	}
	at[s] = e.Position
}

func (r *rig) fact(participant string, kind event.Kind, body any) {
	r.Helper()
	raw, err := event.EncodeBody(body)
	if err != nil {
		r.Fatal(err)
	}
	r.append(r.shard(participant), event.Facts, r.next, ledgertest.Fact(event.Position{}, kind, participant, raw))
}

func (r *rig) submit(participant string, number int) {
	r.Helper()
	r.fact(participant, event.KindSubmitted, event.Submitted{Number: number, Score: 80, MaxScore: 100, Correct: 8, Passed: true, UsedMS: 12_345, Bank: "b1", Items: "a:0.1", Choices: "3"})
	r.acts[fmt.Sprint(participant, number)] = &act{participant: participant, number: number}
}

// crowd lets n people submit at once, in one batch of each shard.
func (r *rig) crowd(from, n int) {
	r.Helper()
	for number := range r.shards {
		s := ledger.Shard{Campaign: town, Number: number}
		at := r.next[s]
		var entries []event.Entry
		for i := number; i < n; i += r.shards {
			pos := event.Position{Epoch: 1, Seq: at.Seq + uint64(len(entries)) + 1}
			if at == (event.Position{}) {
				pos.Seq--
			}
			entries = append(entries, ledgertest.Fact(pos, event.KindSubmitted, fmt.Sprintf("crowd%04d", from+i), `{"number":1,"score":80,"max":100}`))
		}
		if _, err := r.ledger.Append(r.Context(), ledger.Batch{Shard: s, Stream: event.Facts, From: at, Entries: entries, Now: ledgertest.Noon()}); err != nil {
			r.Fatal(err)
		}
		r.next[s] = entries[len(entries)-1].Position
	}
}

// newKeys sign with another key, and know the old one.
func newKeys(seed byte, old ed25519.PrivateKey) prooflog.Keys {
	public, _ := old.Public().(ed25519.PublicKey)
	return prooflog.Keys{Current: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)), Others: []ed25519.PublicKey{public}}
}

// commitment is what ties the fact of a signature to its record here.
func commitment(participant string) string { return "commitment of " + participant }

func (r *rig) sign(participant, name string) {
	r.Helper()
	r.record(participant, name)
	r.signed(participant)
}

func (r *rig) record(participant, name string) {
	r.Helper()
	r.append(r.shard(participant), event.Personal, r.person, ledgertest.Record(event.Position{}, event.RecordSignature, participant, r.signature(participant, name)))
}

// signature is the record of one, as openSigner reads it.
func (r *rig) signature(participant, name string) string {
	r.Helper()
	raw, err := json.Marshal(prooflog.Signer{Name: name, Strokes: `[[{"x":1}]]`, Commitment: commitment(participant)})
	if err != nil {
		r.Fatal(err)
	}
	return string(raw)
}

func (r *rig) signed(participant string) {
	r.Helper()
	r.fact(participant, event.KindSigned, event.Signed{Version: "v1", TextSHA256: proof.Digest("承诺"), Method: "drawn", Commitment: commitment(participant)})
	r.acts[participant+"0"] = &act{participant: participant}
}

// correct lets an act be in another state, which it may be in already.
func (r *rig) correct(a *act, how string) {
	r.Helper()
	kinds := map[string][2]event.Kind{
		"invalidated": {event.KindSignatureInvalidated, event.KindInvalidated}, "withdrawn": {event.KindSignatureWithdrawn, event.KindWithdrawn},
		"restored": {event.KindSignatureRestored, event.KindRestored},
	}
	body, kind := event.Corrected{SignedAt: 1, SignedVoid: a.void}, kinds[how][0]
	if a.number > 0 {
		kind, body = kinds[how][1], event.Corrected{Number: a.number, Attempts: []event.Counted{{Number: a.number, Void: a.void}}}
	}
	r.fact(a.participant, kind, body)
	a.void = how != "restored"
}

// erase writes what an erasure writes.
func (r *rig) erase(participant string) {
	r.Helper()
	r.fact(participant, event.KindErased, event.Erased{Notice: "n1"})
	r.append(r.shard(participant), event.Personal, r.person, ledgertest.Erasure(event.Position{}, participant))
}

// live lets things happen at random.
func (r *rig) live(steps int) {
	r.Helper()
	for range steps {
		p := fmt.Sprintf("person%02d", r.rand.IntN(30))
		keys := slices.Sorted(maps.Keys(r.acts))
		switch n := r.rand.IntN(10); {
		case n < 4 || len(keys) == 0:
			r.submit(p, 1+len(r.acts))
		case n < 5:
			if r.acts[p+"0"] == nil {
				r.sign(p, "李"+p)
			}
		case n < 8:
			r.correct(r.acts[keys[r.rand.IntN(len(keys))]], []string{"invalidated", "withdrawn", "restored"}[r.rand.IntN(3)])
		case n < 9:
			r.fact(p, event.KindHidden, event.Corrected{})
		default:
			a := r.acts[keys[r.rand.IntN(len(keys))]]
			if a.number > 0 {
				r.fact(a.participant, event.KindRemarked, event.Remarked{
					Corrected: event.Corrected{Number: a.number}, After: event.Marks{Score: 90, MaxScore: 100, Correct: 9, Passed: true},
				})
			}
		}
	}
}

// seal seals everything that waits, and signs.
func (r *rig) seal() proof.Signed {
	r.Helper()
	for more := true; more; {
		sealed, err := r.log.Seal(r.Context(), town)
		if err != nil {
			r.Fatal(err)
		}
		more = sealed.More
	}
	s, _, err := r.log.Sign(r.Context(), town)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// counting are how many acts of a subject count.
func (r *rig) counting(of proof.Subject) (n int64) {
	for _, a := range r.acts {
		if !a.void && (a.number > 0) == (of == proof.Attempt) {
			n++
		}
	}
	return n
}

func (r *rig) verify() prooflog.Report {
	r.Helper()
	got, err := r.log.Verify(r.Context(), town)
	if err != nil {
		r.Fatal(err)
	}
	return got
}

func (r *rig) clean() prooflog.Report {
	r.Helper()
	got := r.verify()
	if !got.Clean() {
		r.Errorf("the log: %v", got.Faults)
	}
	return got
}

// exec changes the database behind everybody's back.
func (r *rig) exec(statement string, args ...any) {
	r.Helper()
	if _, err := r.db.ExecContext(r.Context(), statement, args...); err != nil {
		r.Fatal(err)
	}
}

// keys are those that everybody trusts.
func (r *rig) keys() []string {
	r.Helper()
	keys, err := r.log.VerifierKeys(r.Context(), town)
	if err != nil {
		r.Fatal(err)
	}
	return keys
}

// bundle proves an act.
func (r *rig) bundle(participant string, act proof.Act) *proof.Bundle {
	r.Helper()
	b, err := r.log.Bundle(r.Context(), town, participant, act, nil)
	if err != nil {
		r.Fatal(err)
	}
	return b
}

// holds wants a bundle to verify.
func (r *rig) holds(b *proof.Bundle) {
	r.Helper()
	if _, faults := b.Verify(r.keys()); len(faults) > 0 {
		r.Errorf("the bundle: %v", faults)
	}
}

// whole is the log as a file.
func (r *rig) whole() string {
	r.Helper()
	var out strings.Builder
	if err := r.log.Write(r.Context(), town, &out); err != nil {
		r.Fatal(err)
	}
	return out.String()
}
