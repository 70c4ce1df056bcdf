package httpapi

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// answersBy reads a body as a submission's is read, and by package json alone.
func answersBy(body string) (own, plain quiz.Answers, errOwn, errPlain error) {
	var a struct {
		Answers answerSet `json:"answers"`
	}
	var b struct {
		Answers quiz.Answers `json:"answers"`
	}
	errOwn, errPlain = decodeStrict([]byte(body), &a), decodeStrict([]byte(body), &b)
	return quiz.Answers(a.Answers), b.Answers, errOwn, errPlain
}

// sameAnswers says in what the two readings differ, "" for nothing.
func sameAnswers(body string) string {
	own, plain, errOwn, errPlain := answersBy(body)
	wanted := errPlain
	if wanted == nil && plain == nil {
		wanted = errNoAnswers
	}
	handedIn, err := answersOf([]byte(body))
	if (err == nil) != (wanted == nil) || err == nil && !reflect.DeepEqual(handedIn, plain) {
		return fmt.Sprintf("%q, handed in: %#v, %v, and by package json %#v, %v", body, handedIn, err, plain, wanted)
	}
	switch {
	case (errOwn == nil) != (errPlain == nil):
		return fmt.Sprintf("%q: %v, and by package json %v", body, errOwn, errPlain)
	case errOwn == nil && !reflect.DeepEqual(own, plain):
		return fmt.Sprintf("%q: %#v, and by package json %#v", body, own, plain)
	case errOwn == nil:
		return ""
	}
	if f, g := fault.From(errOwn), fault.From(errPlain); f.Code != g.Code || !reflect.DeepEqual(f.Fields, g.Fields) {
		return fmt.Sprintf("%q: %s %v, and by package json %s %v", body, f.Code, f.Fields, g.Code, g.Fields)
	}
	return ""
}

// answerBodies are right and wrong in all ways that came to mind.
func answerBodies() []string {
	bodies := []string{
		``, `null`, `{}`, `{"answers":null}`, `{"answers":{}}`, `{"answers":[]}`, `{"answers":"q"}`, `{"answers":1}`, `{"answers":true}`,
		`{"answers":{"q":["a"]}}`, `{"answers":{"q":["a","b"],"r":[],"s":null}}`, `{"answers":{"q":[null,"a"]}}`,
		`{ "answers" : { "q" : [ "a" , "b" ] , "r" : [ ] } } `, `{"answers":{"":[""]}}`,
		`{"answers":{"q":["a"],"q":["b"]}}`, `{"answers":{"q":["a"],"\u0071":["b"]}}`, `{"answers":{"q":["\u0061","\ud83d\ude00"]}}`,
		`{"answers":{"q":"a"}}`, `{"answers":{"q":{"a":1}}}`, `{"answers":{"q":[1]}}`, `{"answers":{"q":[["a"]]}}`, `{"answers":{"q":[true]}}`,
		`{"answers":{"q":[{}]}}`, `{"answers":{"q":1}}`, `{"answers":{1:["a"]}}`, `{"answers":{null:["a"]}}`, `{"answers":{"q"}}`,
		`{"answers":{"q":["a"]},"answers":{}}`, `{"Answers":{}}`, `{"answers":{},"x":1}`, `{"answers":{"q":["a"]}}x`, `{"answers":{"q":["a"]}}{}`,
		`{"answers":{"q":["a"]`, `{"answers":{"q":["a",]}}`, `{"answers":{"q":["a"],}}`, `{"answers":{"q":["a" "b"]}}`, `{"answers":{,}}`,
		`{"answers":{"q":["a]}}`, `{"answers":{"q":["\ud800"]}}`, `{"answers":{"\ud800":[]}}`, `{"answers":{"q":["\x"]}}`,
		"{\"answers\":{\"q\":[\"a\xff\"]}}", "{\"answers\":{\"q\xff\":[]}}", "{\"answers\":{\"q\":[\"a\nb\"]}}", "{\"answers\":{\"q\":[\"a\x00\"]}}",
		`{"answers":{"题":["甲","乙"]}}`, `{"answers":` + strings.Repeat("[", 20_000), `{"answers":` + strings.Repeat(`{"q":`, 20_000),
	}
	var many strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&many, `,"q%d":["a%d","b%d"]`, i, i, i)
	}
	return append(bodies, `{"answers":{`+many.String()[1:]+`}}`, `{"answers":{`+many.String()[1:]+`,"q7":[]}}`)
}

// TestAnswersAreReadAsByPackageJSON: what is taken, and what is refused and why, is
// the same as if answers were any map.
func TestAnswersAreReadAsByPackageJSON(t *testing.T) {
	t.Parallel()
	for _, body := range answerBodies() {
		if diff := sameAnswers(body); diff != "" {
			t.Error(clip(diff))
		}
	}
}

// TestWhatPhonesWriteIsPlain: the quick way is the one that is gone.
func TestWhatPhonesWriteIsPlain(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]quiz.Answers{
		`{"answers":{}}`:                        {},
		`{"answers":{"q":["a"],"r":["b","c"]}}`: {"q": {"a"}, "r": {"b", "c"}},
		`{"answers":{"q":[],"":[""]}}`:          {"q": {}, "": {""}},
	} {
		if got, ok := plainAnswers([]byte(body)); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v", body, got, ok)
		}
	}
}

// TestAnswersShareNothingThatGrows: lists lie one behind the other, and one that
// grows must not write over the next.
func TestAnswersShareNothingThatGrows(t *testing.T) {
	t.Parallel()
	const body = `{"answers":{"q":["a"],"r":["b"]}}`
	own, _, errOwn, _ := answersBy(body)
	handedIn, err := answersOf([]byte(body))
	if errOwn != nil || err != nil {
		t.Fatal(errOwn, err)
	}
	for _, got := range []quiz.Answers{own, handedIn} {
		_ = append(got["q"], "x")
		if !reflect.DeepEqual(got, quiz.Answers{"q": {"a"}, "r": {"b"}}) {
			t.Errorf("after a list has grown: %v", got)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, body := range answerBodies() {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if diff := sameAnswers(body); diff != "" {
			t.Error(diff)
		}
	})
}

// BenchmarkAnswers reads the answers to twenty questions.
func BenchmarkAnswers(b *testing.B) {
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, `,"abcdef%02d":["ghijkm%02d"]`, i, i)
	}
	body := []byte(`{"answers":{` + text.String()[1:] + `}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := answersOf(body); err != nil {
			b.Fatal(err)
		}
	}
}
