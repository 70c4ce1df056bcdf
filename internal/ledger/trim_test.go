package ledger_test

import (
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
)

// TestTrimmedBehindBothCursors proves invariant 5: a fact leaves the stream when
// it is in SQL and in the tallies, and a personal record when it is in SQL.
func TestTrimmedBehindBothCursors(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		left := func(facts, personal []uint64) {
			r.Helper()
			r.wants("Trim", r.archiver.Trim(r.Context()))
			r.same("facts that are left", facts, r.left(event.Facts))
			r.same("records that are left", personal, r.left(event.Personal))
		}
		r.add(event.Facts, ledgertest.Crowd(1, 0, 6)...)
		r.add(event.Personal, records(0, 3)...)
		r.source.folded(pos(1, 5))
		left([]uint64{0, 1, 2, 3, 4, 5}, []uint64{0, 1, 2}) // nothing is in SQL
		r.source.folded(pos(0, 0))
		r.archiver.Batch = 4
		r.step(event.Facts, 4)
		left([]uint64{0, 1, 2, 3, 4, 5}, []uint64{0, 1, 2}) // nothing is folded
		r.source.folded(pos(1, 1))
		left([]uint64{2, 3, 4, 5}, []uint64{0, 1, 2}) // the fold is behind
		r.source.folded(pos(1, 5))
		r.archiver.Batch = 2
		r.step(event.Personal, 2)
		left([]uint64{4, 5}, []uint64{2}) // SQL is behind
		r.wants("Drain", r.archiver.Drain(r.Context()))
		left(nil, nil)
		r.add(event.Facts, ledgertest.Crowd(1, 6, 1)...)
		r.step(event.Facts, 1)
		r.same("facts", ledgertest.Decoded(r, ledgertest.Crowd(1, 0, 7)...), r.facts())
	})
}

// TestDoorsHaveNoFold: nobody counts doors, so that SQL alone decides.
func TestDoorsHaveNoFold(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.archiver.Shard = ledger.Shard{Campaign: ledger.DoorsCampaign, Number: 3}
		door := ledgertest.Fact(pos(1, 0), event.KindDoor, "p1", `{"hash":"h"}`, "u", "-", "g", "-")
		key := keyOf(r.archiver.Shard.Campaign, r.archiver.Shard.Number, event.Facts)
		r.add(event.Facts, door)
		r.wants("RENAME", r.db.Rename(r.Context(), keyOf(home.Campaign, home.Number, event.Facts), key).Err())
		r.wants("Drain", r.archiver.Drain(r.Context()))
		r.wants("Trim", r.archiver.Trim(r.Context()))
		n, err := r.db.XLen(r.Context(), key).Result()
		r.wants("XLEN", err)
		r.same("left", int64(0), n)
	})
}

// TestNothingIsTrimmedUnderAHold: a backup may take its time.
func TestNothingIsTrimmedUnderAHold(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.add(event.Facts, ledgertest.Crowd(1, 0, 3)...)
		r.source.folded(pos(1, 2))
		r.wants("Hold", r.archiver.Ledger.Hold(r.Context(), "backup", r.now.Add(time.Minute)))
		r.wants("Drain", r.archiver.Drain(r.Context()))
		r.wants("Trim", r.archiver.Trim(r.Context()))
		r.same("left under a hold", 3, len(r.left(event.Facts)))
		r.wants("Release", r.archiver.Ledger.Release(r.Context(), "backup"))
		r.wants("Trim", r.archiver.Trim(r.Context()))
		r.same("left", 0, len(r.left(event.Facts)))
	})
}

// TestRunTrims: at most once in a while, and whatever fails is told.
func TestRunTrims(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.add(event.Facts, ledgertest.Crowd(1, 0, 3)...)
		r.source.folded(pos(1, 2))
		r.source.stumble("trim")
		r.run(r.archiver)
		r.await("the failure", func() (told bool) {
			r.note(func() { told = len(r.failed) > 0 })
			return told
		})
		r.same("left", 3, len(r.left(event.Facts)))
		r.source.stumble("")
		r.note(func() { r.now = r.now.Add(time.Second) })
		r.await("the trimming", func() bool { return len(r.left(event.Facts)) == 0 })
		trims := func() int {
			r.source.mu.Lock()
			defer r.source.mu.Unlock()
			return r.source.asked["fold"]
		}
		before := trims()
		for n := 3; n < 8; n++ { // rounds in which it could have trimmed
			r.add(event.Facts, ledgertest.Crowd(1, n, 1)...)
			r.await("the fact", func() bool { return len(r.facts()) == n+1 })
		}
		r.same("trims without a second between", before, trims())
	})
}
