package bankfile

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unicode"

	"qingyuan/quiz"
)

// MaxText bounds a stem, an option and an explanation, in bytes.
const MaxText = 16 << 10

// checked refuses the questions that break a rule of quizzes, whatever format they
// come from.
func checked(r Report) Report {
	kept := make([]Question, 0, len(r.Imported))
	for _, q := range r.Imported {
		if why := q.fault(); why != nil {
			r.Refused = append(r.Refused, q.refusal(why))
			continue
		}
		kept = append(kept, q)
	}
	r.Imported = kept
	return r
}

// refusal says why the question is not imported.
func (q *Question) refusal(why *doubt) Refusal {
	return Refusal{
		File: q.File, Sheet: q.Sheet, Line: q.Line, LineTo: max(q.Line, q.LineTo),
		Title: title(q.Stem), Type: string(q.Kind), Code: why.code, Reason: why.reason,
	}
}

// title is the beginning of a stem, for a list.
func title(stem string) string { return shortened(stem, 40) }

func tooLong() *doubt {
	return &doubt{"too_long", fmt.Sprintf("文字超过 %d KB，可能几道题连在了一起", MaxText>>10)}
}

// fault returns the first rule that the question breaks, or nil.
func (q *Question) fault() *doubt {
	if !strings.ContainsFunc(q.Stem, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSymbol(r) }) {
		return &doubt{"stem_missing", "没有题干"}
	}
	for _, s := range slices.Concat([]string{q.Stem, q.Explanation}, q.Options) {
		if len(s) > MaxText {
			return tooLong()
		}
	}
	if why := q.optionFault(); why != nil {
		return why
	}
	return q.keyFault()
}

func (q *Question) optionFault() *doubt {
	switch n := len(q.Options); {
	case n < 2:
		return &doubt{"options_missing", fmt.Sprintf("只有 %d 个选项，至少要 2 个", n)}
	case n > quiz.MaxOptions:
		return &doubt{"options_many", fmt.Sprintf("有 %d 个选项，最多 %d 个", n, quiz.MaxOptions)}
	}
	seen := map[string]int{}
	for i, o := range q.Options {
		norm := alike(o)
		if norm == "" { // marks alone
			norm = strings.TrimSpace(o)
		}
		if strings.TrimSpace(o) == "" {
			return &doubt{"option_empty", fmt.Sprintf("选项 %c 是空的", 'A'+i)}
		}
		if j, twice := seen[norm]; twice {
			return &doubt{"option_twice", fmt.Sprintf("选项 %c 与选项 %c 相同", 'A'+j, 'A'+i)}
		}
		seen[norm] = i
	}
	if q.Kind == quiz.Judge && !slices.Equal(q.Options, judgeTexts()) {
		return &doubt{"judge_options", "判断题的选项应为“正确”“错误”"}
	}
	return nil
}

// judgeTexts are the options of a judge question.
func judgeTexts() []string {
	var out []string
	for _, o := range quiz.JudgeOptions() {
		out = append(out, o.Text)
	}
	return out
}

func (q *Question) keyFault() *doubt {
	right := bits.OnesCount16(uint16(q.Key))
	switch {
	case right == 0:
		return &doubt{"key_missing", "没有答案"}
	case int(q.Key) >= 1<<len(q.Options):
		return &doubt{"key_beyond", fmt.Sprintf("答案指向不存在的选项（只有 A–%c）", 'A'+len(q.Options)-1)}
	case q.Kind == quiz.Multiple && right < 2:
		return &doubt{"kind_mismatch", "标为多选题，答案却只有一个"}
	case q.Kind != quiz.Multiple && right > 1:
		return &doubt{"kind_mismatch", "标为单选题，答案却有多个"}
	}
	switch q.Kind {
	case quiz.Single, quiz.Multiple, quiz.Judge:
		return nil
	default:
		return &doubt{"kind_unknown", "题型 " + string(q.Kind) + " 不支持"}
	}
}
