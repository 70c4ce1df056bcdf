package ledgertest

import (
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

func erasurePromises() map[string]func(*desk) {
	return map[string]func(*desk){
		"an erasure takes what lies before it":      erasure,
		"an erasure takes dead letters, too":        erasureOfDead,
		"an erasure leaves facts as they are":       erasureAndFacts,
		"an erasure reaches over batches and epoch": erasureOverBatches,
		"signatures are found by who signed":        signatures,
	}
}

// kept tells which records of a participant still hold something.
func (d *desk) kept(shard ledger.Shard, participant string) map[event.Position]string {
	d.Helper()
	h, err := d.History(d.Context(), shard, participant)
	d.wants("History", err)
	out := map[event.Position]string{}
	for _, r := range h.Records {
		out[r.Position] = string(r.Sealed)
	}
	return out
}

// erasure proves invariant 10.
func erasure(d *desk) {
	other := ledger.Shard{Campaign: home.Campaign, Number: home.Number + 1}
	d.appendTo(other, event.Personal, Pos(0, 0), Record(Pos(1, 0), event.RecordEnrolment, "p1", "elsewhere"))
	d.append(event.Personal, Pos(0, 0),
		Record(Pos(1, 0), event.RecordEnrolment, "p1", "a"),
		Record(Pos(1, 1), event.RecordEnrolment, "p2", "b"),
		Record(Pos(1, 2), event.RecordSignature, "p1", "c"),
		Erasure(Pos(1, 3), "p1"),
		Record(Pos(1, 4), event.RecordEnrolment, "p1", "came back"),
	)
	d.same("p1", map[event.Position]string{Pos(1, 0): "", Pos(1, 2): "", Pos(1, 3): "", Pos(1, 4): "came back"}, d.kept(home, "p1"))
	d.same("p2", map[event.Position]string{Pos(1, 1): "b"}, d.kept(home, "p2"))
	d.same("p1 in another shard", map[event.Position]string{Pos(1, 0): "elsewhere"}, d.kept(other, "p1"))
}

func erasureOverBatches(d *desk) {
	at := d.append(event.Personal, Pos(0, 0), Record(Pos(1, 0), event.RecordEnrolment, "p1", "a"))
	at = d.append(event.Personal, at, Record(Pos(1, 1), event.RecordSignature, "p1", "b"))
	at = d.append(event.Personal, at, Erasure(Pos(2, 0), "p1"))
	d.append(event.Personal, at, Record(Pos(2, 1), event.RecordEnrolment, "p1", "c"))
	d.same("p1", map[event.Position]string{Pos(1, 0): "", Pos(1, 1): "", Pos(2, 0): "", Pos(2, 1): "c"}, d.kept(home, "p1"))
}

func erasureOfDead(d *desk) {
	poison := func(seq uint64, participant string) event.Entry {
		return Record(Pos(1, seq), event.RecordEnrolment, participant, "secret", event.FieldAt, "damaged")
	}
	_, err := d.Append(d.Context(), batch(home, event.Personal, Pos(0, 0), poison(0, "p1"), poison(1, "p2")))
	d.wants("Append", err)
	_, err = d.Append(d.Context(), batch(home, event.Personal, Pos(1, 1), poison(2, "p1"), Erasure(Pos(1, 3), "p1"), poison(4, "p1")))
	d.wants("Append", err)
	dead, err := d.DeadLetters(d.Context(), 10)
	d.wants("DeadLetters", err)
	got := map[uint64]string{}
	for _, l := range dead {
		got[l.Entry.Seq] = l.Entry.Get(event.FieldBody)
	}
	d.same("what the dead letters hold", map[uint64]string{0: "", 1: "secret", 2: "", 4: "secret"}, got)
}

func erasureAndFacts(d *desk) {
	d.append(event.Facts, Pos(0, 0), every()...)
	d.append(event.Personal, Pos(0, 0), Erasure(Pos(1, 0), "p1"))
	d.same("facts", Decoded(d, every()...), d.facts())
}

// signatures: of each participant who is named the newest record counts, erased or not,
// however many they are.
func signatures(d *desk) {
	const people = 100
	want := map[string]event.Record{}
	var records []event.Entry
	var named []string
	sign := func(participant, sealed string) {
		records = append(records, Record(Pos(1, uint64(len(records))), event.RecordSignature, participant, sealed))
	}
	for i := range people {
		p := fmt.Sprintf("p%03d", (i*37)%people)
		sign(p, "first of "+p)
		records = append(records, Record(Pos(1, uint64(len(records))), event.RecordEnrolment, p, "no signature"))
		if i%3 == 0 {
			sign(p, "second of "+p)
		}
		named = append(named, p)
	}
	records = append(records, Erasure(Pos(1, uint64(len(records))), "p000"), Erasure(Pos(2, 0), "p001"))
	again := Record(Pos(2, 1), event.RecordSignature, "p001", "came back")
	for _, r := range Records(d, append(records, again)...) {
		if r.Kind == event.RecordSignature {
			want[r.Participant] = r
		}
	}
	erased := want["p000"]
	erased.Sealed = nil
	want["p000"] = erased
	d.append(event.Personal, Pos(0, 0), append(records, again)...)
	d.appendTo(ledger.Shard{Campaign: home.Campaign}, event.Personal, Pos(0, 0), Record(Pos(1, 0), event.RecordSignature, "stranger", "elsewhere"))

	for _, n := range []int{0, 1, 39, 40, 41, 80, people} {
		some := map[string]event.Record{}
		for _, p := range named[:n] {
			some[p] = want[p]
		}
		got, err := d.NewestRecords(d.Context(), home, event.RecordSignature, append([]string{"stranger"}, named[:n]...))
		d.wants("NewestRecords", err)
		d.same(fmt.Sprintf("records of %d signatures", n), some, got)
	}
}
