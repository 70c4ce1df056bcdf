package bankfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

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

// allRight are answers that mean every option, where none of them says so itself.
var allRight = map[string]bool{"以上都对": true, "以上全对": true, "以上都是": true, "以上均正确": true, "以上都正确": true, "以上均对": true, "全对": true, "都对": true, "以上皆是": true}

// named finds the option whose text the answer repeats; -1 for none.
func (d *draft) named(k key) int {
	return slices.IndexFunc(d.question.Options, func(o string) bool { return alike(o) == alike(k.text) })
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
