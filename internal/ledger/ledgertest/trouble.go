package ledgertest

import (
	"errors"
	"strings"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

func troublePromises() map[string]func(*desk) {
	return map[string]func(*desk){
		"an unknown kind stops the ledger there":   unknownKind,
		"an unknown field is a newer server's":     unknownField,
		"a damaged entry goes to the dead letters": poison,
		"a batch of nothing but damaged entries":   allPoison,
		"damaged records are put aside, too":       poisonRecords,
	}
}

// unknownKind proves invariant 5: what lies before is stored, what comes after
// is not, and the ledger goes on when it knows the kind.
func unknownKind(d *desk) {
	entries := Crowd(1, 0, 6)
	Set(&entries[1], event.FieldAt, "damaged")
	entries[4] = Fact(Pos(1, 4), "draw.1", "-", "-")
	out, err := d.Append(d.Context(), batch(home, event.Facts, Pos(0, 0), entries...))
	if want := (ledger.Appended{Stored: 3, Dead: 1, To: Pos(1, 3)}); !errors.Is(err, event.ErrUnknownKind) || out != want {
		d.Errorf("Append = %+v, %v; want %+v, %v", out, err, want, event.ErrUnknownKind)
	}
	d.at(event.Facts, Pos(1, 3))
	for range 2 {
		out, err = d.Append(d.Context(), batch(home, event.Facts, Pos(1, 3), entries[4:]...))
		if want := (ledger.Appended{To: Pos(1, 3)}); !errors.Is(err, event.ErrUnknownKind) || out != want {
			d.Errorf("Append = %+v, %v; want %+v, %v", out, err, want, event.ErrUnknownKind)
		}
	}
	d.at(event.Facts, Pos(1, 3))
	d.append(event.Facts, Pos(1, 3), Crowd(1, 4, 2)...)
	dead, err := d.DeadLetters(d.Context(), 10)
	d.wants("DeadLetters", err)
	d.same("dead letters", 1, len(dead))
	record := Record(Pos(1, 0), "prize.1", "p1", "new")
	if _, err := d.Append(d.Context(), batch(home, event.Personal, Pos(0, 0), record)); !errors.Is(err, event.ErrUnknownKind) {
		d.Errorf("a record of an unknown kind: %v, want %v", err, event.ErrUnknownKind)
	}
	d.at(event.Personal, Pos(0, 0))
}

func unknownField(d *desk) {
	entries := []event.Entry{Expired(Pos(1, 0), "p1"), Expired(Pos(1, 1), "p1", "new", "new"), Expired(Pos(1, 2), "p1")}
	out, err := d.Append(d.Context(), batch(home, event.Facts, Pos(0, 0), entries...))
	if !errors.Is(err, event.ErrUnknownKind) || !strings.Contains(err.Error(), `field "new"`) || out.To != Pos(1, 0) {
		d.Errorf("Append = %+v, %v; want it to stop at 1-1", out, err)
	}
}

// poisoned are facts of which some cannot be what they claim to be.
func poisoned() (entries []event.Entry, bad map[int]string) {
	entries = Crowd(1, 0, 40)
	damage := func(i int, changes ...string) { entries[i] = Expired(Pos(1, uint64(i)), "p1", changes...) }
	damage(0, event.FieldAt, "today")
	damage(7, event.FieldBody, `{"number":`)
	damage(8, event.FieldParticipant, "-")
	damage(9, event.FieldUnit, "\xff\xfe")
	damage(20, event.FieldParticipant, "p\x001")
	damage(21, event.FieldGroup, "g\x00")
	damage(39, event.FieldBest, "\xc3(")
	return entries, map[int]string{
		0: "time", 7: "JSON", 8: "missing", 9: "field u is no text", 20: "field p is no text", 21: "field g is no text",
		39: "field b is no text",
	}
}

func poison(d *desk) {
	entries, bad := poisoned()
	out, err := d.Append(d.Context(), batch(home, event.Facts, Pos(0, 0), entries...))
	d.wants("Append", err)
	d.same("outcome", ledger.Appended{Stored: 33, Dead: 7, To: Pos(1, 39)}, out)
	dead, err := d.DeadLetters(d.Context(), 100)
	d.wants("DeadLetters", err)
	d.same("dead letters", len(bad), len(dead))
	for _, l := range dead {
		i := int(l.Entry.Seq)
		d.same("shard, stream and time", ledger.DeadLetter{Shard: home, Stream: event.Facts, At: Noon()},
			ledger.DeadLetter{Shard: l.Shard, Stream: l.Stream, At: l.At})
		d.same("entry, byte by byte", entries[i], l.Entry)
		if !strings.Contains(l.Reason, bad[i]) || bad[i] == "" {
			d.Errorf("entry %d is dead because %q, want %q", i, l.Reason, bad[i])
		}
	}
	d.append(event.Facts, Pos(1, 39), Expired(Pos(1, 40), "p1"))
	if _, err := d.After(d.Context(), home.Campaign, home.Number, event.Position{}, 100); !errors.Is(err, ledger.ErrGap) {
		d.Errorf("facts across a dead letter: %v, want %v", err, ledger.ErrGap)
	}
	few, err := d.DeadLetters(d.Context(), 2)
	d.wants("DeadLetters", err)
	d.same("the first two", dead[:2], few)
}

func allPoison(d *desk) {
	entries := Crowd(1, 0, 3)
	for i := range entries {
		Set(&entries[i], event.FieldBody, "?")
	}
	out, err := d.Append(d.Context(), batch(home, event.Facts, Pos(0, 0), entries...))
	d.wants("Append", err)
	d.same("outcome", ledger.Appended{Dead: 3, To: Pos(1, 2)}, out)
	d.same("facts", 0, len(d.facts()))
}

func poisonRecords(d *desk) {
	out, err := d.Append(d.Context(), batch(home, event.Personal, Pos(0, 0),
		Record(Pos(1, 0), event.RecordEnrolment, "p1", "\x00\xff is fine here"),
		Record(Pos(1, 1), event.RecordEnrolment, "p1", ""),
		Record(Pos(1, 2), event.RecordDoor, "p1", "x"),
		Record(Pos(1, 3), event.RecordDoor, "p1", "x", event.FieldHash, "\x00"),
		Record(Pos(1, 4), event.RecordSignature, "p1", "x", event.FieldAt, "-"),
	))
	d.wants("Append", err)
	d.same("outcome", ledger.Appended{Stored: 1, Dead: 4, To: Pos(1, 4)}, out)
}
