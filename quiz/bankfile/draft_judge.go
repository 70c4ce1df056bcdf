package bankfile

import (
	"regexp"
	"slices"
	"strings"

	"qingyuan/quiz"
)

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

// judgeOption finds the option that says right, or wrong; -1 for none.
func (d *draft) judgeOption(right bool) int {
	for i, o := range d.question.Options {
		if says, ok := judgeWords[strings.ToLower(strings.TrimRight(alike(o), "!"))]; ok && says == right {
			return i
		}
	}
	return -1
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

// bothJudgements are the two answers behind a statement, without letters.
var bothJudgements = regexp.MustCompile(`([（(][\s_＿]*[）)])\s*(?:对\s*[/、]?\s*错|正确\s*[/、]?\s*错误|√\s*[/、]?\s*×)\s*$`)

func (d *draft) asJudge(right bool) {
	d.question.Stem = bothJudgements.ReplaceAllString(d.question.Stem, "$1")
	d.question.Options = judgeTexts()
	d.question.Key = quiz.Choice(0).With(1)
	if right {
		d.question.Key = quiz.Choice(0).With(0)
	}
}
