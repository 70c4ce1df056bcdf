package bankfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// threeSingles are three questions without keys.
const threeSingles = `1. 甲题（ ）
A. 一
B. 二
2. 乙题（ ）
A. 一
B. 二
3. 丙题（ ）
A. 一
B. 二
`

// twoSections are questions that begin to count anew under each heading.
const twoSections = `一、单选题
1. 甲题（ ）
A. 一
B. 二
2. 乙题（ ）
A. 一
B. 二
二、判断题
1. 丙题。
2. 丁题。
`

// letters tells the numbers and keys of what was imported, and the codes of what was
// refused.
func lettersOf(t *testing.T, text string, o Options) string {
	t.Helper()
	r, err := Read(t.Context(), File{Name: "题库.txt", Raw: []byte(text), Format: Text}, o)
	if err != nil {
		refused, ok := errors.AsType[*FileError](err)
		if !ok {
			t.Fatal(err)
		}
		return refused.Code
	}
	checkReport(t, r)
	var out []string
	for _, q := range r.Imported {
		out = append(out, q.Number+q.Letters())
	}
	for _, f := range r.Refused {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}

func TestKeysApart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ questions, keys, want string }{
		"one a line":                  {threeSingles, "参考答案\n1. A\n2. B\n3. A", "1A 2B 3A"},
		"on one line":                 {threeSingles, "答案：1.A 2.B 3.A", "1A 2B 3A"},
		"without gaps":                {threeSingles, "参考答案：1A2B3A", "1A 2B 3A"},
		"a range":                     {threeSingles, "参考答案：\n1-3：A B A", "1A 2B 3A"},
		"a range without gaps":        {threeSingles, "【参考答案】\n1～3 ABA", "1A 2B 3A"},
		"a range and the rest":        {threeSingles, "答案\n1—2 BA 3 AB", "1B 2A 3AB"},
		"two rows":                    {threeSingles, "参考答案\n题号\t1\t2\t3\n答案\tA\tB\tA", "1A 2B 3A"},
		"two rows, drawn":             {threeSingles, "答案：\n| 题号 | 1 | 2 | 3 |\n|---|---|---|---|\n| 答案 | A | B | A |", "1A 2B 3A"},
		"two rows without names":      {threeSingles, "参考答案\n1 2 3\nA B A", "1A 2B 3A"},
		"two rows, one cell empty":    {threeSingles, "参考答案\n题号\t1\t2\t3\n答案\tA\t\tB", "1A 3B key_missing"},
		"two rows of unequal length":  {threeSingles, "参考答案\n题号 1 2 3\n答案 A B", "key_count key_count key_count"},
		"labelled":                    {threeSingles, "答案解析\n1.【答案】A【解析】因为一。\n2.【答案】B\n【解析】因为二。\n3. C", "1A 2B key_beyond"},
		"without numbers":             {threeSingles, "参考答案：ABB", "1A 2B 3B"},
		"without numbers, one short":  {threeSingles, "参考答案：AB", "key_missing key_missing key_ambiguous"},
		"or is it the last one's":     {strings.TrimSuffix(threeSingles, "\n") + "\nC. 三\n", "答案：ABC", "key_missing key_missing key_ambiguous"},
		"fewer than the range":        {threeSingles, "参考答案\n1-3: A B", "key_count key_count key_count"},
		"more than the range":         {threeSingles, "参考答案\n1-3: A B A B", "key_count key_count key_count"},
		"one is missing":              {threeSingles, "参考答案\n1.A 3.B", "1A 3B key_missing"},
		"one too many":                {threeSingles, "参考答案\n1.A 2.B 3.A 4.B", "1A 2B 3A"},
		"none":                        {threeSingles, "", "key_missing key_missing key_missing"},
		"no questions":                {"参考答案\n1.A\n2.B\n", "", "no_questions"},
		"both places agree":           {"1. 甲题（A）\nA. 一\nB. 二\n", "参考答案\n1.A", "1A"},
		"both places differ":          {"1. 甲题（A）\nA. 一\nB. 二\n", "参考答案\n1.B", "key_conflict"},
		"headings tell them apart":    {twoSections, "参考答案\n一、单选题\n1.A 2.B\n二、判断题\n1.√ 2.×", "1A 2B 1A 2B"},
		"headings on the same lines":  {twoSections, "参考答案：\n一、单选题：1-2 BA\n二、判断题：1-2 ×√", "1B 2A 1B 2A"},
		"numbers begin anew in both":  {twoSections, "参考答案\n1.A 2.B\n1.对 2.错", "1A 2B 1A 2B"},
		"numbers begin anew in one":   {twoSections, "参考答案\n1.A 2.B", "key_ambiguous key_ambiguous key_ambiguous key_ambiguous"},
		"questions go on behind them": {threeSingles, "参考答案\n1.A 2.B 3.A\n\n5. 戊题（ ）\nA. 一\nB. 二\n答案：B", "1A 2B 3A 5B"},
		"a leap behind them":          {threeSingles, "参考答案\n1.A 2.B 3.A\n\n25. 像题目的一行（ ）\nA. 一\nB. 二", "1A 2B 3A"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lettersOf(t, test.questions+"\n"+test.keys+"\n", Options{}); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// threeJudged are judgements that do not say what they are judged as.
const threeJudged = "1. 禁毒人人有责\n2. 大麻不是毒品\n3. 吸毒违法\n"

// TestKeysWithoutHeading reads keys that stand before the questions, or behind them, with
// nothing that says so.
func TestKeysWithoutHeading(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{
		"on one line":            "1.A 2.B 3.A",
		"without gaps":           "1A2B3A",
		"one a line":             "1、A\n2、B\n3、A",
		"a range":                "1-3 ABA",
		"a range with gaps":      "1-3：A B A",
		"two rows":               "题号\t1\t2\t3\n答案\tA\tB\tA",
		"two rows, drawn":        "| 题号 | 1 | 2 | 3 |\n|---|---|---|---|\n| 答案 | A | B | A |",
		"two rows without names": "1 2 3\nA B A",
		"twice two rows":         "题号 1 2\n答案 A B\n题号 3\n答案 A",
		"two columns":            "题号\t答案\n1\tA\n2\tB\n3\tA",
		"below their type":       "一、单选题\n1-3 ABA",
		"behind their type":      "一、单选题：1-3 ABA",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for where, text := range map[string]string{
				"before": keys + "\n\n" + threeSingles, "right before": keys + "\n" + threeSingles, "below the title": "禁毒知识题库\n" + keys + "\n" + threeSingles,
				"behind": threeSingles + keys + "\n", "apart": threeSingles + "\n" + keys + "\n",
			} {
				if got := lettersOf(t, text, Options{}); got != "1A 2B 3A" {
					t.Errorf("%s the questions: %s", where, got)
				}
			}
		})
	}
	headed := "一、单选题\nKEYS-1\n1. 甲题（ ）\nA. 一\nB. 二\n2. 乙题（ ）\nA. 一\nB. 二\n二、判断题\nKEYS-2\n1. 丙题\n2. 丁题\n"
	for name, test := range map[string]struct{ text, want string }{
		"fewer than questions":          {"题号 1 2 3\n答案 A B\n" + threeSingles, "key_count key_count key_count"},
		"fewer than the range":          {"1-3 AB\n" + threeSingles, "key_count key_count key_count"},
		"against the stem":              {"1.A 2.B\n1. 甲题（B）\nA. 一\nB. 二\n2. 乙题（B）\nA. 一\nB. 二\n", "2B key_conflict"},
		"of judgements":                 {"1-3 √×√\n" + threeJudged, "1A 2B 3A"},
		"of judgements, a table":        {"题号\t1\t2\t3\n答案\t√\t×\t√\n" + threeJudged, "1A 2B 3A"},
		"of judgements, behind":         {threeJudged + "1.√ 2.× 3.√\n", "1A 2B 3A"},
		"labelled":                      {"答案：1-3 √×√\n" + threeJudged, "1A 2B 3A"},
		"labelled, without numbers":     {"答案：√×√\n" + threeJudged, "1A 2B 3A"},
		"labelled, letters":             {"参考答案\nABA\n" + threeSingles, "1A 2B 3A"},
		"labelled, one too few":         {"答案：AB\n" + threeSingles, "key_count key_count key_count"},
		"below each heading":            {strings.NewReplacer("KEYS-1", "1-2 BA", "KEYS-2", "1-2 ×√").Replace(headed), "1B 2A 1B 2A"},
		"below each heading, labelled":  {strings.NewReplacer("KEYS-1", "答案：BA", "KEYS-2", "答案：×√").Replace(headed), "1B 2A 1B 2A"},
		"headings at the head":          {"一、单选题：1-2 BA\n二、判断题：1-2 ×√\n" + twoSections, "1B 2A 1B 2A"},
		"headings behind":               {twoSections + "一、单选题\n1-2 BA\n二、判断题\n1-2 ×√\n", "1B 2A 1B 2A"},
		"headings, and no numbers":      {twoSections + "参考答案\n一、单选题\nBA\n二、判断题\n×√\n", "1B 2A 1B 2A"},
		"types in the headings of keys": {twoSections + "单选题答案\n1.B\n2.A\n判断题答案\n1.×\n2.√\n", "1B 2A 1B 2A"},
		"numbered words are no keys":    {"1. 甲题（ ）\nA. 一\nB. 二\n答案：A\n解析：见下\n1.A 2.B\n2. 乙题（ ）\nA. 一\nB. 二\n答案：B\n", "1A 2B"},
		"an empty table is none":        {"题号 1 2\n得分\n1. 甲题（A）\nA. 一\nB. 二\n", "1A"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lettersOf(t, test.text, Options{}); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestKeysAtTheHeadOfADocument reads a table of keys that opens a document.
func TestKeysAtTheHeadOfADocument(t *testing.T) {
	t.Parallel()
	body := table([]string{"题号", "1", "2", "3"}, []string{"答案", "A", "B", "A"}) + paragraphs(strings.TrimSpace(threeSingles))
	r, err := Read(t.Context(), docx(t, body, nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r)
	if r.Found() != 3 || len(r.Imported) != 3 || r.Imported[1].Letters() != "B" {
		t.Errorf("%+v", r)
	}
}

func TestChaptersApart(t *testing.T) {
	t.Parallel()
	chapter := func(n string) string {
		return "第" + n + "章\n" + strings.ReplaceAll(twoSections, "题（", "题"+n+"（")
	}
	chapter2 := strings.ReplaceAll(strings.ReplaceAll(chapter("二"), "丙题", "戊题"), "丁题", "己题")
	keys := "参考答案\n第一章\n一、单选题\n1-2 AB\n二、判断题\n1-2 √×\n第二章\n一、单选题\n1-2 BB\n二、判断题\n1-2 ×√\n"
	want := "1A 2B 1A 2B 1B 2B 1B 2A"
	if got := lettersOf(t, chapter("一")+chapter2+keys, Options{}); got != want {
		t.Errorf("keys at the end: got %s, want %s", got, want)
	}
	each := chapter("一") + "参考答案\n一、单选题\n1-2 AB\n二、判断题\n1-2 √×\n" + chapter2 + "参考答案\n一、单选题\n1-2 BB\n二、判断题\n1-2 ×√\n"
	if got := lettersOf(t, each, Options{}); got != want {
		t.Errorf("keys behind each chapter: got %s, want %s", got, want)
	}
}

func TestSecondFile(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ questions, answers, want string }{
		"one a line":          {threeSingles, "1. A\n2. B\n3. A\n", "1A 2B 3A"},
		"a range":             {threeSingles, "1-3: A B A", "1A 2B 3A"},
		"too few":             {threeSingles, "1-3: A B", "key_count key_count key_count"},
		"with headings":       {twoSections, "一、单选题\n1.B 2.A\n二、判断题\n1. 正确\n2. ✗\n", "1B 2A 1A 2B"},
		"against the stem":    {"1. 甲题（A）\nA. 一\nB. 二\n", "1.B", "key_conflict"},
		"nothing in it":       {threeSingles, "这里没有答案", "answers_none"},
		"answers in no order": {threeSingles, "3.A\n1.B\n2.A", "1B 2A 3A"},
	}
	forms := map[string]File{
		"a document": docx(t, table([]string{"题号", "1", "2", "3"}, []string{"答案", "A", "B", "A"}), nil),
		"a workbook": workbook(t, map[string][][]any{"答案": {{"题号", "答案"}, {1, "A"}, {2, "B"}, {3, "A"}}}, nil),
		"a table":    {Name: "答案.csv", Raw: []byte("题号,答案\n1,A\n2,B\n3,A\n")},
	}
	for name, f := range forms {
		if got := lettersOf(t, threeSingles, Options{Answers: &f}); got != "1A 2B 3A" {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lettersOf(t, test.questions, Options{Answers: &File{Name: "答案.txt", Raw: []byte(test.answers)}})
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestExplanations(t *testing.T) {
	t.Parallel()
	r, err := Read(t.Context(), File{Name: "a.txt", Raw: []byte(threeSingles + "\n参考答案\n1.A（见第2条） 解析：因为一\n2.【答案】B\n【解析】因为\n二。\n3.A\n\n答案解析\n3. 第三题的道理。\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range r.Imported {
		got = append(got, q.Explanation)
	}
	if diff := cmp.Diff([]string{"(见第2条) 因为一", "因为二。", "第三题的道理。"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"A": "A", "ＡＢ": "AB", "B A": "AB", "a,c": "AC", "A、C、D": "ACD", "A-D": "ABCD", "A至C": "ABC", "（B）": "B", "【D】": "D",
		"AA": "?", "AQ": "?", "AI用于辅助": "?", "AB法": "?", "bad": "?", "cab": "?", "D-A": "?",
		"对": "√", "正确": "√", "T": "√", "√": "√", "✗": "×", "错误。": "×", "False": "×", "全选": "*", "以上全选": "*", "": "", " ": "",
		"A. 甲": "A+甲", "C 丙丁": "C+丙丁", "AB（两项）": "AB+(两项)", "选B": "B", "B项": "B",
	}
	for text, want := range tests {
		k := parseKey(text)
		got := map[keyForm]string{keyNone: "", keyJudge: "×", keyAll: "*", keyText: "?"}[k.form]
		switch {
		case k.form == keyJudge && k.right:
			got = "√"
		case k.form == keyLetters:
			q := Question{Options: make([]string, 16), Key: k.set}
			got = q.Letters()
			if k.after != "" {
				got += "+" + k.after
			}
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", text, got, want)
		}
	}
}
