package bankfile

import (
	"slices"
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
