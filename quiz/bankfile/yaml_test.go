package bankfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/quiz"
)

const goodYAML = `questions:
  - {id: law-1, kind: single, topic: 法律, audience: [all], difficulty: 1, stem: 甲？, options: [一, 二], key: A, explanation: 说明, basis: 某法, valid_from: 2008-06-01}
  - id: law-2
    kind: multiple
    topic: law
    audience: [student]
    difficulty: 2
    stem: |
      乙
      丙？
    options: [一, 二, 以上都对]
    key: AB
    pinned: [C]
    explanation: 说明
    basis: 某法
    valid_from: 2008-06-01
    valid_to: 2030-12-31
    media: [{url: /m/1.png, alt: 图}]
  - {id: law-3, kind: judge, topic: law, audience: [all], difficulty: 3, stem: 丁, key: false, explanation: 说明, basis: 某法, valid_from: 2008-06-01}
`

func TestYAML(t *testing.T) {
	t.Parallel()
	got, r := outlined(t, readYAML, goodYAML)
	want := []string{"2-2 single A 甲？|一|二", `3-18 multiple AB 乙\n丙？|一|二|以上都对`, "19-19 judge B 丁|正确|错误"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	second := r.Imported[1]
	second.File, second.Line, second.LineTo = "", 0, 0
	if diff := cmp.Diff(Question{
		Kind: quiz.Multiple, Stem: "乙\n丙？", Options: []string{"一", "二", "以上都对"}, Key: 3, Explanation: "说明", Basis: "某法", Topic: "law",
		Difficulty: 2, ValidFrom: "2008-06-01", ValidTo: "2030-12-31", Pinned: 4, Audience: []string{"student"}, Number: "law-2",
		Media: []quiz.Media{{URL: "/m/1.png", Alt: "图"}},
	}, second); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestYAMLFaults has one fault each, which must not hide the other questions.
func TestYAMLFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ old, new, says string }{
		"no key":        {"key: A, ", "", "第 2 行 key：选择题写选项字母"},
		"empty":         {"basis: 某法, valid_from: 2008-06-01}\n  - id", "basis: '', valid_from: 2008-06-01}\n  - id", "第 2 行 basis：须有法律依据或出处"},
		"draft, dates":  {"basis: 某法, valid_from: 2008-06-01}\n  - id", "valid_from: 2008-06-31}\n  - id", "须"},
		"draft, key":    {"key: A, explanation: 说明, basis: 某法,", "key: C, explanation: 说明,", "第 2 行 basis"},
		"unknown field": {"stem: 甲？", "stem: 甲？, stern: 甲", "第 2 行：不认识的字段 stern"},
		"key":           {"key: A,", "key: a,", "第 2 行 key：选择题写选项字母"},
		"key beyond":    {"key: A,", "key: C,", "答案指向不存在的选项"},
		"two keys":      {"key: A,", "key: AB,", "标为单选题，答案却有多个"},
		"kind":          {"kind: single", "kind: essay", "第 2 行 kind：须为 single"},
		"id twice":      {"id: law-1", "id: law-2", ""},
		"dates":         {"valid_from: 2008-06-01}\n  - id", "valid_from: 2008-06-31}\n  - id", "有效期须为日期"},
		"nothing":       {"{id: law-1, kind: single, topic: 法律, audience: [all], difficulty: 1, stem: 甲？, options: [一, 二], key: A, explanation: 说明, basis: 某法, valid_from: 2008-06-01}", "题", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(goodYAML, tt.old, tt.new, 1)
			if text == goodYAML {
				t.Fatalf("there is no %q", tt.old)
			}
			_, r := outlined(t, readYAML, text)
			if r.Found() != 3 || len(r.Refused) != 1 || r.Refused[0].Code != "yaml_field" && tt.says != "" {
				t.Fatalf("%d found, refused %+v", r.Found(), r.Refused)
			}
			if f := r.Refused[0]; !strings.Contains(f.Reason, tt.says) || f.Line < 2 || f.LineTo < f.Line || f.Reason == "" {
				t.Errorf("refused %+v, want %s", f, tt.says)
			}
		})
	}
}

// TestYAMLDrafts writes questions that say no more than files of others do and reads them
// back: what a reviewer asks for is asked for when they are submitted.
func TestYAMLDrafts(t *testing.T) {
	t.Parallel()
	drafts := []Question{
		{Kind: quiz.Single, Stem: "甲？", Options: []string{"一", "二"}, Key: 1, Number: "a"},
		{Kind: quiz.Judge, Stem: "乙", Options: []string{"正确", "错误"}, Key: 2, Number: "b", Basis: "某法"},
	}
	var out strings.Builder
	if err := Write(&out, YAML, "草稿", drafts); err != nil {
		t.Fatal(err)
	}
	got, r := outlined(t, readYAML, out.String())
	want := []string{"2-8 single A 甲？|一|二", "9-13 judge B 乙|正确|错误"}
	for i := range got { // which lines they stand on is the writer's
		_, got[i], _ = strings.Cut(got[i], " ")
		_, want[i], _ = strings.Cut(want[i], " ")
	}
	if diff := cmp.Diff(want, got); diff != "" || len(r.Notes) != 1 || r.Imported[1].Basis != "某法" || r.Imported[0].Basis != "" {
		t.Errorf("(-want +got):\n%s\nnotes %v", diff, r.Notes)
	}
}

func TestYAMLFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "no list": "questions: 3", "no questions": "items: []", "more": "questions: []\nversion: 1", "syntax": "questions: [", "tab": "questions:\n\t- a",
		"two documents": "questions: []\n---\nquestions: []", "alias bomb": "questions: &a [*a, *a]",
		"deep": "questions: " + strings.Repeat("[", 1<<20), "deep maps": "questions: " + strings.Repeat("{a: ", 1<<18),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := readYAML(t.Context(), File{Name: "x.yaml", Raw: []byte(text)}, Options{})
			f, refused := errors.AsType[*FileError](err)
			if name == "alias bomb" && err == nil {
				checkReport(t, checked(r))
				return
			}
			if !refused || f.Code != "yaml_invalid" || f.Reason == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzYAML(f *testing.F) {
	f.Add(goodYAML)
	f.Add("questions: [{id: a, kind: judge, key: maybe}, 3, [], null]")
	f.Add("questions:\n- &a {stem: x}\n- *a\n- <<: *a")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readYAML(t.Context(), File{Name: "x", Raw: []byte(text)}, Options{})
		if err != nil {
			if f, ok := errors.AsType[*FileError](err); !ok || f.Reason == "" {
				t.Errorf("an error without a reason: %v", err)
			}
			return
		}
		checkReport(t, checked(r))
	})
}
