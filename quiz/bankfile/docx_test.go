package bankfile

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docx makes a document of Word out of the XML of its body.
func docx(t testing.TB, body string, more map[string]string) File {
	t.Helper()
	parts := map[string]string{
		"[Content_Types].xml": `<Types/>`,
		"word/document.xml":   `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="w" xmlns:mc="mc" xmlns:wps="wps" xmlns:a="a"><w:body>` + body + `<w:sectPr/></w:body></w:document>`,
	}
	maps.Copy(parts, more)
	return File{Name: "题库.docx", Raw: zipped(t, parts)}
}

// paragraphs makes one paragraph of each line.
func paragraphs(text string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		b.WriteString(para("", l))
	}
	return b.String()
}

func para(properties, text string) string {
	text = strings.ReplaceAll(text, "\t", `</w:t><w:tab/><w:t>`)
	return `<w:p><w:pPr>` + properties + `</w:pPr><w:r><w:t xml:space="preserve">` + text + `</w:t></w:r></w:p>`
}

func item(list, level, text string) string {
	return para(`<w:numPr><w:ilvl w:val="`+level+`"/><w:numId w:val="`+list+`"/></w:numPr>`, text)
}

func table(rows ...[]string) string {
	var b strings.Builder
	b.WriteString(`<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/></w:tblGrid>`)
	for _, r := range rows {
		b.WriteString(`<w:tr>`)
		for _, c := range r {
			b.WriteString(`<w:tc><w:tcPr/>` + paragraphs(c) + `</w:tc>`)
		}
		b.WriteString(`</w:tr>`)
	}
	return b.String() + `</w:tbl>`
}

// lists defines list 1 (1.), list 2 (A.) and 3, which begins A. anew, list 4 (一、)
// and list 5, of two levels: 1. and A.
const lists = `<w:numbering xmlns:w="w">
<w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperLetter"/><w:lvlText w:val="%1."/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:lvlText w:val="%1、"/><w:suff w:val="nothing"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="3"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="upperLetter"/><w:lvlText w:val="%2."/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="1"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="2"/></w:num>
<w:num w:numId="5"><w:abstractNumId w:val="3"/></w:num>
</w:numbering>`

func TestDOCX(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		more map[string]string
		want []string
	}{
		"paragraphs": {
			paragraphs("一、单选题\n1. 社区戒毒期限（ ）\nA. 二年\tB. 三年\n答案：B\n2. 甲题（A）\nA. 一\nB. 二"), nil,
			[]string{"2-4 single B 社区戒毒期限（ ）|二年|三年", "5-7 single A 甲题（ ）|一|二"},
		},
		"numbers and letters of lists": {
			item("4", "0", "单选题") + item("1", "0", "甲题（ ）") + item("2", "0", "一") + item("2", "0", "二") + para("", "答案：B") +
				item("1", "0", "乙题（ ）") + item("3", "0", "三") + item("3", "0", "四") + para("", "答案：A") +
				item("4", "0", "判断题") + item("1", "0", "丙题。（√）"),
			map[string]string{"word/numbering.xml": lists},
			[]string{"2-5 single B 甲题（ ）|一|二", "6-9 single A 乙题（ ）|三|四", "11-11 judge A 丙题。|正确|错误"},
		},
		"lists of two levels, by a style": {
			para(`<w:pStyle w:val="Q"/>`, "甲题（ ）") + item("5", "1", "一") + item("5", "1", "二") + para("", "答案：B") +
				para(`<w:pStyle w:val="Q"/>`, "乙题（ ）") + item("5", "1", "三") + item("5", "1", "四") + para("", "答案：A"),
			map[string]string{
				"word/numbering.xml": lists,
				"word/styles.xml":    `<w:styles xmlns:w="w"><w:style w:styleId="P"><w:pPr><w:numPr><w:numId w:val="5"/></w:numPr></w:pPr></w:style><w:style w:styleId="Q"><w:basedOn w:val="P"/></w:style></w:styles>`,
			},
			[]string{"1-4 single B 甲题（ ）|一|二", "5-8 single A 乙题（ ）|三|四"},
		},
		"a table of questions, and text around it": {
			paragraphs("1. 甲题（ ）\nA. 一\nB. 二\n答案：A") +
				table([]string{"题型", "题干", "选项", "答案"}, []string{"单选题", "乙题", "A. 一\nB. 二", "B"}, []string{"判断题", "丙题", "", "×"}) +
				paragraphs("2. 丁题（ ）\nA. 一\nB. 二\n答案：B"),
			nil,
			[]string{"1-4 single A 甲题（ ）|一|二", "9-9 single B 乙题|一|二", "14-14 judge B 丙题|正确|错误", "18-21 single B 丁题（ ）|一|二"},
		},
		"keys in a table": {
			paragraphs("1. 甲题（ ）\nA. 一\nB. 二\n2. 乙题（ ）\nA. 一\nB. 二\n参考答案") + table([]string{"题号", "1", "2"}, []string{"答案", "A", "B"}),
			nil,
			[]string{"1-3 single A 甲题（ ）|一|二", "4-6 single B 乙题（ ）|一|二"},
		},
		"a table that lays text out": {
			table([]string{"1. 甲题（ ）\nA. 一\nB. 二\n答案：A"}, []string{"2. 乙题（ ）\nA. 一\nB. 二\n答案：B"}), nil,
			[]string{"1-4 single A 甲题（ ）|一|二", "5-8 single B 乙题（ ）|一|二"},
		},
		"line breaks, a field, a text box": {
			`<w:p><w:r><w:t>1. 甲题（ ）</w:t><w:br/><w:t>A. 一</w:t><w:cr/><w:t>B. 二</w:t></w:r>` +
				`<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>PAGE</w:instrText><w:fldChar w:fldCharType="separate"/><w:t>。</w:t><w:fldChar w:fldCharType="end"/></w:r>` +
				`<w:r><mc:AlternateContent><mc:Choice><wps:txbx><w:txbxContent><w:p><w:r><w:t>答案：B</w:t></w:r></w:p></w:txbxContent></wps:txbx></mc:Choice><mc:Fallback><w:t>答案：A</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>`,
			nil,
			[]string{"1-1 single B 甲题（ ）|一|二。"},
		},
		"tracked changes": {
			`<w:p><w:r><w:t>1. 甲题（</w:t></w:r><w:del><w:r><w:delText>A</w:delText><w:t>A</w:t></w:r></w:del><w:ins><w:r><w:t>B</w:t></w:r></w:ins><w:r><w:t>）</w:t></w:r></w:p>` + paragraphs("A. 一\nB. 二"),
			nil,
			[]string{"1-3 single B 甲题（ ）|一|二"},
		},
		"a key that is only coloured": {
			paragraphs("1. 甲题（ ）\nA. 一") + `<w:p><w:r><w:rPr><w:color w:val="FF0000"/></w:rPr><w:t>B. 二</w:t></w:r></w:p>` + paragraphs("2. 乙题（ ）\nA. 一\nB. 二"),
			nil,
			[]string{"1-3 refused single key_by_format", "4-6 refused single key_missing"},
		},
		"a check mark of a symbol font": {
			`<w:p><w:r><w:t>1. 举报毒品犯罪受保护（</w:t><w:sym w:font="Wingdings" w:char="F0FC"/><w:t>）</w:t></w:r></w:p>`, nil,
			[]string{"1-1 judge A 举报毒品犯罪受保护|正确|错误"},
		},
		"a picture": {
			`<w:p><w:r><w:t>1. 图中是什么（ ）</w:t><w:drawing><a:blip/></w:drawing></w:r></w:p>` + paragraphs("A. 一\nB. 二\n答案：A\n2. 乙题（ ）\nA. 一\nB. 二\n答案：A"), nil,
			[]string{"1-4 refused single picture", "5-8 single A 乙题（ ）|一|二"},
		},
		"nothing":                    {paragraphs("禁毒工作总结"), nil, []string{"file no_questions"}},
		"half XML":                   {`<w:p><w:r>`, nil, []string{"file damaged"}},
		"tables in tables in tables": {strings.Repeat(`<w:tbl><w:tr><w:tc>`, 40) + strings.Repeat(`</w:tc></w:tr></w:tbl>`, 40), nil, []string{"file too_deep"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, told(t, docx(t, test.body, test.more), Options{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDOCXWithAnswers(t *testing.T) {
	t.Parallel()
	got := told(t, docx(t, paragraphs("1. 甲题（ ）\nA. 一\nB. 二"), nil), Options{Answers: &File{Name: "答案.txt", Raw: []byte("1. B")}})
	if diff := cmp.Diff([]string{"1-3 single B 甲题（ ）|一|二"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"decimal": "1 2 10 11 21 105", "upperLetter": "A B J K U 105", "lowerLetter": "a b j k u 105", "chineseCounting": "一 二 十 十一 二十一 一百零五",
		"upperRoman": "I II X XI XXI CV", "decimalEnclosedCircle": "① ② ⑩ ⑪ 21 105", "decimalZero": "01 02 10 11 21 105",
	} {
		var got []string
		for _, n := range []int{1, 2, 10, 11, 21, 105} {
			got = append(got, counted(n, format))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s counts %s, want %s", format, strings.Join(got, " "), want)
		}
	}
}
