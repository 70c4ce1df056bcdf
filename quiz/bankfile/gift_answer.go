package bankfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

var giftCloze = regexp.MustCompile(`^\d*:[A-Za-z_]+:`)

// giftKind tells by its answers what kind of question it is, by the rules of
// Moodle and in their order.
func giftKind(answer giftText) string {
	switch {
	case answer.raw == "":
		return TypeEssay
	case answer.mask[0] == '#':
		return TypeNumeric
	case answer.mask[0] == '>':
		return TypeOrdering
	case giftCloze.MatchString(answer.mask):
		return TypeCloze
	case strings.Contains(answer.mask, "~"):
		return giftChoiceKind(answer)
	case strings.Contains(answer.mask, "=") && strings.Contains(answer.mask, "->"):
		return TypeMatching
	}
	if _, ok := giftTruth(answer); ok {
		return string(quiz.Judge)
	}
	if answer.mask[0] == '=' {
		return TypeShortAnswer
	}
	return TypeUnknown
}

// giftChoiceKind calls a question multiple where it has weights or several right
// answers, whether or not they make sense.
func giftChoiceKind(answer giftText) string {
	if giftAnyWeight.MatchString(answer.mask) || strings.Count(answer.mask, "=") > 1 {
		return string(quiz.Multiple)
	}
	return string(quiz.Single)
}

// giftTruth reads T, TRUE, F and FALSE.
func giftTruth(answer giftText) (truth, ok bool) {
	word, _, _ := answer.before("#")
	switch strings.ToUpper(strings.TrimSpace(word.raw)) {
	case "T", "TRUE":
		return true, true
	case "F", "FALSE":
		return false, true
	}
	return false, false
}

// typeReasons are why questions of these types are not imported.
var typeReasons = map[string]string{
	TypeShortAnswer: "简答（填空）题不能作为竞答题导入",
	TypeNumeric:     "数值题不能作为竞答题导入",
	TypeMatching:    "配对题不能作为竞答题导入",
	TypeOrdering:    "排序题不能作为竞答题导入",
	TypeCloze:       "完形填空题不能作为竞答题导入",
	TypeEssay:       "问答题不能作为竞答题导入",
	TypeDescription: "只有说明文字，没有答案",
	TypeCalculated:  "计算题不能作为竞答题导入",
	TypeDrag:        "拖放题不能作为竞答题导入",
}

// refusedGIFT returns why questions of a type are refused, nil where they are not.
func refusedGIFT(kind string) *doubt {
	if reason, ok := typeReasons[kind]; ok {
		return &doubt{"type_unsupported", reason}
	}
	if kind == TypeUnknown {
		return &doubt{"gift_answer", "看不懂答案块的写法"}
	}
	return nil
}

// judge reads the answer of a statement: the word, the feedback for a wrong answer,
// that for a right one.
func (q *giftQuestion) judge(out *Question) {
	truth, _ := giftTruth(q.answer)
	out.Kind, out.Options = quiz.Judge, judgeTexts()
	out.Key = judgeKey(truth)
	_, feedback, _ := q.answer.before("#")
	wrong, right, _ := feedback.before("#")
	q.feedback("答错", wrong)
	if !q.asExplanation(out, right) {
		q.feedback("答对", right)
	}
}

func judgeKey(truth bool) quiz.Choice {
	if truth {
		return quiz.Choice(0).With(0)
	}
	return quiz.Choice(0).With(1)
}

var (
	giftWeight    = regexp.MustCompile(`^\s*%(-?[0-9]{1,3}(?:\.[0-9]{0,10})?)%`)
	giftAnyWeight = regexp.MustCompile(`[~=]\s*%-?[0-9.]+%`)
)

// giftOption is one option with its feedback.
type giftOption struct {
	weighted

	feedback giftText
}

// choice reads the options and decides which are right.
func (q *giftQuestion) choice(out *Question) *doubt {
	options, why := q.options()
	if why != nil {
		return why
	}
	shares := make([]weighted, len(options))
	for i, o := range options {
		out.Options = append(out.Options, o.text)
		shares[i] = o.weighted
	}
	kind, key, notes, why := keyOf(shares)
	if why != nil {
		return why
	}
	out.Kind, out.Key = kind, key
	q.note(notes...)
	if kind == quiz.Single && !strings.Contains(q.answer.mask, "=") {
		q.note(noteOneKey)
	}
	for i, o := range options {
		if kind == quiz.Single && key.Has(i) && q.asExplanation(out, o.feedback) {
			continue
		}
		q.feedback(fmt.Sprintf("选项 %c ", 'A'+i), o.feedback)
	}
	return nil
}

func (q *giftQuestion) options() ([]giftOption, *doubt) {
	at := strings.IndexAny(q.answer.mask, "~=")
	if strings.TrimSpace(q.answer.raw[:at]) != "" {
		return nil, &doubt{"gift_answer", "第一个选项前面有多余的文字"}
	}
	var out []giftOption
	for at < len(q.answer.raw) {
		next := strings.IndexAny(q.answer.mask[at+1:], "~=")
		if next < 0 {
			next = len(q.answer.raw) - at - 1
		}
		o, why := q.option(q.answer.mask[at] == '=', q.answer.cut(at+1, at+1+next))
		if why != nil {
			return nil, why
		}
		out = append(out, o)
		if at += 1 + next; len(out) > quiz.MaxOptions {
			return nil, &doubt{"options_many", fmt.Sprintf("选项超过 %d 个", quiz.MaxOptions)}
		}
	}
	return out, nil
}

func (q *giftQuestion) option(right bool, t giftText) (giftOption, *doubt) {
	var o giftOption
	if right {
		o.share = 100
	}
	if m := giftWeight.FindStringSubmatchIndex(t.mask); m != nil {
		share, err := strconv.ParseFloat(t.mask[m[2]:m[3]], 64)
		if err != nil || share < -100 || share > 100 {
			return o, &doubt{"weights", "选项权重 " + t.mask[m[2]:m[3]] + " 不在 -100 到 100 之间"}
		}
		o.share, t = share, t.cut(m[1], len(t.raw))
	}
	text, feedback, _ := t.before("#")
	o.feedback = feedback
	m, text := giftMarkup(text.trim(), q.markup)
	var notes []string
	var why *doubt
	o.text, notes, why = plainText(strings.TrimSpace(unescapeGIFT(text.raw)), m)
	q.note(notes...)
	return o, why
}

// explain makes the general feedback the explanation.
func (q *giftQuestion) explain(out *Question) {
	text, ok := q.feedbackText(q.general)
	switch {
	case text == "":
	case !ok:
		q.note("解析含图片等，未导入：" + text)
	default:
		out.Explanation = text
	}
}

// asExplanation makes the feedback of the right answer the explanation where the
// question has no feedback of its own, and tells whether it did.
func (q *giftQuestion) asExplanation(out *Question, feedback giftText) bool {
	text, ok := q.feedbackText(feedback)
	if general, _ := q.feedbackText(q.general); !ok || text == "" || general != "" {
		return false
	}
	out.Explanation = text
	q.note("正确答案的反馈作为解析")
	return true
}

// feedback notes a feedback that is not imported.
func (q *giftQuestion) feedback(of string, feedback giftText) {
	if text, _ := q.feedbackText(feedback); text != "" {
		q.note(of + "的反馈未导入：" + text)
	}
}

// feedbackText returns what a feedback says; not ok means that it is cut short
// because it holds more than words.
func (q *giftQuestion) feedbackText(t giftText) (text string, ok bool) {
	m, t := giftMarkup(t.trim(), q.markup)
	said := strings.TrimSpace(unescapeGIFT(t.raw))
	text, _, why := plainText(said, m)
	if why != nil {
		return shortened(said, 2*titleLength), false
	}
	return text, true
}
