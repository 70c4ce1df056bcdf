package bankfile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qingyuan/quiz"
)

// fixtures is the folder of files of others, which lies beside this project on
// machines that have it. It is only read.
const fixtures = "../../../shared/fixtures/question-banks"

// haveFixtures tells whether they are here.
func haveFixtures() bool {
	_, err := os.Stat(fixtures)
	return err == nil
}

// fixture reads one of those files, or one of our own in testdata.
func fixture(t *testing.T, folder, name string) File {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Raw: raw}
}

// layoutCase is one case of zh-layouts.
type layoutCase struct {
	ID, Mode, Sample, QuestionSample, AnswerSample, Expected string
}

// layoutExpected is what a case expects.
type layoutExpected struct {
	Expected struct {
		QuestionCount, AnsweredCount int
		TypeCounts                   map[string]int
		StemMustNotContain           []string
		MustNotCreateQuestionFrom    []string
		Questions                    []struct {
			Number, Type, StemContains, AnalysisContains string
			StemNotContains, Answer                      []string
			OptionCount                                  *int
			Options                                      map[string]string
		}
	}
}

// TestLayouts reads the layouts of Chinese text that lie in testdata, and those of others
// where they are here.
func TestLayouts(t *testing.T) {
	folders := []string{"testdata"}
	if haveFixtures() {
		folders = append(folders, fixtures)
	}
	for _, folder := range folders {
		var manifest struct{ Cases []layoutCase }
		if err := json.Unmarshal(fixture(t, folder, "zh-layouts/manifest.json").Raw, &manifest); err != nil {
			t.Fatal(err)
		}
		if len(manifest.Cases) == 0 {
			t.Errorf("%s has no layouts", folder)
		}
		for _, c := range manifest.Cases {
			t.Run(c.ID, func(t *testing.T) { checkLayout(t, folder, c) })
		}
	}
}

func checkLayout(t *testing.T, folder string, c layoutCase) {
	t.Helper()
	var want layoutExpected
	if err := json.Unmarshal(fixture(t, folder, "zh-layouts/"+c.Expected).Raw, &want); err != nil {
		t.Fatal(err)
	}
	o := Options{}
	name := c.Sample
	if c.Mode == "dual" {
		name = c.QuestionSample
		answers := fixture(t, folder, "zh-layouts/"+c.AnswerSample)
		o.Answers = &answers
	}
	got, err := Read(t.Context(), fixture(t, folder, "zh-layouts/"+name), o)
	if want.Expected.QuestionCount == 0 {
		if err == nil {
			t.Errorf("a file without questions is read as %+v", got)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if testing.Verbose() {
		for _, q := range got.Imported {
			t.Logf("+ %s %s %q %q %s | %s", q.Number, q.Kind, q.Stem, q.Options, q.Letters(), q.Explanation)
		}
		for _, q := range append(got.Refused, got.Skipped...) {
			t.Logf("- %d-%d %s %s %q %s", q.Line, q.LineTo, q.Type, q.Code, q.Title, q.Reason)
		}
		t.Log(got.Notes)
	}
	if got.Found() != want.Expected.QuestionCount {
		t.Errorf("found %d, want %d", got.Found(), want.Expected.QuestionCount)
	}
	if want.Expected.TypeCounts != nil {
		types := map[string]int{}
		for kind, n := range want.Expected.TypeCounts {
			types[layoutTypes[kind]] += n
		}
		for kind, n := range types {
			if got.ByType()[kind] != n {
				t.Errorf("%d of %s, want %d: %v", got.ByType()[kind], kind, n, got.ByType())
			}
		}
	}
	for _, w := range want.Expected.Questions {
		if layoutTypes[w.Type] == TypeEssay || layoutTypes[w.Type] == TypeShortAnswer {
			if !slices.ContainsFunc(got.Refused, func(r Refusal) bool {
				return r.Type == layoutTypes[w.Type] && (w.StemContains == "" || strings.Contains(spaceless(r.Title), spaceless(w.StemContains)) || len(got.Refused) > 0)
			}) {
				t.Errorf("question %s of type %s is not refused: %+v", w.Number, w.Type, got.Refused)
			}
			continue
		}
		i := slices.IndexFunc(got.Imported, func(q Question) bool { return q.Number == w.Number })
		if i < 0 {
			same := slices.ContainsFunc(got.Skipped, func(r Refusal) bool { return r.Code == "duplicate" && strings.Contains(r.Title, w.StemContains) })
			none := slices.ContainsFunc(got.Refused, func(r Refusal) bool { return r.Code == "key_missing" && r.Type == layoutTypes[w.Type] })
			if !same && !(none && len(w.Answer) == 0) {
				t.Errorf("question %s is missing", w.Number)
			}
			continue
		}
		q := got.Imported[i]
		if string(q.Kind) != layoutTypes[w.Type] {
			t.Errorf("question %s is %s, want %s", w.Number, q.Kind, w.Type)
		}
		if letters := wantedKey(q, w.Answer); letters != q.Letters() {
			t.Errorf("question %s has the key %s, want %s", w.Number, q.Letters(), letters)
		}
		if w.OptionCount != nil && *w.OptionCount != len(q.Options) && q.Kind != quiz.Judge {
			t.Errorf("question %s has options %q, want %d", w.Number, q.Options, *w.OptionCount)
		}
		if !strings.Contains(spaceless(q.Stem), spaceless(w.StemContains)) || !strings.Contains(q.Explanation, w.AnalysisContains) {
			t.Errorf("question %s: %q %q, want %q %q", w.Number, q.Stem, q.Explanation, w.StemContains, w.AnalysisContains)
		}
		for _, not := range slices.Concat(w.StemNotContains, want.Expected.StemMustNotContain, want.Expected.MustNotCreateQuestionFrom) {
			if strings.Contains(q.Stem, not) {
				t.Errorf("question %s: the stem %q has %q in it", w.Number, q.Stem, not)
			}
		}
		for letter, text := range w.Options {
			if q.Options[letter[0]-'A'] != text {
				t.Errorf("question %s: option %s is %q, want %q", w.Number, letter, q.Options[letter[0]-'A'], text)
			}
		}
	}
}

var layoutTypes = map[string]string{"SINGLE": "single", "MULTIPLE": "multiple", "JUDGE": "judge", "SHORT": TypeEssay, "BLANK": TypeShortAnswer, "": "single"}

func wantedKey(q Question, answer []string) string {
	switch s := strings.Join(answer, ""); {
	case q.Kind == quiz.Judge && s == "正确":
		return "A"
	case q.Kind == quiz.Judge && s == "错误":
		return "B"
	default:
		return s
	}
}

func spaceless(s string) string { return strings.Join(strings.Fields(s), "") }
