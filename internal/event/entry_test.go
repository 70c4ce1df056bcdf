package event_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/event"
)

// personal is an entry of the personal stream; changes as in entry.
func personal(kind event.RecordKind, changes ...string) event.Entry {
	fields := map[string]string{"k": string(kind), "p": "p1", "t": "1782489600123", "d": "sealed\x00\xff"}
	for i := 0; i < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(fields, func(_, v string) bool { return v == "-" })
	return event.Entry{Position: event.Position{Epoch: 3, Seq: 14}, Fields: event.FieldsOf(fields)}
}

func TestDecodeEveryRecord(t *testing.T) {
	t.Parallel()
	record := func(k event.RecordKind, hash string, sealed []byte) event.Record {
		return event.Record{
			Position: event.Position{Epoch: 3, Seq: 14}, Kind: k, Participant: "p1",
			At: time.UnixMilli(1782489600123), Hash: hash, Sealed: sealed,
		}
	}
	sealed := []byte("sealed\x00\xff")
	for name, tc := range map[string]struct {
		entry event.Entry
		want  event.Record
	}{
		"enrolment": {personal("enrolment.1"), record(event.RecordEnrolment, "", sealed)},
		"signature": {personal("signature.1"), record(event.RecordSignature, "", sealed)},
		"door":      {personal("door.1", "h", "d1"), record(event.RecordDoor, "d1", sealed)},
		"erasure":   {personal("erasure.1", "d", "-"), record(event.RecordErasure, "", nil)},
	} {
		got, err := event.DecodeRecord(tc.entry)
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestRecordsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		entry event.Entry
		says  string
	}{
		"nothing sealed":           {personal("enrolment.1", "d", "-"), "nothing is sealed"},
		"a door without its hash":  {personal("door.1"), "hash is missing"},
		"no participant":           {personal("signature.1", "p", "-"), "participant is missing"},
		"an erasure of nobody":     {personal("erasure.1", "p", ""), "participant is missing"},
		"a time in words":          {personal("enrolment.1", "t", "today"), "time"},
		"a kind of a newer server": {personal("prize.1", "t", "-", "p", "-", "d", "-"), `unknown kind "prize.1"`},
	} {
		_, err := event.DecodeRecord(tc.entry)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: DecodeRecord = %v, want an error that says %q", name, err, tc.says)
		}
		if got, want := errors.Is(err, event.ErrUnknownKind), strings.Contains(tc.says, "unknown"); got != want {
			t.Errorf("%s: is %q an unknown kind: %t, want %t", name, err, got, want)
		}
	}
}

// TestAnUnknownKindIsToldFirst: a newer server's fact may lack what every fact
// of ours has, and is no damaged one for that.
func TestAnUnknownKindIsToldFirst(t *testing.T) {
	t.Parallel()
	bare := entry("draw.1", "-", "p", "-", "u", "-", "g", "-", "t", "-")
	if _, err := decode("1-0", bare); !errors.Is(err, event.ErrUnknownKind) {
		t.Errorf("Decode = %v, want %v", err, event.ErrUnknownKind)
	}
}

// TestADoorBelongsToNoUnit: it is the one kind of fact without unit and group.
func TestADoorBelongsToNoUnit(t *testing.T) {
	t.Parallel()
	got, err := decode("1-0", entry("door.1", `{"hash":"d1"}`, "u", "-", "g", "-"))
	if err != nil || got.Body != (event.Door{Hash: "d1"}) || got.Participant != "p1" {
		t.Errorf("Decode = %+v, %v", got, err)
	}
}
