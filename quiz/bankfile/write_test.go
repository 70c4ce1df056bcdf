package bankfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/configs"
	"qingyuan/quiz"
)

// demoQuestions are those that are shipped.
func demoQuestions(t *testing.T) []Question {
	t.Helper()
	b, err := configs.LoadBank(os.DirFS("../../configs/demo/banks"), "antidrug")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Questions) < 300 {
		t.Fatalf("the shipped bank has %d questions", len(b.Questions))
	}
	var out []Question
	for _, q := range b.Questions {
		out = append(out, FromBank(q))
	}
	return out
}

// exact are the formats that give back every character.
var exact = map[Format]reader{GIFT: readGIFT, Moodle: readMoodle, YAML: readYAML}

// sameContent leaves out where a question stood and what was noted on the way.
var sameContent = []cmp.Option{
	cmpopts.IgnoreFields(Question{}, "File", "Line", "LineTo", "Sheet", "Notes"), cmpopts.EquateEmpty(),
}

func TestDemoBankComesBack(t *testing.T) {
	t.Parallel()
	want := demoQuestions(t)
	for f, read := range exact {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, thereAndBack(t, f, read, want), sameContent...); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// failer is what a test and a property have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func thereAndBack(t failer, f Format, read reader, qs []Question) []Question {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f, "题库", qs); err != nil {
		t.Fatalf("%v", err)
	}
	r, err := read(context.Background(), File{Name: "x", Raw: b.Bytes()}, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	r = checked(r)
	if len(r.Refused) > 0 {
		t.Fatalf("refused %+v of\n%s", r.Refused[0], b.Bytes())
	}
	return r.Imported
}

// pieces are what texts are made of that try to be taken for something else.
var pieces = []string{
	"毒品", "禁毒法", "（　）", "12355", "A", " ", "{", "}", "~", "=", "#", ":", "\\", "\\n", "\\\\", "%50%", "%", "::", "####", "->", "//",
	"[html]", "[plain]", "$CATEGORY:", "TRUE", "T", "<b>", "</p>", "<", ">", "&", "&amp;", "&nbsp;", "]]>", "<![CDATA[", "<!--", "--",
	"\"", "'", "“", "\n", "\t", "=1+1", "＝", "＋", "－", "＠", "@", "-", "+", "|", "- ", "? ", "!", "*", "null", "true", "~~", "0x1F",
	"2026-01-01", "👮‍♀️", "𠮷", "㊣", "e\u0301", "\u200b", "\u00a0", "\u2028", "\ufeff", "ANSWER: A", "A. ", "B) ", "①", "_____", "………", "_x0041_",
}

func hostileText(t *rapid.T, label string) string {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.TrimSpace(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 8).Draw(t, "pieces"), ""))
	}).Filter(func(s string) bool { return s != "" }).Draw(t, label)
}

func hostileQuestion() *rapid.Generator[Question] {
	return rapid.Custom(func(t *rapid.T) Question {
		q := Question{
			Kind: rapid.SampledFrom([]quiz.Kind{quiz.Single, quiz.Multiple, quiz.Judge}).Draw(t, "kind"),
			Stem: hostileText(t, "stem"), Explanation: hostileText(t, "explanation"), Basis: "《禁毒法》第二条",
			Topic: rapid.SampledFrom([]string{"law", "防范", "甲/乙", "{a}"}).Draw(t, "topic"), Difficulty: rapid.IntRange(1, 3).Draw(t, "difficulty"),
			ValidFrom: "2026-01-01", Audience: []string{"all"},
		}
		if q.Kind == quiz.Judge {
			q.Options, q.Key = judgeTexts(), judgeKey(rapid.Bool().Draw(t, "truth"))
			return q
		}
		n := rapid.IntRange(2, quiz.MaxOptions).Draw(t, "options")
		for range n {
			q.Options = append(q.Options, hostileText(t, "option"))
		}
		q.Key = quiz.Choice(rapid.IntRange(1, 1<<n-1).Draw(t, "key"))
		q.Kind = quiz.Multiple
		if bits.OnesCount16(uint16(q.Key)) == 1 {
			q.Kind = quiz.Single
		}
		q.Pinned = quiz.Choice(rapid.IntRange(0, 1<<n-1).Draw(t, "pinned"))
		return q
	}).Filter(func(q Question) bool { return writable(q) == nil })
}

// TestHostileQuestionsComeBack writes texts that look like parts of the formats.
func TestHostileQuestionsComeBack(t *testing.T) {
	t.Parallel()
	for f, read := range exact {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				want := rapid.SliceOfN(hostileQuestion(), 1, 3).Draw(t, "questions")
				for i := range want {
					want[i].Number = fmt.Sprintf("q%d", i+1)
				}
				if diff := cmp.Diff(want, thereAndBack(t, f, read, want), sameContent...); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestNotWritable has what no file could give back.
func TestNotWritable(t *testing.T) {
	t.Parallel()
	good := Question{Kind: quiz.Single, Stem: "题", Options: []string{"甲", "乙"}, Key: 1}
	for name, change := range map[string]func(*Question){
		"no stem":        func(q *Question) { q.Stem = "" },
		"key beyond":     func(q *Question) { q.Key = 4 },
		"same options":   func(q *Question) { q.Options = []string{"甲", "甲"} },
		"control":        func(q *Question) { q.Stem = "题\x00" },
		"return":         func(q *Question) { q.Options = []string{"甲", "乙\r"} },
		"not UTF-8":      func(q *Question) { q.Explanation = "\xff" },
		"space around":   func(q *Question) { q.Stem = " 题" },
		"not in XML":     func(q *Question) { q.Basis = "\ufffe" },
		"unknown kind":   func(q *Question) { q.Kind = "essay" },
		"spaced picture": func(q *Question) { q.Media = []quiz.Media{{URL: "/a.png", Alt: "图\x01"}} },
	} {
		q := good
		q.Options = slices.Clone(good.Options)
		change(&q)
		for _, f := range []Format{XLSX, CSV, GIFT, Moodle, YAML} {
			var b bytes.Buffer
			if err := Write(&b, f, "x", []Question{good, q}); !errors.Is(err, ErrNotWritable) || b.Len() > 0 {
				t.Errorf("%s as %s: %v, %d bytes", name, f, err, b.Len())
			}
		}
	}
	if err := Write(&bytes.Buffer{}, Aiken, "x", []Question{good}); err == nil || errors.Is(err, ErrNotWritable) {
		t.Errorf("a format that is not written: %v", err)
	}
}

// TestYAMLIds gives every question of a file an id of its own.
func TestYAMLIds(t *testing.T) {
	t.Parallel()
	full := demoQuestions(t)[:5]
	for i, n := range []string{"", "第一题", "law-1", "law-1", "q1"} {
		full[i].Number = n
	}
	got := thereAndBack(t, YAML, readYAML, full)
	seen := map[string]bool{}
	for _, q := range got {
		seen[q.Number] = true
	}
	if len(seen) != 5 || !seen["law-1"] {
		t.Errorf("ids are %v", seen)
	}
}
