package bankfile

import (
	"strconv"
	"strings"
	"time"

	"qingyuan/quiz"
)

// GIFT and Moodle XML have no place for the legal basis, the dates and the like.
// Qingyuan writes them as labelled lines, in comments and in tags, and reads those
// back. Other programs pass over them.
const (
	labelBasis      = "法律依据"
	labelDifficulty = "难度"
	labelFrom       = "有效期起"
	labelTo         = "有效期止"
	labelAudience   = "适用对象"
	labelPinned     = "固定选项"
	labelFact       = "资料编号"
	labelMedia      = "配图"
	labelMark       = "："
)

var difficulties = []string{"", "易", "中", "难"}

// labelsOf returns the labelled lines of a question.
func labelsOf(q Question) []string {
	var out []string
	add := func(name, text string) {
		if text != "" {
			out = append(out, name+labelMark+text)
		}
	}
	add(labelBasis, q.Basis)
	if q.Difficulty > 0 && q.Difficulty < len(difficulties) {
		add(labelDifficulty, difficulties[q.Difficulty])
	}
	add(labelFrom, q.ValidFrom)
	add(labelTo, q.ValidTo)
	add(labelAudience, strings.Join(q.Audience, "、"))
	add(labelPinned, letters(q.Pinned))
	add(labelFact, q.Fact)
	for _, m := range q.Media {
		add(labelMedia, m.URL+" "+m.Alt)
	}
	return out
}

// applyLabel takes a labelled line up, and tells whether it was one.
func applyLabel(q *Question, line string) bool {
	name, text, ok := strings.Cut(line, labelMark)
	if text = strings.TrimSpace(text); !ok || text == "" {
		return false
	}
	switch strings.TrimSpace(name) {
	case labelBasis:
		q.Basis = text
	case labelFrom:
		return applyDate(&q.ValidFrom, text)
	case labelTo:
		return applyDate(&q.ValidTo, text)
	case labelAudience:
		q.Audience = strings.Split(text, "、")
	case labelFact:
		q.Fact = text
	case labelMedia:
		url, alt, _ := strings.Cut(text, " ")
		q.Media = append(q.Media, quiz.Media{URL: url, Alt: alt})
	case labelPinned:
		return applyPinned(q, text)
	case labelDifficulty:
		for i, d := range difficulties {
			if d == text {
				q.Difficulty = i
				return true
			}
		}
		return false
	default:
		return false
	}
	return true
}

// dateForms are the ways in which people write a date.
var dateForms = []string{time.DateOnly, "2006-1-2", "2006/1/2", "2006.1.2", "2006年1月2日"}

// firstSerial and lastSerial bound what a spreadsheet's number for a day may be: from
// 1949 to 2119. The number counts from the end of 1899.
const firstSerial, lastSerial = 18000, 80000

func applyDate(to *string, text string) bool {
	for _, form := range dateForms {
		if day, err := time.Parse(form, text); err == nil {
			*to = day.Format(time.DateOnly)
			return true
		}
	}
	if n, err := strconv.Atoi(text); err == nil && n >= firstSerial && n <= lastSerial {
		*to = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly)
		return true
	}
	return false
}

// labelled takes a cell up from a column of that name.
func (d *draft) labelled(name, cell string) {
	if !applyLabel(&d.question, name+labelMark+cell) {
		d.refuse("cell_unreadable", "看不懂“"+name+"”一列的内容“"+shortened(cell, 20)+"”")
	}
}

// pictures takes up the pictures that Write has put into a cell, one a line. Any other
// content is returned.
func (d *draft) pictures(cell string) string {
	q := d.question
	for line := range strings.SplitSeq(cell, "\n") {
		url, alt, _ := strings.Cut(line, " ")
		if alt == "" || !strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "https://") || !applyLabel(&q, labelMedia+labelMark+line) {
			return cell
		}
	}
	d.question.Media = q.Media
	return ""
}

func applyPinned(q *Question, text string) bool {
	var c quiz.Choice
	for _, r := range text {
		if r < 'A' || r >= 'A'+quiz.MaxOptions {
			return false
		}
		c = c.With(int(r - 'A'))
	}
	q.Pinned = c
	return true
}

// letters spells a set of options: "ACD".
func letters(c quiz.Choice) string {
	var out []byte
	for i := range quiz.MaxOptions {
		if c.Has(i) {
			out = append(out, byte('A'+i))
		}
	}
	return string(out)
}
