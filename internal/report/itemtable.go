package report

import (
	"fmt"
	"strings"

	"qingyuan/internal/sheet"
	"qingyuan/quiz"
)

// WriteItems writes the statistics of all questions, of topics by group, and what
// looks like a leak.
func WriteItems(w sheet.Writer, s *Items, group func(id string) string) error {
	if err := writeQuestions(w, s); err != nil {
		return err
	}
	if err := writeTopics(w, s, group); err != nil {
		return err
	}
	if err := writeLeaks(w, s); err != nil {
		return err
	}
	return w.Note(
		"答对率：答案与标准答案完全一致的比例；有争议裁定的题目按裁定计算，不计分的题目没有答对率，也不计入知识掌握情况。区分度：该题答对与否同试卷其余部分得分的相关系数，接近零或为负时请核对标准答案。",
		"每题用时：含该题的答卷按题数平均的用时（中位数），系统不记录单题停留时间。",
		"泄题提示：某一小时起答对率明显上升而用时下降，仅供核查，不自动处理。",
	)
}

func writeQuestions(w sheet.Writer, s *Items) error {
	columns := []sheet.Column{
		{Title: "题目编号"},
		{Title: "题型"},
		{Title: "知识点"},
		{Title: "题干", Width: 60},
		{Title: "答案"},
		{Title: "出现次数"},
		{Title: "答对次数"},
		{Title: "答对率"},
		{Title: "未答次数"},
		{Title: "区分度"},
		{Title: "每题用时（秒）"},
		{Title: "各选项选择率", Width: 60},
		{Title: "法律依据", Width: 30},
		{Title: "争议裁定"},
	}
	if err := w.Table("题目统计", columns...); err != nil {
		return err
	}
	for _, i := range s.All() {
		q := i.Question
		row := []any{
			q.ID, kinds[q.Kind], q.Topic, q.Stem, letters(q), i.Shown, i.Right,
			sheet.Rate{Part: i.Right, Whole: i.Counted()},
			i.Blank,
			nil, nil, i.shares(), q.Basis, i.ruled(),
		}
		const discrimination, pace = 9, 10
		if d, ok := i.Discrimination(); ok {
			row[discrimination] = round(d, 3)
		}
		if p, ok := i.Pace(); ok {
			row[pace] = round(p.Seconds(), 1)
		}
		if err := w.Row(row...); err != nil {
			return err
		}
	}
	return nil
}

// ruled says what was decided of the question, "" where it was not contested.
func (i *Item) ruled() string {
	if i.Ruling == nil {
		return ""
	}
	switch i.Ruling.Rule {
	case quiz.GiveAll:
		return "全部给分"
	case quiz.AcceptBoth:
		fixed := *i.Question
		fixed.Key = i.Ruling.Key
		return letters(&fixed) + " 也算对"
	case quiz.Drop:
		return "不计分"
	}
	return ""
}

// shares tells which part of those who saw the question took each option.
func (i *Item) shares() string {
	var b strings.Builder
	for o := range i.Question.Options {
		fmt.Fprintf(&b, "%c %.1f%%  ", 'A'+o, 100*float64(i.Chosen[o])/float64(i.Shown))
	}
	return strings.TrimRight(b.String(), " ")
}

//nolint:gochecknoglobals // A constant in everything but the language.
var kinds = map[quiz.Kind]string{quiz.Single: "单选题", quiz.Multiple: "多选题", quiz.Judge: "判断题"}

// letters spells a key as offices do.
func letters(q *quiz.Question) string {
	if q.Kind == quiz.Judge {
		if q.Key.Has(0) {
			return "正确"
		}
		return "错误"
	}
	var out []byte
	for o := range q.Options {
		if q.Key.Has(o) {
			out = append(out, byte('A'+o))
		}
	}
	return string(out)
}

// answer spells the key with what its letters stand for, for those who have no paper at
// hand, and what was ruled on it.
func (i *Item) answer() string {
	q, out := i.Question, []string(nil)
	if q.Kind == quiz.Judge {
		out = append(out, letters(q))
	} else {
		for o := range q.Options {
			if q.Key.Has(o) {
				out = append(out, fmt.Sprintf("%c. %s", 'A'+o, q.Options[o].Text))
			}
		}
	}
	text := strings.Join(out, "；")
	if ruled := i.ruled(); ruled != "" {
		text += "（争议裁定：" + ruled + "）"
	}
	return text
}

func writeTopics(w sheet.Writer, s *Items, group func(id string) string) error {
	columns := []sheet.Column{{Title: "知识点"}, {Title: "人群"}, {Title: "答题数"}, {Title: "答对数"}, {Title: "掌握率"}}
	if err := w.Table("知识掌握情况", columns...); err != nil {
		return err
	}
	for _, t := range s.Topics() {
		if err := w.Row(t.Topic, group(t.Group), t.Shown, t.Right, sheet.Rate{Part: t.Right, Whole: t.Shown}); err != nil {
			return err
		}
	}
	return nil
}

// sinceLayout writes the hour since which something shows.
const sinceLayout = "2006-01-02 15:04"

func writeLeaks(w sheet.Writer, s *Items) error {
	columns := []sheet.Column{
		{Title: "题目编号"},
		{Title: "题干", Width: 60},
		{Title: "起始时间"},
		{Title: "此前答对率（%）"},
		{Title: "此后答对率（%）"},
		{Title: "此前每题用时（秒）"},
		{Title: "此后每题用时（秒）"},
	}
	if err := w.Table("泄题提示", columns...); err != nil {
		return err
	}
	for _, l := range s.Leaks() {
		err := w.Row(l.Question.ID, l.Question.Stem, l.Since.Format(sinceLayout), round(100*l.Before, 1), round(100*l.After, 1),
			round(l.PaceBefore.Seconds(), 1), round(l.PaceAfter.Seconds(), 1))
		if err != nil {
			return err
		}
	}
	return nil
}
