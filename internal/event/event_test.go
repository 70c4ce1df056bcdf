package event_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qingyuan/internal/event"
)

// entry is a stream entry as the scripts write it; changes replace fields, and
// a change to "-" takes one out.
func entry(kind event.Kind, body string, changes ...string) map[string]string {
	fields := map[string]string{"k": string(kind), "p": "p1", "u": "u1", "g": "g1", "t": "1782489600123", "d": body}
	for i := 0; i < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	maps.DeleteFunc(fields, func(_, v string) bool { return v == "-" })
	return fields
}

// decode reads an entry that lies at a position.
func decode(id string, fields map[string]string) (event.Fact, error) {
	pos, err := event.ParsePosition(id)
	if err != nil {
		return event.Fact{}, err
	}
	return event.Decode(event.Entry{Position: pos, Fields: event.FieldsOf(fields)})
}

const submittedBody = `{"number":2,"started":1782489500000,"used_ms":100123,"score":80,"max":100,"correct":8,` +
	`"passed":true,"by":"participant","bank":"d1","items":"a:0.1","choices":"1.2."}`

func submitted(previous *event.Best) event.Submitted {
	return event.Submitted{
		Number: 2, StartedAt: 1782489500000, UsedMS: 100123, Score: 80, MaxScore: 100, Correct: 8, Passed: true,
		ClosedBy: "participant", Bank: "d1", Items: "a:0.1", Choices: "1.2.", Previous: previous,
	}
}

func TestDecodeEveryKind(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1782489600123)
	fact := func(k event.Kind, first bool, body any) event.Fact {
		return event.Fact{
			Position: event.Position{Epoch: 3, Seq: 14}, Kind: k, Participant: "p1", Unit: "u1", Group: "g1",
			At: at, First: first, Body: body,
		}
	}
	for name, tc := range map[string]struct {
		fields map[string]string
		want   event.Fact
	}{
		"enrolled": {
			entry("enrolled.1", `{"notice":"v1","guardian":true}`),
			fact(event.KindEnrolled, false, event.Enrolled{Notice: "v1", Guardian: true}),
		},
		"moved": {
			entry("moved.1", `{"from_unit":"u0","from_group":"g0"}`),
			fact(event.KindMoved, false, event.Moved{FromUnit: "u0", FromGroup: "g0"}),
		},
		"started": {
			entry("started.1", `{"number":1,"deadline":1782490200000}`),
			fact(event.KindStarted, false, event.Started{Number: 1, Deadline: 1782490200000}),
		},
		"started out of the limits": {
			entry("started.1", `{"number":4,"extra":true,"deadline":1782490200000}`),
			fact(event.KindStarted, false, event.Started{Number: 4, Extra: true, Deadline: 1782490200000}),
		},
		"granted": {
			entry("granted.1", `{"act":"01J","number":3}`),
			fact(event.KindGranted, false, event.Granted{Act: "01J", Number: 3}),
		},
		"submitted, the first act and attempt": {
			entry("submitted.1", submittedBody, "f", "1", "b", ""),
			fact(event.KindSubmitted, true, submitted(nil)),
		},
		"submitted after a worse one": {
			entry("submitted.1", submittedBody, "f", "", "b", "60|0|0"),
			fact(event.KindSubmitted, false, submitted(&event.Best{Score: 60})),
		},
		"submitted after a pass": {
			entry("submitted.1", submittedBody, "b", "60|1|0"),
			fact(event.KindSubmitted, false, submitted(&event.Best{Score: 60, Passed: true})),
		},
		"expired": {
			entry("expired.1", `{"number":7}`),
			fact(event.KindExpired, false, event.Expired{Number: 7}),
		},
		"signed": {
			entry("signed.1", `{"version":"1","text_sha256":"ab","method":"drawn","commitment":"c"}`, "f", "1"),
			fact(event.KindSigned, true, event.Signed{Version: "1", TextSHA256: "ab", Method: "drawn", Commitment: "c"}),
		},
	} {
		got, err := decode("3-14", tc.fields)
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestABodyTravels shows that what EncodeBody writes is what Decode reads.
func TestABodyTravels(t *testing.T) {
	t.Parallel()
	for kind, body := range map[event.Kind]any{
		event.KindEnrolled:  event.Enrolled{Notice: "通知|2", Guardian: true},
		event.KindMoved:     event.Moved{FromUnit: "u0", FromGroup: "g0"},
		event.KindStarted:   event.Started{Number: 1000, Deadline: 1},
		event.KindSubmitted: submitted(nil),
		event.KindExpired:   event.Expired{Number: 1},
		event.KindTransferred: event.Transferred{
			Corrected: event.Corrected{Attempts: []event.Counted{{Number: 1, At: 1, UsedMS: 1, Score: 1}}, SignedAt: 1, Hidden: true},
			FromUnit:  "u0", FromGroup: "g0", Request: "r1",
		},
		event.KindRemarked: event.Remarked{
			Corrected: event.Corrected{Number: 1, Batch: "b", SignedVoid: true, Stays: []event.Stay{{Unit: "u0", Group: "g0", Until: 1, Request: "r1"}}},
			Before:    event.Marks{Score: 10, MaxScore: 10, Correct: 1, Passed: true}, After: event.Marks{Score: 5, MaxScore: 10},
		},
		event.KindJoined: event.Joined{
			Corrected: event.Corrected{Attempts: []event.Counted{{Number: 1, At: 1, UsedMS: 1, Score: 1, Void: true}}, SignedAt: 1, SignedVoid: true}, Into: "p2",
			Returns: true,
		},
		event.KindParted: event.Parted{From: "p2"},
		event.KindSigned: event.Signed{Version: "2026", TextSHA256: "00", Method: "typed", Commitment: "x"},
	} {
		text, err := event.EncodeBody(body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode("1-0", entry(kind, text))
		if diff := cmp.Diff(body, got.Body); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", kind, err, diff)
		}
	}
}

// TestThePreviousBestIsNotInTheBody shows that what only the script can know is
// not written by anybody else.
func TestThePreviousBestIsNotInTheBody(t *testing.T) {
	t.Parallel()
	text, err := event.EncodeBody(submitted(&event.Best{Score: 3, Passed: true}))
	if err != nil || text != submittedBody {
		t.Errorf("body = %s, %v\nwant %s", text, err, submittedBody)
	}
}

// TestAReaderStops proves invariant 5: a fact that cannot be understood is an error,
// and never skipped.
func TestAReaderStops(t *testing.T) {
	t.Parallel()
	good := `{"number":1}`
	for name, tc := range map[string]struct {
		id     string
		fields map[string]string
		says   string
	}{
		"a kind of a newer server":  {"1-0", entry("parade_held.1", good), `unknown kind "parade_held.1"`},
		"a newer version of a kind": {"1-0", entry("expired.2", good), `unknown kind "expired.2"`},
		"no kind":                   {"1-0", entry("expired.1", good, "k", "-"), `unknown kind ""`},
		"no participant":            {"1-0", entry("expired.1", good, "p", "-"), "is missing"},
		"no unit":                   {"1-0", entry("expired.1", good, "u", ""), "is missing"},
		"no group":                  {"1-0", entry("expired.1", good, "g", "-"), "is missing"},
		"no time":                   {"1-0", entry("expired.1", good, "t", "-"), "time"},
		"a time in words":           {"1-0", entry("expired.1", good, "t", "today"), "time"},
		"no body":                   {"1-0", entry("expired.1", good, "d", "-"), "JSON"},
		"half a body":               {"1-0", entry("expired.1", `{"number":`), "JSON"},
		"a body of another type":    {"1-0", entry("expired.1", `{"number":"one"}`), "number"},
		"a best without its pass":   {"1-0", entry("submitted.1", submittedBody, "b", "60"), "score|passed"},
		"a best passed maybe":       {"1-0", entry("submitted.1", submittedBody, "b", "60|2"), "score|passed"},
		"a best without its score":  {"1-0", entry("submitted.1", submittedBody, "b", "|1"), "score|passed"},
		"a position without a dash": {"10", entry("expired.1", good), "hyphen"},
	} {
		_, err := decode(tc.id, tc.fields)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: Decode = %v, want an error that says %q", name, err, tc.says)
		}
	}
}

// TestPositionsAreGapless proves invariant 4: XADD <epoch>-* numbers the first fact
// of an epoch 0.
func TestPositionsAreGapless(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		after, next string
		want        bool
	}{
		{"0-0", "1-0", true},
		{"1-0", "1-1", true},
		{"1-41", "1-42", true},
		{"1-41", "2-0", true},
		{"1-41", "7-0", true},
		{"0-0", "1-1", false}, // the first is missing
		{"1-41", "1-43", false},
		{"1-41", "1-41", false},
		{"1-41", "1-40", false},
		{"1-41", "2-1", false},
		{"2-0", "1-0", false}, // back into an epoch that is over
		{"2-5", "1-6", false},
	} {
		after, next := position(t, tc.after), position(t, tc.next)
		if got := next.Follows(after); got != tc.want {
			t.Errorf("%s follows %s: %t, want %t", tc.next, tc.after, got, tc.want)
		}
	}
}

func position(t *testing.T, s string) event.Position {
	t.Helper()
	p, err := event.ParsePosition(s)
	if err != nil || p.String() != s {
		t.Fatalf("ParsePosition(%q) = %s, %v", s, p, err)
	}
	return p
}

func TestPositionsTravel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := event.Position{Epoch: rapid.Uint64().Draw(t, "epoch"), Seq: rapid.Uint64().Draw(t, "seq")}
		if got, err := event.ParsePosition(p.String()); err != nil || got != p {
			t.Errorf("ParsePosition(%s) = %v, %v", p, got, err)
		}
	})
	for _, bad := range []string{"", "-", "1", "1-", "-1", "1-x", "x-1", "1-2-3", "+1-2", "18446744073709551616-0"} {
		if p, err := event.ParsePosition(bad); err == nil {
			t.Errorf("ParsePosition(%q) = %v", bad, p)
		}
	}
}

// FuzzDecode shows that nothing on a stream makes a reader panic, and that what
// was read can be written and read again.
func FuzzDecode(f *testing.F) {
	f.Add("1-0", "enrolled.1", "1782489600123", "1", "", `{"notice":"v1"}`)
	f.Add("1-1", "moved.1", "0", "", "", `{"from_unit":"u0","from_group":"g0"}`)
	f.Add("2-0", "submitted.1", "-1", "1", "60|1", submittedBody)
	f.Add("2-1", "signed.1", "1", "", "", `null`)
	f.Add("x", "expired.9", "", "2", "|", `{`)
	f.Fuzz(func(t *testing.T, id, kind, at, first, best, body string) {
		fields := entry(event.Kind(kind), body, "t", at, "f", first, "b", best)
		fact, err := decode(id, fields)
		if err != nil {
			return
		}
		text, err := event.EncodeBody(fact.Body)
		if err != nil {
			t.Fatalf("EncodeBody(%+v): %v", fact.Body, err)
		}
		fields["d"] = text
		again, err := decode(fact.String(), fields)
		if diff := cmp.Diff(fact, again); err != nil || diff != "" {
			t.Errorf("read again: %v (-first +again):\n%s", err, diff)
		}
	})
}
