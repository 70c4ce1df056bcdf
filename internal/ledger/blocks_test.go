package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// sown is a shard with rows here and there in many blocks of several epochs, which would
// take a million rows to append, and what is in it.
type sown struct {
	*testing.T

	db      *sqldb.DB
	ledger  *Ledger
	shard   Shard
	id      int64
	facts   []key
	records []key
}

var sownPeople = []string{"a", "B", "b", "ä", "张", "p1", "p10", "p2", "!", "Z"}

// sow writes rows at the edges of blocks and between.
func sow(t *testing.T, db *sqldb.DB) *sown {
	t.Helper()
	s := &sown{T: t, db: db, ledger: New(db), shard: Shard{Campaign: "c1", Number: 2}}
	var err error
	if s.id, err = s.ledger.ensureShard(t.Context(), s.shard); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 9))
	for _, epoch := range []uint64{1, 2, 5} {
		seqs := map[uint64]bool{}
		for _, edge := range []uint64{0, 1, blockSize, 2 * blockSize, 5 * blockSize} { // none in the blocks between
			for range 12 {
				seqs[edge+random.Uint64N(40)] = true
			}
			if edge > 1 {
				seqs[edge-1] = true
			}
		}
		for _, seq := range slices.Sorted(maps.Keys(seqs)) {
			at := event.Position{Epoch: epoch, Seq: seq}
			s.facts = append(s.facts, key{sownPeople[random.IntN(len(sownPeople))], at})
			s.records = append(s.records, key{sownPeople[random.IntN(len(sownPeople))], at})
		}
	}
	s.write()
	return s
}

func (s *sown) write() {
	s.Helper()
	err := s.db.WithTx(s.Context(), func(tx *sql.Tx) error {
		for _, k := range s.facts {
			_, err := tx.ExecContext(s.Context(), `INSERT INTO facts (shard, epoch, seq, kind, participant, unit, grp, at, first, best, body)
				VALUES ($1, $2, $3, 'expired.1', $4, 'u', 'g', 0, 0, '', $5)`, s.id, k.Epoch, k.Seq, k.participant, []byte("{}"))
			if err != nil {
				return err
			}
		}
		for _, k := range s.records {
			_, err := tx.ExecContext(s.Context(), `INSERT INTO personal (shard, epoch, seq, kind, participant, at, hash, sealed)
				VALUES ($1, $2, $3, $4, $5, 0, '', $6)`, s.id, k.Epoch, k.Seq, string(kindAt(k.Position)), k.participant, []byte("x"))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}

// kindAt lets every other record be a signature.
func kindAt(at event.Position) event.RecordKind {
	if at.Seq%2 == 0 {
		return event.RecordSignature
	}
	return event.RecordEnrolment
}

// of are the positions of a participant among keys, up to a head.
func of(keys []key, participant string, head event.Position) []event.Position {
	var out []event.Position
	for _, k := range keys {
		if k.participant == participant && k.Compare(head) <= 0 {
			out = append(out, k.Position)
		}
	}
	return out
}

func (s *sown) same(what string, want, got any) {
	s.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func positions[T any](rows []T, of func(*T) key) []event.Position {
	var out []event.Position
	for i := range rows {
		out = append(out, of(&rows[i]).Position)
	}
	return out
}

// TestBlocksHideNothing: whatever is asked of one participant, or of all in order, is
// answered from all blocks of all epochs.
func TestBlocksHideNothing(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := sow(t, db)
		all := event.Position{Epoch: 9}
		for _, head := range []event.Position{all, {Epoch: 2, Seq: blockSize + 5}, {Epoch: 1}, {Epoch: 1, Seq: 5*blockSize - 1}} {
			s.histories(head)
		}
		for _, p := range append(sownPeople, "nobody") {
			h, err := s.ledger.History(t.Context(), s.shard, p)
			s.same("error", nil, err)
			s.same("facts of "+p, of(s.facts, p, all), positions(h.Facts, factKey))
			s.same("records of "+p, of(s.records, p, all), positions(h.Records, recordKey))
			shards, err := s.ledger.ShardsOf(t.Context(), p)
			s.same("error", nil, err)
			s.same("shards of "+p, p != "nobody", len(shards) == 1)
		}
		n, err := s.ledger.Positions(t.Context(), s.shard)
		s.same("error", nil, err)
		s.same("positions", s.ends(), n)
		s.newest()
	})
}

// ends counts the positions up to the last of each epoch.
func (s *sown) ends() int64 {
	last := map[uint64]uint64{}
	for _, k := range s.facts {
		last[k.Epoch] = max(last[k.Epoch], k.Seq)
	}
	n := int64(0)
	for _, seq := range last {
		n += int64(seq) + 1
	}
	return n
}

func (s *sown) histories(head event.Position) {
	s.Helper()
	var got, want []string
	for h, err := range s.ledger.Histories(s.Context(), s.shard, Heads{Facts: head, Personal: head}) {
		if err != nil {
			s.Fatal(err)
		}
		got = append(got, h.Participant)
		s.same("facts of "+h.Participant, of(s.facts, h.Participant, head), positions(h.Facts, factKey))
		s.same("records of "+h.Participant, of(s.records, h.Participant, head), positions(h.Records, recordKey))
	}
	for _, p := range slices.Sorted(slices.Values(sownPeople)) {
		if len(of(s.facts, p, head))+len(of(s.records, p, head)) > 0 {
			want = append(want, p)
		}
	}
	s.same(fmt.Sprintf("people up to %s", head), want, got)
}

// newest compares the newest signature of everybody with those that were written.
func (s *sown) newest() {
	s.Helper()
	want := map[string]event.Position{}
	for _, k := range s.records {
		if kindAt(k.Position) == event.RecordSignature {
			want[k.participant] = k.Position // in the order of positions
		}
	}
	found, err := s.ledger.NewestRecords(s.Context(), s.shard, event.RecordSignature, append(sownPeople, "nobody"))
	s.same("error", nil, err)
	got := map[string]event.Position{}
	for p, r := range found {
		got[p] = r.Position
	}
	s.same("newest signatures", want, got)
}

// TestErasuresReachEveryBlock: an erasure takes all of one participant that lies before it,
// and nothing else; who is left is listed, however few at a time.
func TestErasuresReachEveryBlock(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := sow(t, db)
		erasure := event.Record{Participant: "p1", Kind: event.RecordErasure, At: time.UnixMilli(77), Position: event.Position{Epoch: 5, Seq: blockSize}}
		err := db.WithTx(t.Context(), func(tx *sql.Tx) error { return erase(t.Context(), tx, s.id, &erasure) })
		s.same("error", nil, err)
		named := map[string]bool{}
		for _, k := range s.records {
			gone := k.participant == "p1" && k.Compare(erasure.Position) < 0
			if !gone {
				named[k.participant] = true
			}
		}
		var gone, left []event.Position
		h, err := s.ledger.History(t.Context(), s.shard, "p1")
		s.same("error", nil, err)
		for _, r := range h.Records {
			if r.Sealed == nil {
				gone = append(gone, r.Position)
			} else {
				left = append(left, r.Position)
			}
		}
		s.same("taken and left", of(s.records, "p1", event.Position{Epoch: 9}), slices.Concat(gone, left))
		if len(gone) == 0 || len(left) == 0 || gone[len(gone)-1].Compare(erasure.Position) >= 0 || left[0].Compare(erasure.Position) < 0 {
			t.Errorf("taken %v, left %v", gone, left)
		}
		n, err := s.ledger.CountNamed(t.Context(), s.shard)
		s.same("error", nil, err)
		s.same("of whom records are kept", int64(len(named)), n)
		for _, limit := range []int{1, 7, 1000} {
			s.same(fmt.Sprintf("listed %d at a time", limit), named, s.listed(limit))
		}
	})
}

func (s *sown) listed(limit int) map[string]bool {
	s.Helper()
	got := map[string]bool{}
	for after := (event.Position{}); ; {
		people, last, err := s.ledger.Named(s.Context(), s.shard, after, limit)
		if err != nil || len(people) > limit {
			s.Fatalf("%d people at a time: %v, %v", limit, people, err)
		}
		if len(people) == 0 {
			return got
		}
		for _, p := range people {
			got[p] = true
		}
		after = last
	}
}

// TestAMergeHoldsLittle: of many blocks only little of each is in memory, and their rows
// come in order.
func TestAMergeHoldsLittle(t *testing.T) {
	t.Parallel()
	for _, blocks := range []int{1, 3, 60, 1000} {
		const ofEach = 300
		held, most := 0, 0
		o := &ordered[key]{
			key:    func(k *key) key { return *k },
			blocks: func(context.Context) ([]block, error) { return make([]block, blocks), nil },
		}
		begun := 0
		o.page = func(_ context.Context, _ block, after key, limit int) ([]key, error) {
			from := after.Seq + 1
			if from == 1 {
				begun++
			}
			var page []key
			for seq := from; seq <= ofEach && len(page) < limit; seq++ {
				page = append(page, key{fmt.Sprintf("p%06d", seq), event.Position{Epoch: 1, Seq: seq}})
			}
			held += len(page)
			most = max(most, held)
			return page, nil
		}
		var last key
		rows := 0
		for {
			page, err := o.read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			rows, held = rows+len(page), held-len(page)
			if !slices.IsSortedFunc(append([]key{last}, page...), func(a, b key) int {
				return cmp.Or(cmp.Compare(a.participant, b.participant), a.Compare(b.Position))
			}) {
				t.Fatalf("%d blocks: out of order after %d rows", blocks, rows)
			}
			if len(page) < historyPage {
				break
			}
			last = page[len(page)-1]
		}
		if rows != blocks*ofEach || begun != blocks || most > max(orderedRows, leastOfBlock*blocks)+2*historyPage {
			t.Errorf("%d blocks: %d rows, %d begun, at most %d held", blocks, rows, begun, most)
		}
	}
}
