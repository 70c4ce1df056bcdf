package bankbook

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// Bounds of what a question may hold, in characters.
const (
	maxText  = 4000
	maxWord  = 64
	maxMedia = 4
)

var audienceForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Missing returns what a question lacks before it may be reviewed, field by field;
// nil where it is complete. Reasons are Chinese.
func Missing(q quiz.Question) []fault.Field {
	var out []fault.Field
	need := func(ok bool, name, reason string) {
		if !ok {
			out = append(out, fault.Field{Name: name, Reason: reason})
		}
	}
	need(q.Explanation != "", "explanation", "请填写解析")
	need(q.Basis != "", "basis", "请填写法律依据或出处")
	need(q.Topic != "", "topic", "请填写知识点")
	need(q.Difficulty >= 1 && q.Difficulty <= 3, "difficulty", "请选择难度：1 易、2 中、3 难")
	need(len(q.Audience) > 0, "audience", "请选择适用对象")
	need(q.ValidFrom != "", "valid_from", "请填写有效期起，如 2026-01-01")
	out = append(out, Faults(q)...)
	if len(out) == 0 {
		for _, err := range q.Check() { // what is complete must be right as well
			need(false, "", err.Error())
		}
	}
	return out
}

// Faults returns what is wrong with a question, complete or not: a draft may lack
// something, and must not hold what makes no sense. Reasons are Chinese.
func Faults(q quiz.Question) []fault.Field {
	var out []fault.Field
	bad := func(name, reason string) { out = append(out, fault.Field{Name: name, Reason: reason}) }
	texts := [][2]string{{"stem", q.Stem}, {"explanation", q.Explanation}, {"basis", q.Basis}}
	for i, o := range q.Options {
		texts = append(texts, [2]string{fmt.Sprintf("options.%d", i), o.Text})
	}
	for _, t := range texts {
		if utf8.RuneCountInString(t[1]) > maxText || badText(t[1]) {
			bad(t[0], fmt.Sprintf("至多 %d 字，前后没有空格，不含控制字符", maxText))
		}
	}
	for _, t := range [][2]string{{"topic", q.Topic}, {"fact", q.Fact}} {
		if utf8.RuneCountInString(t[1]) > maxWord || badText(t[1]) || strings.Contains(t[1], "\n") {
			bad(t[0], fmt.Sprintf("至多 %d 字，不换行", maxWord))
		}
	}
	if q.Stem == "" {
		bad("stem", "请填写题干")
	}
	if q.Difficulty < 0 || q.Difficulty > 3 {
		bad("difficulty", "难度为 1 易、2 中、3 难")
	}
	for _, a := range q.Audience {
		if !audienceForm.MatchString(a) {
			bad("audience", "适用对象由小写字母、数字和下划线组成")
			break
		}
	}
	out = append(out, dateFaults(q)...)
	out = append(out, optionFaults(q)...)
	return append(out, mediaFaults(q)...)
}

func badText(s string) bool {
	return s != strings.TrimSpace(s) || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return r != '\n' && r != '\t' && unicode.IsControl(r) || r == utf8.RuneError
	})
}

func dateFaults(q quiz.Question) []fault.Field {
	var out []fault.Field
	for _, d := range [][2]string{{"valid_from", q.ValidFrom}, {"valid_to", q.ValidTo}} {
		if _, err := time.Parse(time.DateOnly, d[1]); d[1] != "" && err != nil {
			out = append(out, fault.Field{Name: d[0], Reason: "应为日期，如 2026-01-01"})
		}
	}
	if len(out) == 0 && q.ValidTo != "" && q.ValidTo < q.ValidFrom {
		out = append(out, fault.Field{Name: "valid_to", Reason: "有效期止早于有效期起"})
	}
	return out
}

func optionFaults(q quiz.Question) []fault.Field {
	one := func(name, reason string) []fault.Field { return []fault.Field{{Name: name, Reason: reason}} }
	right := 0
	for i := range quiz.MaxOptions {
		if q.Key.Has(i) {
			right++
			if i >= len(q.Options) {
				return one("key", fmt.Sprintf("答案 %c 没有对应的选项", 'A'+i))
			}
		}
	}
	seen := map[string]bool{}
	for i, o := range q.Options {
		if o.Text == "" || seen[o.Text] {
			return one(fmt.Sprintf("options.%d", i), "选项不能为空，也不能相同")
		}
		seen[o.Text] = true
	}
	switch n := len(q.Options); {
	case n < 2 || n > quiz.MaxOptions:
		return one("options", fmt.Sprintf("选项应有 2 至 %d 个", quiz.MaxOptions))
	case q.Kind == quiz.Judge && (q.Options[0].Text != "正确" || q.Options[1].Text != "错误" || n != 2):
		return one("options", "判断题的选项为“正确”和“错误”")
	case (q.Kind == quiz.Single || q.Kind == quiz.Judge) && right != 1:
		return one("key", "单选题和判断题有且只有一个答案")
	case q.Kind == quiz.Multiple && right < 2:
		return one("key", "多选题至少有两个答案")
	case q.Kind != quiz.Single && q.Kind != quiz.Judge && q.Kind != quiz.Multiple:
		return one("kind", "题型为 single、multiple 或 judge")
	}
	return nil
}

func mediaFaults(q quiz.Question) []fault.Field {
	if len(q.Media) > maxMedia {
		return []fault.Field{{Name: "media", Reason: fmt.Sprintf("配图至多 %d 张", maxMedia)}}
	}
	for i, m := range q.Media {
		own := strings.HasPrefix(m.URL, "/") && !strings.HasPrefix(m.URL, "//")
		if !own && !strings.HasPrefix(m.URL, "https://") || m.Alt == "" || badText(m.Alt) || badText(m.URL) || len(m.URL) > maxText {
			return []fault.Field{{Name: fmt.Sprintf("media.%d", i), Reason: "配图须有 https 地址或本站路径，以及文字说明"}}
		}
	}
	return nil
}
