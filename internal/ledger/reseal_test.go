package ledger_test

import (
	"bytes"
	"fmt"
	"testing"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// box seals with the key that is named last and knows all that are named.
func box(t *testing.T, purpose string, ids ...string) *seal.Box {
	t.Helper()
	k := seal.Keys{Secrets: map[string][]byte{}}
	for _, id := range ids {
		k.Current, k.Secrets[id] = id, bytes.Repeat([]byte(id), 32)
	}
	b, err := seal.New(k.Derive(purpose))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func boxes(t *testing.T, ids ...string) ledger.Boxes {
	t.Helper()
	return ledger.Boxes{Campaigns: box(t, "personal", ids...), Doors: box(t, "doors", ids...)}
}

// sealed are records of both purposes, the last of which nobody can open.
func sealed(b ledger.Boxes, n int) []event.Entry {
	var all []event.Entry
	for i := range n {
		p := fmt.Sprint("p", i)
		plain, at := []byte("plain "+p), pos(1, uint64(i))
		switch {
		case i == n-1:
			all = append(all, ledgertest.Record(at, event.RecordSignature, p, "no box made this"))
		case i%3 == 0:
			text := b.Doors.Seal(plain, []byte("hash of "+p))
			all = append(all, ledgertest.Record(at, event.RecordDoor, p, string(text), "h", "hash of "+p))
		default:
			text := b.Campaigns.Seal(plain, []byte(home.Campaign+"|"+p))
			all = append(all, ledgertest.Record(at, event.RecordEnrolment, p, string(text)))
		}
	}
	return all
}

// TestReseal: afterwards the old key may be thrown away.
func TestReseal(t *testing.T) {
	t.Parallel()
	const n = 1_203 // a few pages
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		l := ledger.New(db)
		entries := append(sealed(boxes(t, "a"), n), ledgertest.Erasure(pos(1, n), "p7"))
		_, err := l.Append(t.Context(), ledger.Batch{Shard: home, Stream: event.Personal, Entries: entries})
		if err != nil {
			t.Fatal(err)
		}
		var told []ledger.Resealed
		done, err := l.Reseal(t.Context(), boxes(t, "a", "b"), func(r ledger.Resealed) { told = append(told, r) })
		if want := (ledger.Resealed{Seen: n - 1, Changed: n - 2, Closed: 1}); err != nil || done != want {
			t.Errorf("Reseal = %+v, %v; want %+v", done, err, want)
		}
		if len(told) != 3 || told[2] != done {
			t.Errorf("progress was %+v, want three steps up to %+v", told, done)
		}
		checkSealed(t, l, boxes(t, "b"), n)
		again, err := l.Reseal(t.Context(), boxes(t, "a", "b"), func(ledger.Resealed) {})
		if want := (ledger.Resealed{Seen: n - 1, Closed: 1}); err != nil || again != want {
			t.Errorf("Reseal again = %+v, %v; want %+v", again, err, want)
		}
	})
}

// checkSealed wants every record to open with b, but for the erased one and the
// one that never did.
func checkSealed(t *testing.T, l *ledger.Ledger, b ledger.Boxes, n int) {
	t.Helper()
	everything := ledger.Heads{Personal: pos(9, 0)}
	for h, err := range l.Histories(t.Context(), home, everything) {
		if err != nil {
			t.Fatal(err)
		}
		r := h.Records[0]
		var plain []byte
		if r.Kind == event.RecordDoor {
			plain, err = b.Doors.Open(r.Sealed, []byte(r.Hash))
		} else {
			plain, err = b.Campaigns.Open(r.Sealed, []byte(home.Campaign+"|"+h.Participant))
		}
		lost := h.Participant == "p7" || h.Participant == fmt.Sprint("p", n-1)
		if lost != (err != nil) || !lost && string(plain) != "plain "+h.Participant {
			t.Errorf("record of %s opens as %q, %v", h.Participant, plain, err)
		}
	}
}
