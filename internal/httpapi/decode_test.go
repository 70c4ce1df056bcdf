package httpapi

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// sample has a field of every form that requests have.
type sample struct {
	Text    string         `json:"text"`
	Number  int            `json:"number"`
	Flag    bool           `json:"flag"`
	Answers quiz.Answers   `json:"answers"`
	Strokes pledge.Strokes `json:"strokes"`
	Inner   *struct {
		Text string `json:"text"`
	} `json:"inner"`
}

func TestDecodeStrict(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, field string }{
		"nothing":                {"", ""},
		"blanks":                 {" \n ", ""},
		"null":                   {"null", ""},
		"a list":                 {"[]", ""},
		"an object in a list":    {"[{}]", ""},
		"a text":                 {`"{}"`, ""},
		"a number":               {"1", ""},
		"cut off":                {`{"text":"a"`, ""},
		"a comma too many":       {`{"text":"a",}`, ""},
		"something behind":       {`{}x`, ""},
		"another object behind":  {`{"text":"a"}{"text":"b"}`, ""},
		"a comment":              {`{/*x*/}`, ""},
		"a mark of byte order":   {"\ufeff{}", ""},
		"unknown":                {`{"colour":"red"}`, "colour"},
		"other case":             {`{"Text":"a"}`, "Text"},
		"capitals":               {`{"TEXT":"a"}`, "TEXT"},
		"twice":                  {`{"text":"a","text":"b"}`, "text"},
		"twice, once escaped":    {`{"text":"a","te\u0078t":"b"}`, "text"},
		"unknown, twice":         {`{"x":1,"x":2}`, "x"},
		"unknown within":         {`{"inner":{"colour":1}}`, "inner.colour"},
		"twice within":           {`{"inner":{"text":"a","text":"b"}}`, "inner.text"},
		"one question twice":     {`{"answers":{"q":["a"],"q":["b"]}}`, "answers.q"},
		"a text for a number":    {`{"number":"1"}`, "number"},
		"a number for a text":    {`{"text":1}`, "text"},
		"a list for a text":      {`{"text":["a"]}`, "text"},
		"a list for an object":   {`{"inner":[]}`, "inner"},
		"a text for a list":      {`{"answers":{"q":"a"}}`, "answers.q"},
		"half a number":          {`{"number":1.5}`, "number"},
		"a power of ten":         {`{"number":1e3}`, "number"},
		"a number too large":     {`{"number":9223372036854775808}`, "number"},
		"a number of many":       {`{"number":` + strings.Repeat("9", 400) + `}`, "number"},
		"a coordinate too large": {`{"strokes":[[{"x":1e999}]]}`, "strokes.0.0.x"},
		"not a number":           {`{"number":NaN}`, "number"},
		"a leading nought":       {`{"number":01}`, ""},
		"a nul":                  {"{\"text\":\"a\x00b\"}", "text"},
		"a line break":           {"{\"text\":\"a\nb\"}", "text"},
		"broken UTF-8":           {"{\"text\":\"a\xff\"}", "text"},
		"half a surrogate":       {`{"text":"\ud800"}`, "text"},
		"broken UTF-8, a name":   {"{\"te\xffxt\":1}", ""},
		"deep lists":             {`{"strokes":` + strings.Repeat("[", 100_000), ""},
		"deep objects":           {strings.Repeat(`{"inner":`, 50_000), ""},
		"deep and unknown":       {`{"x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "x"},
	} {
		var v sample
		err := decodeStrict([]byte(tt.body), &v)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != "request.invalid" {
			t.Errorf("%s: error %v, want request.invalid", name, err)
			continue
		}
		var fields []string
		for _, one := range f.Fields {
			fields = append(fields, one.Name)
		}
		if tt.field != "" && !slices.Equal(fields, []string{tt.field}) {
			t.Errorf("%s: fields %q, want %q", name, fields, tt.field)
		}
	}
}

func TestDecodeTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	var v sample
	err := decodeStrict([]byte(" {\"text\":\"买买提·艾山 \\u0041\",\"number\":-3,\"flag\":true,"+
		"\"answers\":{\"q\":[\"a\",\"b\"],\"r\":[]},\"strokes\":[[{\"x\":1.5,\"y\":-2,\"t\":3e2}]],\"inner\":null}\n"), &v)
	want := sample{
		Text: "买买提·艾山 A", Number: -3, Flag: true, Answers: quiz.Answers{"q": {"a", "b"}, "r": {}},
		Strokes: pledge.Strokes{{{X: 1.5, Y: -2, T: 300}}},
	}
	if err != nil || !reflect.DeepEqual(v, want) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("禁", 100)
	if got := clip(long); len(got) > maxText+len("…") || !utf8.ValidString(got) {
		t.Errorf("clipped to %d bytes: %q", len(got), got)
	}
	if clip("short") != "short" {
		t.Error("a short text is clipped")
	}
}

// FuzzDecode throws bytes at the decoder: it must not panic, must be quick, and
// whatever it takes must survive writing and reading.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"text":"a","number":1,"flag":true,"answers":{"q":["a"]},"strokes":[[{"x":1,"y":2,"t":3}]],"inner":{"text":"b"}}`,
		`{"text":"a","text":"b"}`, `{"TEXT":1}`, `[]`, `null`, `{"answers":{"a":null}}`, "{\"text\":\"\x00\xff\"}", `{"number":1e999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v sample
		began := time.Now()
		err := decodeStrict(body, &v)
		if took := time.Since(began); len(body) < 64<<10 && took > time.Second {
			t.Errorf("%d bytes took %s", len(body), took)
		}
		if err != nil {
			if fault.From(err).Kind != fault.Invalid {
				t.Errorf("error %v is no fault of the request", err)
			}
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", v, err)
		}
		var w sample
		if err := decodeStrict(again, &w); err != nil {
			t.Errorf("%s cannot be read again: %v", again, err)
		}
	})
}
