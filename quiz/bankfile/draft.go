package bankfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

// hint is what a heading, a type column or a tag says about the type of a question.
type hint int

const (
	hintNone   hint = iota
	hintChoice      // 选择题, 不定项: the key tells which
	hintSingle
	hintMultiple
	hintJudge
	hintBlank // 填空
	hintEssay // 简答 and its kin
	hintOther // 连线, 排序
)

// draft is a question as a reader has found it, before anything is decided.
type draft struct {
	question Question // all but kind, options of judge, and key
	hint     hint
	// hinted is the word that gave the hint, to be quoted.
	hinted string
	// keys are all places that name the answer. They must agree.
	keys []string
	// why refuses the question whatever else it says.
	why *doubt
}

// into decides what becomes of the draft, and puts it into the report.
func (d *draft) into(r *Report) {
	d.tidy()
	kind, why := d.decide()
	if why == nil {
		d.question.Kind = quiz.Kind(kind)
		r.Imported = append(r.Imported, d.question)
		return
	}
	refused := d.question.refusal(why)
	refused.Type = kind
	r.Refused = append(r.Refused, refused)
}

// tidy turns marked-up and odd characters into plain text.
func (d *draft) tidy() {
	q := &d.question
	texts := []*string{&q.Stem, &q.Explanation, &q.Basis, &q.Topic}
	for i := range q.Options {
		texts = append(texts, &q.Options[i])
	}
	for _, t := range texts {
		clean, notes := cleaned(*t)
		plain, more, why := plainText(clean, markupAuto)
		if why != nil {
			d.refuse(why.code, why.reason)
			plain = clean
		}
		*t = trimLines(plain)
		q.note(notes...)
		q.note(more...)
	}
}

// trimLines takes the spaces from both ends of every line, and single ones remain
// within.
func trimLines(s string) string {
	if !strings.Contains(s, "\n") {
		return spaced(s)
	}
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		if l = spaced(l); l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

func (q *Question) note(notes ...string) {
	for _, n := range notes {
		if !slices.Contains(q.Notes, n) {
			q.Notes = append(q.Notes, n)
		}
	}
}

// refuse keeps the first reason.
func (d *draft) refuse(code, reason string) {
	if d.why == nil {
		d.why = &doubt{code, reason}
	}
}

// decide returns the type of the question, and why it is refused where it is.
func (d *draft) decide() (string, *doubt) {
	k, why := d.oneKey()
	if len(d.question.Options) == 0 {
		return d.decideOpen(k, why)
	}
	if judge, done := d.decideJudge(k, why); done {
		return judge, firstDoubt(d.why, why)
	}
	kind := d.choiceType(k)
	if why = firstDoubt(d.why, why, d.subjective(k)); why != nil {
		return kind, why
	}
	if why = d.chosen(k); why != nil {
		return kind, why
	}
	return d.agreed()
}

func firstDoubt(list ...*doubt) *doubt {
	for _, d := range list {
		if d != nil {
			return d
		}
	}
	return nil
}

// oneKey reads every place that names the answer. All must say the same.
func (d *draft) oneKey() (key, *doubt) {
	var out key
	for _, s := range d.keys {
		k := d.circled(parseKey(s))
		switch {
		case k.form == keyNone:
		case out.form == keyNone:
			out = k
		case out.form == keyText && k.form != keyText:
			out = k
		case k.form == keyText:
		case d.meaning(k) != d.meaning(out):
			return out, &doubt{"key_conflict", "题目里写了两个不同的答案：“" + shortened(out.text, 20) + "”和“" + shortened(k.text, 20) + "”"}
		}
	}
	return out, nil
}

// meaning is the key in a form that can be compared.
func (d *draft) meaning(k key) string {
	switch {
	case k.form == keyAll:
		return fmt.Sprint(quiz.Choice(1<<len(d.question.Options) - 1))
	case k.judge && len(d.question.Options) == 0:
		return strconv.FormatBool(k.right)
	case k.form == keyJudge:
		if i := d.judgeOption(k.right); i >= 0 {
			return fmt.Sprint(quiz.Choice(0).With(i))
		}
		return strconv.FormatBool(k.right)
	}
	return fmt.Sprint(k.set)
}

// circled reads ①④ as the options whose text is ① and so on, or that stand there.
func (d *draft) circled(k key) key {
	if k.form != keyText || !keyCircle.MatchString(strings.TrimSpace(k.text)) {
		return k
	}
	for i, o := range d.question.Options {
		if alikeCircles(o) == alikeCircles(k.text) {
			k.form, k.set, k.last = keyLetters, quiz.Choice(0).With(i), i
		}
	}
	return k
}

func alikeCircles(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '①' && r <= '⑯' {
			return r
		}
		return -1
	}, s)
}

// judgeOption finds the option that says right, or wrong; -1 for none.
func (d *draft) judgeOption(right bool) int {
	for i, o := range d.question.Options {
		if says, ok := judgeWords[strings.ToLower(strings.TrimRight(alike(o), "!"))]; ok && says == right {
			return i
		}
	}
	return -1
}

// decideOpen decides about a question without options: a judge question, or one
// that wants words.
func (d *draft) decideOpen(k key, why *doubt) (string, *doubt) {
	why = firstDoubt(d.why, why)
	switch {
	case d.hint == hintJudge, d.hint == hintNone && k.judge && !hasGap(d.question.Stem):
		return d.judged(k, why)
	case d.hint == hintSingle, d.hint == hintMultiple, d.hint == hintChoice:
		kind := string(quiz.Single)
		if d.hint == hintMultiple {
			kind = string(quiz.Multiple)
		}
		return kind, firstDoubt(why, &doubt{"options_missing", "选择题没有选项"})
	case d.hint == hintOther:
		return TypeUnknown, firstDoubt(why, d.notOurs())
	case d.hint == hintBlank, d.hint == hintNone && fillIn(d.question.Stem, k):
		return TypeShortAnswer, firstDoubt(why, &doubt{"type_unsupported", "填空题不能自动评分，暂不导入"})
	default:
		return TypeEssay, firstDoubt(why, &doubt{"type_unsupported", "没有选项，按主观题处理，不能自动评分，暂不导入"})
	}
}

func (d *draft) notOurs() *doubt {
	return &doubt{"type_unsupported", "题型“" + d.hinted + "”不能自动评分，暂不导入"}
}

// judged decides about a judge question that brings no options.
func (d *draft) judged(k key, why *doubt) (string, *doubt) {
	kind := string(quiz.Judge)
	switch {
	case why != nil:
		return kind, why
	case k.judge:
		d.asJudge(k.right)
		return kind, nil
	case k.form == keyNone:
		return kind, &doubt{"key_missing", "没有找到答案"}
	case k.form == keyLetters:
		return kind, &doubt{"key_unclear", "判断题没有列出选项，答案“" + shortened(k.text, 20) + "”说不清是对还是错"}
	}
	return kind, &doubt{"key_unclear", "看不懂判断题的答案“" + shortened(k.text, 20) + "”"}
}

func (d *draft) asJudge(right bool) {
	d.question.Options = judgeTexts()
	d.question.Key = quiz.Choice(0).With(1)
	if right {
		d.question.Key = quiz.Choice(0).With(0)
	}
}

// decideJudge takes a question whose two options are 对 and 错 as a judge question,
// unless the file calls it a choice.
func (d *draft) decideJudge(k key, why *doubt) (string, bool) {
	if len(d.question.Options) != 2 || d.hint != hintNone && d.hint != hintJudge && d.hint != hintChoice || k.form == keyNone {
		return "", false
	}
	yes, no := d.judgeOption(true), d.judgeOption(false)
	if yes < 0 || no < 0 || d.hint != hintJudge && bareYes(d.question.Options) {
		return "", false
	}
	right, known := k.right, k.form == keyJudge
	if k.form == keyLetters {
		right, known = k.set.Has(yes), k.set == quiz.Choice(0).With(yes) || k.set == quiz.Choice(0).With(no)
	}
	if !known && why == nil {
		d.refuse("key_unclear", "看不懂判断题的答案“"+shortened(k.text, 20)+"”")
	}
	if d.why == nil && why == nil {
		if yes != 0 {
			d.question.note("判断题选项改为“正确、错误”的顺序，答案随之调整")
		}
		d.asJudge(right)
	}
	return string(quiz.Judge), true
}

// bareYes tells 是 and 否, which answer a question, from 对 and 错, which judge a
// statement.
func bareYes(options []string) bool {
	return slices.ContainsFunc(options, func(o string) bool {
		o = strings.ToLower(alike(o))
		return o == "是" || o == "否" || o == "yes" || o == "no" || o == "y" || o == "n"
	})
}

// choiceType is the type under which a question with options is counted.
func (d *draft) choiceType(k key) string {
	switch {
	case d.hint == hintOther:
		return TypeUnknown
	case d.hint == hintMultiple:
		return string(quiz.Multiple)
	case d.hint == hintSingle:
		return string(quiz.Single)
	case d.isSubjective(k):
		return TypeEssay
	case k.form == keyAll, k.form == keyLetters && k.set&(k.set-1) != 0:
		return string(quiz.Multiple)
	}
	return string(quiz.Single)
}

// isSubjective tells a question that wants words although letters stand in it: its
// answer is a text, and not that of an option.
func (d *draft) isSubjective(k key) bool {
	return (d.hint == hintNone || d.hint == hintEssay || d.hint == hintBlank) && k.form == keyText && d.named(k) < 0 && !allRight[bareKey(k.text)]
}

func (d *draft) subjective(k key) *doubt {
	if d.isSubjective(k) {
		return &doubt{"type_unsupported", "答案是一段文字，按主观题处理，不能自动评分，暂不导入"}
	}
	return nil
}

// allRight are answers that mean every option, where none of them says so itself.
var allRight = map[string]bool{"以上都对": true, "以上全对": true, "以上都是": true, "以上均正确": true, "以上都正确": true, "以上均对": true, "全对": true, "都对": true, "以上皆是": true}

// named finds the option whose text the answer repeats; -1 for none.
func (d *draft) named(k key) int {
	return slices.IndexFunc(d.question.Options, func(o string) bool { return alike(o) == alike(k.text) })
}

// chosen holds the answer against the options.
func (d *draft) chosen(k key) *doubt {
	n := len(d.question.Options)
	switch k.form {
	case keyNone:
		return &doubt{"key_missing", "没有找到答案"}
	case keyAll:
		d.question.Key = quiz.Choice(1<<n - 1)
	case keyLetters:
		return d.lettered(k)
	case keyJudge, keyText:
		i := d.named(k)
		if i < 0 && k.form == keyJudge && d.hint == hintJudge {
			i = d.judgeOption(k.right)
		}
		if i < 0 && allRight[bareKey(k.text)] && !slices.ContainsFunc(d.question.Options, pointsAtOthers) {
			d.question.Key = quiz.Choice(1<<n - 1)
			return nil
		}
		if i < 0 {
			return &doubt{"key_unclear", "看不懂答案“" + shortened(k.text, 30) + "”"}
		}
		d.question.Key = quiz.Choice(0).With(i)
		if k.form == keyText {
			d.question.note("答案按选项文字对应为 " + d.question.Letters())
		}
	}
	return nil
}

// lettered takes the letters of an answer, if there are such options and the words
// after them do not say otherwise.
func (d *draft) lettered(k key) *doubt {
	n := len(d.question.Options)
	if k.last >= n {
		return &doubt{"key_beyond", fmt.Sprintf("答案 %s 指向不存在的选项（只有 A–%c）", shortened(k.text, 20), 'A'+n-1)}
	}
	d.question.Key = k.set
	if k.after == "" {
		return nil
	}
	for i, o := range d.question.Options {
		if alike(o) == alike(k.after) && k.set != quiz.Choice(0).With(i) {
			return &doubt{"key_conflict", "答案的字母与文字不一致：“" + shortened(k.text, 30) + "”"}
		}
		if alike(o) == alike(k.after) {
			return nil
		}
	}
	d.question.Explanation = strings.TrimSpace(k.after + " " + d.question.Explanation)
	return nil
}

// agreed holds the type that the file gives against the number of right answers.
func (d *draft) agreed() (string, *doubt) {
	multiple := d.question.Key&(d.question.Key-1) != 0
	switch {
	case d.hint == hintSingle && multiple:
		return string(quiz.Single), &doubt{"kind_mismatch", "标为“" + d.hinted + "”，答案却有多个（" + d.question.Letters() + "）"}
	case d.hint == hintMultiple && !multiple:
		return string(quiz.Multiple), &doubt{"kind_mismatch", "标为“" + d.hinted + "”，答案却只有一个（" + d.question.Letters() + "）"}
	case d.hint == hintJudge && multiple:
		return string(quiz.Judge), &doubt{"kind_mismatch", "标为“" + d.hinted + "”，答案却有多个（" + d.question.Letters() + "）"}
	case d.hint == hintJudge:
		d.question.note("标为“" + d.hinted + "”，但选项不是对错，按单选题导入")
	case d.hint == hintOther:
		return TypeUnknown, d.notOurs()
	}
	if multiple {
		return string(quiz.Multiple), nil
	}
	return string(quiz.Single), nil
}
