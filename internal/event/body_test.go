package event

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// scanned is a scan of any kind.
func scanned[T any](scan func(string) (T, bool)) func(string) (any, bool) {
	return func(body string) (any, bool) { return scan(body) }
}

// slowly reads a body as encoding/json does.
func slowly[T any](body string) (any, error) {
	var v T
	err := json.Unmarshal([]byte(body), &v)
	return v, err
}

// hot are the kinds that the scanner reads.
var hot = map[Kind]struct {
	scan func(string) (any, bool)
	slow func(string) (any, error)
	full any // with every field set
}{
	KindEnrolled: {scanned(scanEnrolled), slowly[Enrolled], Enrolled{Notice: "通知|2", Guardian: true}},
	KindStarted: {scanned(scanStarted), slowly[Started], Started{
		Number: 2, Extra: true, Deadline: 1782490200000, Bank: "0123456789ab", Seed: "1z141z3", Items: "a:0.1.2.3,b:1.0",
	}},
	KindSubmitted: {scanned(scanSubmitted), slowly[Submitted], Submitted{
		Number: 2, StartedAt: 1782489500000, UsedMS: 100123, Score: 80, MaxScore: 100, Correct: 8, Passed: true,
		ClosedBy: "participant", Bank: "d1", Items: "a:0.1", Choices: "1.2.", Clocks: 7, Origin: "a1b2c3d4.e5f6a7b8.",
	}},
	KindSigned: {scanned(scanSigned), slowly[Signed], Signed{Version: "1", TextSHA256: "ab", Method: "drawn", Commitment: "c", Origin: "a1b2c3d4.e5f6a7b8."}},
	KindDoor:   {scanned(scanDoor), slowly[Door], Door{Hash: "d1"}},
}

// TestTheScannerReadsWhatIsWritten: it knows every field of the kinds that it reads,
// so that their everyday bodies never go the long way.
func TestTheScannerReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for kind, h := range hot {
		v := reflect.ValueOf(h.full)
		for i := range v.NumField() {
			if name := v.Type().Field(i); name.Tag.Get("json") != "-" && v.Field(i).IsZero() {
				t.Errorf("%s: %s is not set, so nothing is proved of it", kind, name.Name)
			}
		}
		text, err := EncodeBody(h.full)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := h.scan(text); !ok || got != h.full {
			t.Errorf("%s: %s is scanned as %+v, %t", kind, text, got, ok)
		}
	}
}

// odd are bodies that the scanner leaves to encoding/json, and some that look so.
var odd = []string{
	``, `null`, `{}`, `{`, `{}}`, `{} `, ` {}`, `[]`, `{,}`, `{"number":1,}`, `{"number":1 }`, `{"number":01}`, `{"number":-0}`,
	`{"number":-}`, `{"number":1.0}`, `{"number":1e2}`, `{"number":9223372036854775807}`, `{"number":9223372036854775808}`,
	`{"number":999999999999999999}`, `{"number":"1"}`, `{"number":null}`, `{"number":true}`, `{"NUMBER":1}`, `{"other":1}`,
	`{"number":1,"number":2}`, `{"notice":"a\"b"}`, `{"notice":"\u4e2d"}`, "{\"notice\":\"\xff\"}", "{\"notice\":\"a\nb\"}",
	`{"notice":"中文"}`, `{"notice":"a`, `{"notice":"a"`, `{"guardian":truex}`, `{"guardian":tru}`, `{"guardian":false}`, `{"passed":1}`,
	`{"hash":""}`, `{"hash" :"x"}`, `{"hash": "x"}`, `{"hash":"x","hash":"y"}`, `{"hash":"\u007f"}`, "{\"hash\":\"\u2028\"}", `{"":1}`,
}

// TestTheScannerAgrees: whatever it takes means the same to encoding/json.
func TestTheScannerAgrees(t *testing.T) {
	t.Parallel()
	for kind := range hot {
		for _, body := range odd {
			agree(t, kind, body)
		}
	}
	for _, body := range []string{`{"number":1}`, `{"number":-0}`, `{"number":1,"number":2}`, `{}`} {
		if _, ok := scanStarted(body); !ok {
			t.Errorf("%s is not scanned: the test proves nothing", body)
		}
	}
}

func agree(t *testing.T, kind Kind, body string) {
	t.Helper()
	got, ok := hot[kind].scan(body)
	if !ok {
		return
	}
	want, err := hot[kind].slow(body)
	if err != nil || got != want {
		t.Errorf("%s: %q is scanned as %+v, and is %+v, %v", kind, body, got, want, err)
	}
}

// FuzzScan holds the scanner against encoding/json.
func FuzzScan(f *testing.F) {
	for _, body := range odd {
		f.Add(body)
	}
	for _, h := range hot {
		text, err := EncodeBody(h.full)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for kind := range hot {
			agree(t, kind, body)
		}
	})
}

// BenchmarkDecode reads a submission of twenty questions, as it lies on the stream.
func BenchmarkDecode(b *testing.B) {
	full := Submitted{
		Number: 1, StartedAt: 1782489500000, UsedMS: 100123, Score: 80, MaxScore: 100, Correct: 16, Passed: true, ClosedBy: "participant",
		Bank: "0123456789abcdef", Items: strings.Repeat("q17:0.1.2.3,", 20), Choices: strings.Repeat("1.", 20),
	}
	text, err := EncodeBody(full)
	if err != nil {
		b.Fatal(err)
	}
	e := Entry{Position: Position{Epoch: 1, Seq: 12345}, Fields: FieldsOf(map[string]string{
		"k": string(KindSubmitted), "p": "0123456789abcdef", "u": "u1", "g": "public", "t": "1782489600123", "f": "1", "b": "", "d": text,
	})}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(e); err != nil {
			b.Fatal(err)
		}
	}
}
