package configs

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"qingyuan/quiz"
)

// TestFaultyBanks has the faults of questions.
func TestFaultyBanks(t *testing.T) {
	tests := map[string]struct {
		old, new string
		want     []string
	}{
		"empty":            {goodBank, "", []string{"bank/10-a.yaml: holds no questions"}},
		"no list":          {goodBank, "questions: 3\n", []string{"bank/10-a.yaml:1: questions: want a list"}},
		"unknown field":    {"fact: F1", "facts: F1", []string{"bank/10-a.yaml:5: questions.1.facts: unknown field"}},
		"missing":          {"basis: 旧法, ", "", []string{"bank/10-a.yaml:2: questions.0.basis: is missing"}},
		"id twice":         {"id: law-2", "id: law-1", []string{`bank/10-a.yaml:4: questions.1.id: "law-1" is taken by bank/10-a.yaml:2`}},
		"kind":             {"kind: single", "kind: essay", []string{`questions.0.kind: "essay" is not one of single, multiple, judge`}},
		"difficulty":       {"difficulty: 1", "difficulty: 4", []string{"questions.0.difficulty: want a whole number from 1 to 3"}},
		"letters":          {"key: A,", "key: a,", []string{`questions.0.key: "a": want letters from A to P`}},
		"letter twice":     {"key: AC", "key: AA", []string{"bank/10-a.yaml:8: questions.3.key:"}},
		"letters of judge": {"key: true", "key: A", []string{"bank/10-a.yaml:6: questions.2.key: want true or false"}},
		"boolean":          {"key: A,", "key: true,", []string{"questions.0.key: want letters"}},
		"judge options":    {"stem: 是,", "stem: 是, options: [对, 错],", []string{"questions.2.options: a judge question has none of its own"}},
		"beyond":           {"key: A,", "key: C,", []string{"bank/10-a.yaml:2: questions.0: question law-1: key names option C"}},
		"pinned beyond":    {"pinned: [C]", "pinned: [D]", []string{"bank/10-a.yaml:5: questions.1.pinned.0: names option D"}},
		"two keys":         {"key: A,", "key: AB,", []string{"question law-1: a single question has one right option, not 2"}},
		"one key":          {"key: AC", "key: A", []string{"question harm-2: a multiple question has two right options or more, not 1"}},
		"same options":     {"options: [甲, 乙],", "options: [甲, 甲],", []string{`question law-1: option "甲" is empty or stands twice`}},
		"date":             {"valid_from: 2008-06-01", "valid_from: 2008-06-31", []string{`question law-1: valid_from "2008-06-31" is not a date`}},
		"dates":            {"valid_to: 2026-06-15", "valid_to: 2007-06-15", []string{"question law-1: valid_to 2007-06-15 is before"}},
		"media":            {"url: /m/1.png", "url: http://x.test/1.png", []string{"questions.2.media.0.url:"}},
		"no alt":           {", alt: 图", "", []string{"questions.2.media.0.alt: is missing"}},
		"audience":         {"audience: [all], difficulty: 1", "audience: [], difficulty: 1", []string{"question law-1: audience is empty"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goodBank, tt.old, tt.new, 1)
			if text == goodBank {
				t.Fatalf("goodBank has no %q", tt.old)
			}
			files := townFS(goodCampaign, text)
			_, err := LoadBank(files, "bank")
			wantFaults(t, err, tt.want)
			_, err = LoadDefinition(files, "town.yaml")
			wantFaults(t, err, append(tt.want, "!quiz.strata")) // no faults that only follow from the bank's
		})
	}
}

// TestBankFolder shows that a bank's files are merged by name, and that ids are
// unique over all of them.
func TestBankFolder(t *testing.T) {
	files := townFS(goodCampaign, goodBank)
	files["bank/05-b.yaml"] = &fstest.MapFile{Data: []byte(strings.NewReplacer("law-", "x-", "harm-", "y-").Replace(goodBank))}
	b, err := LoadBank(files, "bank")
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Questions) != 8 || b.Questions[0].ID != "x-1" || b.Questions[4].ID != "law-1" {
		t.Errorf("%d questions, the first is %s", len(b.Questions), b.Questions[0].ID)
	}
	files["bank/05-b.yaml"].Data = []byte(goodBank)
	_, err = LoadBank(files, "bank")
	wantFaults(t, err, []string{`bank/10-a.yaml:2: questions.0.id: "law-1" is taken by bank/05-b.yaml:2`})
	one, err := LoadBank(files, "bank/10-a.yaml")
	if err != nil || one.ID != "10-a" || len(one.Questions) != 4 {
		t.Errorf("a single file: %v", err)
	}
}

func TestBankQuestions(t *testing.T) {
	b, err := LoadBank(townFS("", goodBank), "bank")
	if err != nil {
		t.Fatal(err)
	}
	want := quiz.Question{
		ID: "law-2", Kind: quiz.Single, Topic: "law", Audience: []string{"all"}, Difficulty: 2, Stem: "新",
		Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "以上都对", Pinned: true}}, Key: 0b100,
		Explanation: "说明", Basis: "新法", Fact: "F1", ValidFrom: "2026-06-16",
	}
	if diff := cmp.Diff(want, b.Questions[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if judge := b.Questions[2]; judge.Key != 1 || len(judge.Options) != 2 || judge.Media[0].Alt != "图" {
		t.Errorf("judge question: %+v", judge)
	}
}

// FuzzLoadBank wants no panic, and nothing accepted that Check refuses.
func FuzzLoadBank(f *testing.F) {
	f.Add(goodBank)
	f.Add("questions: [{id: a, kind: judge, key: maybe}]")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := LoadBank(townFS("", text), "bank")
		if err != nil {
			return
		}
		for i := range b.Questions {
			if errs := b.Questions[i].Check(); errs != nil {
				t.Errorf("an accepted question has faults: %v", errs)
			}
		}
	})
}
