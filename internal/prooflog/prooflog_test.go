package prooflog_test

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/sqltest"
	"qingyuan/proof"
)

// TestSealedOnce: whatever happens, and whoever seals at the same time, every act is in
// the log once, and what the log counts is what counts.
func TestSealedOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, 2, func(r *rig) {
		var before proof.Signed
		for range 4 {
			r.live(60)
			var servers sync.WaitGroup
			for range 3 {
				l := r.another("")
				servers.Go(func() {
					for more := true; more; {
						sealed, err := l.Seal(r.Context(), town)
						if err != nil {
							r.Error(err)
							return
						}
						more = sealed.More
					}
				})
			}
			servers.Wait()
			s := r.seal()
			for _, subject := range []proof.Subject{proof.Attempt, proof.Signature} {
				if got, want := s.Totals.Count(subject), r.counting(subject); got != want {
					r.Errorf("the checkpoint of %d counts %d %ss, and %d count", s.N, got, subject, want)
				}
			}
			if s.N <= before.N {
				r.Errorf("%d leaves after %d", s.N, before.N)
			}
			before = s
		}
		got := r.clean()
		if got.Compared != before.N || got.Checkpoints != 4 || got.Signed != before.N {
			r.Errorf("%+v, want all %d leaves compared", got, before.N)
		}
		for key, a := range r.acts {
			name := proof.SignatureAct
			if a.number > 0 {
				name = proof.AttemptAct(a.number)
			}
			b := r.bundle(a.participant, name)
			r.holds(b)
			if b.Counts() == a.void {
				r.Errorf("act %s: by its bundle it counts %t", key, b.Counts())
			}
		}
		check, err := proof.ReadLog(strings.NewReader(r.whole()), r.keys(), []string{before.Note})
		if err != nil || len(check.Faults) > 0 || check.Kept != 1 {
			r.Errorf("the file: %v, %+v", err, check)
		}
	})
}

// TestWaitsForTheRecord: a signature is sealed with its name, which comes by another way.
// One that was lost on it does not hold up the others.
func TestWaitsForTheRecord(t *testing.T) {
	t.Parallel()
	onBoth(t, 1, func(r *rig) {
		r.signed("ann")
		r.submit("ann", 1)
		if s := r.seal(); s.N != 0 {
			r.Errorf("%d leaves before the record came", s.N)
		}
		r.record("ann", "李安")
		if s := r.seal(); s.N != 2 {
			r.Errorf("%d leaves, want both", s.N)
		}
		if name, _ := r.bundle("ann", proof.SignatureAct).Entries[0].Value(proof.FieldName); name != "李安" {
			r.Errorf("name %q", name)
		}
		drawn := r.bundle("ann", proof.SignatureAct)
		if r.holds(drawn); drawn.Image == nil {
			r.Error("the strokes are missing")
		}
		r.signed("bob") // the record of bob went with a Redis that was lost
		r.exec("UPDATE campaigns SET epoch = 2")
		if s := r.seal(); s.N != 3 {
			r.Errorf("%d leaves, want that of the signature without a record", s.N)
		}
		b := r.bundle("bob", proof.SignatureAct)
		r.holds(b)
		if _, ok := b.Entries[0].Value(proof.FieldName); ok {
			r.Error("a name that nobody has")
		}
		// A fact that could not be stored is passed, as it counts nowhere.
		home := ledger.Shard{Campaign: town}
		from := r.next[home]
		r.append(home, event.Facts, r.next, ledgertest.Fact(event.Position{}, event.KindSubmitted, "cat", `{"number":"one"}`))
		if from == r.next[home] {
			r.Fatal("nothing was appended")
		}
		r.submit("cat", 2)
		if s := r.seal(); s.N != 4 {
			r.Errorf("%d leaves behind a dead letter", s.N)
		}
		r.clean()
	})
}

// TestErased: when a person is erased, what they did stays in the log and proves as
// before, and nothing in the database leads from them to it.
func TestErased(t *testing.T) {
	t.Parallel()
	onBoth(t, 1, func(r *rig) {
		for i := range 12 {
			r.submit(fmt.Sprint("other", i), 1)
		}
		r.sign("ann", "李安")
		r.submit("ann", 1)
		r.seal()
		kept := r.bundle("ann", proof.SignatureAct)
		at := kept.Entries[0].Index
		r.submit("ann", 2) // not sealed yet when they are erased
		r.erase("ann")
		if err := r.log.Erase(r.Context(), "ann"); err != nil {
			r.Fatal(err)
		}
		before := r.counting(proof.Attempt)
		r.seal()
		r.holds(kept) // what ann was given proves still
		for _, act := range []proof.Act{proof.SignatureAct, proof.AttemptAct(1), proof.AttemptAct(2)} {
			if _, err := r.log.Bundle(r.Context(), town, "ann", act, nil); !errors.Is(err, prooflog.ErrNotSealed) {
				r.Errorf("bundle of %s: %v", act, err)
			}
			if _, err := r.log.Find(r.Context(), town, "ann", act); !errors.Is(err, prooflog.ErrNotSealed) {
				r.Errorf("find %s: %v", act, err)
			}
		}
		// What is corrected later says not of which leaf.
		r.correct(r.acts["ann1"], "invalidated")
		s := r.seal()
		if got := s.Totals.Count(proof.Attempt); got != before-1 {
			r.Errorf("%d attempts count, want %d", got, before-1)
		}
		leaves, err := r.log.Leaves(r.Context(), town, 0, int(s.N))
		if err != nil {
			r.Fatal(err)
		}
		last := leaves[len(leaves)-1]
		if last.Type != proof.AttemptInvalidated || last.Of != proof.Unknown {
			r.Errorf("the last leaf is %+v", last)
		}
		r.clean()
		r.unlinked("ann", leaves[at])
		// Without an order of ours the fact alone is enough: by it a log forgets as it goes on.
		r.submit("bob", 1)
		r.seal()
		r.holds(r.bundle("bob", proof.AttemptAct(1)))
		r.erase("bob")
		r.seal()
		if _, err := r.log.Find(r.Context(), town, "bob", proof.AttemptAct(1)); !errors.Is(err, prooflog.ErrNotSealed) {
			r.Errorf("after the fact of an erasure: %v", err)
		}
		r.submit("cat", 1)
		r.seal()
		if err := r.log.EraseIn(r.Context(), "elsewhere", "cat"); err != nil {
			r.Fatal(err)
		}
		r.holds(r.bundle("cat", proof.AttemptAct(1)))
		if err := r.log.EraseIn(r.Context(), town, "cat"); err != nil {
			r.Fatal(err)
		}
		if _, err := r.log.Find(r.Context(), town, "cat", proof.AttemptAct(1)); !errors.Is(err, prooflog.ErrNotSealed) {
			r.Errorf("after a consent was taken back: %v", err)
		}
		r.clean()
		// Whoever comes back is linked again, by what they do from then on.
		r.submit("ann", 3)
		r.seal()
		r.holds(r.bundle("ann", proof.AttemptAct(3)))
		r.clean()
	})
}

// TestAWinnersActs: what somebody wins lies in the campaign's first shard and their acts in
// their own, and the acts are found wherever the prize was noted before them.
func TestAWinnersActs(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.Open(t, filepath.Join(t.TempDir(), "q.db")), 2)
	winner := "w0"
	for i := 1; r.shard(winner).Number == 0; i++ {
		winner = fmt.Sprint("w", i)
	}
	body, err := event.EncodeBody(event.Chance{Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	r.append(ledger.Shard{Campaign: town}, event.Facts, r.next, ledgertest.Fact(event.Position{}, event.KindChance, winner, body))
	r.submit(winner, 1)
	r.seal()
	r.holds(r.bundle(winner, proof.AttemptAct(1)))
	again, last := r.rereader()
	for again.Round(t.Context()); last.Through.IsZero(); again.Round(t.Context()) {
	}
	if got := r.clean(); got.Compared != 1 || len(last.Faults) > 0 {
		t.Errorf("%d leaves compared, want 1; read again %v", got.Compared, last.Faults)
	}
}

// unlinked looks for anything in the tables of the log that belongs to a participant, and
// tries to work their leaf out from all that the ledger still says.
func (r *rig) unlinked(participant string, leaf proof.Leaf) {
	r.Helper()
	for _, table := range []string{"proof_logs", "proof_cursors", "proof_leaves", "proof_tiles", "proof_links", "proof_checkpoints", "proof_kept"} {
		for _, row := range r.dump(table) {
			for _, of := range []string{participant, commitment(participant), "李安"} {
				if strings.Contains(row, of) {
					r.Errorf("%s leads to %s: %.200q", table, participant, row)
				}
			}
		}
	}
	// The seeds that are left are those of others: with none of them the record of ann
	// gives the leaf.
	var n int
	err := r.db.QueryRowContext(r.Context(), "SELECT COUNT(*) FROM proof_links l JOIN proof_leaves p ON p.campaign = l.campaign AND p.idx = l.idx WHERE p.fields = $1", leaf.Fields[:]).Scan(&n)
	if err != nil || n != 0 {
		r.Errorf("%d seeds of the leaf are left, %v", n, err)
	}
}

// dump writes the rows of a table.
func (r *rig) dump(table string) []string {
	r.Helper()
	rows, err := r.db.QueryContext(r.Context(), "SELECT * FROM "+table)
	if err != nil {
		r.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		r.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			r.Fatal(err)
		}
		var line []string
		for _, v := range values {
			line = append(line, string(v))
		}
		out = append(out, strings.Join(line, "|"))
	}
	if err := rows.Err(); err != nil {
		r.Fatal(err)
	}
	return out
}

// TestOrderSaysNothing: within a batch the leaves lie in the order of their hashes, so that
// a place among them is not that of a fact.
func TestOrderSaysNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, 1, func(r *rig) {
		for i := range 30 {
			r.submit(fmt.Sprintf("p%02d", i), 1)
		}
		for i := range 30 {
			r.correct(r.acts[fmt.Sprintf("p%02d1", i)], "invalidated")
		}
		r.log.Batch = 1000
		s := r.seal()
		leaves, err := r.log.Leaves(r.Context(), town, 0, int(s.N))
		if err != nil {
			r.Fatal(err)
		}
		for i := 1; i < len(leaves); i++ {
			a, b := leaves[i-1].Hash(), leaves[i].Hash()
			if i != 30 && strings.Compare(string(a[:]), string(b[:])) >= 0 {
				r.Errorf("leaf %d stands behind one with a larger hash", i)
			}
		}
		for _, l := range leaves[30:] {
			if l.Of < 0 || l.Of >= 30 {
				r.Errorf("a correction is of leaf %d", l.Of)
			}
		}
	})
}

// TestTampered: what is changed in the database is found and named, it and nothing else, and
// no longer signed where that can be told from the tree alone.
func TestTampered(t *testing.T) {
	t.Parallel()
	flip := func(b []byte) []byte { b[0] ^= 1; return b }
	cases := map[string]struct {
		change func(r *rig)
		want   string // what every fault begins with
		broken bool   // nothing more is signed
	}{
		"a leaf altered by one bit": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT fields FROM proof_leaves WHERE idx = 3")
			r.exec("UPDATE proof_leaves SET fields = $1 WHERE idx = 3", flip(raw))
		}, "leaf of leaf 3: ", false},
		"the last leaf dropped":          {func(r *rig) { r.exec("DELETE FROM proof_leaves WHERE idx = (SELECT MAX(idx) FROM proof_leaves)") }, "leaf of leaf 5: leaf 5 of town-2026 is not there", false},
		"a leaf dropped from the middle": {func(r *rig) { r.exec("DELETE FROM proof_leaves WHERE idx = 2") }, "leaf of leaf 2: leaf 2 of town-2026 is not there", false},
		"an older checkpoint altered": {func(r *rig) {
			r.exec("UPDATE proof_checkpoints SET signed = replace(signed, 'attempt.accepted 3', 'attempt.accepted 4') WHERE size = 3")
		}, "checkpoint: that of 3 leaves: ", false},
		"an older checkpoint replaced": {func(r *rig) {
			r.exec("UPDATE proof_checkpoints SET signed = (SELECT signed FROM proof_checkpoints WHERE size = 6) WHERE size = 3")
		}, "checkpoint: that of 3 leaves: one of 6 is in its place", false},
		"a record altered by one byte": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT body FROM facts WHERE participant = 'ann' AND kind = 'submitted.1'")
			r.exec("UPDATE facts SET body = $1 WHERE participant = 'ann' AND kind = 'submitted.1'", []byte(strings.Replace(string(raw), `"score":80`, `"score":90`, 1)))
		}, "leaf of leaf ANN: act a1 of participant ann", false},
		"a name altered": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT sealed FROM personal WHERE participant = 'bob'")
			r.exec("UPDATE personal SET sealed = $1 WHERE participant = 'bob'", []byte(strings.Replace(string(raw), "李宝", "李堡", 1)))
		}, "leaf of leaf BOB: act s of participant bob", false},
		"a fact added": {func(r *rig) {
			r.exec("UPDATE facts SET kind = 'submitted.1', body = $1 WHERE kind = 'hidden.1'", []byte(`{"number":9}`))
		}, "entries: the ledger has 6 of attempt.accepted", false},
		"a checkpoint replaced": {func(r *rig) {
			var text string
			r.scan(&text, "SELECT signed FROM proof_checkpoints WHERE size = 6")
			r.exec("UPDATE proof_checkpoints SET signed = $1 WHERE size = 6", strings.Replace(text, "attempt.accepted 5", "attempt.accepted 6", 1))
		}, "checkpoint: that of 6 leaves: ", true},
		"a tile altered": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT data FROM proof_tiles WHERE level = 0")
			r.exec("UPDATE proof_tiles SET data = $1 WHERE level = 0", flip(raw))
		}, "path: the tree above the leaves is not that of its root", true},
		"the root replaced": {func(r *rig) {
			var raw []byte
			r.scan(&raw, "SELECT root FROM proof_logs")
			r.exec("UPDATE proof_logs SET root = $1", flip(raw))
		}, "checkpoint: ", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onOne(t, func(r *rig) {
				for i := range 4 {
					if i == 3 {
						r.seal()
					}
					r.submit(fmt.Sprint("p", i), 1)
				}
				r.submit("ann", 1)
				r.sign("bob", "李宝")
				r.fact("ann", event.KindHidden, event.Corrected{})
				r.seal()
				r.clean()
				at := func(b *proof.Bundle) string { return fmt.Sprint(b.Entries[0].Index) }
				want := strings.NewReplacer("ANN", at(r.bundle("ann", proof.AttemptAct(1))), "BOB", at(r.bundle("bob", proof.SignatureAct))).Replace(c.want)
				c.change(r)
				found := r.verify().Faults
				other := func(f proof.Fault) bool { return !strings.HasPrefix(f.String(), want) }
				if len(found) == 0 || slices.ContainsFunc(found, other) {
					r.Errorf("found %v, want %s", found, want)
				}
				r.submit("late", 1)
				_, err := r.log.Seal(r.Context(), town)
				if err == nil {
					_, _, err = r.log.Sign(r.Context(), town)
				}
				if c.broken != (err != nil) {
					r.Errorf("sealed and signed afterwards: %v", err)
				}
			})
		})
	}
}

// scan reads one value.
func (r *rig) scan(into any, query string) {
	r.Helper()
	if err := r.db.QueryRowContext(r.Context(), query).Scan(into); err != nil {
		r.Fatal(err)
	}
}

// TestRolledBack: a database that is older than a checkpoint which was published here is
// told from its file, and nothing is signed beside it.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	onBoth(t, 1, func(r *rig) {
		for i := range 5 {
			r.submit(fmt.Sprint("p", i), 1)
		}
		sealer := &prooflog.Sealer{Log: r.log, Every: time.Minute, Signed: func(string, proof.Signed) {}, Told: func(int) {}, Failed: func(string, error) {}}
		sealer.Round(r.Context())
		for _, table := range []string{"proof_logs", "proof_cursors", "proof_leaves", "proof_tiles", "proof_links", "proof_checkpoints"} {
			r.exec("DELETE FROM " + table)
		}
		sealer.Round(r.Context())
		if got := sealer.Broken(); len(got) != 1 || !strings.Contains(fmt.Sprint(sealer.Warnings()), "BROKEN") {
			r.Errorf("a log that was made anew is signed: broken %q, warnings %q", got, sealer.Warnings())
		}
		if _, ok, err := r.log.Latest(r.Context(), town); ok || err != nil {
			r.Errorf("it has a checkpoint: %v", err)
		}
	})
}
