package bankfile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outline tells in one line each what became of the questions, in their order.
func outline(r Report) []string {
	type line struct {
		at   int
		text string
	}
	var lines []line
	for _, q := range r.Imported {
		text := fmt.Sprintf("%d-%d %s %s %s|%s", q.Line, q.LineTo, q.Kind, q.Letters(), q.Stem, strings.Join(q.Options, "|"))
		lines = append(lines, line{q.Line, strings.ReplaceAll(text, "\n", `\n`)})
	}
	for _, f := range r.Refused {
		lines = append(lines, line{f.Line, fmt.Sprintf("%d-%d refused %s %s", f.Line, f.LineTo, f.Type, f.Code)})
	}
	for i := range lines {
		for j := i; j > 0 && lines[j].at < lines[j-1].at; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
	var out []string
	for _, l := range lines {
		out = append(out, l.text)
	}
	return out
}

// outlined reads a text with one reader and the checks that all formats have.
func outlined(t *testing.T, read reader, text string) ([]string, Report) {
	t.Helper()
	r, err := read(t.Context(), File{Name: "x", Raw: []byte(text)}, Options{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	r = checked(r)
	return outline(r), r
}

func TestGIFT(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"single": {
			"《禁毒法》何时施行？{~2007年12月29日 =2008年6月1日 ~2015年1月1日}",
			[]string{"1-1 single B 《禁毒法》何时施行？|2007年12月29日|2008年6月1日|2015年1月1日"},
		},
		"missing word": {
			"国际禁毒日是每年的 {=6月26日 ~6月27日} 。",
			[]string{"1-1 single A 国际禁毒日是每年的 _____ 。|6月26日|6月27日"},
		},
		"judge": {
			"冰毒即甲基苯丙胺。{T}\n\n大麻不是毒品。{FALSE}\n\n止咳水不会成瘾。{false}.\n\nx {True#错了#对了}",
			[]string{
				"1-1 judge A 冰毒即甲基苯丙胺。|正确|错误", "3-3 judge B 大麻不是毒品。|正确|错误",
				"5-5 judge B 止咳水不会成瘾。.|正确|错误", "7-7 judge A x|正确|错误",
			},
		},
		"multiple": {
			"四禁包括？{\n~%33.33333%禁种\n~%33.33333%禁制\n~%33.33333%禁贩\n~%-50%禁烟\n}",
			[]string{"1-6 multiple ABC 四禁包括？|禁种|禁制|禁贩|禁烟"},
		},
		"one of several": {
			"x{~%100%甲 ~%0%乙}", []string{"1-1 single A x|甲|乙"},
		},
		"weights": {
			"x{~%50%甲 ~%40%乙 ~丙}\n\nx{=甲 ~%50%乙}\n\nx{=甲 =乙 ~丙}\n\nx{~甲 ~乙}\n\nx{=%50%甲 =%50%乙 ~丙}\n\nx{~%900%甲 ~乙}",
			[]string{
				"1-1 refused multiple weights", "3-3 refused multiple weights", "5-5 refused multiple weights",
				"7-7 refused single key_missing", "9-9 multiple AB x|甲|乙|丙", "11-11 refused multiple weights",
			},
		},
		"types": {
			"a{}\n\nb{=四 =4}\n\nc{#4}\n\nd{=甲 -> 1 =乙 -> 2}\n\ne{>3 一 二}\n\nf\n\ng{1:MULTICHOICE:=甲~乙}\n\nh{为什么}\n\ni{多余=甲~乙}",
			[]string{
				"1-1 refused essay type_unsupported", "3-3 refused short_answer type_unsupported", "5-5 refused numeric type_unsupported",
				"7-7 refused matching type_unsupported", "9-9 refused ordering type_unsupported",
				"11-11 refused description type_unsupported", "13-13 refused cloze type_unsupported", "15-15 refused unknown gift_answer",
				"17-17 refused single gift_answer",
			},
		},
		"escapes": {
			`a \{b\} \= \~ \# \: \\ \n c \q{=\=1 ~\%2}`,
			[]string{`1-1 single A a {b} = ~ # : \ \n c \q|=1|\%2`},
		},
		"comments between": {
			"// 头\n题干一\n// 中\n题干二{\n// 内\n=甲\n  // 又\n~乙\n}\n//尾",
			[]string{`2-9 single A 题干一\n题干二|甲|乙`},
		},
		"blank inside": {
			"x{\n=甲\n\n~乙\n}\n\ny{=丙 ~丁}",
			[]string{"1-5 single A x|甲|乙", "7-7 single A y|丙|丁"},
		},
		"never closed": {
			"x{\n=甲\n~乙\n\ny{=丙 ~丁}\n\n}z",
			[]string{"1-3 refused unknown gift_braces", "5-5 single A y|丙|丁", "7-7 refused unknown gift_braces"},
		},
		"no blank between": {
			"x{=甲 ~乙}\ny{=丙 ~丁}\n::三::z{T}",
			[]string{"1-1 single A x|甲|乙", "2-2 single A y|丙|丁", "3-3 judge A z|正确|错误"},
		},
		"two blanks in one": {
			"x{=甲 ~乙}和{=丙 ~丁}", []string{"1-1 refused unknown gift_braces"},
		},
		"nested": {"x{=甲{a} ~乙}", []string{"1-1 refused unknown gift_braces"}},
		"title":  {"::题::x{T}\n\n::无尾 x{T}", []string{"1-1 judge A x|正确|错误", "3-3 refused unknown gift_title"}},
		"html": {
			"[html]<p>毒品&nbsp;<b>有害</b></p><p>吗？</p>{=<i>有</i> ~[plain]<b>没有 ~CO<sub>2</sub>}",
			[]string{`1-1 single A 毒品 有害\n吗？|有|<b>没有|CO₂`},
		},
		"not plain": {
			"[html]看图<img src\\=\"a.png\">{T}\n\n[html]<table><tr><td>1</td></tr></table>{T}\n\n[markdown]![图](a.png){T}\n\n[html]x<sup>甲</sup>{T}\n\n[html]<a href\\=\"@@PLUGINFILE@@/a.mp3\">听</a>{T}\n\n[html]半个<b{T}",
			[]string{
				"1-1 refused judge markup", "3-3 refused judge markup", "5-5 refused judge markup", "7-7 refused judge markup",
				"9-9 refused judge markup", "11-11 refused judge markup",
			},
		},
		"angles in plain text": {
			"年龄<18岁且a>b{=x<y ~<p>段</p>}", []string{"1-1 single A 年龄<18岁且a>b|x<y|段"},
		},
		"markdown": {
			"[markdown]# 题\n**毒品**有`哪些`____？{=[海洛因](https://x.test) ~*茶*}",
			[]string{`1-2 single A 题\n毒品有哪些____？|海洛因|茶`},
		},
		"general checks": {
			"x{=甲 ~甲}\n\ny{=甲}\n\n{T}\n\nz{=甲 ~ }",
			[]string{"1-1 refused single option_twice", "3-3 refused short_answer type_unsupported", "5-5 refused judge stem_missing", "7-7 refused single option_empty"},
		},
		"windows lines": {"\ufeffx{\r\n=甲\r\n~乙\r\n}\r\n\r\ny{T}\r\n", []string{"1-4 single A x|甲|乙", "6-6 judge A y|正确|错误"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := outlined(t, readGIFT, tt.text)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestGIFTAround has what stands around a question: category, comments, feedback.
func TestGIFTAround(t *testing.T) {
	t.Parallel()
	_, r := outlined(t, readGIFT, strings.Join([]string{
		"$CATEGORY: $course$/top/法律\\: 总则",
		"// [id:law-1] [tag:必考]",
		"// 法律依据：《禁毒法》第二条",
		"// 难度：中",
		"// 有效期起：2008-06-01",
		"x{=甲#因为甲 ~乙#不是乙",
		"####说明}",
		"",
		"::二::y{=甲#因为甲 ~乙 }",
		"",
		"z{F#错#对}",
		"$CATEGORY: top",
		"u{=%100%甲 ~%-25%乙}",
	}, "\n"))
	want := []Question{
		{
			Number: "law-1", Topic: "法律: 总则", Basis: "《禁毒法》第二条", Difficulty: 2, ValidFrom: "2008-06-01", Explanation: "说明",
			Notes: []string{"标签：必考", "选项 A 的反馈未导入：因为甲", "选项 B 的反馈未导入：不是乙"},
		},
		{Number: "二", Topic: "法律: 总则", Explanation: "因为甲", Notes: []string{"正确答案的反馈作为解析"}},
		{Topic: "法律: 总则", Explanation: "对", Notes: []string{"答错的反馈未导入：错", "正确答案的反馈作为解析"}},
		{Notes: []string{"错选扣分的权重不采用"}},
	}
	for i := range r.Imported {
		q := &r.Imported[i]
		*q = Question{
			Number: q.Number, Topic: q.Topic, Basis: q.Basis, Difficulty: q.Difficulty, ValidFrom: q.ValidFrom,
			Explanation: q.Explanation, Notes: q.Notes,
		}
	}
	if diff := cmp.Diff(want, r.Imported); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGIFTBounds has files that are no use to anybody, and wants an answer in time.
func TestGIFTBounds(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"open braces":  strings.Repeat("{", 1<<20),
		"close braces": strings.Repeat("}", 1<<20),
		"tildes":       "x{" + strings.Repeat("~", 1<<20) + "}",
		"equals":       "x{=" + strings.Repeat("=", 1<<20) + "}",
		"backslashes":  strings.Repeat(`\`, 1<<20) + "{T}",
		"colons":       strings.Repeat(":", 1<<20),
		"feedback":     "x{T" + strings.Repeat("#", 1<<20) + "}",
		"blank lines":  "x{" + strings.Repeat("\n", 1<<20),
		"open lines":   strings.Repeat("x{\n\n", 1<<16),
		"comments":     strings.Repeat("//\n", 1<<19),
		"labels":       strings.Repeat("// 难度：易\n", 1<<16) + "x{T}",
		"pairs":        strings.Repeat("{}\n", 1<<16),
		"tags":         "[html]" + strings.Repeat("<b>", 1<<18) + "{T}",
		"lists":        "[html]" + strings.Repeat("<ol><li>", 1<<17) + "{T}",
		"angles":       strings.Repeat("<", 1<<20) + "{T}",
		"entities":     "[html]" + strings.Repeat("&lt;", 1<<18) + "{T}",
		"stars":        "[markdown]" + strings.Repeat("*", 1<<18) + "{T}",
		"brackets":     "[markdown]" + strings.Repeat("[", 1<<18) + "{T}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r, err := readGIFT(t.Context(), File{Name: name, Raw: []byte(text)}, Options{}); err == nil {
				checkReport(t, checked(r))
			}
		})
	}
	many := strings.Repeat("x{T}\n\n", MaxQuestions+1)
	_, err := readGIFT(t.Context(), File{Raw: []byte(many)}, Options{})
	if f, ok := errors.AsType[*FileError](err); !ok || f.Code != "too_many" {
		t.Errorf("too many questions: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readGIFT(ended, File{Raw: []byte("x{T}")}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// checkReport holds what is true of every report: keys are among the options, and
// refusals have a place, a type and a reason.
func checkReport(t *testing.T, r Report) {
	t.Helper()
	sum := 0
	for _, n := range r.ByType() {
		sum += n
	}
	if sum != r.Found() {
		t.Errorf("%d by type, %d found", sum, r.Found())
	}
	for _, q := range r.Imported {
		if why := q.fault(); why != nil {
			t.Errorf("an imported question has a fault: %s: %+v", why.code, q)
		}
		if int(q.Pinned) >= 1<<len(q.Options) || q.Line < 1 || q.LineTo < q.Line {
			t.Errorf("an imported question pins what is not there, or has no place: %+v", q)
		}
	}
	for _, f := range r.Refused {
		if f.Line < 1 || f.LineTo < f.Line || f.Type == "" || f.Code == "" || f.Reason == "" {
			t.Errorf("a refusal lacks something: %+v", f)
		}
	}
}

func FuzzGIFT(f *testing.F) {
	for _, text := range []string{
		"x{=甲 ~乙}", "::a::[html]<p>x</p>{~%50%a ~%50%b ~%-100%c####d}", "x{T#a#b}\ny{#4}", `\{\}{}`, "$CATEGORY: a\n// [id:1]\nx{\n\n=a~b}",
		"[markdown]**a**{=<b>b</b>~c}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readGIFT(t.Context(), File{Name: "x", Raw: []byte(text)}, Options{})
		if err != nil {
			return
		}
		checkReport(t, checked(r))
	})
}
