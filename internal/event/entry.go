package event

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Stream names one of the two streams of a shard. Both are numbered alike,
// gaplessly within an epoch, and each has cursors of its own.
type Stream string

// The streams of a shard: what happened, and the personal data that belongs to
// it, which can be erased.
const (
	Facts    Stream = "facts"
	Personal Stream = "personal"
)

// Entry is one entry of a stream as it lies there, before anybody has made sense
// of it.
type Entry struct {
	Position
	Fields
}

// Fields are what an entry says, in the order in which it does. They are a list and
// no map: there are a few, and an entry is made for every act.
type Fields []Field

// Field is one of them.
type Field struct{ Name, Value string }

// FieldsOf returns the fields of a map, in order of name; nil for nil.
func FieldsOf(m map[string]string) Fields {
	var all Fields
	for _, name := range slices.Sorted(maps.Keys(m)) {
		all = append(all, Field{name, m[name]})
	}
	return all
}

// Get returns what a field says, "" where there is none. Of two of the same name
// the last one counts.
func (f Fields) Get(name string) string {
	for i := range f {
		if one := &f[len(f)-1-i]; one.Name == name {
			return one.Value
		}
	}
	return ""
}

// Equal tells whether both say the same, in whatever order.
func (f Fields) Equal(o Fields) bool {
	says := func(a, b Fields) bool {
		for _, field := range a {
			if a.Get(field.Name) != b.Get(field.Name) || !b.has(field.Name) {
				return false
			}
		}
		return true
	}
	return says(f, o) && says(o, f)
}

func (f Fields) has(name string) bool {
	return slices.ContainsFunc(f, func(one Field) bool { return one.Name == name })
}

// RecordKind names a personal record and its version.
type RecordKind string

// The kinds of personal record.
const (
	RecordEnrolment RecordKind = "enrolment.1"
	RecordSignature RecordKind = "signature.1"
	RecordDoor      RecordKind = "door.1"
	// RecordErasure orders that every earlier record of the participant be
	// forgotten. It carries nothing itself.
	RecordErasure RecordKind = "erasure.1"
)

// Record is one entry of the personal stream.
type Record struct {
	Position
	Kind        RecordKind
	Participant string
	At          time.Time // whole milliseconds
	// Hash is the door that a record of a door is bound to; empty otherwise.
	Hash string
	// Sealed is the encrypted record; nil for an erasure, and once erased.
	Sealed []byte
}

// DecodeRecord reads one entry of the personal stream. An unknown kind is
// ErrUnknownKind: the reader must stop.
func DecodeRecord(e Entry) (Record, error) {
	r := Record{
		Position: e.Position, Kind: RecordKind(e.Get(FieldKind)), Participant: e.Get(FieldParticipant),
		Hash: e.Get(FieldHash),
	}
	switch r.Kind {
	case RecordEnrolment, RecordSignature, RecordDoor:
		r.Sealed = []byte(e.Get(FieldBody))
		if len(r.Sealed) == 0 {
			return Record{}, fmt.Errorf("record %s: nothing is sealed in it", e.Position)
		}
	case RecordErasure:
	default:
		return Record{}, fmt.Errorf("record %s: %w %q", e.Position, ErrUnknownKind, r.Kind)
	}
	if r.Kind == RecordDoor && r.Hash == "" {
		return Record{}, fmt.Errorf("record %s: the door's hash is missing", e.Position)
	}
	if r.Participant == "" {
		return Record{}, fmt.Errorf("record %s: the participant is missing", e.Position)
	}
	ms, err := strconv.ParseInt(e.Get(FieldAt), 10, 64)
	if err != nil {
		return Record{}, fmt.Errorf("record %s: time: %w", e.Position, err)
	}
	r.At = time.UnixMilli(ms)
	return r, nil
}
