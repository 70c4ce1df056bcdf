package bankfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// answersXML are the answers of a question, as share and text by turns.
func answersXML(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString(`<answer fraction="` + pairs[i] + `"><text>` + pairs[i+1] + `</text></answer>`)
	}
	return b.String()
}

func quizXML(questions ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<quiz>\n" + strings.Join(questions, "\n") + "\n</quiz>\n"
}

func choiceXML(single, stem string, pairs ...string) string {
	return `<question type="multichoice"><name><text>n</text></name><questiontext format="html"><text>` + stem +
		`</text></questiontext><single>` + single + `</single>` + answersXML(pairs...) + `</question>`
}

func judgeXML(stem string, pairs ...string) string {
	return `<question type="truefalse"><questiontext format="plain_text"><text>` + stem + `</text></questiontext>` + answersXML(pairs...) + `</question>`
}

func TestMoodle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		questions []string
		want      []string
	}{
		"single": {
			[]string{choiceXML("true", "&lt;p>国际禁毒日&lt;/p>", "100", "6月26日", "0", "6月27日", "-50", "6月1日")},
			[]string{"3-3 single A 国际禁毒日|6月26日|6月27日|6月1日"},
		},
		"multiple": {
			[]string{choiceXML("false", "<![CDATA[四禁<br>包括]]>", "33.33333", "禁种", "33.33333", "禁制", "33.33333", "禁贩", "-100", "禁烟")},
			[]string{`3-3 multiple ABC 四禁\n包括|禁种|禁制|禁贩|禁烟`},
		},
		"one of several": {
			[]string{choiceXML("0", "x", "100", "甲", "0", "乙")}, []string{"3-3 single A x|甲|乙"},
		},
		"grades": {
			[]string{
				choiceXML("true", "x", "100", "甲", "50", "乙"), choiceXML("true", "x", "50", "甲", "50", "乙"),
				choiceXML("false", "x", "33", "甲", "33", "乙"), choiceXML("false", "x", "0", "甲", "0", "乙"),
				choiceXML("false", "x", "", "甲", "100", "乙"), choiceXML("true", "x", "NaN", "甲", "100", "乙"),
				choiceXML("true", "x", "1e9", "甲", "100", "乙"),
			},
			[]string{
				"3-3 refused single weights", "4-4 refused single kind_mismatch", "5-5 refused multiple weights",
				"6-6 refused multiple key_missing", "7-7 refused multiple weights", "8-8 refused single weights", "9-9 refused single weights",
			},
		},
		"judge": {
			[]string{
				judgeXML("x &lt;b>", "100", "true", "0", "false"), judgeXML("y", "0", "true", "100", "false"),
				judgeXML("z", "100", "true", "100", "false"), judgeXML("z", "100", "true"), judgeXML("z", "100", "对", "0", "错"),
				judgeXML("z", "100", "true", "0", "true"),
			},
			[]string{
				"3-3 judge A x <b>|正确|错误", "4-4 judge B y|正确|错误", "5-5 refused judge weights",
				"6-6 refused judge judge_answers", "7-7 judge A z|正确|错误", "8-8 refused judge judge_answers",
			},
		},
		"types": {
			[]string{
				`<question type="essay"/>`, `<question type="matching"/>`, `<question type="cloze"/>`, `<question type="numerical"/>`,
				`<question type="shortanswer"/>`, `<question type="ordering"/>`, `<question type="description"/>`,
				`<question type="calculatedmulti"/>`, `<question type="ddwtos"/>`, `<question type="gapselect"/>`, `<question type="stack"/>`, `<question/>`, `<other/>`,
			},
			[]string{
				"3-3 refused essay type_unsupported", "4-4 refused matching type_unsupported", "5-5 refused cloze type_unsupported",
				"6-6 refused numeric type_unsupported", "7-7 refused short_answer type_unsupported", "8-8 refused ordering type_unsupported",
				"9-9 refused description type_unsupported", "10-10 refused calculated type_unsupported", "11-11 refused drag type_unsupported",
				"12-12 refused cloze type_unsupported", "13-13 refused unknown type_unsupported", "14-14 refused unknown type_unsupported",
				"15-15 refused unknown type_unsupported",
			},
		},
		"more than words": {
			[]string{
				choiceXML("true", "&lt;img src='x'>", "100", "甲", "0", "乙"), choiceXML("true", "x", "100", "甲", "0", `乙</text><file name="a.png">AA==</file><text>`),
				choiceXML("true", "x<b>未转义</b>", "100", "甲", "0", "乙"), choiceXML("true", "x</text><file>AA==</file><text>", "100", "甲", "0", "乙"),
			},
			[]string{"3-3 refused single markup", "4-4 refused single markup", "5-5 refused single markup", "6-6 refused single markup"},
		},
		"general checks": {
			[]string{choiceXML("true", "", "100", "甲", "0", "乙"), choiceXML("true", "x", "100", "甲"), choiceXML("true", "x", "100", "甲", "0", "")},
			[]string{"3-3 refused single stem_missing", "4-4 refused single options_missing", "5-5 refused single option_empty"},
		},
		"lines": {
			[]string{"<!-- 一 -->\n\n<question type=\"essay\">\n<name><text>\n论</text></name>\n</question> <question type=\"essay\"/>"},
			[]string{"5-8 refused essay type_unsupported", "8-8 refused essay type_unsupported"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := outlined(t, readMoodle, quizXML(tt.questions...))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestMoodleAround has category, number, explanation, feedback, hints and tags.
func TestMoodleAround(t *testing.T) {
	t.Parallel()
	_, r := outlined(t, readMoodle, quizXML(
		`<question type="category"><category><text>$course$/top/法律/总则</text></category></question>`,
		`<question type="multichoice"><name><text>名</text></name><questiontext><text>x</text></questiontext>
<generalfeedback format="html"><text>&lt;p>说明&lt;/p></text></generalfeedback><idnumber>law-1</idnumber><hidden>1</hidden>
<shuffleanswers>0</shuffleanswers><answernumbering>123</answernumbering><correctfeedback><text>真棒</text></correctfeedback>
<answer fraction="100"><text>甲</text><feedback><text>因为甲</text></feedback></answer><answer fraction="0"><text>乙</text></answer>
<hint><text>想一想</text></hint><tags><tag><text>法律依据：《禁毒法》</text></tag><tag><text>必考</text></tag></tags></question>`,
		`<question type="multichoice"><name><text>二</text></name><questiontext><text>y</text></questiontext>
<answer fraction="100"><text>甲</text><feedback><text>因为甲</text></feedback></answer>
<answer fraction="0"><text>乙</text><feedback format="html"><text>&lt;img src="@@PLUGINFILE@@/a.png"> 不对</text></feedback></answer></question>`,
	))
	want := []Question{
		{
			Number: "law-1", Topic: "法律/总则", Basis: "《禁毒法》", Explanation: "说明", Pinned: 3,
			Notes: []string{
				"第 1 个答案的反馈未导入：因为甲", "标签：必考", "选项不打乱顺序", "选项编号样式 123 不采用",
				"整题反馈未导入：真棒", "提示未导入：想一想", "在原系统中已隐藏",
			},
		},
		{
			Number: "二", Topic: "法律/总则", Explanation: "因为甲",
			Notes: []string{"正确答案的反馈作为解析", `第 2 个答案的反馈未导入：<img src="@@PLUGINFILE@@/a.png"> 不对`},
		},
	}
	for i := range r.Imported {
		q := &r.Imported[i]
		*q = Question{Number: q.Number, Topic: q.Topic, Basis: q.Basis, Explanation: q.Explanation, Pinned: q.Pinned, Notes: q.Notes}
	}
	if diff := cmp.Diff(want, r.Imported); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMoodleFiles has files that are refused as a whole.
func TestMoodleFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, code string }{
		"doctype":        {`<!DOCTYPE quiz [<!ENTITY a "b">]><quiz/>`, "xml_doctype"},
		"doctype inside": {`<quiz><question><!DOCTYPE x></question></quiz>`, "xml_doctype"},
		"entity":         {quizXML(judgeXML("&lol;", "100", "true", "0", "false")), "xml_invalid"},
		"cut":            {`<quiz><question type="essay">`, "xml_invalid"},
		"cut at root":    {`<quiz>`, "moodle_root"},
		"crossed":        {`<quiz><question><a></b></question></quiz>`, "xml_invalid"},
		"other root":     {`<html></html>`, "moodle_root"},
		"two roots":      {`<quiz></quiz><quiz></quiz>`, "moodle_root"},
		"nothing":        {`<?xml version="1.0"?>`, "moodle_root"},
		"text":           {`<quiz>题</quiz>`, "moodle_text"},
		"control":        {"<quiz>\x01</quiz>", "xml_invalid"},
		"deep":           {`<quiz>` + strings.Repeat("<a>", 1<<16), "xml_too_deep"},
		"wide":           {`<quiz><question>` + strings.Repeat("<a/>", 1<<16), "xml_too_deep"},
		"too many":       {`<quiz>` + strings.Repeat("<question/>", MaxQuestions+1) + `</quiz>`, "too_many"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readMoodle(t.Context(), File{Name: "x.xml", Raw: []byte(tt.text)}, Options{})
			if f, ok := errors.AsType[*FileError](err); !ok || f.Code != tt.code || f.Reason == "" {
				t.Errorf("%v, want %s", err, tt.code)
			}
		})
	}
}

// TestXMLEncodings believes the declaration where the bytes come back, and nothing
// else.
func TestXMLEncodings(t *testing.T) {
	t.Parallel()
	text := strings.Replace(quizXML(judgeXML("毒品有害", "100", "true", "0", "false")), "UTF-8", "GB18030", 1)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	western := strings.Replace(quizXML(judgeXML("caf\xe9 fermé", "100", "true", "0", "false")), "UTF-8", "ISO-8859-1", 1)
	western = strings.ReplaceAll(western, "é", "\xe9")
	tests := map[string]struct{ raw, stem, code string }{
		"declared":          {raw: gb, stem: "毒品有害"},
		"western":           {raw: western, stem: "café fermé"},
		"marked":            {raw: "\ufeff" + strings.Replace(text, "GB18030", "utf-8", 1), stem: "毒品有害"},
		"undeclared":        {raw: strings.Replace(gb, ` encoding="GB18030"`, "", 1), stem: "毒品有害"},
		"declared wrongly":  {raw: strings.Replace(gb, "GB18030", "UTF-8", 1), code: "encoding_unknown"},
		"unknown":           {raw: strings.Replace(gb, "GB18030", "x-mine", 1), code: "encoding_unknown"},
		"does not come":     {raw: strings.Replace(text, "GB18030", "windows-1252", 1), code: "encoding_lossy"},
		"marked otherwise":  {raw: "\ufeff" + text, code: "encoding_unknown"},
		"utf-16 in letters": {raw: strings.Replace(text, "GB18030", "UTF-16", 1), code: "encoding_unknown"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Read(t.Context(), File{Name: "x.xml", Raw: []byte(tt.raw)}, Options{})
			f, refused := errors.AsType[*FileError](err)
			switch {
			case tt.code != "" && (!refused || f.Code != tt.code):
				t.Errorf("%v, %+v, want %s", err, r, tt.code)
			case tt.code == "" && (err != nil || len(r.Imported) != 1 || r.Imported[0].Stem != tt.stem):
				t.Errorf("%v, %+v, want %s", err, r, tt.stem)
			}
		})
	}
}

func FuzzMoodle(f *testing.F) {
	f.Add(quizXML(choiceXML("true", "x", "100", "甲", "0", "乙")))
	f.Add(quizXML(judgeXML("x", "100", "true", "0", "false"), `<question type="category"><category><text>a</text></category></question>`))
	f.Add(`<!DOCTYPE a><quiz>`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readMoodle(t.Context(), File{Name: "x", Raw: []byte(text)}, Options{})
		if err != nil {
			if f, ok := errors.AsType[*FileError](err); !ok || f.Reason == "" {
				t.Errorf("an error without a reason: %v", err)
			}
			return
		}
		checkReport(t, checked(r))
	})
}
