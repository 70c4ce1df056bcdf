package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/stream"
)

var pos = ledgertest.Pos

func records(from, n int) []event.Entry {
	all := make([]event.Entry, n)
	for i := range all {
		all[i] = ledgertest.Record(pos(1, uint64(from+i)), event.RecordEnrolment, fmt.Sprintf("p%06d", from+i), "sealed")
	}
	return all
}

// TestFromStreamToLedger: what lies on both streams is in SQL afterwards, in
// batches of any size, over an epoch's border.
func TestFromStreamToLedger(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.archiver.Batch = 100
		facts := append(ledgertest.Crowd(1, 0, 250), ledgertest.Crowd(3, 0, 30)...)
		r.add(event.Facts, facts...)
		r.add(event.Personal, records(0, 130)...)
		r.step(event.Facts, 100)
		r.at(event.Facts, pos(1, 99))
		r.wants("Drain", r.archiver.Drain(r.Context()))
		r.same("facts", ledgertest.Decoded(r, facts...), r.facts())
		r.at(event.Facts, pos(3, 29))
		r.at(event.Personal, pos(1, 129))
		r.step(event.Facts, 0)
		r.same("told", map[event.Stream]int{event.Facts: 280, event.Personal: 130}, r.moved)
		r.add(event.Facts, ledgertest.Crowd(3, 30, 1)...)
		r.step(event.Facts, 1)
	})
}

// TestNothingIsTakenThatAFailoverTakesBack proves invariant 5: replicas confirm
// before the ledger commits.
func TestNothingIsTakenThatAFailoverTakesBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.add(event.Facts, ledgertest.Crowd(1, 0, 5)...)
		r.source.stumble("confirm")
		if _, err := r.archiver.Step(r.Context(), event.Facts); !errors.Is(err, errStumble) {
			r.Errorf("Step = %v, want %v", err, errStumble)
		}
		r.at(event.Facts, pos(0, 0))
		r.source.stumble("")
		r.step(event.Facts, 5)
	})
}

func TestAGapStopsTheArchiver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.add(event.Facts, ledgertest.Crowd(1, 0, 10)...)
		r.archiver.Batch = 3
		r.step(event.Facts, 3)
		r.wants("XTRIM", r.source.Reader.Trim(r.Context(), home.Campaign, home.Number, event.Facts, pos(1, 5)))
		if _, err := r.archiver.Step(r.Context(), event.Facts); !errors.Is(err, stream.ErrGap) {
			r.Errorf("Step = %v, want %v", err, stream.ErrGap)
		}
		r.at(event.Facts, pos(1, 2))
	})
}

// TestOvertaken: another archiver may store and trim what this one is about to
// read. Nothing is missing then.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.add(event.Facts, ledgertest.Crowd(1, 0, 10)...)
		r.source.folded(pos(1, 9))
		other := r.another(r.archiver.Ledger)
		once := true
		r.source.before = func(question string) error {
			if question != "entries" || !once {
				return nil
			}
			once = false
			if err := other.Drain(r.Context()); err != nil {
				return err
			}
			r.add(event.Facts, ledgertest.Crowd(1, 10, 1)...)
			return other.Trim(r.Context())
		}
		_, err := r.archiver.Step(r.Context(), event.Facts)
		r.wants("Step", err)
		r.same("left", []uint64{10}, r.left(event.Facts))
		r.wants("Drain", r.archiver.Drain(r.Context()))
		r.same("facts", ledgertest.Decoded(r, ledgertest.Crowd(1, 0, 11)...), r.facts())
	})
}

// TestAStreamThatLostItsEnd: a Redis that was restored from an old backup, or
// emptied, is told of, and not mistaken for one with nothing new.
func TestAStreamThatLostItsEnd(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		opened := ledger.Opened{Campaign: home.Campaign, Shards: 4, Epoch: 1, Condition: ledger.Open}
		_, err := r.archiver.Ledger.Register(r.Context(), opened)
		r.wants("Register", err)
		r.add(event.Facts, ledgertest.Crowd(1, 0, 10)...)
		r.wants("Drain", r.archiver.Drain(r.Context()))
		r.wants("DEL", r.db.Del(r.Context(), keyOf(home.Campaign, home.Number, event.Facts)).Err())
		r.add(event.Facts, ledgertest.Crowd(1, 0, 4)...)
		if _, err := r.archiver.Step(r.Context(), event.Facts); !errors.Is(err, ledger.ErrAhead) {
			r.Errorf("Step = %v, want %v", err, ledger.ErrAhead)
		}
		r.wants("Drain what is left", r.archiver.Drain(r.Context()))
		st, err := r.archiver.Status(r.Context())
		r.wants("Status", err)
		if !errors.Is(st.Failed, ledger.ErrAhead) {
			r.Errorf("Status.Failed = %v, want %v", st.Failed, ledger.ErrAhead)
		}
		_, err = r.archiver.Ledger.RaiseEpoch(r.Context(), opened, 2, ledger.Open)
		r.wants("RaiseEpoch", err)
		r.step(event.Facts, 0)
		r.add(event.Facts, ledgertest.Crowd(2, 0, 3)...)
		r.step(event.Facts, 3)
		r.at(event.Facts, pos(2, 2))
	})
}

// TestAnUnknownKindWaits: the stream stands still, the other one flows, and a
// newer program goes on where this one stopped.
func TestAnUnknownKindWaits(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		entries := ledgertest.Crowd(1, 0, 5)
		entries[3] = ledgertest.Fact(pos(1, 3), "draw.1", "p1", "{}")
		r.add(event.Facts, entries...)
		r.add(event.Personal, records(0, 4)...)
		r.run(r.archiver)
		r.await("the personal stream", func() bool {
			p, err := r.archiver.Ledger.Cursor(r.Context(), home, event.Personal)
			return err == nil && p == pos(1, 3)
		})
		r.await("the failure", func() bool {
			st, err := r.archiver.Status(r.Context())
			return err == nil && errors.Is(st.Failed, event.ErrUnknownKind) && st.Waiting == 2
		})
		r.at(event.Facts, pos(1, 2))
		r.same("facts", 3, len(r.facts()))
	})
}

// TestAStreamAtRestIsLeftAlone: it is looked at once and again after a while, and what
// comes to it is archived at once.
func TestAStreamAtRestIsLeftAlone(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.add(event.Facts, ledgertest.Crowd(1, 0, 3)...)
		r.run(r.archiver)
		manyRounds := func() {
			from := r.source.times("last")
			r.await("many rounds", func() bool { return r.source.times("last") > from+50 })
		}
		manyRounds()
		r.at(event.Facts, pos(1, 2))
		r.same("reads", 3, r.source.times("entries")) // the facts, and the end of each stream
		r.add(event.Facts, ledgertest.Crowd(1, 3, 1)...)
		manyRounds()
		r.at(event.Facts, pos(1, 3))
		r.same("reads with a further fact", 5, r.source.times("entries"))
		r.note(func() { r.now = r.now.Add(time.Minute) })
		manyRounds()
		r.same("reads after a while", 7, r.source.times("entries"))
	})
}

func TestPoisonDoesNotHoldUpTheRest(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		entries := ledgertest.Crowd(1, 0, 30)
		ledgertest.Set(&entries[4], "d", "{")
		ledgertest.Set(&entries[29], "p", "\xff")
		r.add(event.Facts, entries...)
		r.wants("Drain", r.archiver.Drain(r.Context()))
		r.at(event.Facts, pos(1, 29))
		dead, err := r.archiver.Ledger.DeadLetters(r.Context(), 10)
		r.wants("DeadLetters", err)
		r.same("dead letters", []event.Entry{entries[4], entries[29]}, []event.Entry{dead[0].Entry, dead[1].Entry})
		st, err := r.archiver.Status(r.Context())
		r.wants("Status", err)
		r.same("dead in the status", 2, st.Dead)
		r.same("told", 2, r.dead)
	})
}

func started(seq uint64, bank string) event.Entry {
	return ledgertest.Fact(pos(1, seq), event.KindStarted, "p1", fmt.Sprintf(`{"number":1,"bank":%q}`, bank))
}

// TestBanksComeWithTheFirstFact: each version is fetched once, and is there when
// the fact is.
func TestBanksComeWithTheFirstFact(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.source.banks["d1"], r.source.banks["d2"] = []byte{0, 1}, []byte("two")
		submitted := ledgertest.Fact(pos(1, 3), event.KindSubmitted, "p1", `{"bank":"d2"}`)
		r.add(event.Facts, started(0, "d1"), started(1, "d1"), started(2, "d1"), submitted, started(4, "d1"))
		r.archiver.Batch = 2
		r.wants("Drain", r.archiver.Drain(r.Context()))
		digests, err := r.archiver.Ledger.Banks(r.Context())
		r.wants("Banks", err)
		r.same("banks", []string{"d1", "d2"}, digests)
		packed, _, err := r.archiver.Ledger.Bank(r.Context(), "d1")
		r.wants("Bank", err)
		r.same("packed", []byte{0, 1}, packed)
		r.same("questions", 2, r.source.asked["bank d1"]+r.source.asked["bank d2"])
	})
}

func TestABankThatCannotBeHad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		r.source.banks["d1"] = []byte("one")
		r.add(event.Facts, started(0, "d1"))
		r.source.stumble("bank d1")
		if _, err := r.archiver.Step(r.Context(), event.Facts); !errors.Is(err, errStumble) {
			r.Errorf("Step in an outage = %v, want %v", err, errStumble)
		}
		r.at(event.Facts, pos(0, 0))
		r.source.stumble("")
		r.add(event.Facts, started(1, "nobody's"))
		r.step(event.Facts, 2)
		if len(r.failed) != 1 || !errors.Is(r.failed[0], ledger.ErrNoBank) || !strings.Contains(r.failed[0].Error(), "nobody's") {
			r.Errorf("told %v, want one %v", r.failed, ledger.ErrNoBank)
		}
	})
}

// TestStatus says how much is waiting, and how old it is.
func TestStatus(t *testing.T) {
	t.Parallel()
	onBoth(t, func(r *rig) {
		status := func(waiting uint64, oldest time.Duration) {
			r.Helper()
			st, err := r.archiver.Status(r.Context())
			r.wants("Status", err)
			r.same("status", ledger.Status{Waiting: waiting, Oldest: oldest}, st)
		}
		status(0, 0)
		r.add(event.Facts, ledgertest.Crowd(1, 0, 12)...)
		r.add(event.Personal, records(0, 3)...)
		r.now = r.now.Add(time.Second)
		status(15, time.Second)
		r.archiver.Batch = 5
		r.step(event.Facts, 5)
		status(10, time.Second)
		r.step(event.Personal, 3)
		status(7, time.Second-5*time.Millisecond) // the sixth fact was written 5 ms after noon
		r.add(event.Facts, ledgertest.Crowd(4, 0, 2)...)
		r.step(event.Facts, 5)
		r.step(event.Facts, 4)
		status(0, 0)
	})
}

// TestSQLAway proves invariant 11: while SQL is away nothing is trimmed, everybody
// can see how much waits, and afterwards all of it is archived.
func TestSQLAway(t *testing.T) {
	t.Parallel()
	server := sqltest.StartPostgreSQL(t)
	r := newRigOn(t, sqltest.Open(t, server.URL()), redistest.Start(t).Client(t))
	r.source.folded(pos(9, 0))
	r.add(event.Facts, ledgertest.Crowd(1, 0, 3)...)
	r.step(event.Facts, 3)
	server.Stop(t)
	r.add(event.Facts, ledgertest.Crowd(1, 3, 50)...)
	stop := r.run(r.archiver)
	r.await("the failure", func() bool {
		st, err := r.archiver.Status(t.Context())
		return err == nil && st.Failed != nil && st.Waiting == 50
	})
	r.same("left on the stream", 53, len(r.left(event.Facts)))
	server.Start(t)
	r.await("the rest", func() bool {
		p, err := r.archiver.Ledger.Cursor(t.Context(), home, event.Facts)
		return err == nil && p == pos(1, 52)
	})
	stop()
	r.same("facts", ledgertest.Decoded(t, ledgertest.Crowd(1, 0, 53)...), r.facts())
}
