package ledgertest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"qingyuan/internal/event"
)

// Noon is when the tests take place.
func Noon() time.Time { return time.UnixMilli(1_782_489_600_123) }

// Pos is a short event.Position.
func Pos(epoch, seq uint64) event.Position { return event.Position{Epoch: epoch, Seq: seq} }

// Fact is an entry of the stream of facts as the scripts write it. A change
// replaces a field; "-" takes it out.
func Fact(p event.Position, kind event.Kind, participant, body string, changes ...string) event.Entry {
	fields := map[string]string{
		event.FieldKind: string(kind), event.FieldParticipant: participant, event.FieldUnit: "u1", event.FieldGroup: "g1",
		event.FieldAt: strconv.FormatInt(Noon().UnixMilli()+int64(p.Seq), 10), event.FieldBody: body,
	}
	return entry(p, fields, changes)
}

// Expired is the shortest fact.
func Expired(p event.Position, participant string, changes ...string) event.Entry {
	return Fact(p, event.KindExpired, participant, fmt.Sprintf(`{"number":%d}`, p.Seq), changes...)
}

// Record is an entry of the personal stream.
func Record(p event.Position, kind event.RecordKind, participant, sealed string, changes ...string) event.Entry {
	return entry(p, map[string]string{
		event.FieldKind: string(kind), event.FieldParticipant: participant,
		event.FieldAt: strconv.FormatInt(Noon().UnixMilli()+int64(p.Seq), 10), event.FieldBody: sealed,
	}, changes)
}

// Erasure is the order to erase what is known of a participant.
func Erasure(p event.Position, participant string) event.Entry {
	return Record(p, event.RecordErasure, participant, "", event.FieldBody, "-")
}

func entry(p event.Position, fields map[string]string, changes []string) event.Entry {
	for i := 0; i < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(fields, func(_, v string) bool { return v == "-" })
	return event.Entry{Position: p, Fields: event.FieldsOf(fields)}
}

// Set changes what an entry says in one field that it has.
func Set(e *event.Entry, name, value string) {
	e.Fields = slices.Clone(e.Fields)
	i := slices.IndexFunc(e.Fields, func(f event.Field) bool { return f.Name == name })
	e.Fields[i].Value = value
}

// Crowd is n facts of an epoch from a number on, each of a participant of its
// own.
func Crowd(epoch uint64, from, n int) []event.Entry {
	all := make([]event.Entry, n)
	for i := range all {
		all[i] = Expired(Pos(epoch, uint64(from+i)), fmt.Sprintf("p%06d", from+i))
	}
	return all
}

// Decoded are entries as the fold reads them.
func Decoded(t testing.TB, entries ...event.Entry) []event.Fact {
	t.Helper()
	facts := make([]event.Fact, len(entries))
	for i, e := range entries {
		f, err := event.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		facts[i] = f
	}
	return facts
}

// Records are entries of the personal stream as they are read from it.
func Records(t testing.TB, entries ...event.Entry) []event.Record {
	t.Helper()
	records := make([]event.Record, len(entries))
	for i, e := range entries {
		r, err := event.DecodeRecord(e)
		if err != nil {
			t.Fatal(err)
		}
		records[i] = r
	}
	return records
}
