package bankbook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

func TestImported(t *testing.T) {
	t.Parallel()
	q := bankfile.Question{Kind: quiz.Single, Stem: "题", Options: []string{"甲", "乙", "以上都对"}, Key: 4, Basis: "《禁毒法》", Number: "3"}
	got := bankbook.Imported(q, "q00001", bankbook.Defaults{
		Topic: "law", Difficulty: 2, Basis: "某规定", ValidFrom: "2026-01-01", ValidTo: "2026-12-31",
	})
	want := quiz.Question{
		ID: "q00001", Kind: quiz.Single, Stem: "题", Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "以上都对", Pinned: true}}, Key: 4,
		Basis: "《禁毒法》", Topic: "law", Difficulty: 2, Audience: []string{quiz.AllAudiences}, ValidFrom: "2026-01-01", ValidTo: "2026-12-31",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q.ValidFrom, q.Audience = "2020-01-01", []string{"student"}
	got = bankbook.Imported(q, "a", bankbook.Defaults{ValidTo: "2026-12-31", Audience: []string{"driver"}})
	if got.ValidTo != "" || got.Audience[0] != "student" {
		t.Errorf("what the file says is replaced: %+v", got)
	}
}

// TestPinned has options that shuffling would make wrong.
func TestPinned(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options []string
		want    string
	}{
		"plain":            {[]string{"禁种", "禁制", "禁贩", "18岁以上"}, "...."},
		"all of above":     {[]string{"甲", "乙", "以上都是"}, "..P"},
		"none":             {[]string{"甲", "乙", "都不对"}, "..P"},
		"in the middle":    {[]string{"甲", "以上都对", "乙"}, "PPP"},
		"letters":          {[]string{"甲", "乙", "A和B"}, "PPP"},
		"letters together": {[]string{"甲", "乙", "丙", "AB都对"}, "PPPP"},
		"letters listed":   {[]string{"甲", "乙", "A、B两项"}, "PPP"},
		"option named":     {[]string{"甲", "乙", "选项A"}, "PPP"},
		"names":            {[]string{"MDMA", "LSD", "GHB"}, "..."},
	} {
		q := bankbook.Imported(bankfile.Question{Kind: quiz.Single, Stem: "x", Options: tt.options, Key: 1}, "a", bankbook.Defaults{})
		got := ""
		for _, o := range q.Options {
			got += map[bool]string{true: "P", false: "."}[o.Pinned]
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	judge := bankbook.Imported(bankfile.Question{Kind: quiz.Judge, Stem: "x", Options: []string{"正确", "错误"}, Key: 1}, "a", bankbook.Defaults{})
	if diff := cmp.Diff(quiz.JudgeOptions(), judge.Options); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
