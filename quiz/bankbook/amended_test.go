package bankbook_test

import (
	"testing"

	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// TestAmended takes what a file says of a question that is there, and nothing else.
func TestAmended(t *testing.T) {
	t.Parallel()
	was := quiz.Question{
		ID: "q1", Kind: quiz.Judge, Stem: "大麻是毒品。", Key: 1, Options: quiz.JudgeOptions(), Audience: []string{"student"},
		Explanation: "点名列举。", Basis: "《禁毒法》", Topic: "law", Difficulty: 1, ValidFrom: "2026-01-01", ValidTo: "2026-12-31",
	}
	empty := was
	empty.Explanation, empty.Basis, empty.Topic, empty.Difficulty, empty.ValidFrom, empty.ValidTo = "", "", "", 0, "", ""
	edited := was
	edited.Explanation, edited.Difficulty = "第二条点名列举。", 2
	all := bankbook.Defaults{Topic: "other", Basis: "某通知", Difficulty: 3, ValidFrom: "2020-01-01"}
	for name, tt := range map[string]struct {
		there    []quiz.Question
		file     bankfile.Question
		defaults bankbook.Defaults
		fields   []string
	}{
		"nothing said":           {there: []quiz.Question{was}},
		"the same":               {there: []quiz.Question{was}, file: bankfile.FromBank(was)},
		"spaced otherwise":       {there: []quiz.Question{was}, file: bankfile.Question{Explanation: " 点名 列举。\n"}},
		"another explanation":    {there: []quiz.Question{was}, file: bankfile.Question{Explanation: "第二条。"}, fields: []string{"explanation"}},
		"first explanation":      {there: []quiz.Question{empty}, file: bankfile.Question{Explanation: "第二条。"}, fields: []string{"explanation"}},
		"basis and last day":     {there: []quiz.Question{was}, file: bankfile.Question{Basis: "新法", ValidTo: "2027-12-31"}, fields: []string{"basis", "valid_to"}},
		"topic and difficulty":   {there: []quiz.Question{was}, file: bankfile.Question{Topic: "new", Difficulty: 2}, fields: []string{"topic", "difficulty"}},
		"edited since":           {there: []quiz.Question{was, edited}, file: bankfile.FromBank(was)},
		"emptied since":          {there: []quiz.Question{was, empty}, file: bankfile.FromBank(was), defaults: bankbook.Defaults{Basis: "《禁毒法》"}},
		"defaults fill":          {there: []quiz.Question{empty}, defaults: all, fields: []string{"basis", "topic", "difficulty", "valid_from"}},
		"defaults change none":   {there: []quiz.Question{was}, defaults: all},
		"the file says its days": {there: []quiz.Question{empty}, file: bankfile.Question{ValidTo: "2019-12-31"}, defaults: bankbook.Defaults{ValidFrom: "2020-01-01"}, fields: []string{"valid_to"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var h bankbook.History
			for i, q := range tt.there {
				h = append(h, bankbook.Version{Number: int64(i + 1), Question: q})
			}
			got := bankbook.Amended(h, tt.file, tt.defaults)
			var fields []string
			for _, c := range bankbook.Difference(h.Latest().Question, got) {
				fields = append(fields, c.Field)
			}
			if len(fields) != len(tt.fields) {
				t.Fatalf("changed %v, want %v", fields, tt.fields)
			}
			for i := range fields {
				if fields[i] != tt.fields[i] {
					t.Errorf("changed %v, want %v", fields, tt.fields)
				}
			}
			if got.ID != "q1" || bankbook.Amends(h, tt.file, tt.defaults) != (tt.fields != nil) {
				t.Errorf("%+v amends: %t", got, tt.fields == nil)
			}
		})
	}
}
