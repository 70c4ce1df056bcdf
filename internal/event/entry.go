package event

import (
	"fmt"
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
	Fields map[string]string
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
		Position: e.Position, Kind: RecordKind(e.Fields[FieldKind]), Participant: e.Fields[FieldParticipant],
		Hash: e.Fields[FieldHash],
	}
	switch r.Kind {
	case RecordEnrolment, RecordSignature, RecordDoor:
		r.Sealed = []byte(e.Fields[FieldBody])
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
	ms, err := strconv.ParseInt(e.Fields[FieldAt], 10, 64)
	if err != nil {
		return Record{}, fmt.Errorf("record %s: time: %w", e.Position, err)
	}
	r.At = time.UnixMilli(ms)
	return r, nil
}
