package ledgertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

func historyPromises() map[string]func(*desk) {
	return map[string]func(*desk){
		"histories are those of a model":             historiesEqualAModel,
		"histories go on over any number of pages":   manyPages,
		"histories leave out what comes after heads": heads,
		"histories end with their reader":            brokenOff,
		"participants are in the order of bytes":     byteOrder,
	}
}

// histories reads all histories of a shard.
func histories(t testing.TB, l *ledger.Ledger, s ledger.Shard, heads ledger.Heads) []ledger.History {
	t.Helper()
	var all []ledger.History
	for h, err := range l.Histories(t.Context(), s, heads) {
		if err != nil {
			t.Fatalf("Histories: %v", err)
		}
		all = append(all, h)
	}
	return all
}

// everything is beyond every entry.
var everything = ledger.Heads{Facts: Pos(1<<40, 0), Personal: Pos(1<<40, 0)}

// model is a ledger in ten lines: what was appended to a shard, by participant.
type model map[string]*ledger.History

func (m model) of(participant string) *ledger.History {
	if m[participant] == nil {
		m[participant] = &ledger.History{Participant: participant}
	}
	return m[participant]
}

func (m model) addFact(f event.Fact) { h := m.of(f.Participant); h.Facts = append(h.Facts, f) }

func (m model) addRecord(r event.Record) {
	h := m.of(r.Participant)
	if r.Kind == event.RecordErasure {
		for i := range h.Records {
			h.Records[i].Sealed = nil
		}
	}
	h.Records = append(h.Records, r)
}

// upTo are the histories up to heads, in order.
func (m model) upTo(heads ledger.Heads) []ledger.History {
	var all []ledger.History
	for _, p := range slices.Sorted(maps.Keys(m)) {
		h := ledger.History{Participant: p}
		for _, f := range m[p].Facts {
			if f.Compare(heads.Facts) <= 0 {
				h.Facts = append(h.Facts, f)
			}
		}
		for _, r := range m[p].Records {
			if r.Compare(heads.Personal) <= 0 {
				h.Records = append(h.Records, r)
			}
		}
		if len(h.Facts)+len(h.Records) > 0 {
			all = append(all, h)
		}
	}
	return all
}

// writer appends random batches to one shard and to the model.
type writer struct {
	*desk

	shard ledger.Shard
	at    ledger.Heads
	model model
}

var people = rapid.SampledFrom([]string{"a", "B", "b", "ä", "张", "p1", "p10", "p2", "!", "Z"})

// next draws where the next entry lies: behind the last, now and then in a new
// epoch.
func next(t *rapid.T, last event.Position) event.Position {
	if last.Epoch == 0 || rapid.IntRange(0, 9).Draw(t, "new epoch") == 0 {
		return Pos(last.Epoch+rapid.Uint64Range(1, 3).Draw(t, "epochs"), 0)
	}
	return Pos(last.Epoch, last.Seq+1)
}

func (w *writer) facts(t *rapid.T) {
	from := w.at.Facts
	var entries []event.Entry
	for range rapid.IntRange(1, 30).Draw(t, "facts") {
		w.at.Facts = next(t, w.at.Facts)
		e := Expired(w.at.Facts, people.Draw(t, "participant"))
		entries = append(entries, e)
		w.model.addFact(Decoded(w, e)[0])
	}
	w.appendTo(w.shard, event.Facts, from, entries...)
}

func (w *writer) records(t *rapid.T) {
	from := w.at.Personal
	var entries []event.Entry
	for range rapid.IntRange(1, 30).Draw(t, "records") {
		w.at.Personal = next(t, w.at.Personal)
		e := Record(w.at.Personal, event.RecordEnrolment, people.Draw(t, "participant"), "sealed")
		if rapid.IntRange(0, 5).Draw(t, "erasure") == 0 {
			e = Erasure(w.at.Personal, e.Get(event.FieldParticipant))
		}
		entries = append(entries, e)
		w.model.addRecord(Records(w, e)[0])
	}
	w.appendTo(w.shard, event.Personal, from, entries...)
}

func historiesEqualAModel(d *desk) {
	shards := 0
	rapid.Check(d.TB.(*testing.T), func(t *rapid.T) { //nolint:forcetypeassert // Exercise has one.
		shards++
		w := &writer{desk: d, shard: ledger.Shard{Campaign: "model", Number: shards}, model: model{}}
		var early ledger.Heads
		for range rapid.IntRange(1, 3).Draw(t, "batches") {
			if rapid.Bool().Draw(t, "personal") {
				w.records(t)
			} else {
				w.facts(t)
			}
			if rapid.Bool().Draw(t, "look here") {
				early = w.at
			}
		}
		for _, h := range []ledger.Heads{everything, w.at, early} {
			d.same(fmt.Sprintf("histories up to %v", h), w.model.upTo(h), histories(d, d.Ledger, w.shard, h))
		}
		p := rapid.SampledFrom(slices.Sorted(maps.Keys(w.model))).Draw(t, "one")
		got, err := d.History(d.Context(), w.shard, p)
		d.wants("History", err)
		d.same("history of "+p, *w.model[p], got)
		if d.Failed() {
			t.FailNow()
		}
	})
}

// manyPages has more rows than a page, and one participant with more than two.
func manyPages(d *desk) {
	const rows = 5_000
	m := model{}
	var facts, records []event.Entry
	for i := range rows {
		p := fmt.Sprintf("p%06d", i/3)
		if i%2 == 0 {
			p = "p000700"
		}
		facts = append(facts, Expired(Pos(1, uint64(i)), p))
		records = append(records, Record(Pos(1, uint64(i)), event.RecordEnrolment, p+strconv.Itoa(i%5), "s"))
	}
	for _, f := range Decoded(d, facts...) {
		m.addFact(f)
	}
	for _, r := range Records(d, records...) {
		m.addRecord(r)
	}
	d.append(event.Facts, Pos(0, 0), facts...)
	d.append(event.Personal, Pos(0, 0), records...)
	d.same("histories", m.upTo(everything), histories(d, d.Ledger, home, everything))
}

// heads: who reads for an hour sees nothing that was appended in that hour.
func heads(d *desk) {
	from := d.append(event.Facts, Pos(0, 0), Crowd(1, 0, 1500)...)
	n := 0
	for h, err := range d.Histories(d.Context(), home, ledger.Heads{Facts: from}) {
		d.wants("Histories", err)
		if n == 0 {
			late := Crowd(1, 1500, 300)
			late = append(late, Expired(Pos(1, 1800), "p001400"), Expired(Pos(2, 0), "p001401"))
			d.append(event.Facts, from, late...)
			d.append(event.Personal, Pos(0, 0), Record(Pos(1, 0), event.RecordEnrolment, "p001402", "s"))
		}
		d.same(fmt.Sprint("history ", n), ledger.History{
			Participant: fmt.Sprintf("p%06d", n), Facts: Decoded(d, Crowd(1, n, 1)...),
		}, h)
		n++
	}
	d.same("histories", 1500, n)
}

func brokenOff(d *desk) {
	d.append(event.Facts, Pos(0, 0), Crowd(1, 0, 10)...)
	n := 0
	for _, err := range d.Histories(d.Context(), home, everything) {
		d.wants("Histories", err)
		if n++; n == 3 {
			break
		}
	}
	d.same("histories before the break", 3, n)
	d.same("histories of a shard that is unknown", 0, len(histories(d, d.Ledger, ledger.Shard{Campaign: "none"}, everything)))
	ctx, cancel := context.WithCancel(d.Context())
	cancel()
	var failed error
	for _, err := range d.Histories(ctx, home, everything) {
		failed = err
	}
	if failed == nil {
		d.Error("a reader who has left is told nothing")
	}
}

func byteOrder(d *desk) {
	want := []string{"!", "A", "B", "Z", "a", "b", "z", "ä", "张", "李"}
	var entries []event.Entry
	for i, p := range []string{"b", "李", "!", "Z", "ä", "A", "张", "z", "a", "B"} {
		entries = append(entries, Expired(Pos(1, uint64(i)), p))
	}
	d.append(event.Facts, Pos(0, 0), entries...)
	var got []string
	for _, h := range histories(d, d.Ledger, home, everything) {
		got = append(got, h.Participant)
	}
	d.same("order", want, got)
}
