package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

func appendPromises() map[string]func(*desk) {
	return map[string]func(*desk){
		"what goes in comes out":                   everyKind,
		"a batch of any size comes out":            anySize,
		"facts are read in stretches":              stretches,
		"a cursor moves with its rows, and once":   once,
		"racing appends store once":                racingAppends,
		"shards and streams are apart":             apart,
		"shards are numbered once, whoever asks":   racingShards,
		"a gap is refused":                         gaps,
		"an empty batch changes nothing":           emptyBatch,
		"the ledger is there when opened again":    openedAgain,
		"banks come with the facts that name them": banks,
	}
}

// every is one fact of each kind.
func every() []event.Entry {
	return []event.Entry{
		Fact(Pos(1, 0), event.KindEnrolled, "p1", `{"notice":"v1","guardian":true}`),
		Fact(Pos(1, 1), event.KindMoved, "p1", `{"from_unit":"单位","from_group":"g0"}`),
		Fact(Pos(1, 2), event.KindStarted, "p1", `{"number":1,"deadline":1782490200000,"bank":"d1","seed":"z","items":"a:0.1"}`),
		Fact(Pos(1, 3), event.KindSubmitted, "p1", `{"number":1,"score":80,"max":100,"passed":true,"by":"participant","bank":"d1"}`,
			event.FieldFirst, "1", event.FieldBest, ""),
		Fact(Pos(1, 4), event.KindSubmitted, "p1", `{"number":2,"score":90,"max":100}`,
			event.FieldFirst, "", event.FieldBest, "80|1|0", event.FieldSum, "90|170", event.FieldHidden, "1"),
		Expired(Pos(1, 5), "p1"),
		Fact(Pos(1, 6), event.KindSigned, "p1", `{"version":"1","text_sha256":"ab","method":"drawn","commitment":"c"}`),
		Fact(Pos(1, 7), event.KindErased, "p1", `{"notice":"v1","guardian":true}`),
		Fact(Pos(1, 8), event.KindDoor, "p1", `{"hash":"h1"}`, event.FieldUnit, "-", event.FieldGroup, "-"),
		Fact(Pos(1, 9), event.KindInvalidated, "p1", `{"number":1,"attempts":[`+counted+`],"signed":1782490200000}`),
		Fact(Pos(1, 10), event.KindWithdrawn, "p1", `{"number":2,"attempts":[`+counted+`],"hidden":true}`),
		Fact(Pos(1, 11), event.KindRestored, "p1", `{"number":1,"attempts":[`+counted+`]}`),
		Fact(Pos(1, 12), event.KindHidden, "p1", `{"attempts":[`+counted+`]}`),
		Fact(Pos(1, 13), event.KindShown, "p1", `{"attempts":null,"hidden":true}`),
		Fact(Pos(1, 14), event.KindGranted, "p1", `{"act":"01J","number":2}`),
		Fact(Pos(1, 15), event.KindTransferred, "p1", `{"attempts":[`+counted+`],"from_unit":"单位","from_group":"g0","request":"r1"}`),
		Fact(Pos(1, 16), event.KindRemarked, "p1", `{"number":1,"batch":"b","attempts":[`+counted+`],`+
			`"stays":[{"u":"单位","g":"g0","t":1782490300000,"r":"r1"}],"before":{"score":100,"max":100,"correct":9,"passed":true},"after":{"score":90,"max":100,"correct":8}}`),
		Fact(Pos(1, 17), event.KindJoined, "p1", `{"attempts":[`+counted+`],"signed":1782490200000,"signed_void":true,"into":"p2","returns":true}`),
		Fact(Pos(1, 18), event.KindParted, "p1", `{"from":"p2"}`),
	}
}

// counted are the attempts that a correction found.
const counted = `{"n":1,"t":1782490200000,"u":81000,"s":100,"p":true,"f":true,"v":true},{"n":2,"t":1782490300000,"u":1,"s":0}`

func everyKind(d *desk) {
	facts := every()
	d.append(event.Facts, Pos(0, 0), facts...)
	d.same("facts", Decoded(d, facts...), d.facts())
	for hash, want := range map[string][]string{"h1": {"p1"}, "h2": nil} {
		got, err := d.AtDoor(d.Context(), home, hash)
		d.wants("AtDoor", err)
		d.same("who came by door "+hash, want, got)
	}
	records := []event.Entry{
		Record(Pos(1, 0), event.RecordEnrolment, "p1", "\x00\xffsealed"),
		Record(Pos(1, 1), event.RecordSignature, "p1", "s"),
		Record(Pos(1, 2), event.RecordDoor, "p2", "o", event.FieldHash, "h1"),
		Erasure(Pos(1, 3), "p3"),
	}
	d.append(event.Personal, Pos(0, 0), records...)
	for i, p := range []string{"p1", "p2", "p3"} {
		got, err := d.History(d.Context(), home, p)
		d.wants("History", err)
		want := ledger.History{Participant: p, Records: Records(d, records[i+1])}
		if p == "p1" {
			want = ledger.History{Participant: p, Facts: Decoded(d, facts...), Records: Records(d, records[:2]...)}
		}
		d.same("history of "+p, want, got)
	}
}

// anySize crosses the sizes of the statements that insert rows.
func anySize(d *desk) {
	var from event.Position
	next := 0
	for _, n := range []int{1, 2, 3, 255, 256, 257, 511, 600} {
		from = d.append(event.Facts, from, Crowd(1, next, n)...)
		next += n
		d.at(event.Facts, Pos(1, uint64(next-1)))
	}
	d.same("facts", Decoded(d, Crowd(1, 0, next)...), d.facts())
}

func stretches(d *desk) {
	all := append(Crowd(1, 0, 7), Crowd(2, 0, 5)...)
	d.append(event.Facts, Pos(0, 0), all...)
	whole := Decoded(d, all...)
	for limit := 1; limit <= 13; limit++ {
		var got []event.Fact
		var at event.Position
		for {
			facts, err := d.After(d.Context(), home.Campaign, home.Number, at, limit)
			d.wants("After", err)
			if len(facts) == 0 {
				break
			}
			got, at = append(got, facts...), facts[len(facts)-1].Position
		}
		d.same(fmt.Sprint("in stretches of ", limit), whole, got)
	}
}

func once(d *desk) {
	d.at(event.Facts, Pos(0, 0))
	d.append(event.Facts, Pos(0, 0), Crowd(1, 0, 3)...)
	for name, b := range map[string]ledger.Batch{
		"the same again":       batch(home, event.Facts, Pos(0, 0), Crowd(1, 0, 3)...),
		"a part of it":         batch(home, event.Facts, Pos(1, 0), Crowd(1, 1, 2)...),
		"it and what follows":  batch(home, event.Facts, Pos(0, 0), Crowd(1, 0, 9)...),
		"what lies further on": batch(home, event.Facts, Pos(1, 5), Crowd(1, 6, 2)...),
		"the next epoch":       batch(home, event.Facts, Pos(1, 9), Crowd(2, 0, 2)...),
	} {
		out, err := d.Append(d.Context(), b)
		if err != nil || out != (ledger.Appended{Moved: true, To: b.From}) {
			d.Errorf("%s: Append = %+v, %v; want it refused as moved", name, out, err)
		}
	}
	d.at(event.Facts, Pos(1, 2))
	d.same("facts", 3, len(d.facts()))
	d.append(event.Facts, Pos(1, 2), Crowd(2, 0, 2)...)
	d.at(event.Facts, Pos(2, 1))
}

func racingAppends(d *desk) {
	const rounds, racers, size = 20, 8, 5
	second := d.reopen()
	for round := range rounds {
		from := event.Position{}
		if round > 0 {
			from = Pos(1, uint64(round*size-1))
		}
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range racers {
			l := d.Ledger
			if i%2 == 1 {
				l = second
			}
			wg.Go(func() {
				out, err := l.Append(d.Context(), batch(home, event.Facts, from, Crowd(1, round*size, size)...))
				if err != nil {
					d.Errorf("round %d: Append: %v", round, err)
				}
				if !out.Moved {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		d.same("winners", int32(1), won.Load())
	}
	d.same("facts", Decoded(d, Crowd(1, 0, rounds*size)...), d.facts())
}

func apart(d *desk) {
	doors := ledger.Shard{Campaign: ledger.DoorsCampaign, Number: 15}
	other := ledger.Shard{Campaign: home.Campaign, Number: home.Number + 1}
	d.append(event.Facts, Pos(0, 0), Crowd(1, 0, 3)...)
	d.appendTo(other, event.Facts, Pos(0, 0), Crowd(1, 0, 2)...)
	d.appendTo(doors, event.Personal, Pos(0, 0), Record(Pos(4, 0), event.RecordDoor, "p1", "x", event.FieldHash, "h"))
	got, err := d.Cursors(d.Context())
	d.wants("Cursors", err)
	d.same("cursors", map[ledger.Shard]ledger.Heads{
		home: {Facts: Pos(1, 2)}, other: {Facts: Pos(1, 1)}, doors: {Personal: Pos(4, 0)},
	}, got)
	shards, err := d.ShardsOf(d.Context(), "p000001")
	d.wants("ShardsOf", err)
	d.same("shards of a participant with facts", []ledger.Shard{home, other}, shards)
	d.appendTo(other, event.Facts, Pos(1, 1), Fact(Pos(1, 2), event.KindEnrolled, "p000002", `{"notice":"1"}`))
	shards, err = d.ShardsOf(d.Context(), "p000002")
	d.wants("ShardsOf", err)
	d.same("shards of a participant, that of the enrolment first", []ledger.Shard{other, home}, shards)
	shards, err = d.ShardsOf(d.Context(), "p1")
	d.wants("ShardsOf", err)
	d.same("shards of a participant with a record", []ledger.Shard{doors}, shards)
	shards, err = d.ShardsIn(d.Context(), home.Campaign, "p000002")
	d.wants("ShardsIn", err)
	d.same("shards in one campaign", []ledger.Shard{other, home}, shards)
	shards, err = d.ShardsIn(d.Context(), home.Campaign, "p1")
	d.wants("ShardsIn", err)
	d.same("shards in another campaign", []ledger.Shard(nil), shards)
	for shard, want := range map[ledger.Shard]int64{home: 3, other: 3, doors: 0, {Campaign: "none"}: 0} {
		n, err := d.Positions(d.Context(), shard)
		d.wants("Positions", err)
		d.same("positions of "+shard.String(), want, n)
	}
	d.whose(other)
}

// whose goes through the facts of a shard two by two and expects everybody that reading them
// all finds.
func (d *desk) whose(shard ledger.Shard) {
	d.Helper()
	facts, err := d.After(d.Context(), shard.Campaign, shard.Number, event.Position{}, 100)
	d.wants("After", err)
	var want, got []string
	for i := range facts {
		want = append(want, facts[i].Participant)
	}
	for after := (event.Position{}); ; {
		people, last, err := d.Whose(d.Context(), shard, after, 2)
		d.wants("Whose", err)
		if len(people) == 0 {
			d.same("where the facts end", facts[len(facts)-1].Position, last)
			break
		}
		got, after = append(got, people...), last
	}
	d.same("whose facts these are", slices.Compact(slices.Sorted(slices.Values(want))), slices.Compact(slices.Sorted(slices.Values(got))))
}

func racingShards(d *desk) {
	var wg sync.WaitGroup
	const racers, shards = 8, 12
	for range racers {
		l := d.reopen()
		wg.Go(func() {
			for n := range shards {
				shard := ledger.Shard{Campaign: "c9", Number: n}
				_, err := l.Append(d.Context(), batch(shard, event.Facts, Pos(0, 0), Crowd(1, 0, n+1)...))
				if err != nil {
					d.Errorf("Append to shard %d: %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	heads, err := d.Cursors(d.Context())
	d.wants("Cursors", err)
	d.same("shards", shards, len(heads))
	for shard, h := range heads {
		d.same("head of "+shard.String(), Pos(1, uint64(shard.Number)), h.Facts)
	}
}

func gaps(d *desk) {
	from := d.append(event.Facts, Pos(0, 0), Crowd(1, 0, 3)...)
	for name, entries := range map[string][]event.Entry{
		"before the batch":         Crowd(1, 4, 2),
		"within it":                append(Crowd(1, 3, 2), Crowd(1, 6, 2)...),
		"at the end":               append(Crowd(1, 3, 4), Crowd(1, 8, 1)...),
		"a repeat":                 append(Crowd(1, 3, 2), Crowd(1, 4, 2)...),
		"what is there already":    Crowd(1, 2, 2),
		"an epoch that began late": Crowd(2, 1, 2),
		"an epoch that is over":    Crowd(0, 3, 2),
	} {
		out, err := d.Append(d.Context(), batch(home, event.Facts, from, entries...))
		if !errors.Is(err, ledger.ErrGap) || out.Stored != 0 {
			d.Errorf("a gap %s: Append = %+v, %v; want %v", name, out, err, ledger.ErrGap)
		}
	}
	d.at(event.Facts, from)
	d.same("facts", 3, len(d.facts()))
}

func emptyBatch(d *desk) {
	from := d.append(event.Facts, Pos(0, 0), Crowd(1, 0, 1)...)
	out, err := d.Append(d.Context(), batch(home, event.Facts, from))
	d.wants("Append", err)
	d.same("of nothing", ledger.Appended{To: from}, out)
	got, err := d.After(d.Context(), "nobody's", 0, event.Position{}, 10)
	d.wants("After", err)
	d.same("facts of a campaign that is unknown", 0, len(got))
}

func openedAgain(d *desk) {
	from := d.append(event.Facts, Pos(0, 0), every()...)
	d.Ledger = d.reopen()
	d.at(event.Facts, from)
	d.same("facts", Decoded(d, every()...), d.facts())
	d.append(event.Facts, from, Expired(Pos(from.Epoch, from.Seq+1), "p1"))
}

func banks(d *desk) {
	b := batch(home, event.Facts, Pos(0, 0), every()...)
	b.Banks = map[string][]byte{"d1": {0, 1, 0xff}, "d0": []byte("zero")}
	out, err := d.Append(d.Context(), b)
	d.wants("Append", err)
	b = batch(home, event.Facts, out.To, Expired(Pos(1, out.To.Seq+1), "p1"))
	b.Banks = map[string][]byte{"d1": []byte("another"), "d2": []byte("two")}
	_, err = d.Append(d.Context(), b)
	d.wants("Append", err)
	digests, err := d.Banks(d.Context())
	d.wants("Banks", err)
	d.same("digests", []string{"d0", "d1", "d2"}, digests)
	packed, ok, err := d.Bank(d.Context(), "d1")
	d.wants("Bank", err)
	d.same("the first stays", []byte{0, 1, 0xff}, packed)
	d.same("known", true, ok)
	_, ok, err = d.Bank(d.Context(), "d3")
	d.wants("Bank", err)
	d.same("known", false, ok)
	b = batch(home, event.Facts, Pos(1, 3), Expired(Pos(1, 4), "p1"))
	b.Banks = map[string][]byte{"d9": []byte("nine")}
	_, err = d.Append(d.Context(), b)
	d.wants("Append", err)
	_, ok, err = d.Bank(d.Context(), "d9")
	d.wants("Bank", err)
	d.same("a bank of a batch that was too late", false, ok)
}
